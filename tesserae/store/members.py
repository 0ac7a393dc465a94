"""Members of the dataset: on which side of the split each photo is, who put it there, and how it looks; decides nothing itself.

A photo stays a member when its approval is withdrawn: approved again, it comes back to its side.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from sqlalchemy import select

from tesserae.errors import StoreError
from tesserae.store.database import Store
from tesserae.store.schema import MemberRow, PhotoRow, storable, to_record, utc_now

Split: TypeAlias = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

Decide: TypeAlias = Callable[[Mapping[str, "MemberRecord"]], Mapping[str, Split]]


@dataclass(frozen=True)
class MemberRecord:
    """A photo of the dataset.

    Attributes:
        photo_id: of the photo.
        split: its side.
        chosen_by: name of the person who put it there; None where the rule did.
        chosen_at: when, UTC.
        looks: what tells photos that show the same; see `tesserae.dataset.looks`.
    """

    photo_id: str
    split: Split
    chosen_by: str | None
    chosen_at: datetime
    looks: str


def list_members(store: Store) -> dict[str, MemberRecord]:
    """Return all members by photo id, in the order in which they came to their sides."""
    with store.reading() as session:
        rows = session.scalars(select(MemberRow).order_by(MemberRow.chosen_at, MemberRow.photo_id))
        return {row.photo_id: to_record(MemberRecord, row) for row in rows}


def settle_members(store: Store, looks: Mapping[str, str], decide: Decide) -> dict[str, MemberRecord]:
    """Put photos on the side that a rule decides, as one step: nobody changes sides meanwhile. Returns all members.

    Args:
        looks: of photos that are no members yet, by id; one that was deleted meanwhile is passed over.
        decide: gets the members as they are, and returns the split of each of them that is to change, and of the new ones.
    """
    with store.writing(alone=True) as session:
        rows = {row.photo_id: row for row in session.scalars(select(MemberRow))}
        splits = decide({photo_id: to_record(MemberRecord, row) for photo_id, row in rows.items()})
        for photo_id, split in splits.items():
            row = rows.get(photo_id)
            if row is None and photo_id in looks and session.get(PhotoRow, photo_id) is not None:
                row = MemberRow(photo_id=photo_id, looks=looks[photo_id])
                session.add(row)
            if row is not None and row.split != split:
                row.split, row.chosen_by, row.chosen_at = split, None, utc_now()
    return list_members(store)


def choose_split(store: Store, photo_ids: Collection[str], split: Split, author: str) -> None:
    """Put photos, all or none, on the side that a person chose; raises StoreError when one of them is no member."""
    with store.writing(alone=True) as session:
        for photo_id in photo_ids:
            row = session.get(MemberRow, photo_id)
            if row is None:
                raise StoreError(
                    f"Expected the photo {photo_id[:12]} in the dataset, found it is not: it was deleted meanwhile, or nothing of it was "
                    "approved yet. Look at the dataset again."
                )
            row.split, row.chosen_by, row.chosen_at = split, storable(author), utc_now()
