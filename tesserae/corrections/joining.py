"""Several tesserae made one: the joints between them are bridged, nearest pieces first."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tesserae.corrections.boxes import common_box, is_empty, mask_box, widened_box, window
from tesserae.corrections.ground import Ground, Work
from tesserae.corrections.patches import MORTAR
from tesserae.corrections.pieces import parts_of
from tesserae.corrections.shapes import Shape
from tesserae.errors import CorrectionError

_DETOUR, _SLACK_PX = 1.5, 2.0  # a joint's pixel is on a way from piece to piece at most this much longer than the gap

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Piece:
    """A piece of a tessera, most often all of it.

    Attributes:
        label: the tessera's number.
        shape: the pixels.
        rim_xy: whole numbers (N, 2), those along its outline, in the photo.
    """

    label: int
    shape: Shape
    rim_xy: NDArray[np.integer[Any]]

    def gap(self, other: "_Piece", reach: float) -> float:
        """The least distance between pixel centres of two pieces; infinite where that is out of reach."""
        if is_empty(common_box(widened_box(self.shape.box_xyxy, math.ceil(reach)), other.shape.box_xyxy)):
            return math.inf
        distances, _ = cKDTree(self.rim_xy).query(other.rim_xy, distance_upper_bound=np.nextafter(reach, math.inf))
        return float(distances.min())


def join(ground: Ground, labels: tuple[int, ...]) -> Work:
    """Make one tessera of `labels` (two or more), with the lowest number; raises CorrectionError where they cannot be joined.

    The joint between two pieces are the pixels without a tessera within their convex hull whose distances to both add up to at most 1.5
    times the gap, plus 2. No gap may be wider than the side of the largest of the tesserae.
    """
    for label in labels:
        ground.box_of(label)
    reach = math.sqrt(max(ground.area_px(label) for label in labels)) + 1
    first, *rest = [piece for label in labels for piece in _pieces(ground, label)]
    order = list(_nearest_first(first, rest, reach))
    for piece, gap in order:
        if math.isinf(gap):
            raise CorrectionError(_refusal(piece.label, labels))
    work = Work.around(ground, [ground.boxes[label] for label in labels])
    joined = first.shape.within(work.box_xyxy)
    for piece, gap in order:
        if not _bridge(joined, piece, _DETOUR * gap + _SLACK_PX, work):
            raise CorrectionError(_refusal(piece.label, labels))
    work.after[joined] = min(labels)
    return work


def _pieces(ground: Ground, label: int) -> Iterator[_Piece]:
    corner = ground.boxes[label][:2]
    parts, areas = parts_of(ground.mask_of(label, ground.boxes[label]))
    for part in range(1, len(areas)):
        box = mask_box(parts == part, corner)
        mask = np.asarray(parts[window(box, corner)] == part)
        rims, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        yield _Piece(label, Shape(box, mask), np.concatenate([rim.reshape(-1, 2) for rim in rims]) + box[:2])


def _nearest_first(first: _Piece, rest: list[_Piece], reach: float) -> Iterator[tuple[_Piece, float]]:
    """The rest, each with its gap to the nearest piece before it, the least gap first."""
    last, gaps = first, dict.fromkeys(range(len(rest)), math.inf)
    while gaps:
        gaps = {index: min(gap, last.gap(rest[index], reach)) for index, gap in gaps.items()}
        index = min(gaps, key=gaps.__getitem__)
        last = rest[index]
        yield last, gaps.pop(index)


def _bridge(joined: Mask, piece: _Piece, longest: float, work: Work) -> bool:
    """Add a piece and the joint before it to what is joined, in place; False, and nothing added, where they do not meet."""
    box = common_box(widened_box(piece.shape.box_xyxy, math.ceil(longest)), work.box_xyxy)
    near, new = joined[work.window(box)], piece.shape.within(box)
    way = (work.before[work.window(box)] <= MORTAR) & (_distance_to(near) + _distance_to(new) <= longest)
    for bridge in (way & _hull(near | new), way):  # what bulges out of the hull is needed only where a stone stands in between
        parts, _ = parts_of(near | new | bridge)
        own = parts[new][0]
        if (parts[near] == own).any():
            near |= np.isin(parts, np.append(parts[near], own))
            return True
    return False


def _hull(mask: Mask) -> Mask:
    """Pixels in the convex hull of those of a mask; bool (h, w)."""
    hull = cv2.convexHull(cv2.findNonZero(mask.astype(np.uint8)))
    return np.asarray(cv2.fillConvexPoly(np.zeros(mask.shape, dtype=np.uint8), hull, 1) > 0)


def _distance_to(mask: Mask) -> NDArray[np.float32]:
    """Distance of each pixel's centre to the nearest pixel of a mask; float32 (h, w)."""
    return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), dtype=np.float32)


def _refusal(label: int, labels: tuple[int, ...]) -> str:
    others = ", ".join(str(other) for other in labels if other != label)
    return (
        f"Tessera {label} cannot be joined to {others}: the joint between them must be free of other tesserae and no wider than a"
        " tessera. Choose neighbours, or delete what lies between them first."
    )
