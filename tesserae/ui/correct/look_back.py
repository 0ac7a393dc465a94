"""The place of the last correction, before and after."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from tesserae.corrections.operations import BoxXYXY
from tesserae.corrections.replay import Change, CorrectedMap
from tesserae.deepzoom import OverlayStyle, Pyramid, paint_tesserae, render_viewport, sample_array
from tesserae.ui.correct.picture import encode_jpeg

_SIDE_PX = 112  # of each picture
_LEAST_PX = 24  # of the photo
_MARGIN_SHARE = 0.35  # of the changed box, on each side


@dataclass(frozen=True)
class LookBack:
    """JPEG pictures of one place before and after a correction."""

    before: bytes
    after: bytes


def look_back(photo: Pyramid, corrected: CorrectedMap, change: Change) -> LookBack | None:
    """Render both pictures; None where no pixel changed."""
    if change.box_xyxy is None:
        return None
    box, size = _around(change.box_xyxy), (_SIDE_PX, _SIDE_PX)
    picture = render_viewport(photo, [], box, size)
    after = sample_array(corrected.labels, box, size)
    x0, y0 = change.box_xyxy[:2]
    shifted = (box[0] - x0, box[1] - y0, box[2] - x0, box[3] - y0)
    changed = sample_array(np.broadcast_to(np.True_, change.labels_before.shape), shifted, size)
    before = np.where(changed, sample_array(change.labels_before, shifted, size), after)
    style = OverlayStyle(fill=True, opacity=0.3)
    return LookBack(*(encode_jpeg(paint_tesserae(picture, labels, style)) for labels in (before, after)))


def show_look_back(photo: Pyramid, corrected: CorrectedMap, change: Change | None) -> None:
    """Show the last correction's place before and after, side by side."""
    pictures = None if change is None else look_back(photo, corrected, change)
    if pictures is None:
        return
    before_column, after_column = st.columns(2)
    before_column.image(pictures.before, caption="before")
    after_column.image(pictures.after, caption="after")


def _around(box_xyxy: BoxXYXY) -> tuple[float, float, float, float]:
    """A square with the box in its middle and some ground around it."""
    x0, y0, x1, y1 = box_xyxy
    half = max(x1 - x0, y1 - y0, _LEAST_PX) * (0.5 + _MARGIN_SHARE)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    return x - half, y - half, x + half, y + half
