"""The tables, as SQLAlchemy's typed classes; nothing outside `tesserae.store` sees them.

After a change here add a revision to `migrations/versions`: a test compares the migrated database with these classes.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_Json = dict[str, Any]
_Polygons = list[list[list[float]]]
_Record = TypeVar("_Record")
_UNFINISHED = text("state IN ('queued', 'running')")


class UtcTime(TypeDecorator[datetime]):
    """A moment with its zone, which is always UTC when it comes back; SQLite alone would forget the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 (SQLAlchemy's signature)
        """Turn any zone into UTC; ValueError for a moment without one, which could mean anything."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"Expected a moment with its time zone, found {value}. Take it from utc_now().")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 (SQLAlchemy's signature)
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Row(DeclarativeBase):
    """What the tables share: types, and names of constraints, which later migrations need to alter them."""

    type_annotation_map: ClassVar = {
        str: Text(),
        datetime: UtcTime(),
        _Json: JSON(none_as_null=True),
        list[str]: JSON(none_as_null=True),
        list[int]: JSON(none_as_null=True),
        _Polygons: JSON(none_as_null=True),
    }
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )


class PhotoRow(Row):
    """A photo: its file, what the file holds, and what people wrote about it."""

    __tablename__ = "photos"

    id: Mapped[str] = mapped_column(primary_key=True)  # sha256 of the file's bytes
    name: Mapped[str]
    file: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    format: Mapped[str]
    bit_depth: Mapped[int]
    mode: Mapped[str]
    orientation: Mapped[int]
    profile: Mapped[str | None]
    notes: Mapped[list[str]]
    title: Mapped[str] = mapped_column(default="")
    site: Mapped[str] = mapped_column(default="")
    inventory_number: Mapped[str] = mapped_column(default="")
    period: Mapped[str] = mapped_column(default="")
    remarks: Mapped[str] = mapped_column(default="")
    credit: Mapped[str] = mapped_column(default="")
    mm_per_px: Mapped[float | None]
    # The searched fields without case and accents: LIKE knows only ASCII in SQLite, and differs between databases.
    search_text: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)
    added_at: Mapped[datetime]


class SegmentationRow(Row):
    """One revision of a label map with its provenance."""

    __tablename__ = "segmentations"
    __table_args__ = (
        UniqueConstraint("photo_id", "checkpoint_sha256", "options_key", "revision", name="uq_segmentations_revision"),
        # A job that is taken up again after a crash finds what it had finished, and adds nothing twice.
        UniqueConstraint("job_id", "photo_id", "checkpoint_sha256", "options_key", name="uq_segmentations_job"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    photo_id: Mapped[str] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"))
    file: Mapped[str]
    count: Mapped[int]
    revision: Mapped[int]
    checkpoint: Mapped[str]
    checkpoint_sha256: Mapped[str]
    options: Mapped[_Json]
    options_key: Mapped[str]
    decode: Mapped[str]
    decode_agreement: Mapped[float | None]
    device: Mapped[str]
    dtype: Mapped[str]
    program_version: Mapped[str]
    median_side_px: Mapped[float | None]
    stages_s: Mapped[_Json]
    elapsed_s: Mapped[float]
    warnings: Mapped[list[str]]
    # Of a large photo some megabytes: read only when asked for.
    scores: Mapped[_Json] = mapped_column(deferred=True)
    created_at: Mapped[datetime]
    job_id: Mapped[str | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"))


class DraftRow(Row):
    """A label map under correction: what it began with; the corrections follow in rows of their own."""

    __tablename__ = "drafts"
    __table_args__ = (
        CheckConstraint("origin IN ('segmentation', 'import', 'empty')", name="origin"),
        UniqueConstraint("segmentation_id", name="uq_drafts_segmentation"),  # who opens it again goes on with it
        Index("ix_drafts_photo_id", "photo_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    photo_id: Mapped[str] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"))
    base_file: Mapped[str]
    segmentation_id: Mapped[str | None] = mapped_column(ForeignKey("segmentations.id", ondelete="SET NULL"))
    origin: Mapped[str]
    origin_notes: Mapped[list[str]]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class CorrectionRow(Row):
    """One entry of a draft's log; rows are added, never changed."""

    __tablename__ = "corrections"

    draft_id: Mapped[str] = mapped_column(ForeignKey("drafts.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # 1, 2, 3 ... without a gap
    entry: Mapped[_Json]
    box_xyxy: Mapped[list[int] | None]
    author: Mapped[str]
    at: Mapped[datetime]


class EditorRow(Row):
    """Somebody who has a draft open, and when this was last heard."""

    __tablename__ = "editors"

    draft_id: Mapped[str] = mapped_column(ForeignKey("drafts.id", ondelete="CASCADE"), primary_key=True)
    session: Mapped[str] = mapped_column(primary_key=True)
    author: Mapped[str]
    seen_at: Mapped[datetime]


class DecisionRow(Row):
    """What somebody decided about a place that a draft's review queue showed."""

    __tablename__ = "decisions"
    __table_args__ = (CheckConstraint("decision IN ('right', 'fixed', 'later')", name="decision"),)

    draft_id: Mapped[str] = mapped_column(ForeignKey("drafts.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[str] = mapped_column(primary_key=True)
    decision: Mapped[str]
    author: Mapped[str]
    at: Mapped[datetime]


class AnnotationRow(Row):
    """One revision of what people vouch for in a photo."""

    __tablename__ = "annotations"
    __table_args__ = (
        UniqueConstraint("photo_id", "revision", name="uq_annotations_revision"),
        UniqueConstraint("draft_id", "number", name="uq_annotations_number"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    photo_id: Mapped[str] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"))
    draft_id: Mapped[str | None] = mapped_column(ForeignKey("drafts.id", ondelete="SET NULL"))
    revision: Mapped[int]
    number: Mapped[int]
    file: Mapped[str]
    ignored_file: Mapped[str | None]
    region_xy: Mapped[_Polygons | None]
    count: Mapped[int]
    author: Mapped[str]
    approved_at: Mapped[datetime]
    withdrawn: Mapped[bool] = mapped_column(default=False)


class MemberRow(Row):
    """A photo of the dataset, on one side of the split."""

    __tablename__ = "members"
    __table_args__ = (CheckConstraint("split IN ('train', 'validation', 'test')", name="split"),)

    photo_id: Mapped[str] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True)
    split: Mapped[str]
    chosen_by: Mapped[str | None]  # a person's name; NULL where the rule chose
    chosen_at: Mapped[datetime]
    looks: Mapped[str]


class CheckpointRow(Row):
    """A checkpoint that was used here once; the file may be gone."""

    __tablename__ = "checkpoints"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    config: Mapped[str]
    record: Mapped[_Json]
    first_seen: Mapped[datetime]


class JobRow(Row):
    """A piece of long work."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="state"),
        Index("uq_jobs_unfinished_key", "key", unique=True, sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED),
        Index("ix_jobs_state_created_at", "state", "created_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    arguments: Mapped[_Json]
    key: Mapped[str]
    state: Mapped[str] = mapped_column(default="queued")
    progress: Mapped[float] = mapped_column(default=0.0)
    stage: Mapped[str] = mapped_column(default="")
    message: Mapped[str] = mapped_column(default="")
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None]
    result: Mapped[_Json | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


def utc_now() -> datetime:
    """Return this moment with its zone."""
    return datetime.now(UTC)


def to_record(kind: type[_Record], row: Row) -> _Record:
    """Return the columns of a row that the frozen dataclass `kind` names; lists become tuples."""
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]  # every caller gives a dataclass
    values = {name: getattr(row, name) for name in names}
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def storable(text: str) -> str:
    """`text` without what a database refuses: zero bytes, and halves of characters as broken file names have them."""
    return text.replace("\0", "").encode(errors="replace").decode().strip()


def to_json(value: Mapping[str, object]) -> dict[str, Any]:
    """`value` as the database gives it back: keys are text and tuples are lists; ValueError for NaN, which is no JSON."""
    plain: dict[str, Any] = json.loads(json.dumps(value, allow_nan=False))
    return plain


def fingerprint(value: Mapping[str, object]) -> str:
    """SHA-256, in hex, of JSON types; the same for equal content whatever its order."""
    return hashlib.sha256(json.dumps(to_json(value), sort_keys=True).encode()).hexdigest()
