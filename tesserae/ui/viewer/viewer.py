"""Python's side of the viewer: renders what the browser asks for and hands on what was clicked; knows no photos, only layers that render.

The browser sends the view when it rests (state `view`) and clicks (trigger `click`); each makes Streamlit run the enclosing fragment, which
renders that part of each layer and sends it back as JPEG. Per key the session holds the last view, a click not yet handed on, and the place
to look at: some hundred bytes.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from tesserae.deepzoom import BoxXYXY
from tesserae.errors import TesseraeError

Mode = Literal["single", "side", "swipe"]

JPEG_QUALITY = 85
LARGEST_PICTURE_PX = 2048
_FIRST_PICTURE_PX = 1024
_LAYERS_OF_MODE = {"single": 1, "side": 2, "swipe": 2}
_HERE = Path(__file__).parent
_SCRIPTS = ("viewer.js", "pictures.js", "gestures.js", "keyboard.js", "drawing.js")  # joined to one module, as there is no build step

_mount = st.components.v2.component(
    "tesserae_viewer",
    html=(_HERE / "viewer.html").read_text(encoding="utf-8"),
    css=(_HERE / "viewer.css").read_text(encoding="utf-8"),
    js="\n".join((_HERE / name).read_text(encoding="utf-8") for name in _SCRIPTS),
)


@dataclass(frozen=True)
class Layer:
    """One picture of the photo that the viewer can show any part of.

    Attributes:
        name: shown in the corner of the picture.
        render: takes a box in photo pixels (left, top, right, bottom) and a size (width, height); returns that part at that size as uint8
            (h, w, 3) sRGB. Called once a run, within `LARGEST_PICTURE_PX` a side.
        revision: another text whenever `render` would give another picture, so that the browser drops the pictures that it holds.
    """

    name: str
    render: Callable[[BoxXYXY, tuple[int, int]], NDArray[np.uint8]]
    revision: str = ""


@dataclass(frozen=True)
class ViewerEvent:
    """A click, in photo pixels (pixel 0 goes from 0 to 1), and the index of the layer that was clicked."""

    x: float
    y: float
    layer: int


@dataclass(frozen=True)
class _View:
    """What the browser shows: the photo point in the middle, CSS pixels per photo pixel, and the part to render at which size."""

    x: float
    y: float
    scale: float
    box: BoxXYXY
    size: tuple[int, int]


def show_viewer(
    layers: Sequence[Layer],
    *,
    photo_size: tuple[int, int],
    mode: Mode = "single",
    alt: str,
    key: str,
    height_px: int = 640,
    answer: Callable[[ViewerEvent], str] | None = None,
) -> ViewerEvent | None:
    """Show layers of one photo with shared zoom; return a click once, in the run that it caused.

    Call it inside `st.fragment`: every move of the view runs the enclosing fragment, or the whole page where there is none. The view lasts
    as long as the session under the same key; take a key that holds the photo's id.

    Args:
        layers: one for mode "single", two for "side" (next to each other) and "swipe" (the first left of a movable divider).
        photo_size: (width, height) of the photo in pixels.
        alt: alternative text, what a person who cannot see the picture should know.
        answer: gives the sentence shown and read out below the picture after a click.

    Raises TesseraeError when the number of layers does not fit the mode, and what the layers raise.
    """
    if len(layers) != _LAYERS_OF_MODE[mode]:
        raise TesseraeError(f"The view '{mode}' takes {_LAYERS_OF_MODE[mode]} picture(s), found {len(layers)}. Choose another view.")
    memory = _memory(key)
    event: ViewerEvent | None = memory.pop("click", None)
    view: _View | None = memory.get("view")
    box, size = (view.box, view.size) if view else _whole_photo(photo_size)
    pictures = [_encode_jpeg(layer.render(box, size)) for layer in layers]
    header = {
        "photo_size": photo_size,
        "mode": mode,
        "alt": alt,
        "height_px": height_px,
        "box": box,
        "view": view and asdict(view),
        "look_at": memory.get("look_at"),
        "answer": {"text": answer(event)} if event and answer else None,
        "layers": [
            {"name": layer.name, "revision": layer.revision, "bytes": len(picture)} for layer, picture in zip(layers, pictures, strict=True)
        ],
    }
    _mount(
        key=key,
        data=_pack(header, pictures),
        on_view_change=partial(_take_view, key, photo_size),
        on_click_change=partial(_take_click, key, len(layers)),
    )
    return event


def look_at(key: str, box_xyxy: BoxXYXY) -> None:
    """Bring a part of the photo, in photo pixels, into view in the viewer `key` when it is shown next; each call once."""
    memory = _memory(key)
    memory["turn"] = memory.get("turn", 0) + 1
    memory["look_at"] = {"turn": memory["turn"], "box": box_xyxy}


def _memory(key: str) -> dict[str, Any]:
    """What the session keeps for the viewer `key`."""
    memory: dict[str, Any] = st.session_state.setdefault(f"{key}.viewer", {})
    return memory


def _take_view(key: str, photo_size: tuple[int, int]) -> None:
    """Keep the view that the browser has sent; one that makes no sense is left out, and the former one stays."""
    sent = st.session_state[key].get("view")
    view = _read_view(sent, photo_size)
    if view is None:
        return
    memory = _memory(key)
    memory["view"] = view
    if sent.get("looked") == memory.get("turn"):
        memory.pop("look_at", None)  # done; else it would be done again when the browser shows the page anew


def _read_view(sent: Any, photo_size: tuple[int, int]) -> _View | None:
    """The view in what a browser sent, its box within the photo; None when it is not one."""
    try:
        x, y, scale, *box = (float(value) for value in (sent["x"], sent["y"], sent["scale"], *sent["box"]))
        width_px, height_px = (int(side) for side in sent["size"])
        x0, y0, x1, y1 = box
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    width, height = photo_size
    within = (max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height)))
    sides_fit = all(1 <= side <= LARGEST_PICTURE_PX for side in (width_px, height_px))
    if not (all(map(math.isfinite, (x, y, scale))) and within[0] < within[2] and within[1] < within[3] and scale > 0 and sides_fit):
        return None
    return _View(x, y, scale, within, (width_px, height_px))


def _take_click(key: str, layer_count: int) -> None:
    """Keep a click until the next call of `show_viewer`."""
    sent = st.session_state[key].get("click")
    try:
        event = ViewerEvent(float(sent["x"]), float(sent["y"]), int(sent["layer"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return
    if math.isfinite(event.x) and math.isfinite(event.y) and 0 <= event.layer < layer_count:
        _memory(key)["click"] = event


def _whole_photo(photo_size: tuple[int, int]) -> tuple[BoxXYXY, tuple[int, int]]:
    """Box and size of the first picture, before the browser has said how large it shows the photo."""
    share = min(1.0, _FIRST_PICTURE_PX / max(photo_size))
    width, height = photo_size
    return (0.0, 0.0, float(width), float(height)), (max(1, round(width * share)), max(1, round(height * share)))


def _encode_jpeg(picture: NDArray[np.uint8]) -> bytes:
    """JPEG of a picture (h, w, 3) uint8 sRGB."""
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return encoded.tobytes()


def _pack(header: dict[str, Any], pictures: Sequence[bytes]) -> bytes:
    """One message: length of the header (4 bytes, little endian), header as JSON, pictures; bytes spare a third against base64."""
    text = json.dumps(header).encode()
    return b"".join((len(text).to_bytes(4, "little"), text, *pictures))
