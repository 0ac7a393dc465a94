"""What lies under the strokes: the part of the photo that the view shows, with tesserae, marks and the model's proposal painted in."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from tesserae.corrections.operations import BoxXYXY, MaskRuns, PointXY
from tesserae.corrections.replay import CorrectedMap
from tesserae.deepzoom import OverlayStyle, Pyramid, paint_tesserae, render_viewport, sample_array
from tesserae.overlay import Colour
from tesserae.ui.correct.view import View

JPEG_QUALITY = 88
_IGNORED: Colour = (120, 120, 120)
_APPROVED: Colour = (70, 180, 90)
_PROPOSED: Colour = (255, 190, 40)
_FOCUS: Colour = (255, 90, 60)
_INSIDE: Colour = (60, 220, 90)
_OUTSIDE: Colour = (240, 60, 60)
_HATCH_PX = 10  # from line to line
_LARGE_PX = 2**15  # OpenCV draws with 16 bits before the point; places farther away than this are off the canvas anyway


@dataclass(frozen=True)
class Marks:
    """What is shown beside the tesserae.

    Attributes:
        proposal: the model's mask, not yet taken.
        clicks: photo points with 1 (inside) or 0 (outside) that led to it.
        focus: a place that is being looked at, photo pixels.
    """

    proposal: MaskRuns | None = None
    clicks: tuple[tuple[PointXY, int], ...] = ()
    focus: BoxXYXY | None = None


@dataclass(frozen=True)
class Look:
    """How the picture is painted.

    Attributes:
        style: of the tesserae.
        marks: what is shown beside them.
    """

    style: OverlayStyle = field(default_factory=OverlayStyle)
    marks: Marks = field(default_factory=Marks)


def render_canvas(photo: Pyramid, corrected: CorrectedMap, view: View, look: Look) -> NDArray[np.uint8]:
    """The canvas' picture, uint8 (h, w, 3) sRGB, of the view's canvas size."""
    return render_part(photo, corrected, view.box_xyxy, view.canvas_size, look)


def render_part(
    photo: Pyramid, corrected: CorrectedMap, box_xyxy: tuple[float, float, float, float], size: tuple[int, int], look: Look
) -> NDArray[np.uint8]:
    """Any part of the photo (photo pixels) at `size` (width, height), painted as `look` says; uint8 (h, w, 3) sRGB."""
    picture = render_viewport(photo, [], box_xyxy, size)
    picture = _hatch(picture, sample_array(corrected.ignored, box_xyxy, size))
    picture = paint_tesserae(picture, sample_array(corrected.labels, box_xyxy, size), look.style)
    picture = np.ascontiguousarray(picture)
    place = _Place(box_xyxy, size)
    for approval in corrected.approvals:
        polygon = approval.polygon_xy or ((0.0, 0.0), (photo.size[0], 0.0), photo.size, (0.0, photo.size[1]))
        cv2.polylines(picture, [place.of(polygon)], True, _APPROVED, 2, cv2.LINE_AA)
    if look.marks.proposal is not None:
        _tint(picture, _sample_mask(look.marks.proposal, box_xyxy, size))
    for point, inside in look.marks.clicks:
        cv2.circle(picture, place.of((point,))[0].tolist(), 5, _INSIDE if inside else _OUTSIDE, -1, cv2.LINE_AA)
    if look.marks.focus is not None:
        x0, y0, x1, y1 = look.marks.focus
        cv2.polylines(picture, [place.of(((x0, y0), (x1, y0), (x1, y1), (x0, y1)))], True, _FOCUS, 2, cv2.LINE_AA)
    return picture


def encode_jpeg(picture: NDArray[np.uint8]) -> bytes:
    """JPEG of a picture uint8 (h, w, 3) sRGB."""
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return encoded.tobytes()


@dataclass(frozen=True)
class _Place:
    """Turns photo points into picture pixels."""

    box_xyxy: tuple[float, float, float, float]
    size: tuple[int, int]

    def of(self, points_xy: tuple[tuple[float, float], ...]) -> NDArray[np.int32]:
        x0, y0, x1, y1 = self.box_xyxy
        scaled = (np.asarray(points_xy, dtype=np.float64) - (x0, y0)) * (self.size[0] / (x1 - x0), self.size[1] / (y1 - y0))
        return np.clip(np.round(scaled), -_LARGE_PX, _LARGE_PX).astype(np.int32)


def _hatch(picture: NDArray[np.uint8], ignored: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Grey slanting lines where nothing is counted."""
    if not ignored.any():
        return picture
    rows, columns = np.ogrid[: ignored.shape[0], : ignored.shape[1]]
    hatched = picture.copy()
    hatched[ignored & ((rows + columns) % _HATCH_PX < 2)] = _IGNORED
    return hatched


def _sample_mask(mask: MaskRuns, box_xyxy: tuple[float, float, float, float], size: tuple[int, int]) -> NDArray[np.bool_]:
    x0, y0 = mask.box_xyxy[:2]
    shifted = (box_xyxy[0] - x0, box_xyxy[1] - y0, box_xyxy[2] - x0, box_xyxy[3] - y0)
    return np.asarray(sample_array(mask.to_array(), shifted, size), dtype=bool)


def _tint(picture: NDArray[np.uint8], inside: NDArray[np.bool_]) -> None:
    """Half of the proposal's colour inside, all of it on the edge, in place."""
    picture[inside] = (picture[inside].astype(np.uint16) + np.asarray(_PROPOSED, dtype=np.uint16)) // 2
    edge = inside & (cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)
    picture[edge] = _PROPOSED
