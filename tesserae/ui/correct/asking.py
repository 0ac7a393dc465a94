"""Asks the model for a stone; PyTorch is loaded with the first question, not with the page."""

from tesserae.correcting import Desk
from tesserae.corrections.operations import BoxXYXY
from tesserae.deepzoom import Pyramid
from tesserae.errors import CorrectionError
from tesserae.settings import Settings
from tesserae.store.photos import PhotoRecord
from tesserae.ui.correct.bench import Clicks


def ask_model(settings: Settings, photo: PhotoRecord, desk: Desk, pyramid: Pyramid, clicks: Clicks, box: BoxXYXY | None) -> "ClickedMask":
    raise CorrectionError("not yet")
