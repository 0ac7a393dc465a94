"""The dataset of a collection: the annotation in force of every photo that has one, read from the store when it is needed."""

import hashlib
import json
from collections.abc import Sequence
from functools import partial

from tesserae.dataset.arranging import Candidate, arrange
from tesserae.dataset.ground import Ground, Labels, Mask, known_pixels, limit_truth
from tesserae.dataset.membership import Member, find_members
from tesserae.dataset.parts import Dataset
from tesserae.errors import DatasetError
from tesserae.photo import read_photo
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.store.annotations import AnnotationRecord, read_annotation
from tesserae.store.photos import PhotoRecord, photo_path


def collect_dataset(store: Store, settings: Settings) -> Dataset:
    """Return everything that is approved, in the order in which the photos were first approved; photos are read when a part is.

    Raises:
        DatasetError: nothing is approved, or too little to learn from and to check on.
        StoreError, PhotoError: the file of a photo that is new to the dataset is lost or damaged.
    """
    return dataset_of(store, settings, find_members(store, settings))


def dataset_of(store: Store, settings: Settings, members: Sequence[Member]) -> Dataset:
    """Return the same for members that were found before; raises DatasetError."""
    if not members:
        raise DatasetError(
            "Expected approved tesserae to learn from, found none. Open a mosaic on the page Correct, and approve all of it or a region."
        )
    candidates = [_candidate(store, settings, member.photo, member.annotation) for member in members]
    groups = {tuple(sorted((member.photo.id, *member.alike))): None for member in members}
    return arrange(candidates, list(groups), {member.photo.id: member.record.split for member in members})


def read_truth(store: Store, annotation: AnnotationRecord) -> tuple[Labels, Mask]:
    """Read label map (H, W) of an annotation, and where it is known (H, W); raises LabelMapError when a file is missing or damaged."""
    approved = read_annotation(store, annotation)
    height, width = approved.labels.shape
    return limit_truth(approved.labels, known_pixels((height, width), approved.ignored, approved.region_xy))


def _candidate(store: Store, settings: Settings, photo: PhotoRecord, annotation: AnnotationRecord) -> Candidate:
    return Candidate(
        photo_id=photo.id,
        name=photo.shown_name,
        count=annotation.count,
        annotation_id=annotation.id,
        truth_id=_truth_id(annotation),
        shape=(photo.height, photo.width),
        load=partial(_read_ground, store, settings, photo, annotation),
        read_truth=partial(read_truth, store, annotation),
    )


def _truth_id(annotation: AnnotationRecord) -> str:
    """Label maps are named by their content, so that their names and the region say all."""
    facts = [annotation.file, annotation.ignored_file, annotation.region_xy]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _read_ground(store: Store, settings: Settings, photo: PhotoRecord, annotation: AnnotationRecord) -> Ground:
    image = read_photo(photo_path(store, photo), name=photo.name, max_pixels=settings.max_pixels).image
    return Ground(image, *read_truth(store, annotation))
