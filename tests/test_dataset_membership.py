"""Members of the dataset of a collection: on their side for good, together with what shows the same, moved by hand only."""

import io

import numpy as np
import pytest
from dataset_examples import LABELS, add_picture, approve, approved_mosaic, picture
from PIL import Image

from tesserae.corrections.log import Entry, Redo, Undo
from tesserae.dataset import collect_dataset
from tesserae.dataset.membership import find_members, move_member
from tesserae.errors import StoreError
from tesserae.settings import Settings
from tesserae.store.annotations import latest_annotation, turn_approval
from tesserae.store.photos import delete_photo

pytest_plugins = "store_fixtures"

SETTINGS = Settings()


def splits(store):
    return [member.record.split for member in find_members(store, SETTINGS)]


def approved_copy(store, seed):
    """Add and approve the mirrored photo of a seed, saved as JPEG."""
    stream = io.BytesIO()
    Image.fromarray(picture(seed)[:, ::-1]).save(stream, format="JPEG", quality=70)
    photo = add_picture(store, stream.getvalue(), f"copy{seed}.jpg")
    approve(store, photo, np.ascontiguousarray(LABELS[:, ::-1]))
    return photo


def test_a_side_is_kept_when_others_come_and_go(sqlite_store):
    photos = [approved_mosaic(sqlite_store, seed) for seed in range(3)]
    assert splits(sqlite_store) == ["train", "train", "validation"]
    delete_photo(sqlite_store, photos[0].id)
    approved_mosaic(sqlite_store, 3)
    assert splits(sqlite_store) == ["train", "validation", "train"]


def test_who_is_approved_again_comes_back_to_its_side(sqlite_store):
    photos = [approved_mosaic(sqlite_store, seed) for seed in range(3)]
    assert splits(sqlite_store)[2] == "validation"
    last = latest_annotation(sqlite_store, photos[2].id)
    turn_approval(sqlite_store, last.draft_id, 1, Entry(Undo(), "Ben"), last.number, withdrawn=True)
    approved_mosaic(sqlite_store, 3)
    assert splits(sqlite_store) == ["train", "train", "validation"]
    turn_approval(sqlite_store, last.draft_id, 2, Entry(Redo(), "Ben"), last.number, withdrawn=False)
    assert splits(sqlite_store) == ["train", "train", "validation", "validation"]


def test_what_shows_the_same_is_flagged_and_goes_together(sqlite_store):
    photos = [approved_mosaic(sqlite_store, seed) for seed in range(3)]
    copy = approved_copy(sqlite_store, 2)
    members = find_members(sqlite_store, SETTINGS)
    assert [member.record.split for member in members] == ["train", "train", "validation", "validation"]
    assert [member.alike for member in members] == [(), (), (copy.id,), (photos[2].id,)]
    assert collect_dataset(sqlite_store, SETTINGS).notes[1].startswith("1 photo shows the same as another one, and is on its side")
    move_member(sqlite_store, copy.id, "test", "Anna")
    move_member(sqlite_store, photos[1].id, "validation", "Ben")
    members = find_members(sqlite_store, SETTINGS)
    assert [(member.record.split, member.record.chosen_by) for member in members] == [
        ("train", None),
        ("validation", "Ben"),
        ("test", "Anna"),
        ("test", "Anna"),
    ]


def test_of_what_shows_the_same_one_is_cut_and_the_other_is_left_out(sqlite_store):
    photos = [approved_mosaic(sqlite_store, 0), approved_copy(sqlite_store, 0)]
    dataset = collect_dataset(sqlite_store, SETTINGS)
    assert dataset.by_blocks
    assert {part.photo_id for part in dataset.parts} == {photos[0].id}
    assert dataset.notes[1:] == (
        "2 more mosaics and the model can be judged on one that it has not seen.",
        "copy0.jpg shows the same as another photo, and was left out: its blocks would overlap with the other's.",
    )


def test_a_mosaic_that_a_person_keeps_apart_for_testing_is_not_cut(sqlite_store):
    photos = [approved_mosaic(sqlite_store, seed) for seed in range(2)]
    find_members(sqlite_store, SETTINGS)
    move_member(sqlite_store, photos[1].id, "test", "Anna")
    dataset = collect_dataset(sqlite_store, SETTINGS)
    assert (dataset.photo_ids("train"), dataset.photo_ids("test")) == ((photos[0].id,), (photos[1].id,))
    assert dataset.photo_ids("validation") == (photos[0].id,)


def test_who_is_no_member_cannot_be_moved(sqlite_store):
    with pytest.raises(StoreError, match="found it is not"):
        move_member(sqlite_store, "unknown", "test", "Anna")
