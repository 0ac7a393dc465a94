"""Checkpoints that were used here, told apart by the hash of their file; the files themselves are no concern of the store."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from tesserae.store.database import Store
from tesserae.store.schema import CheckpointRow, to_json, to_record, utc_now


@dataclass(frozen=True)
class SeenCheckpoint:
    """What stays known of a checkpoint when its file is gone.

    Attributes:
        sha256: of its file.
        name: as it was called last.
        config: name of its architecture.
        record: the JSON record of its origin, as it was last; empty without one.
        first_seen: UTC.
    """

    sha256: str
    name: str
    config: str
    record: Mapping[str, object] = field(hash=False)
    first_seen: datetime


def note_checkpoint(store: Store, name: str, sha256: str, config: str, record: Mapping[str, object]) -> SeenCheckpoint:
    """Note that a checkpoint is used; a file that was seen before keeps its first date and takes the new name and record."""
    with store.writing(alone=True) as session:
        row = session.get(CheckpointRow, sha256) or CheckpointRow(sha256=sha256, first_seen=utc_now())
        row.name, row.config, row.record = name, config, to_json(record)
        session.add(row)
        session.flush()
        return to_record(SeenCheckpoint, row)


def find_seen_checkpoint(store: Store, sha256: str) -> SeenCheckpoint | None:
    """Return what is known of the checkpoint whose file has this hash; None if it was never used here."""
    with store.reading() as session:
        row = session.get(CheckpointRow, sha256)
        return None if row is None else to_record(SeenCheckpoint, row)


def list_seen_checkpoints(store: Store) -> list[SeenCheckpoint]:
    """Return all checkpoints that were ever used here, in the order in which they came."""
    with store.reading() as session:
        rows = session.scalars(select(CheckpointRow).order_by(CheckpointRow.first_seen, CheckpointRow.sha256))
        return [to_record(SeenCheckpoint, row) for row in rows]
