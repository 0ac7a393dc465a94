"""A mend of Streamlit 1.67: what an event says reaches the page, even when the next event comes at once."""

import functools
from typing import Any

from streamlit.runtime.state.safe_session_state import SafeSessionState

_YIELD = "_yield_callback"


def take_in_every_event() -> None:
    """Let no event end the run of an earlier one before the callbacks of that one are done; call it before the first event.

    Streamlit looks for newer events when it takes an event in, and again whenever a callback touches the session. If there is one, the
    earlier event is dropped: a press of a button is then lost, for the browser says it only once. It looks again right after the
    callbacks, which is soon enough. Needs `runner.fastReruns` to be off, so that one session never runs in two threads.
    """
    own = SafeSessionState.on_script_will_rerun
    if not hasattr(own, "__wrapped__"):
        SafeSessionState.on_script_will_rerun = _undisturbed(own)  # type: ignore[method-assign]  # replacing it is the purpose


def _undisturbed(take_in: Any) -> Any:
    @functools.wraps(take_in)
    def take_in_undisturbed(state: SafeSessionState, *args: Any, **options: Any) -> None:
        look_for_newer = getattr(state, _YIELD)
        object.__setattr__(state, _YIELD, lambda: None)  # its own attributes are those of the session
        try:
            take_in(state, *args, **options)
        finally:
            object.__setattr__(state, _YIELD, look_for_newer)

    return take_in_undisturbed
