"""Photos with truth that come from elsewhere: out of a dataset's zip file, a folder of images/ and masks/, or one with a COCO file.

Nothing is stored here: see `tesserae.dataset.taking`.
"""

import hashlib
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tesserae.corrections.boxes import tessera_boxes
from tesserae.corrections.regions import count_in_region
from tesserae.dataset.manifest import MANIFEST_FILE, PhotoEntry, read_manifest
from tesserae.dataset.packing import COCO_FILE
from tesserae.errors import DatasetError
from tesserae.importing import find_annotated_photos, read_annotation
from tesserae.importing.folders import IMAGES_FOLDER, MASKS_FOLDER, PHOTO_SUFFIXES
from tesserae.importing.sizes import check_size
from tesserae.labelmap import read_label_map
from tesserae.store.annotations import Approved
from tesserae.store.members import Split

Shape: TypeAlias = tuple[int, int]

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError)  # RuntimeError: unknown compression, or a password is asked for
_WRITTEN = ("title", "site", "inventory_number", "period", "remarks", "credit", "mm_per_px")


@dataclass(frozen=True, eq=False)
class Incoming:
    """A photo with truth from elsewhere.

    Attributes:
        name: file name of the photo.
        read_file: reads the bytes of its file.
        read_approved: reads what is vouched for, with notes on what was repaired, of an upright photo of that (height, width).
        author: who vouches for it.
        approved_at: when; None for now.
        entries: what people wrote about the photo, by the name of the field.
        split: its side there; None where it had none.
        split_chosen_by: name of the person who chose that side; None where a rule did.
    """

    name: str
    read_file: Callable[[], bytes]
    read_approved: Callable[[Shape], tuple[Approved, tuple[str, ...]]]
    author: str
    approved_at: datetime | None = None
    entries: Mapping[str, str | float | None] = field(default_factory=dict)
    split: Split | None = None
    split_chosen_by: str | None = None


@contextmanager
def open_incoming(path: Path, author: str) -> Iterator[tuple[Incoming, ...]]:
    """Look through a zip file or a folder, and give its photos; they can be read while the context lasts.

    Args:
        path: a zip file as `tesserae.dataset.packing` writes it, or a folder, zipped or not, with images/ and masks/ or annotations.json.
        author: who vouches for a folder; such a zip file names those who did.

    Raises:
        DatasetError: the path is neither, or the zip file is damaged or was altered, or nobody vouches for a folder.
        AnnotationError: the folder has no photo with an annotation.
    """
    if path.is_dir():
        yield _of_folder(path, author)
        return
    if not path.is_file():
        raise DatasetError(f"Expected a dataset at {path}, a zip file or a folder with images/ and masks/, found nothing. Check the path.")
    with _readable(path.name):
        archive = zipfile.ZipFile(path)
    with archive:
        if MANIFEST_FILE in archive.namelist():
            yield _of_zip(archive, path.name)
            return
        with _unpacked(archive, path.name) as folder:
            yield _of_folder(folder, author)


def _of_folder(folder: Path, author: str) -> tuple[Incoming, ...]:
    if not author.strip():
        raise DatasetError("Who vouches for these annotations? Photos with masks or COCO do not say. Give a name.")
    coco = folder / COCO_FILE
    if not (folder / MASKS_FOLDER).is_dir() and coco.is_file():
        pairs = [(path, coco) for path in sorted((folder / IMAGES_FOLDER).glob("*")) if path.suffix.lower() in PHOTO_SUFFIXES]
        if not pairs:
            raise DatasetError(f"Expected the photos of {coco} in {folder / IMAGES_FOLDER}, found none. Put them there.")
    else:
        pairs = [(pair.photo_path, pair.mask_path) for pair in find_annotated_photos(folder)[0]]
    return tuple(Incoming(photo.name, photo.read_bytes, partial(_read_from, truth, photo.name), author) for photo, truth in pairs)


def _read_from(path: Path, photo_name: str, shape: Shape) -> tuple[Approved, tuple[str, ...]]:
    read = read_annotation(path, shape, photo_name)
    return Approved(read.labels, None, None, read.count), read.notes


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Turn what a damaged zip file raises while it is read into a sentence."""
    try:
        yield
    except _DAMAGE as error:
        raise DatasetError(f"{name} cannot be read as a zip file ({error}). Copy it again from where it was exported.") from error


@contextmanager
def _unpacked(archive: zipfile.ZipFile, name: str) -> Iterator[Path]:
    """The folder that was zipped, for as long as the context lasts."""
    with tempfile.TemporaryDirectory() as folder:
        with _readable(name):
            archive.extractall(folder)
        images = next((path for path in sorted(Path(folder).rglob(IMAGES_FOLDER)) if path.is_dir()), None)
        if images is None:
            raise DatasetError(
                f"Expected {MANIFEST_FILE} in {name}, or the folders {IMAGES_FOLDER} and {MASKS_FOLDER}, found neither: it is no dataset. "
                "Choose another file."
            )
        yield images.parent


def _of_zip(archive: zipfile.ZipFile, name: str) -> tuple[Incoming, ...]:
    """The photos of a zip file, once all of its files were found to be what they were."""
    with _readable(name):
        manifest = read_manifest(archive.read(MANIFEST_FILE), name)
    for file in dict.fromkeys(file for photo in manifest.photos for file in photo.files):
        _read_file(archive, file)
    return tuple(_of_entry(archive, entry) for entry in manifest.photos)


def _of_entry(archive: zipfile.ZipFile, entry: PhotoEntry) -> Incoming:
    return Incoming(
        name=entry.name,
        read_file=partial(_read_file, archive, entry.photo_file),
        read_approved=partial(_read_approved, archive, entry),
        author=entry.approval.author,
        approved_at=entry.approval.approved_at,
        entries={name: getattr(entry, name) for name in _WRITTEN},
        split=entry.split,
        split_chosen_by=entry.split_chosen_by,
    )


def _read_file(archive: zipfile.ZipFile, file: str) -> bytes:
    """The content of a file of the zip, which is named by its hash."""
    try:
        content = archive.read(file)
    except KeyError as error:
        raise DatasetError(
            f"Expected {file} in the zip file, as its {MANIFEST_FILE} says, found none. Export the dataset again."
        ) from error
    if hashlib.sha256(content).hexdigest() != Path(file).stem:
        raise DatasetError(
            f"{file} is not what was exported: its content does not have the SHA-256 of its name, so it was damaged or altered on the way. "
            "Nothing was imported. Copy the zip file again from where it was exported."
        )
    return content


def _read_approved(archive: zipfile.ZipFile, entry: PhotoEntry, shape: Shape) -> tuple[Approved, tuple[str, ...]]:
    approval = entry.approval
    labels = _read_labels(archive, approval.labels_file, shape, entry.name)
    ignored = None if approval.ignored_file is None else _read_labels(archive, approval.ignored_file, shape, entry.name) > 0
    return Approved(labels, ignored, approval.region_xy, count_in_region(labels, tessera_boxes(labels), approval.region_xy)), ()


def _read_labels(archive: zipfile.ZipFile, file: str, shape: Shape, photo_name: str) -> NDArray[np.int32]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.tif"
        path.write_bytes(_read_file(archive, file))
        labels = read_label_map(path)
    check_size((labels.shape[0], labels.shape[1]), shape, file, photo_name)
    return labels
