"""Small pictures of what is approved: the part of the photo that is known, with its tesserae outlined, the rest faded."""

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from tesserae.corrections.boxes import common_box, mask_box, widened_box
from tesserae.corrections.operations import BoxXYXY
from tesserae.dataset import Member
from tesserae.dataset.collecting import read_truth
from tesserae.deepzoom import OverlayStyle, paint_tesserae, render_viewport, sample_array
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.ui.pictures import photo_pyramid
from tesserae.ui.thumbnails import encode_jpeg

_SIZE = 480, 360
_STYLE = OverlayStyle(fill=True, outline=True, opacity=0.3)
_FADED = 0.35  # of the photo's contrast, where nothing is known


def approved_picture(store: Store, settings: Settings, member: Member) -> bytes:
    """Return a JPEG file; made once per annotation and kept in memory.

    Raises LabelMapError, PhotoError or StoreError when a file is lost or damaged.
    """
    return _cached_picture(str(settings.home.absolute()), member.annotation.id, store, settings, member)


@st.cache_data(show_spinner=False, max_entries=200)
def _cached_picture(home: str, annotation_id: str, _store: Store, _settings: Settings, _member: Member) -> bytes:  # noqa: ARG001 (its key)
    labels, known = read_truth(_store, _member.annotation)
    box = _frame(mask_box(known), labels.shape)
    size = _fitting(box)
    photo = render_viewport(photo_pyramid(_store, _member.photo, _settings), [], box, size)
    shown = sample_array(known.astype(np.uint8), box, size) > 0
    painted = paint_tesserae(photo, sample_array(labels, box, size), _STYLE)
    return encode_jpeg(np.where(shown[..., None], painted, _faded(photo)))


def _frame(box_xyxy: BoxXYXY, shape: tuple[int, ...]) -> BoxXYXY:
    """What is known with a little around it; all of the photo where nothing is."""
    height, width = shape[0], shape[1]
    if box_xyxy[2] <= box_xyxy[0]:
        return 0, 0, width, height
    wider = widened_box(box_xyxy, max(box_xyxy[2] - box_xyxy[0], box_xyxy[3] - box_xyxy[1]) // 10)
    return common_box(wider, (0, 0, width, height))


def _fitting(box_xyxy: BoxXYXY) -> tuple[int, int]:
    """Width and height of a picture of a box that fits into `_SIZE`."""
    width, height = box_xyxy[2] - box_xyxy[0], box_xyxy[3] - box_xyxy[1]
    share = min(_SIZE[0] / width, _SIZE[1] / height)
    return max(1, round(width * share)), max(1, round(height * share))


def _faded(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[..., None]
    return np.asarray(np.repeat(grey * _FADED + 255 * (1 - _FADED), 3, axis=2), dtype=np.uint8)
