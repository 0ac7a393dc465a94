"""What staff may do to a label map: each operation is a frozen record that says all it needs, so that a log of them can be replayed.

Coordinates are photo pixels (x, y), pixel centres at whole numbers plus a half; boxes are half open. What an operation does to pixels is
decided in `tesserae.corrections.changes`; how it is written as JSON, in `tesserae.corrections.log`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tesserae.errors import CorrectionError

PointXY: TypeAlias = tuple[float, float]
BoxXYXY: TypeAlias = tuple[int, int, int, int]

_WIDEST_PX = 10_000
_FARTHEST_PX = 1_000_000
_IN_PIXELS = f"are numbers of pixels, at most {_FARTHEST_PX:,}"


@dataclass(frozen=True)
class MaskRuns:
    """A mask as runs along its rows: what a JSON line can hold of a drawn or decoded tessera.

    Attributes:
        box_xyxy: where the mask lies in the photo, half open, whole pixels.
        counts: lengths of the runs in row order, outside and inside by turns, outside first (0 where the first pixel is inside).
    """

    box_xyxy: BoxXYXY
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        x0, y0, x1, y1 = self.box_xyxy
        _expect_box(self.box_xyxy)
        _expect(
            all(count >= 0 for count in self.counts) and sum(self.counts) == (x1 - x0) * (y1 - y0),
            f"The runs of a mask fill its box of {(x1 - x0) * (y1 - y0)} pixels, found {sum(self.counts)}.",
        )
        _expect(sum(self.counts[1::2]) > 0, "A mask needs at least one pixel, found none.")

    @classmethod
    def of_array(cls, mask: NDArray[np.bool_], origin_xy: tuple[int, int]) -> "MaskRuns":
        """Runs of a mask bool (h, w) whose first pixel lies at `origin_xy` in the photo."""
        flat = np.concatenate([[False], mask.ravel(), [False]])
        turns = np.flatnonzero(flat[1:] != flat[:-1])
        counts = np.diff(np.concatenate([[0], turns, [mask.size]]))
        height, width = mask.shape
        x0, y0 = origin_xy
        kept = counts[:-1] if counts[-1] == 0 and len(counts) % 2 else counts
        return cls((x0, y0, x0 + width, y0 + height), tuple(int(count) for count in kept))

    def to_array(self) -> NDArray[np.bool_]:
        """The mask, bool (h, w), of the box."""
        x0, y0, x1, y1 = self.box_xyxy
        inside = np.arange(len(self.counts)) % 2 == 1
        return np.repeat(inside, self.counts).reshape(y1 - y0, x1 - x0)


@dataclass(frozen=True)
class Add:
    """A new tessera inside a polygon, or that a mask shows; it takes mortar only, what belongs to other tesserae stays theirs.

    Attributes:
        polygon_xy: its outline, drawn; or
        mask: its pixels, as the model decoded them from clicks.
        prompt: how the mask came to be (points, box, checkpoint), JSON types; for the record only.
    """

    polygon_xy: tuple[PointXY, ...] | None = None
    mask: MaskRuns | None = None
    prompt: Mapping[str, object] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        _expect_one(self, "polygon_xy", "mask")
        _expect_polygon(self.polygon_xy)


@dataclass(frozen=True)
class Delete:
    """Remove tesserae: chosen ones, or those at points, or with at least half of their area in a box or lasso, or all below an area."""

    labels: tuple[int, ...] | None = None
    points_xy: tuple[PointXY, ...] | None = None
    box_xyxy: BoxXYXY | None = None
    polygon_xy: tuple[PointXY, ...] | None = None
    below_area_px: int | None = None

    def __post_init__(self) -> None:
        _expect_one(self, "labels", "points_xy", "box_xyxy", "polygon_xy", "below_area_px")
        _expect_polygon(self.polygon_xy)
        _expect_some(self.labels, "labels")
        _expect_some(self.points_xy, "points_xy")
        _expect(self.points_xy is None or _within_reach(self.points_xy), f"The points {_IN_PIXELS}.")
        _expect_box(self.box_xyxy)
        _expect(self.below_area_px is None or self.below_area_px > 0, f"below_area_px is above 0, found {self.below_area_px}.")


@dataclass(frozen=True)
class Merge:
    """Make one tessera of several, chosen or crossed by a stroke; the joint between them goes to it, and the lowest number stays."""

    labels: tuple[int, ...] | None = None
    line_xy: tuple[PointXY, ...] | None = None

    def __post_init__(self) -> None:
        _expect_one(self, "labels", "line_xy")
        _expect(self.labels is None or len(set(self.labels)) >= 2, "A merge needs at least two tesserae.")
        _expect_line(self.line_xy, 2)


@dataclass(frozen=True)
class Split:
    """Cut tesserae along a line that crosses them; or one, `label`, between its two most likely seeds, when no line is given.

    With both, the line cuts that tessera only. The largest piece keeps the number.
    """

    line_xy: tuple[PointXY, ...] | None = None
    label: int | None = None

    def __post_init__(self) -> None:
        _expect(self.line_xy is not None or self.label is not None, "A split needs a line, or the number of a tessera.")
        _expect_line(self.line_xy, 2)


@dataclass(frozen=True)
class Paint:
    """Brush pixels into a tessera, also those of its neighbours; without `label` they become a new one, of mortar only."""

    line_xy: tuple[PointXY, ...]
    width_px: float
    label: int | None = None

    def __post_init__(self) -> None:
        _expect_line(self.line_xy, 1)
        _expect_width(self.width_px)


@dataclass(frozen=True)
class Erase:
    """Brush pixels away, to mortar; `label` restricts it to one tessera."""

    line_xy: tuple[PointXY, ...]
    width_px: float
    label: int | None = None

    def __post_init__(self) -> None:
        _expect_line(self.line_xy, 1)
        _expect_width(self.width_px)


@dataclass(frozen=True)
class Replace:
    """Give a tessera another outline, by a polygon or a mask; it keeps its number and takes nothing from its neighbours."""

    label: int
    polygon_xy: tuple[PointXY, ...] | None = None
    mask: MaskRuns | None = None

    def __post_init__(self) -> None:
        _expect_one(self, "polygon_xy", "mask")
        _expect_polygon(self.polygon_xy)


@dataclass(frozen=True)
class Mortar:
    """Everything inside a polygon is mortar: tesserae lose their pixels there, and nothing in it is ignored any more."""

    polygon_xy: tuple[PointXY, ...]

    def __post_init__(self) -> None:
        _expect_polygon(self.polygon_xy)


@dataclass(frozen=True)
class Ignore:
    """A polygon is unreadable: tesserae with more than half of their area in it go, and nothing in it is counted or learned from."""

    polygon_xy: tuple[PointXY, ...]

    def __post_init__(self) -> None:
        _expect_polygon(self.polygon_xy)


@dataclass(frozen=True)
class Approve:
    """A person vouches for the label map inside a polygon; without one, for all of it."""

    polygon_xy: tuple[PointXY, ...] | None = None

    def __post_init__(self) -> None:
        _expect_polygon(self.polygon_xy)


@dataclass(frozen=True)
class Several:
    """Corrections that are made, and undone, as one: a clean-up."""

    title: str
    corrections: tuple["Correction", ...]

    def __post_init__(self) -> None:
        _expect_some(self.corrections, "corrections")
        nested = [each for each in self.corrections if isinstance(each, Several | Approve)]
        _expect(not nested, "A group of corrections holds single ones, no approval and no other group.")


Correction: TypeAlias = Add | Delete | Merge | Split | Paint | Erase | Replace | Mortar | Ignore | Approve | Several


def _expect(holds: bool, sentence: str) -> None:
    if not holds:
        raise CorrectionError(sentence)


def _expect_one(correction: object, *names: str) -> None:
    given = [name for name in names if getattr(correction, name) is not None]
    _expect(len(given) == 1, f"{type(correction).__name__} takes exactly one of {', '.join(names)}, found {', '.join(given) or 'none'}.")


def _expect_some(values: tuple[object, ...] | None, name: str) -> None:
    _expect(values is None or len(values) > 0, f"{name} holds at least one, found none.")


def _expect_polygon(polygon_xy: tuple[PointXY, ...] | None) -> None:
    _expect(polygon_xy is None or len(polygon_xy) >= 3, "A polygon has at least three corners.")
    _expect(polygon_xy is None or _within_reach(polygon_xy), f"The corners of a polygon {_IN_PIXELS}.")


def _expect_line(line_xy: tuple[PointXY, ...] | None, least: int) -> None:
    _expect(line_xy is None or len(line_xy) >= least, f"A line has at least {least} point(s).")
    _expect(line_xy is None or _within_reach(line_xy), f"The points of a line {_IN_PIXELS}.")


def _expect_width(width_px: float) -> None:
    _expect(1 <= width_px <= _WIDEST_PX, f"A brush is 1 to {_WIDEST_PX:,} pixels wide, found {width_px:g}.")


def _expect_box(box_xyxy: BoxXYXY | None) -> None:
    _expect(
        box_xyxy is None or (box_xyxy[0] < box_xyxy[2] and box_xyxy[1] < box_xyxy[3]),
        f"A box has its first corner before its last, found {list(box_xyxy or ())}.",
    )


def _within_reach(points_xy: tuple[PointXY, ...]) -> bool:
    return bool((np.abs(np.asarray(points_xy, dtype=np.float64)) <= _FARTHEST_PX).all())
