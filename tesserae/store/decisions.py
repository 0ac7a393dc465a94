"""What people decided about the places that the review queue of a draft showed them; the last decision about a place counts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select

from tesserae.store.database import Store
from tesserae.store.drafts import find_draft_row
from tesserae.store.schema import DecisionRow, storable, to_record, utc_now

Decision = Literal["right", "fixed", "later"]


@dataclass(frozen=True)
class DecisionRecord:
    """What was decided about one place.

    Attributes:
        place: which one; see `tesserae.review.Suggestion.place`.
        decision: "right" as it is, "fixed", or left for "later".
        author: name of the person; "" when nobody gave one.
        at: UTC.
    """

    place: str
    decision: Decision
    author: str
    at: datetime


def note_decision(store: Store, draft_id: str, place: str, decision: Decision, author: str) -> DecisionRecord:
    """Keep a decision, in place of an earlier one about the same place; raises StoreError when the draft is gone."""
    with store.writing() as session:
        find_draft_row(session, draft_id, alone=True)
        row = session.get(DecisionRow, (draft_id, place)) or DecisionRow(draft_id=draft_id, place=place)
        row.decision, row.author, row.at = decision, storable(author), utc_now()
        session.add(row)
        return to_record(DecisionRecord, row)


def read_decisions(store: Store, draft_id: str) -> dict[str, DecisionRecord]:
    """Return the decisions of a draft by their place; empty when there is no such draft."""
    of_draft = select(DecisionRow).where(DecisionRow.draft_id == draft_id)
    with store.reading() as session:
        return {row.place: to_record(DecisionRecord, row) for row in session.scalars(of_draft)}
