"""Writes the dataset of a collection: as one zip file that holds all of it, or as a folder for other programs."""

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from tesserae.corrections.boxes import mask_box, window
from tesserae.dataset.collecting import read_truth
from tesserae.dataset.ground import Labels
from tesserae.dataset.manifest import MANIFEST_FILE, describe_members
from tesserae.dataset.membership import Member, find_members
from tesserae.errors import DatasetError, OutputError, StoreError
from tesserae.exporting import picture_name, write_coco_set, write_masks, write_picture
from tesserae.importing.folders import IMAGES_FOLDER, MASKS_FOLDER
from tesserae.photo import Photo, read_photo
from tesserae.results import replace_file, result_folder_name
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.store.files import is_sound
from tesserae.store.photos import photo_path

FolderLayout: TypeAlias = Literal["masks", "coco"]

COCO_FILE = "annotations.json"


@dataclass(frozen=True, eq=False)
class _Shown:
    """A photo as other programs get it: under a name that no other one has, and cut to what is known, with notes on that.

    `source` is the content of its file; None where it was cut.
    """

    photo: Photo
    labels: Labels
    source: bytes | None
    notes: tuple[str, ...]


def write_zip(store: Store, settings: Settings, path: Path) -> int:
    """Write everything that is approved, with photos, to a zip file; complete or not at all. Returns how many photos there are.

    Raises:
        DatasetError: nothing is approved.
        StoreError, PhotoError: a file of the collection is lost or was altered.
        OutputError: the file cannot be written.
    """
    members = _some_members(store, settings)
    manifest = describe_members(members)
    files = dict.fromkeys(file for photo in manifest.photos for file in photo.files)
    for file in files:
        if not is_sound(store.home / file):
            raise StoreError(
                f"{file} is missing, or was damaged or altered since it was stored. Look at it with python -m tesserae doctor, then "
                "export again."
            )

    def fill(part: Path) -> None:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:  # what is in it is compressed already
            archive.writestr(MANIFEST_FILE, manifest.model_dump_json(indent=2))
            for file in files:
                archive.write(store.home / file, file)

    replace_file(path, fill)
    return len(members)


def write_folder(store: Store, settings: Settings, folder: Path, layout: FolderLayout) -> tuple[str, ...]:
    """Write photos and what is approved of them for other programs, and return notes on what the files cannot show.

    Args:
        folder: gets images/NAME.jpg, and masks/NAME.png ("masks") or annotations.json ("coco").
        layout: binary masks in the layout of the paper's authors, or COCO instances.

    Raises as `write_zip`, and OutputError when the folder has such files already.
    """
    members = _some_members(store, settings)
    for name in (IMAGES_FOLDER, MASKS_FOLDER, COCO_FILE):
        if (folder / name).exists():
            raise OutputError(f"{folder} has {name} already, with which the dataset would be mixed. Give a folder that is new or empty.")
    notes: list[str] = []
    shown = _show_all(store, settings, members, notes)
    if layout == "coco":
        pictures = ((write_picture(folder, each.photo, source=each.source).name, each.labels) for each in shown)
        write_coco_set(folder / COCO_FILE, pictures)
    else:
        for each in shown:
            written = write_masks(folder, each.photo, each.labels, source=each.source)
            notes.extend(f"{each.photo.name}: {note}" for note in written.notes)
    return tuple(notes)


def _some_members(store: Store, settings: Settings) -> tuple[Member, ...]:
    members = find_members(store, settings)
    if not members:
        raise DatasetError("Expected approved tesserae to export, found none. Approve a mosaic, or a region of one, on the page Correct.")
    return members


def _show_all(store: Store, settings: Settings, members: tuple[Member, ...], notes: list[str]) -> Iterator[_Shown]:
    """One photo after the other; what is said of them is added to `notes`."""
    names = _own_names(members)
    for member in members:
        shown = _show(store, settings, member, names[member.photo.id])
        notes.extend(shown.notes)
        yield shown


def _own_names(members: tuple[Member, ...]) -> Mapping[str, str]:
    """For each photo a file name that differs from all others, also without ending and dots."""
    taken: set[str] = set()
    names = {}
    for member in members:
        name = result_folder_name(f"{picture_name(member.photo.name)}.jpg", frozenset(taken))
        taken.add(name.casefold())
        names[member.photo.id] = f"{name}.jpg"
    return names


def _show(store: Store, settings: Settings, member: Member, name: str) -> _Shown:
    source = photo_path(store, member.photo).read_bytes()
    photo = replace(read_photo(source, name=member.photo.name, max_pixels=settings.max_pixels), name=name)
    labels, known = read_truth(store, member.annotation)
    if known.all():
        return _Shown(photo, labels, source, ())
    cut = window(mask_box(known))
    unknown = 1 - known[cut].mean()
    notes = [f"{name} was cut to the part that is approved."]
    if unknown > 0:
        notes.append(
            f"{name}: {unknown:.0%} of it is not approved, or unreadable, and looks like mortar in this file; the zip file tells it."
        )
    return _Shown(replace(photo, image=photo.image[cut].copy()), labels[cut].copy(), None, tuple(notes))
