"""Segmentations: each one revision of a label map of a photo, with everything needed to say where it comes from."""

import math
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

import tesserae
from tesserae.errors import StoreError
from tesserae.labelmap import check_label_map, count_tesserae, read_label_map, write_label_map
from tesserae.store.database import Store
from tesserae.store.files import LABELS
from tesserae.store.photos import check_fits, find_row, get_photo
from tesserae.store.references import adding_file, drop_unused_files
from tesserae.store.schema import SegmentationRow, fingerprint, to_json, to_record, utc_now


@dataclass(frozen=True)
class Scores:
    """The model's own figures per label, 0..1; labels may be missing."""

    predicted_iou: Mapping[int, float] = field(default_factory=dict, hash=False)
    stability: Mapping[int, float] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Provenance:
    """How a label map came to be.

    Attributes:
        checkpoint: its name at that time.
        checkpoint_sha256: of its file, which tells it from another of the same name.
        options: what was asked for, JSON types.
        decode, decode_agreement, device, dtype, median_side_px, stages_s, warnings: as in `tesserae.segment.Segmentation`;
            NaN counts as None, a figure that is missing.
        elapsed_s: of the whole run.
        job_id: the job that made it; None without one.
        program_version: of Tesserae.
    """

    checkpoint: str
    checkpoint_sha256: str
    options: Mapping[str, object] = field(hash=False)
    decode: str
    decode_agreement: float | None
    device: str
    dtype: str
    median_side_px: float | None
    stages_s: Mapping[str, float] = field(hash=False)
    elapsed_s: float
    warnings: tuple[str, ...] = ()
    job_id: str | None = None
    program_version: str = tesserae.__version__


@dataclass(frozen=True)
class SegmentationRecord:
    """A stored segmentation; its label map and its scores are read when they are needed.

    Attributes:
        id: random, hexadecimal.
        photo_id: of the photo.
        file: the label map, from the home folder; see `read_labels`.
        count: number of tesserae.
        revision: 1, 2, 3 ... among those of the same photo, checkpoint and options.
        created_at: UTC.
        The rest is as in `Provenance`.
    """

    id: str
    photo_id: str
    file: str
    count: int
    revision: int
    checkpoint: str
    checkpoint_sha256: str
    options: Mapping[str, object] = field(hash=False)
    decode: str
    decode_agreement: float | None
    device: str
    dtype: str
    median_side_px: float | None
    stages_s: Mapping[str, float] = field(hash=False)
    elapsed_s: float
    warnings: tuple[str, ...]
    job_id: str | None
    program_version: str
    created_at: datetime


def add_segmentation(store: Store, photo_id: str, labels: NDArray[np.int32], scores: Scores, provenance: Provenance) -> SegmentationRecord:
    """Store a label map int32 (H, W) of a photo as the next revision for its checkpoint and options.

    What the same job has stored already for them is returned instead: a job that runs again adds nothing twice.

    Raises:
        LabelMapError: `labels` is no label map, or not of the photo's size.
        OutputError: the file cannot be kept, as when the disk is full.
        StoreError: the photo was deleted meanwhile, or the database fails.
    """
    labels = check_label_map(labels)
    check_fits(labels, get_photo(store, photo_id), "Segment this photo again.")
    with adding_file(store, LABELS, ".tif", lambda part: write_label_map(part, labels)) as (session, file):
        find_row(session, photo_id)
        revisions = _revisions(photo_id, provenance.checkpoint_sha256, provenance.options)
        row = session.scalar(revisions.where(SegmentationRow.job_id == provenance.job_id)) if provenance.job_id else None
        if row is None:
            latest = session.scalar(revisions)
            row = SegmentationRow(id=uuid.uuid4().hex, photo_id=photo_id, file=file, created_at=utc_now(), **_columns(provenance))
            row.count, row.scores = count_tesserae(labels), _pack(scores)
            row.revision = 1 if latest is None else latest.revision + 1
            session.add(row)
            session.flush()
        record = to_record(SegmentationRecord, row)
    if record.file != file:
        drop_unused_files(store, [file])
    return record


