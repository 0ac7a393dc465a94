"""Asks the model for a stone. PyTorch is loaded with the first question, not with the page: it takes seconds and some hundred megabytes."""

from typing import TYPE_CHECKING

import streamlit as st

from tesserae.checkpoints import EMBEDDED_NAME, find_checkpoint
from tesserae.click.clicks import Clicks
from tesserae.clock import Clock
from tesserae.correcting import Desk
from tesserae.corrections.operations import BoxXYXY
from tesserae.deepzoom import Pyramid, map_photo
from tesserae.errors import CheckpointError
from tesserae.settings import Settings
from tesserae.store.segmentations import get_segmentation
from tesserae.ui.correct.bench import Points, Proposal

if TYPE_CHECKING:
    from tesserae.click.session import ClickSession

_MOST_MODELS = 2


def ask_model(settings: Settings, desk: Desk, photo: Pyramid, points: Points, box_xyxy: BoxXYXY | None) -> Proposal:
    """The stone that points and a box mean, by the model that made the draft's first map, else by the embedded one.

    Raises TesseraeError when the model sees no stone there, or cannot be loaded.
    """
    from tesserae.find import find_side_px
    from tesserae.tilecache import PhotoMemory, open_cache

    name = _model_of(settings, desk)
    session = get_click_session(name, settings)
    memory = PhotoMemory(open_cache(settings), desk.draft.photo_id)
    image = map_photo(photo)
    clicks = Clicks(tuple(point for point, _ in points), tuple(sign for _, sign in points), box_xyxy)
    side_px = _given_side_px(desk) or find_side_px(image, session.models, Clock(), memory)  # that of the run, whose embeddings are kept
    answer = session.click(image, clicks, side_px, memory)
    return Proposal(answer.mask, answer.predicted_iou, {**clicks.as_dict(), "checkpoint": name})


@st.cache_resource(max_entries=_MOST_MODELS, show_spinner="Loading the model", hash_funcs={Settings: Settings.model_dump_json})
def get_click_session(name: str, settings: Settings) -> "ClickSession":
    """The model of this name, ready for clicks of all sessions; raises CheckpointError when it cannot be loaded."""
    from tesserae.click.session import ClickSession
    from tesserae.models import load_models

    return ClickSession(load_models(find_checkpoint(name, settings.weights, settings.checkpoint_url), "auto"))


def _given_side_px(desk: Desk) -> float | None:
    """The tessera side that was given for the run which made the draft's first map; None where the finder estimated it."""
    if desk.draft.segmentation_id is None:
        return None
    given = get_segmentation(desk.store, desk.draft.segmentation_id).options.get("tessera_px")
    return given if isinstance(given, float) else None


def _model_of(settings: Settings, desk: Desk) -> str:
    """The checkpoint of the draft's segmentation, if it is still here."""
    if desk.draft.segmentation_id is None:
        return EMBEDDED_NAME
    name = get_segmentation(desk.store, desk.draft.segmentation_id).checkpoint
    try:
        return name if find_checkpoint(name, settings.weights, settings.checkpoint_url).installed else EMBEDDED_NAME
    except CheckpointError:  # it was deleted or renamed since
        return EMBEDDED_NAME
