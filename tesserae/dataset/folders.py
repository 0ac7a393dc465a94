"""The dataset of a folder in the layout of the paper's authors: images/NAME.jpg with masks/NAME.png, or a label map in the mask's place."""

import hashlib
from functools import partial
from pathlib import Path

import numpy as np

from tesserae.dataset.arranging import Candidate, arrange
from tesserae.dataset.ground import Ground, Labels, Mask
from tesserae.dataset.looks import group_alike, looks_of
from tesserae.dataset.parts import Dataset
from tesserae.dataset.splits import assign_splits
from tesserae.importing import AnnotatedPhoto, find_annotated_photos
from tesserae.importing import read_annotation as read_mask
from tesserae.photo import Photo, read_photo
from tesserae.settings import Settings


def read_folder(folder: Path, seed: int, *, max_pixels: int | None = None) -> Dataset:
    """Return the photos of a folder that have a mask of the same name; which is for what, `seed` decides.

    Reads every photo and mask once, and again when a part is read.

    Args:
        folder: with images/ and masks/.
        seed: the same folder and seed give the same dataset.
        max_pixels: photos with more are refused; by default as the settings say.

    Raises:
        AnnotationError: there are no photos with masks, or a mask cannot be read or has another size than its photo.
        PhotoError: a photo cannot be read.
        DatasetError: there is too little to learn from and to check on.
    """
    limit = Settings().max_pixels if max_pixels is None else max_pixels
    pairs, notes = find_annotated_photos(folder)
    candidates: dict[str, Candidate] = {}
    looks: dict[str, str] = {}
    for pair in pairs:
        photo = read_photo(pair.photo_path, max_pixels=limit)
        candidate = _candidate(pair, photo, limit)
        looks[photo.id] = looks_of(photo.image)
        first = candidates.setdefault(candidate.photo_id, candidate)
        if first is not candidate:
            notes = (*notes, f"{candidate.name} is the same file as {first.name}, and was left out.")
    alike = group_alike(looks)
    groups = [alike[index] for index in np.random.default_rng(seed).permutation(len(alike))]
    dataset = arrange(list(candidates.values()), groups, assign_splits(groups, {}))
    return Dataset(dataset.parts, dataset.by_blocks, (*dataset.notes, *notes))


def _candidate(pair: AnnotatedPhoto, photo: Photo, max_pixels: int) -> Candidate:
    read = read_mask(pair.mask_path, photo.shape, photo.name)
    return Candidate(
        photo_id=photo.id,
        name=photo.name,
        count=read.count,
        annotation_id=None,
        truth_id=hashlib.sha256(pair.mask_path.read_bytes()).hexdigest(),
        shape=photo.shape,
        load=partial(_read_ground, pair, max_pixels),
        read_truth=partial(_read_truth, pair, photo.shape),
    )


def _read_ground(pair: AnnotatedPhoto, max_pixels: int) -> Ground:
    photo = read_photo(pair.photo_path, max_pixels=max_pixels)
    return Ground(photo.image, *_read_truth(pair, photo.shape))


def _read_truth(pair: AnnotatedPhoto, shape: tuple[int, int]) -> tuple[Labels, Mask]:
    labels = read_mask(pair.mask_path, shape, pair.photo_path.name).labels
    return labels, np.ones(shape, dtype=bool)
