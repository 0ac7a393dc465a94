"""What stands in the page's address, so that a reload or a shared link comes back to it; no other module touches it.

With every event the browser sends the address that it shows. For a moment after this program changed the address, that is the earlier one:
taken at its word, a click in that moment would undo the change. So what a page wrote holds until the visitor comes to another page, or
back to this one by the browser's own buttons.
"""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

_PAGE, _WRITTEN = "address_page", "address_written"


def arrive() -> None:
    """Call first in a page: one that the visitor has just come to, or back to, begins with what its address says."""
    context = get_script_run_ctx()
    page = None if context is None else context.page_script_hash
    if st.session_state.get(_PAGE) != page or (context is not None and context.is_history_navigation):
        st.session_state[_PAGE] = page
        st.session_state[_WRITTEN] = {}


def read(key: str) -> str | None:
    """Return what the address says under `key`; None when it says nothing."""
    written: dict[str, str | None] = st.session_state.get(_WRITTEN, {})
    return written[key] if key in written else st.query_params.get(key)


def write(key: str, value: str | None) -> None:
    """Let the address say `value` under `key`; None takes it out."""
    st.session_state.setdefault(_WRITTEN, {})[key] = value
    if value is None:
        st.query_params.pop(key, None)
    else:
        st.query_params[key] = value
