"""Datasets from elsewhere: a zip comes back as it was, what was altered is refused, and nothing is ever half imported."""

import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dataset_examples import LABELS, approve, approved_mosaic, photo_bytes, write_folder
from store_examples import files_of

from tesserae.correcting import open_desk
from tesserae.dataset import collect_dataset, find_members, move_member
from tesserae.dataset.packing import write_folder as export_folder
from tesserae.dataset.packing import write_zip
from tesserae.dataset.taking import import_dataset
from tesserae.errors import AnnotationError, DatasetError, OutputError, PhotoError
from tesserae.settings import Settings
from tesserae.store import open_store
from tesserae.store.annotations import annotations_in_force, list_annotations, read_annotation
from tesserae.store.drafts import list_drafts
from tesserae.store.members import list_members
from tesserae.store.photos import edit_photo, list_photos

pytest_plugins = "store_fixtures"

SETTINGS = Settings()
LEFT = ((0.0, 0.0), (72.0, 0.0), (72.0, 48.0), (0.0, 48.0))
CORNER = ((72.0, 24.0), (96.0, 24.0), (96.0, 48.0), (72.0, 48.0))


def ignored_joints():
    """Unreadable pixels in several pieces, one of them with a hole."""
    ignored = np.zeros(LABELS.shape, bool)
    ignored[0:2, 20:60] = ignored[10:26, 10:14] = True
    ignored[10:14, 10:26] = ignored[22:26, 10:26] = ignored[10:26, 22:26] = True
    return ignored & (LABELS == 0)


@pytest.fixture
def elsewhere(tmp_path):
    with open_store(Settings(home=tmp_path / "elsewhere", database_url=None)) as store:
        yield store


@pytest.fixture
def zipped(elsewhere, tmp_path):
    """A dataset of three mosaics: whole, in parts with unreadable pixels, and moved by hand."""
    first = approved_mosaic(elsewhere, 0)
    edit_photo(elsewhere, replace(first, title="Floor", site="Delos", mm_per_px=0.5))
    approved_mosaic(elsewhere, 1, ignored=ignored_joints(), region=(LEFT, CORNER), count=28, author="Ben")
    last = approved_mosaic(elsewhere, 2)
    find_members(elsewhere, SETTINGS)
    move_member(elsewhere, last.id, "test", "Cleo")
    write_zip(elsewhere, SETTINGS, tmp_path / "set.zip")
    return tmp_path / "set.zip"


def facts(store):
    """What is vouched for, by whom and when, without the ids of one collection."""
    names = {
        "photo": ("id", "title", "site", "mm_per_px"),
        "record": ("split", "chosen_by"),
        "annotation": ("file", "ignored_file", "region_xy", "count", "author", "approved_at"),
    }
    return [[getattr(getattr(member, part), name) for part in names for name in names[part]] for member in find_members(store, SETTINGS)]


def test_a_zip_comes_back_as_it_was(sqlite_store, elsewhere, zipped):
    told = []
    taken = import_dataset(sqlite_store, SETTINGS, zipped, progress=lambda share, what: told.append((round(share, 2), what)))
    assert (taken.photos, taken.notes, taken.sentence) == (3, (), "3 photos were taken into the dataset.")
    assert facts(sqlite_store) == facts(elsewhere)
    assert collect_dataset(sqlite_store, SETTINGS).fingerprint == collect_dataset(elsewhere, SETTINGS).fingerprint
    assert [share for share, _ in told] == [0.0, 0.17, 0.33, 0.5, 0.67, 0.83]
    again = import_dataset(sqlite_store, SETTINGS, zipped)
    assert (again.photos, again.notes, again.sentence[:23]) == (0, (), "Nothing was taken over:")


def test_what_was_taken_can_be_corrected_further(sqlite_store, zipped):
    import_dataset(sqlite_store, SETTINGS, zipped)
    annotation = annotations_in_force(sqlite_store)[1]
    (draft,) = list_drafts(sqlite_store, annotation.photo_id)
    desk = open_desk(sqlite_store, draft.id)
    np.testing.assert_array_equal(desk.map.labels, LABELS)
    np.testing.assert_array_equal(desk.map.ignored, ignored_joints())
    assert [logged.entry.author for logged in desk.log] == ["Ben"] * 3
    assert annotation.number == 3


def repacked(path, out, change):
    """A copy of a zip with files changed: `change` maps name and content to what is written, None to leave it out."""
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(out, "w") as after:
        for name in before.namelist():
            content = change(name, before.read(name))
            if content is not None:
                after.writestr(name, content)
    return out


def with_manifest(**changes):
    def change(name, content):
        return json.dumps(json.loads(content) | changes) if name == "manifest.json" else content

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda name, content: content + b"!" * name.startswith("labels"), "not what was exported.*Nothing was", id="altered"),
        pytest.param(lambda name, content: None if name.startswith("photos") else content, "as its manifest.json says", id="missing"),
        pytest.param(
            lambda name, content: None if name == "manifest.json" else content, "found neither: it is no dataset", id="no-manifest"
        ),
        pytest.param(with_manifest(version=2), "not that of a dataset of this version: version", id="newer"),
        pytest.param(with_manifest(photos=[{"photo_file": "../../etc/passwd"}]), r"photos\.0\.photo_file: String should", id="path"),
    ],
)
def test_an_altered_zip_is_refused_and_leaves_nothing(change, said, sqlite_store, zipped, tmp_path):
    with pytest.raises(DatasetError, match=said):
        import_dataset(sqlite_store, SETTINGS, repacked(zipped, tmp_path / "bad.zip", change))
    assert (list_photos(sqlite_store), files_of(sqlite_store)) == ([], [])


