"""A simulated person who brings a marked crop from a model's map to its marks with the tools of the page: each mark has one tessera then.

They look at every tessera and mark, and know from the marks only how many stones there are and about where: outlines are not judged.
Tesserae with several marks are cut between them; those without one are joined to the neighbour whose stone they belong to, or deleted; a
mark on mortar is clicked, boxed where the model's answer is not that stone, and outlined by hand where it still is not. Each of these is a
stroke, and goes through the same corrections as on the page.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from tesserae.click.clicks import Clicks
from tesserae.corrections.boxes import union_box, window
from tesserae.corrections.operations import Add, BoxXYXY, Correction, Delete, Erase, MaskRuns, Merge, Paint, PointXY, Split
from tesserae.corrections.replay import CorrectedMap
from tesserae.errors import CorrectionError
from tesserae.evaluation import JudgedMarks, judge_marks
from tesserae.truth import PointTruth

Kind = Literal["click", "box", "take", "outline", "cut", "join", "delete", "brush"]
KINDS: tuple[Kind, ...] = get_args(Kind)

Ask: TypeAlias = Callable[[Clicks], MaskRuns | None]
Points: TypeAlias = NDArray[np.float64]
Polygon: TypeAlias = tuple[PointXY, ...]

CELL_SHARE = 1.1  # side of the square that a hand-drawn stone fills at most, in sides of a tessera
_JOINT_SHARE = 0.08  # of a side, between a hand-drawn stone and the middle to the next mark
_AREAS = (0.15, 2.5)  # of what is taken for a stone, in squares of a side
_OWN_SHARE = 2 / 3  # of it, that is nearer to its mark than to any other
_FREE_SHARE = 1 / 2  # of the model's answer, that no other tessera has
_GAP_SHARE = 0.35  # of a side, between pieces of one stone
_DOT_SHARE = 0.4  # of a side, the brush where nothing else helps
_MOST_ROUNDS = 10


@dataclass(frozen=True)
class Stroke:
    """One stroke or press of a button: what it was, and the seconds until the program had answered."""

    kind: Kind
    elapsed_s: float


class Person:
    """Corrects `corrected` in place, by the marks of `truth`; `ask` gives the model's answer to clicks, None where it sees no stone."""

    def __init__(self, corrected: CorrectedMap, truth: PointTruth, ask: Ask) -> None:
        self._map = corrected
        self._truth = truth
        self._ask = ask
        self._side_px = truth.tessera_px
        self._marks_xy: Points = self._look().marks_xy + np.array([truth.x0, truth.y0])

    def work(self) -> Iterator[Stroke]:
        """Make strokes until nothing is left to do."""
        for _ in range(_MOST_ROUNDS):
            done = 0
            for each in (self._part_fused, self._clear_empty, self._add_missed):
                for stroke in each():
                    done += 1
                    yield stroke
            if not done:
                return

    def _look(self) -> JudgedMarks:
        return judge_marks(self._map.labels, self._truth)

    def _part_fused(self) -> Iterator[Stroke]:
        while fused := self._fused():
            label, marks = fused[0]
            yield from self._part(label, marks)

    def _fused(self) -> list[tuple[int, Points]]:
        """Tesserae that hold several marks, one of them judged, and these marks."""
        seen = self._look()
        of_label = {int(label): seen.holders == label for label in np.unique(seen.holders) if label}
        return [(label, self._marks_xy[held]) for label, held in of_label.items() if held.sum() > 1 and (held & seen.judged).any()]

    def _part(self, label: int, marks_xy: Points) -> Iterator[Stroke]:
        """Cut between two groups of marks; delete what the line does not part, for its stones to be added anew."""
        line, sides = cut_line(marks_xy, self._map.boxes[label])
        stroke, made = self._make("cut", Split(line, label))
        yield stroke
        if not made or self._label_at(sides[0]) == self._label_at(sides[1]):
            yield self._make("delete", Delete((self._label_at(sides[0]),)))[0]

    def _clear_empty(self) -> Iterator[Stroke]:
        seen = self._look()
        for label in sorted(set(seen.labels.tolist()) - set(seen.holders.tolist())):
            yield from self._clear(label, seen.holders)

    def _clear(self, label: int, holders: NDArray[np.int32]) -> Iterator[Stroke]:
        """Join a tessera without a mark to the one whose stone it is part of, or delete it."""
        box = self._map.boxes[label]
        nearest = nearest_marks(self._marks_xy, box)[self._map.labels[window(box)] == label]
        holder = int(holders[np.bincount(nearest).argmax()])
        if holder in self._map.boxes and self._is_one_stone(label, holder):
            stroke, made = self._make("join", Merge((label, holder)))
            yield stroke
            if made:
                return
        yield self._make("delete", Delete((label,)))[0]

    def _is_one_stone(self, label: int, holder: int) -> bool:
        """Whether two tesserae lie close enough, and are small enough together, to be one."""
        box = union_box([self._map.boxes[label], self._map.boxes[holder]])
        inside = self._map.labels[window(box)]
        first, second = inside == label, inside == holder
        gap_px = cv2.distanceTransform((~first).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[second].min() - 1
        return bool(gap_px <= _GAP_SHARE * self._side_px and first.sum() + second.sum() <= _AREAS[1] * self._side_px**2)

    def _add_missed(self) -> Iterator[Stroke]:
        while len(missed := np.flatnonzero(self._missed())):
            yield from self._add(int(missed[0]))

    def _missed(self) -> NDArray[np.bool_]:
        seen = self._look()
        return seen.judged & (seen.holders == 0)

    def _add(self, mark: int) -> Iterator[Stroke]:
        """Have a stone outlined by the model from a click, then from a box too; draw it by hand where neither answer is the stone."""
        x, y = (float(value) for value in self._marks_xy[mark])
        cell = cell_of(self._marks_xy, mark, self._side_px)
        corners = np.array(cell)
        box = (*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())
        for kind, clicks in (("click", Clicks(((x, y),), (1,))), ("box", Clicks(((x, y),), (1,), box))):
            start_s = time.perf_counter()
            mask = self._ask(clicks)
            yield Stroke(kind, time.perf_counter() - start_s)
            if mask is not None and self._is_the_stone(mask, mark):
                stroke, made = self._make("take", Add(mask=mask))
                yield stroke
                if made and self._label_at((x, y)):
                    return
        yield self._make("outline", Add(cell))[0]
        if not self._label_at((x, y)):  # what is free there lies beside the mark: the place is brushed free, and the stone with it
            for brush in (Erase, Paint):
                yield self._make("brush", brush(((x, y),), max(3.0, _DOT_SHARE * self._side_px)))[0]

    def _is_the_stone(self, mask: MaskRuns, mark: int) -> bool:
        """Whether the model's answer is the stone of a mark, as far as marks and the other tesserae tell."""
        box, shown = mask.box_xyxy, mask.to_array()
        free = shown & (self._map.labels[window(box)] == 0)
        own = free & (nearest_marks(self._marks_xy, box) == mark)
        x, y = np.floor(self._marks_xy - box[:2]).astype(np.int64).T
        inside = (x >= 0) & (y >= 0) & (x < free.shape[1]) & (y < free.shape[0])
        held = np.flatnonzero(inside)[free[y[inside], x[inside]]]
        least, most = (share * self._side_px**2 for share in _AREAS)
        whole = free.sum() >= _FREE_SHARE * shown.sum() and own.sum() >= _OWN_SHARE * free.sum()
        return bool(whole and least <= free.sum() <= most and held.tolist() == [mark])

    def _label_at(self, point_xy: tuple[float, float] | Points) -> int:
        return int(self._map.labels[int(point_xy[1]), int(point_xy[0])])

    def _make(self, kind: Kind, correction: Correction) -> tuple[Stroke, bool]:
        """The stroke, and whether the correction could be made."""
        start_s = time.perf_counter()
        try:
            self._map.apply(correction)
        except CorrectionError:
            return Stroke(kind, time.perf_counter() - start_s), False
        return Stroke(kind, time.perf_counter() - start_s), True


def cut_line(marks_xy: Points, box: BoxXYXY) -> tuple[Polygon, tuple[Points, Points]]:
    """A line across a box, midway between the two neighbours that are farthest apart along the marks (N, 2), and these two."""
    middle = marks_xy.mean(axis=0)
    along = np.linalg.svd(marks_xy - middle)[2][0]
    ordered = marks_xy[np.argsort((marks_xy - middle) @ along)]
    widest = int(np.argmax(np.diff((ordered - middle) @ along)))
    first, second = ordered[widest], ordered[widest + 1]
    across = np.array([first[1] - second[1], second[0] - first[0]]) / np.hypot(*(second - first))
    reach = np.hypot(box[2] - box[0], box[3] - box[1])
    ends = ((first + second) / 2 + sign * reach * across for sign in (-1, 1))
    return tuple((float(x), float(y)) for x, y in ends), (first, second)


def nearest_marks(marks_xy: Points, box: BoxXYXY) -> NDArray[np.intp]:
    """Index of the mark (N, 2) that is nearest to each pixel of a box, (h, w)."""
    x, y = np.arange(box[0], box[2]) + 0.5, np.arange(box[1], box[3]) + 0.5
    squared = (x[None, :, None] - marks_xy[:, 0]) ** 2 + (y[:, None, None] - marks_xy[:, 1]) ** 2
    return np.asarray(squared.argmin(axis=2))


def cell_of(marks_xy: Points, mark: int, side_px: float) -> Polygon:
    """What a hand would outline for a mark: of a square around it what is nearer to it than to any other mark, less half a joint."""
    centre = marks_xy[mark]
    half = CELL_SHARE * side_px / 2
    corners = centre + half * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], dtype=np.float64)
    for other in np.delete(marks_xy, mark, axis=0):
        distance = np.hypot(*(other - centre))
        if distance < 4 * half:
            corners = _clipped(corners, centre, (other - centre) / distance, distance / 2 - _JOINT_SHARE * side_px)
    return tuple((round(float(x), 2), round(float(y), 2)) for x, y in corners)


def _clipped(corners: Points, origin: Points, towards: Points, reach: float) -> Points:
    """The part of a convex polygon (K, 2) that goes no farther than `reach` from `origin` in the direction `towards`, of length 1."""
    beyond = (corners - origin) @ towards - reach
    kept = []
    for corner, after, out, out_after in zip(corners, np.roll(corners, -1, axis=0), beyond, np.roll(beyond, -1), strict=True):
        if out <= 0:
            kept.append(corner)
        if (out <= 0) != (out_after <= 0):
            kept.append(corner + (after - corner) * out / (out - out_after))
    return np.array(kept)
