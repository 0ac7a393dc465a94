"""A draft under correction on the page: the workbench, below it one of the panels, and beside them who else is there."""

from functools import partial

import streamlit as st

from tesserae.correcting import Desk, catch_up
from tesserae.deepzoom import Pyramid
from tesserae.errors import TesseraeError
from tesserae.measure import median_side_px
from tesserae.review import Suggestion, suggest
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.store.drafts import DraftRecord, note_editor, other_editors
from tesserae.store.photos import PhotoRecord
from tesserae.store.segmentations import Scores, get_segmentation, list_segmentations, read_labels, read_scores
from tesserae.ui import session
from tesserae.ui.correct.approval import show_approval
from tesserae.ui.correct.asking import ask_model
from tesserae.ui.correct.bench import Bench
from tesserae.ui.correct.clean import show_cleanup
from tesserae.ui.correct.desks import get_desk
from tesserae.ui.correct.history import show_history
from tesserae.ui.correct.queue import show_queue
from tesserae.ui.correct.view import View
from tesserae.ui.correct.workbench import show_workbench
from tesserae.ui.pictures import photo_pyramid
from tesserae.ui.wording import plain

SUGGESTIONS, CLEANUP, APPROVAL, HISTORY = "Where to look first", "Clean up", "Approve", "History"
_HEARTBEAT_S = 10.0


@st.fragment(run_every=_HEARTBEAT_S)
def tell_of_others(store: Store, draft: DraftRecord, author: str) -> None:
    """Say who else has this draft open, and let them know of this session; not above the canvas, which would move under a stroke."""
    try:
        note_editor(store, draft.id, session.session_id(), author)
        others = other_editors(store, draft.id, session.session_id())
    except TesseraeError as error:
        st.error(plain(str(error)))
        return
    if others:
        names = ", ".join(dict.fromkeys(each.author or "somebody without a name" for each in others))
        st.info(
            f"{plain(names)} also has this mosaic open. You both may go on: nothing is overwritten. Where you draw on the same stones, "
            "the second of you is told and looks again."
        )


def show_draft(store: Store, settings: Settings, photo: PhotoRecord, draft: DraftRecord, author: str) -> None:
    """Show a draft with everything that can be done to it; raises TesseraeError when it cannot be opened."""
    desk = get_desk(store, str(settings.home.absolute()), draft.id)
    with st.spinner("Preparing the picture for zooming; only the first time"):
        pyramid = photo_pyramid(store, photo, settings)
    bench = session.bench(draft.id, lambda: Bench(View.first_look(pyramid.size, median_side_px(desk.map.labels))))
    _show(store, settings, desk, bench, pyramid, author)


@st.fragment
def _show(store: Store, settings: Settings, desk: Desk, bench: Bench, pyramid: Pyramid, author: str) -> None:
    """Canvas and panel in one fragment, which each stroke runs anew; errors are shown here, as no page catches those of a fragment."""
    try:
        catch_up(desk)
        show_workbench(desk, bench, pyramid, partial(ask_model, settings, desk, pyramid), author)
        panel = st.segmented_control("More", [SUGGESTIONS, CLEANUP, APPROVAL, HISTORY], key="panel", label_visibility="collapsed")
        if panel == SUGGESTIONS:
            show_queue(desk, bench, author, partial(_look, store, desk))
        elif panel == CLEANUP:
            show_cleanup(desk, bench, author)
        elif panel == APPROVAL:
            show_approval(store, desk, bench, author)
        elif panel == HISTORY:
            show_history(store, desk)
    except TesseraeError as error:
        st.error(plain(str(error)))


def _look(store: Store, desk: Desk) -> list[Suggestion]:
    """Where to look first: by the figures of the model that made the first map, and by another result of this mosaic where there is one."""
    scores, own = Scores(), desk.draft.segmentation_id
    if own is not None:
        scores = read_scores(store, get_segmentation(store, own))
    others = [result for result in list_segmentations(store, desk.draft.photo_id) if result.id != own]
    second = read_labels(store, others[0]) if others else None
    with desk.lock:
        return suggest(desk.map.labels, scores.predicted_iou, scores.stability, ignored=desk.map.ignored, other_labels=second)