def test_a_zip_that_was_damaged_on_the_way_is_refused(sqlite_store, zipped):
    content = bytearray(zipped.read_bytes())
    content[content.index(b"photos/") + 200] ^= 1  # within the manifest, which names photos first
    zipped.write_bytes(content)
    with pytest.raises(DatasetError, match=r"set\.zip cannot be read as a zip file \(Bad CRC-32"):
        import_dataset(sqlite_store, SETTINGS, zipped)
    assert list_photos(sqlite_store) == []


def test_what_is_no_dataset_is_refused(sqlite_store, tmp_path):
    (tmp_path / "bad.zip").write_bytes(b"PK no zip")
    for path, said in ((tmp_path / "bad.zip", "cannot be read as a zip file"), (tmp_path / "none", "found nothing. Check the path")):
        with pytest.raises(DatasetError, match=said):
            import_dataset(sqlite_store, SETTINGS, path)


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zipped"])
@pytest.mark.parametrize("layout", ["masks", "coco"])
def test_a_folder_is_taken_over_under_a_name(layout, packed, sqlite_store, elsewhere, tmp_path):
    for seed in range(3):
        approved_mosaic(elsewhere, seed)
    export_folder(elsewhere, SETTINGS, tmp_path / "outer" / "set", layout)
    path = shutil.make_archive(str(tmp_path / "set"), "zip", tmp_path / "outer") if packed else tmp_path / "outer" / "set"
    with pytest.raises(DatasetError, match="Who vouches for these annotations"):
        import_dataset(sqlite_store, SETTINGS, Path(path), " ")
    taken = import_dataset(sqlite_store, SETTINGS, Path(path), "Anna")
    assert taken.photos == 3
    for annotation in annotations_in_force(sqlite_store):
        assert (annotation.author, annotation.count, annotation.region_xy) == ("Anna", 48, None)
        np.testing.assert_array_equal(read_annotation(sqlite_store, annotation).labels, LABELS)
    assert [member.record.split for member in find_members(sqlite_store, SETTINGS)] == ["train", "train", "validation"]


def test_a_folder_with_one_bad_photo_is_not_taken_at_all(sqlite_store, tmp_path):
    folder = write_folder(tmp_path, range(2))
    (folder / "images" / "wall1.png").write_bytes(b"no photo")
    with pytest.raises(PhotoError, match=r"wall1\.png is not a photo"):
        import_dataset(sqlite_store, SETTINGS, folder, "Anna")
    (folder / "images" / "wall1.png").write_bytes(photo_bytes(1, (48, 60)))
    with pytest.raises(AnnotationError, match="belongs to another photo"):
        import_dataset(sqlite_store, SETTINGS, folder, "Anna")
    assert (list_photos(sqlite_store), files_of(sqlite_store)) == ([], [])


def test_coco_without_photos_is_told(sqlite_store, tmp_path):
    (tmp_path / "annotations.json").write_text("{}")
    with pytest.raises(DatasetError, match="Expected the photos of"):
        import_dataset(sqlite_store, SETTINGS, tmp_path, "Anna")


def test_where_storing_fails_what_was_stored_goes_again(sqlite_store, zipped, monkeypatch):
    mine = approved_mosaic(sqlite_store, 0, np.where(LABELS > 40, 0, LABELS).astype(np.int32))
    before = files_of(sqlite_store), list_annotations(sqlite_store, mine.id), list_drafts(sqlite_store, mine.id)
    find_members(sqlite_store, SETTINGS)

    def full(*_):
        raise OutputError("The disk ran full.")

    monkeypatch.setattr("tesserae.dataset.taking.settle", full)
    with pytest.raises(OutputError, match="ran full"):
        import_dataset(sqlite_store, SETTINGS, zipped)
    assert (files_of(sqlite_store), list_annotations(sqlite_store, mine.id), list_drafts(sqlite_store, mine.id)) == before
    assert [photo.id for photo in list_photos(sqlite_store)] == [mine.id]


def test_the_later_approval_counts_and_a_side_is_kept(sqlite_store, elsewhere, zipped):
    fewer = np.where(LABELS > 40, 0, LABELS).astype(np.int32)
    mine = approved_mosaic(sqlite_store, 0, fewer, author="Dora")  # later than in the zip
    find_members(sqlite_store, SETTINGS)
    move_member(sqlite_store, mine.id, "validation", "Dora")
    taken = import_dataset(sqlite_store, SETTINGS, zipped)
    assert (taken.photos, taken.notes) == (
        2,
        ("wall0.png: It was approved here later, by Dora; what the dataset says was left out.",),
    )
    approve(elsewhere, find_members(elsewhere, SETTINGS)[0].photo, LABELS[::-1].copy(), author="Ben")
    write_zip(elsewhere, SETTINGS, zipped)
    assert import_dataset(sqlite_store, SETTINGS, zipped).photos == 1
    member = next(each for each in find_members(sqlite_store, SETTINGS) if each.photo.id == mine.id)
    assert (member.annotation.author, member.record.split, member.photo.title) == ("Ben", "validation", "")
    assert list_members(sqlite_store)[mine.id].chosen_by == "Dora"
