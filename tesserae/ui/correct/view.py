"""Which part of the photo the canvas shows; pure arithmetic, no Streamlit."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tesserae.corrections.operations import BoxXYXY

CANVAS_SIZES = {"Small": (690, 480), "Medium": (900, 640), "Large": (1200, 820)}
"""Width and height of the canvas, chosen by hand: it does not follow the window, or a stroke would be lost when that changes."""

USUAL_CANVAS = "Small"
"""With all that stands around it, it is seen whole in a window of 1366 x 650 pixels, that of a small laptop."""

ZOOM_STEP = 1.6
PAN_SHARE = 0.6  # of what is shown
_MOST_ZOOM = 24.0  # canvas pixels per photo pixel
_STONES_ACROSS = 24  # that a first look shows


@dataclass(frozen=True)
class View:
    """A part of a photo on the canvas.

    Attributes:
        photo_size: (width, height) of the photo, pixels.
        x, y: the photo point in the middle of the canvas.
        zoom: canvas pixels per photo pixel.
        canvas_size: (width, height) of the canvas, pixels.
    """

    photo_size: tuple[int, int]
    x: float
    y: float
    zoom: float
    canvas_size: tuple[int, int] = CANVAS_SIZES[USUAL_CANVAS]

    @classmethod
    def whole(cls, photo_size: tuple[int, int]) -> "View":
        """All of the photo."""
        return cls(photo_size, photo_size[0] / 2, photo_size[1] / 2, 0.0).kept_inside()

    @classmethod
    def first_look(cls, photo_size: tuple[int, int], side_px: float | None) -> "View":
        """The middle of the photo, so near that single tesserae of `side_px` can be corrected; all of it where the side is not known."""
        view = cls.whole(photo_size)
        if side_px is None or not side_px > 0:
            return view
        return replace(view, zoom=view.canvas_size[0] / (_STONES_ACROSS * side_px)).kept_inside()

    @property
    def box_xyxy(self) -> tuple[float, float, float, float]:
        """What the canvas shows, in photo pixels; a photo that is smaller than the canvas leaves room beside it."""
        half_width, half_height = (length / 2 / self.zoom for length in self.canvas_size)
        return self.x - half_width, self.y - half_height, self.x + half_width, self.y + half_height

    @property
    def name(self) -> str:
        """A text that another view does not have."""
        return f"{self.x:.1f} {self.y:.1f} {self.zoom:.4f} {self.canvas_size[0]}"

    def to_photo(self, points_xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Canvas pixels (N, 2) as photo pixels."""
        x0, y0, _, _ = self.box_xyxy
        return points_xy / self.zoom + (x0, y0)

    def zoomed(self, factor: float) -> "View":
        """The same middle, nearer (above 1) or from farther away."""
        return replace(self, zoom=self.zoom * factor).kept_inside()

    def panned(self, columns: int, rows: int) -> "View":
        """Moved by steps to the right and down."""
        x0, y0, x1, y1 = self.box_xyxy
        return replace(self, x=self.x + columns * PAN_SHARE * (x1 - x0), y=self.y + rows * PAN_SHARE * (y1 - y0)).kept_inside()

    def moved_to(self, x: float, y: float) -> "View":
        """Another middle at the same zoom."""
        return replace(self, x=x, y=y).kept_inside()

    def showing(self, box_xyxy: BoxXYXY) -> "View":
        """A box in the middle with about two and a half times its size on each side."""
        x0, y0, x1, y1 = box_xyxy
        zoom = min(self.canvas_size[0] / (x1 - x0), self.canvas_size[1] / (y1 - y0)) / 6
        return replace(self, x=(x0 + x1) / 2, y=(y0 + y1) / 2, zoom=zoom).kept_inside()

    def on_canvas(self, canvas_size: tuple[int, int]) -> "View":
        """The same middle and zoom on a canvas of another size."""
        return replace(self, canvas_size=canvas_size).kept_inside()

    def kept_inside(self) -> "View":
        """Neither farther away than the whole photo nor past its edge."""
        least = min(shown / length for shown, length in zip(self.canvas_size, self.photo_size, strict=True))
        zoom = float(np.clip(self.zoom, least, max(_MOST_ZOOM, least)))
        middle = []
        for place, length, shown in zip((self.x, self.y), self.photo_size, self.canvas_size, strict=True):
            half = shown / 2 / zoom
            middle.append(length / 2 if 2 * half >= length else float(np.clip(place, half, length - half)))
        return replace(self, x=middle[0], y=middle[1], zoom=zoom)
