"""Links from one page to another within the session, with what the other page is to open."""

import streamlit as st

from tesserae.settings import PROJECT_DIR


def link_to(page: str, label: str, icon: str | None = None, **query: str) -> None:
    """Show a link to a page by the name of its file; `query` is what stands in its address."""
    # a page object, and not the path that Streamlit would look for beside the script: so a page alone, without app.py, has links too
    target = st.Page(PROJECT_DIR / "pages" / f"{page}.py")
    st.page_link(target, label=label, icon=icon, query_params=query)
