"""Several tesserae made one: the joints between them are bridged, nearest pieces first."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tesserae.corrections.boxes import common_box, is_empty, mask_box, widened_box, window
from tesserae.corrections.ground import Ground, Work
from tesserae.corrections.operations import BoxXYXY
from tesserae.corrections.patches import MORTAR
from tesserae.corrections.pieces import parts_of
from tesserae.errors import CorrectionError

_DETOUR, _SLACK_PX = 1.5, 2.0  # a joint's pixel is on a way from piece to piece at most this much longer than the gap

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Piece:
    """A piece that is to be joined to the others.

    Attributes:
        label: the tessera that it belongs to.
        mask: bool (h, w) of its surroundings, as far as a bridge may reach.
        distance: float32 (h, w), to the piece, between pixel centres.
        place: index of its surroundings in the cut-out.
    """

    label: int
    mask: Mask
    distance: NDArray[np.float32]
    place: tuple[slice, slice]

    def gap(self, joined: Mask) -> float:
        """The least distance to what is joined already, infinite where that is out of reach."""
        return float(self.distance.min(where=joined[self.place], initial=np.inf))


def join(ground: Ground, labels: tuple[int, ...]) -> Work:
    """Make one tessera of `labels` (two or more), with the lowest number; raises CorrectionError where they cannot be joined.

    The joint between two pieces are the pixels without a tessera within their convex hull whose distances to both add up to at most 1.5
    times the gap, plus 2; nearest pieces come first.
    """
    boxes = [ground.box_of(label) for label in labels]
    reach = math.sqrt(max(ground.area_px(label) for label in labels)) + 1
    margin = math.ceil(_DETOUR * reach + _SLACK_PX)
    _refuse_far(labels, boxes, math.ceil(reach))
    work = Work.around(ground, [ground.clipped(widened_box(box, margin)) for box in boxes])
    first, *rest = [piece for label, box in zip(labels, boxes, strict=True) for piece in _pieces(work, label, box, margin)]
    joined = np.zeros(work.before.shape, dtype=bool)
    joined[first.place] |= first.mask
    while rest:
        piece = rest.pop(int(np.argmin([piece.gap(joined) for piece in rest])))
        if piece.gap(joined) > reach or not _bridge(joined, piece, work):
            raise CorrectionError(_refusal(piece.label, labels))
    work.after[joined] = min(labels)
    return work


def _refuse_far(labels: tuple[int, ...], boxes: list[BoxXYXY], reach: int) -> None:
    """Raise CorrectionError when the boxes already tell that not all can be joined, before a cut-out that holds them all is made."""
    found, rest = boxes[:1], dict(zip(labels[1:], boxes[1:], strict=True))
    while rest:
        near = [label for label, box in rest.items() if any(not is_empty(common_box(widened_box(box, reach), other)) for other in found)]
        if not near:
            raise CorrectionError(_refusal(min(rest), labels))
        found += [rest.pop(label) for label in near]


def _pieces(work: Work, label: int, box: BoxXYXY, margin: int) -> Iterator[_Piece]:
    """The pieces of a tessera, most often one, with their surroundings."""
    inner = work.window(box)
    parts, areas = parts_of(work.before[inner] == label)
    height, width = work.before.shape
    for part in range(1, len(areas)):
        corner = inner[1].start, inner[0].start
        place = window(common_box(widened_box(mask_box(parts == part, corner), margin), (0, 0, width, height)))
        mask = np.zeros((height, width), dtype=bool)
        mask[inner] = parts == part
        yield _Piece(label, mask[place], _distance_to(mask[place]), place)


def _bridge(joined: Mask, piece: _Piece, work: Work) -> bool:
    """Add a piece and the joint before it to what is joined, in place; False, and nothing added, where they do not meet."""
    near = joined[piece.place]
    stones = near | piece.mask
    longest = _DETOUR * piece.gap(joined) + _SLACK_PX
    way = (work.before[piece.place] <= MORTAR) & (_distance_to(near) + piece.distance <= longest)
    for bridge in (way & _hull(stones), way):  # what bulges out of the hull is needed only where a stone stands in between
        parts, _ = parts_of(stones | bridge)
        own = parts[piece.mask][0]
        if (parts[near] == own).any():
            near |= np.isin(parts, np.append(parts[near], own))
            return True
    return False


def _hull(mask: Mask) -> Mask:
    """Pixels whose centre lies in the convex hull of those of a mask; bool (h, w)."""
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
