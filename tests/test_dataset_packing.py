"""The dataset written to files: masks and COCO that read back equal, cut to what is known, and a zip that names its files by their hash."""

import json
import zipfile

import numpy as np
import pytest
from dataset_examples import LABELS, add_picture, approve, approved_mosaic, photo_bytes
from mosaic_examples import lay
from store_examples import sha256

from tesserae.dataset import read_folder
from tesserae.dataset.packing import write_folder, write_zip
from tesserae.errors import DatasetError, OutputError, StoreError
from tesserae.importing import read_annotation
from tesserae.settings import Settings
from tesserae.store.photos import photo_path

pytest_plugins = "store_fixtures"

SETTINGS = Settings()
LEFT = ((0.0, 0.0), (72.0, 0.0), (72.0, 48.0), (0.0, 48.0))
CORNER = ((72.0, 24.0), (96.0, 24.0), (96.0, 48.0), (72.0, 48.0))


@pytest.mark.parametrize("layout", ["masks", "coco"])
def test_a_folder_reads_back_equal(layout, sqlite_store, tmp_path):
    approved_mosaic(sqlite_store, 0)
    approved_mosaic(sqlite_store, 1, lay(6, 4))
    assert write_folder(sqlite_store, SETTINGS, tmp_path / "out", layout) == ()
    assert sorted(path.name for path in (tmp_path / "out" / "images").iterdir()) == ["wall0.jpg", "wall1.jpg"]
    for name, labels in (("wall0", LABELS), ("wall1", lay(6, 4))):
        file = tmp_path / "out" / ("annotations.json" if layout == "coco" else f"masks/{name}.png")
        np.testing.assert_array_equal(read_annotation(file, labels.shape, f"{name}.jpg").labels, labels)


def test_the_authors_layout_is_a_dataset_again(sqlite_store, tmp_path):
    for seed in range(3):
        approved_mosaic(sqlite_store, seed)
    write_folder(sqlite_store, SETTINGS, tmp_path, "masks")
    dataset = read_folder(tmp_path, 0)
    assert (len(dataset.parts), dataset.tessera_count("train")) == (3, 96)


def test_what_is_not_known_is_cut_away_and_told(sqlite_store, tmp_path):
    approved_mosaic(sqlite_store, 0, region=(LEFT, CORNER), count=28)
    notes = write_folder(sqlite_store, SETTINGS, tmp_path, "coco")
    assert notes[0] == "wall0.jpg was cut to the part that is approved."
    assert notes[1].startswith("wall0.jpg: 12% of it is not approved, or unreadable, and looks like mortar")
    read = read_annotation(tmp_path / "annotations.json", (48, 96), "wall0.jpg")
    assert read.count == 28


def test_photos_of_one_name_get_names_of_their_own(sqlite_store, tmp_path):
    for seed, name in enumerate(("a.b.png", "a_b.png", "A_B.png")):
        approve(sqlite_store, add_picture(sqlite_store, photo_bytes(seed), name))
    write_folder(sqlite_store, SETTINGS, tmp_path, "masks")
    assert sorted(path.name for path in (tmp_path / "masks").iterdir()) == ["A_B_3.png", "a_b.png", "a_b_2.png"]


def test_a_zip_holds_the_very_bytes_under_their_hash_and_says_who_approved(sqlite_store, tmp_path):
    photos = [approved_mosaic(sqlite_store, seed, author="Ben") for seed in range(3)]
    assert write_zip(sqlite_store, SETTINGS, tmp_path / "set.zip") == 3
    with zipfile.ZipFile(tmp_path / "set.zip") as archive:
        manifest = json.loads(archive.read("manifest.json"))
        files = {name: archive.read(name) for name in archive.namelist() if name != "manifest.json"}
    assert len(files) == 4  # the three label maps are the same
    assert all(sha256(content) in name for name, content in files.items())
    assert files[photos[0].file] == photo_path(sqlite_store, photos[0]).read_bytes()
    entries = manifest["photos"]
    assert [entry["split"] for entry in entries] == ["train", "train", "validation"]
    assert (entries[0]["name"], entries[0]["approval"]["author"], entries[0]["approval"]["count"]) == ("wall0.png", "Ben", 48)


def test_nothing_approved_and_altered_files_are_told(sqlite_store, tmp_path):
    with pytest.raises(DatasetError, match="Expected approved tesserae to export, found none"):
        write_zip(sqlite_store, SETTINGS, tmp_path / "set.zip")
    photo = approved_mosaic(sqlite_store, 0)
    write_folder(sqlite_store, SETTINGS, tmp_path, "masks")
    with pytest.raises(OutputError, match="has images already"):
        write_folder(sqlite_store, SETTINGS, tmp_path, "coco")
    with photo_path(sqlite_store, photo).open("ab") as file:
        file.write(b"!")
    with pytest.raises(StoreError, match=r"missing, or was damaged or altered .* doctor"):
        write_zip(sqlite_store, SETTINGS, tmp_path / "set.zip")
    assert not (tmp_path / "set.zip").exists()
