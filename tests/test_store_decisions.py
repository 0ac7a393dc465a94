"""Decisions about the places of a draft: the last one counts, and they go with the draft."""

import pytest
from store_examples import add_grey, segment

from tesserae.errors import StoreError
from tesserae.store.decisions import note_decision, read_decisions
from tesserae.store.drafts import delete_draft, open_draft

pytest_plugins = "store_fixtures"


def test_the_last_decision_about_a_place_counts_and_goes_with_the_draft(store):
    photo = add_grey(store)
    draft, other = (open_draft(store, segment(store, photo, decode=decode), "") for decode in ("window", "full"))
    note_decision(store, draft.id, "1 at 2 3 12 13", "later", "Anna")
    last = note_decision(store, draft.id, "1 at 2 3 12 13", "right", "Berta")
    assert read_decisions(store, draft.id) == {"1 at 2 3 12 13": last}
    assert (last.decision, last.author) == ("right", "Berta")
    assert read_decisions(store, other.id) == {}
    delete_draft(store, draft.id)
    assert read_decisions(store, draft.id) == {}
    with pytest.raises(StoreError, match="There is no draft"):
        note_decision(store, draft.id, "1 at 2 3 12 13", "right", "")
