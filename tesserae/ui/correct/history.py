"""What was done to a draft, by whom and when."""

import streamlit as st

from tesserae.correcting import Desk
from tesserae.store import Store
from tesserae.store.drafts import read_entries
from tesserae.ui.correct.words import in_words

_MOST_SHOWN = 500


def show_history(store: Store, desk: Desk) -> None:
    """Show the log, the last entry first."""
    entries = read_entries(store, desk.draft.id)
    if not entries:
        st.caption("Nothing was corrected yet.")
        return
    rows = [
        {"No.": logged.number, "What": in_words(logged.entry.correction), "Who": logged.entry.author or "–", "When": logged.entry.at}
        for logged in reversed(entries[-_MOST_SHOWN:])
    ]
    if len(entries) > _MOST_SHOWN:
        st.caption(f"The last {_MOST_SHOWN} of {len(entries):,} entries.")
    st.dataframe(rows, hide_index=True, column_config={"When": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss")})
