"""The dataset of a collection: the annotation in force of every photo that has one, read from the store when it is needed."""

import hashlib
import json
from functools import partial

from tesserae.dataset.arranging import Candidate, arrange
from tesserae.dataset.ground import Ground, Labels, Mask, known_pixels, limit_truth
from tesserae.dataset.parts import Dataset
from tesserae.dataset.splits import assign_splits
from tesserae.errors import DatasetError
from tesserae.photo import read_photo
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.store.annotations import AnnotationRecord, annotations_in_force, read_annotation
from tesserae.store.photos import PhotoRecord, get_photo, photo_path


def collect_dataset(store: Store, settings: Settings) -> Dataset:
    """Return everything that is approved, in the order in which the photos were first approved; reads photos only when a part is read.

    Raises DatasetError when nothing is approved, or too little to learn from and to check on.
    """
    candidates = [_candidate(store, settings, annotation) for annotation in annotations_in_force(store)]
    if not candidates:
        raise DatasetError(
            "Expected approved tesserae to learn from, found none. Open a mosaic on the page Correct, and approve all of it or a region."
        )
    groups = [[each.photo_id] for each in candidates]
    return arrange(candidates, groups, assign_splits(groups, {}))


def _candidate(store: Store, settings: Settings, annotation: AnnotationRecord) -> Candidate:
    photo = get_photo(store, annotation.photo_id)
    return Candidate(
        photo_id=photo.id,
        name=photo.shown_name,
        count=annotation.count,
        annotation_id=annotation.id,
        truth_id=_truth_id(annotation),
        shape=(photo.height, photo.width),
        load=partial(_read_ground, store, settings, photo, annotation),
        read_truth=partial(_read_truth, store, annotation),
    )


def _truth_id(annotation: AnnotationRecord) -> str:
    """Label maps are named by their content, so that their names and the region say all."""
    facts = [annotation.file, annotation.ignored_file, annotation.region_xy]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _read_ground(store: Store, settings: Settings, photo: PhotoRecord, annotation: AnnotationRecord) -> Ground:
    image = read_photo(photo_path(store, photo), name=photo.name, max_pixels=settings.max_pixels).image
    return Ground(image, *_read_truth(store, annotation))


def _read_truth(store: Store, annotation: AnnotationRecord) -> tuple[Labels, Mask]:
    approved = read_annotation(store, annotation)
    height, width = approved.labels.shape
    return limit_truth(approved.labels, known_pixels((height, width), approved.ignored, approved.region_xy))
