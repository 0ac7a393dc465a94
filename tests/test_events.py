"""Events that come at once after one another: Streamlit's own way loses the first, ours does not."""

from contextvars import copy_context

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.scriptrunner import RerunData, RerunException
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState
from streamlit.runtime.state import SessionState
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.safe_session_state import SafeSessionState

from tesserae.ui.events import take_in_every_event

PRESS = WidgetStates(widgets=[WidgetState(id="button", trigger_value=True)])


@pytest.fixture
def own_way():
    """What takes in an event as Streamlit has it; it is put back afterwards."""
    own = SafeSessionState.on_script_will_rerun
    yield getattr(own, "__wrapped__", own)
    SafeSessionState.on_script_will_rerun = own


def session_with_button():
    """A session with a button, while the next event waits already: each look for newer events ends the run."""

    def look_for_newer():
        raise RerunException(RerunData())

    session = SafeSessionState(SessionState(), look_for_newer)
    button = WidgetMetadata("button", bool, bool, "trigger_value", callback=lambda: session.__setitem__("pressed", "once"))
    session._state._set_widget_metadata(button)
    return session


def test_a_press_is_taken_in_though_the_next_event_is_there(own_way):
    SafeSessionState.on_script_will_rerun = own_way
    take_in_every_event()
    take_in_every_event()  # as each run of the page does

    session = session_with_button()
    script = copy_context()  # as in the thread of a run
    script.run(ThreadState.initialize)
    script.run(session.on_script_will_rerun, PRESS)

    assert session._state["pressed"] == "once"
    with pytest.raises(RerunException):  # afterwards it looks again
        session["pressed"]


def test_streamlits_own_way_loses_it(own_way):
    """Fails once Streamlit is mended: then `tesserae.ui.events` can go."""
    session = session_with_button()

    with pytest.raises(RerunException):
        own_way(session, PRESS)

    assert "pressed" not in session._state