def get_segmentation(store: Store, segmentation_id: str) -> SegmentationRecord:
    """Return a segmentation's record; raises StoreError when there is none of this id."""
    with store.reading() as session:
        return to_record(SegmentationRecord, _find_row(session, segmentation_id))


def list_segmentations(store: Store, photo_id: str) -> list[SegmentationRecord]:
    """Return the segmentations of a photo, the last first; empty when there is no such photo."""
    of_photo = select(SegmentationRow).where(SegmentationRow.photo_id == photo_id)
    with store.reading() as session:
        rows = session.scalars(of_photo.order_by(SegmentationRow.created_at.desc(), SegmentationRow.revision.desc()))
        return [to_record(SegmentationRecord, row) for row in rows]


def latest_segmentation(store: Store, photo_id: str, checkpoint_sha256: str, options: Mapping[str, object]) -> SegmentationRecord | None:
    """Return the last revision for exactly this photo, checkpoint file and options; None when it was never run."""
    with store.reading() as session:
        row = session.scalar(_revisions(photo_id, checkpoint_sha256, options))
        return None if row is None else to_record(SegmentationRecord, row)


def read_labels(store: Store, segmentation: SegmentationRecord) -> NDArray[np.int32]:
    """Read the label map int32 (H, W); raises LabelMapError when its file is missing or damaged."""
    return read_label_map(store.home / segmentation.file)


def read_scores(store: Store, segmentation: SegmentationRecord) -> Scores:
    """Read the scores per label; raises StoreError when the segmentation is gone."""
    with store.reading() as session:
        return _unpack(_find_row(session, segmentation.id).scores)


def delete_segmentation(store: Store, segmentation_id: str) -> None:
    """Delete a segmentation, and its file unless another one uses it; raises StoreError when it is gone already."""
    with store.writing() as session:
        row = _find_row(session, segmentation_id)
        file = row.file
        session.delete(row)
    drop_unused_files(store, [file])


def _revisions(photo_id: str, checkpoint_sha256: str, options: Mapping[str, object]) -> Select[SegmentationRow]:
    """Select the revisions for one photo, checkpoint and set of options, the last first."""
    same = (
        SegmentationRow.photo_id == photo_id,
        SegmentationRow.checkpoint_sha256 == checkpoint_sha256,
        SegmentationRow.options_key == fingerprint(options),
    )
    return select(SegmentationRow).where(*same).order_by(SegmentationRow.revision.desc()).limit(1)


def _find_row(session: Session, segmentation_id: str) -> SegmentationRow:
    row = session.get(SegmentationRow, segmentation_id)
    if row is None:
        raise StoreError(f"There is no segmentation {segmentation_id[:12]}; it may have been deleted meanwhile. Run the photo again.")
    return row


def _columns(provenance: Provenance) -> dict[str, object]:
    figures = {name: _known(getattr(provenance, name)) for name in ("decode_agreement", "median_side_px")}
    options = {"options": to_json(provenance.options), "options_key": fingerprint(provenance.options)}
    return asdict(provenance) | figures | options | {"warnings": list(provenance.warnings)}


def _known(figure: float | None) -> float | None:
    return None if figure is None or math.isnan(figure) else float(figure)


def _pack(scores: Scores) -> dict[str, list[list[float]]]:
    """Scores as JSON: lists of (label, score), shorter than objects, whose keys would be text; a missing figure is left out."""
    pairs = {name: getattr(scores, name).items() for name in ("predicted_iou", "stability")}
    return {name: [[int(label), float(score)] for label, score in each if math.isfinite(score)] for name, each in pairs.items()}


def _unpack(packed: Mapping[str, list[list[float]]]) -> Scores:
    return Scores(**{name: {int(label): score for label, score in pairs} for name, pairs in packed.items()})
