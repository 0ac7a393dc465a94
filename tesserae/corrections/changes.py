"""What each correction does to pixels: from a label map with its boxes and an operation to the pixels that change.

Nothing is changed here, and only boxes are looked at: those of what was drawn and of the tesserae that it touches. What all operations
share: what is not touched keeps its number, a new tessera gets a number that was never used, and tesserae that are touched hang together
and have at least four pixels (see `tesserae.corrections.pieces`).
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tesserae.canvas import largest_part
from tesserae.corrections.boxes import common_box, is_empty, union_box, widened_box
from tesserae.corrections.cutting import cut_along, cut_between_seeds
from tesserae.corrections.ground import Ground, Work
from tesserae.corrections.joining import join
from tesserae.corrections.operations import (
    Add,
    Approve,
    Correction,
    Delete,
    Erase,
    Ignore,
    MaskRuns,
    Merge,
    Mortar,
    Paint,
    PointXY,
    Replace,
    Split,
)
from tesserae.corrections.patches import IGNORED, MORTAR, Patch
from tesserae.corrections.pieces import CRUMB_PX, keep_connected
from tesserae.corrections.shapes import Shape, box_shape, brush_shape, polygon_shape, runs_shape
from tesserae.errors import CorrectionError

_CROSSING_PX = 1.0  # width of a line that crosses: thin, yet no 4-connected way leads through it


def change_pixels(ground: Ground, correction: Correction) -> tuple[Patch, ...]:
    """Return the pixels that a single correction changes; patches of one correction share no pixel.

    Args:
        ground: the label map as it is; its numbers are taken for new tesserae.
        correction: any but `Several`, whose corrections each find what the one before them left.

    Raises CorrectionError when the correction cannot be made.
    """
    patches = _CHANGES[type(correction)](ground, correction)
    return tuple(patch for patch in patches if not is_empty(patch.box_xyxy))


# --- Outlines: add, replace -------------------------------------------------------------------------------------------


def _add(ground: Ground, add: Add) -> list[Patch]:
    return [_new_tessera(ground, _drawn(ground, add.polygon_xy, add.mask))]


def _replace(ground: Ground, replace: Replace) -> list[Patch]:
    box = ground.box_of(replace.label)
    shape = _drawn(ground, replace.polygon_xy, replace.mask)
    if is_empty(common_box(box, shape.box_xyxy)):  # two small cut-outs, not one that holds all between them
        return [_removed(ground, replace.label), _laid(ground, shape, replace.label)]
    work = Work.around(ground, [box, shape.box_xyxy])
    own = work.before == replace.label
    work.after[own] = MORTAR
    work.after[_free_piece(ground, shape, work, own)] = replace.label
    return [work.patch()]


def _drawn(ground: Ground, polygon_xy: tuple[PointXY, ...] | None, mask: MaskRuns | None) -> Shape:
    return runs_shape(mask, ground.shape) if mask is not None else polygon_shape(polygon_xy or (), ground.shape)


def _new_tessera(ground: Ground, shape: Shape) -> Patch:
    """The largest piece of a shape that finds no other tessera, as a new one."""
    work = Work.around(ground, [shape.box_xyxy])
    piece = _free_piece(ground, shape, work)
    work.after[piece] = ground.numbers.take()
    return work.patch()


def _laid(ground: Ground, shape: Shape, label: int) -> Patch:
    """The largest piece of a shape that finds no other tessera, as part of tessera `label`."""
    work = Work.around(ground, [shape.box_xyxy])
    work.after[_free_piece(ground, shape, work)] = label
    return work.patch()


def _free_piece(ground: Ground, shape: Shape, work: Work, own: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """The largest piece of a shape that belongs to no tessera, or to the `own` pixels; bool (h, w) of `work`.

    Raises CorrectionError when there is none of at least `CRUMB_PX` pixels.
    """
    if is_empty(shape.box_xyxy):
        raise CorrectionError("What was drawn lies outside the photo. Draw it where the photo is.")
    free = work.before <= MORTAR if own is None else (work.before <= MORTAR) | own
    piece = largest_part(shape.within(work.box_xyxy) & free)
    if np.count_nonzero(piece) < CRUMB_PX:
        taken = ", ".join(map(str, ground.under(shape)[:5]))
        raise CorrectionError(
            f"A tessera needs at least {CRUMB_PX} pixels of mortar that hang together, found fewer inside what was drawn"
            + (f": it lies on {taken}. Delete or erase what is there first, or draw beside it." if taken else ". Draw it larger.")
        )
    return piece


# --- Whole tesserae: delete, merge, split -----------------------------------------------------------------------------


def _delete(ground: Ground, delete: Delete) -> list[Patch]:
    return [_removed(ground, label) for label in _chosen(ground, delete)]


def _chosen(ground: Ground, delete: Delete) -> list[int]:
    """Numbers of the tesserae to delete, ascending."""
    if delete.labels is not None:
        for label in delete.labels:
            ground.box_of(label)
        return sorted(set(delete.labels))
    if delete.points_xy is not None:
        return sorted({label for point in delete.points_xy for label in _at(ground, point)})
    if delete.below_area_px is not None:
        return sorted(label for label in ground.boxes if ground.area_px(label) < delete.below_area_px)
    shape = (
        box_shape(delete.box_xyxy, ground.shape) if delete.box_xyxy is not None else polygon_shape(delete.polygon_xy or (), ground.shape)
    )
    return [label for label in ground.under(shape) if 2 * ground.area_in(label, shape) >= ground.area_px(label)]


def _at(ground: Ground, point_xy: PointXY) -> tuple[int, ...]:
    """The tessera at a point, if there is one."""
    x, y = math.floor(point_xy[0]), math.floor(point_xy[1])
    return ground.under(box_shape((x, y, x + 1, y + 1), ground.shape))


def _removed(ground: Ground, label: int) -> Patch:
    work = Work.around(ground, [ground.boxes[label]])
    work.after[work.before == label] = MORTAR
    return work.patch()


def _merge(ground: Ground, merge: Merge) -> list[Patch]:
    if merge.labels is not None:
        return [join(ground, tuple(sorted(set(merge.labels)))).patch()]
    crossed = ground.under(brush_shape(merge.line_xy or (), _CROSSING_PX, ground.shape))
    if len(crossed) < 2:
        found = f"tessera {crossed[0]} only" if crossed else "none"
        raise CorrectionError(f"A merge needs a line across at least two tesserae, found {found}. Draw it from one to the other.")
    return [join(ground, crossed).patch()]


def _split(ground: Ground, split: Split) -> list[Patch]:
    if split.line_xy is None and split.label is not None:
        return [_split_alone(ground, split.label)]
    return _split_along(ground, split.line_xy or (), split.label)


def _split_alone(ground: Ground, label: int) -> Patch:
    work = Work.around(ground, [ground.box_of(label)])
    cut_between_seeds(work, label, ground.numbers)
    return work.patch()


def _split_along(ground: Ground, line_xy: tuple[PointXY, ...], label: int | None) -> list[Patch]:
    line = brush_shape(line_xy, _CROSSING_PX, ground.shape)
    patches = []
    for crossed in ground.under(line) if label is None else (label,):
        work = Work.around(ground, [ground.box_of(crossed)])
        if cut_along(work, crossed, line.within(work.box_xyxy), ground.numbers):
            patches.append(work.patch())
    if not patches:
        name = "a tessera" if label is None else f"tessera {label}"
        raise CorrectionError(f"The line does not part {name}. Draw it right across, from joint to joint.")
    return patches


# --- Brushes: paint, erase --------------------------------------------------------------------------------------------


def _paint(ground: Ground, paint: Paint) -> list[Patch]:
    shape = brush_shape(paint.line_xy, paint.width_px, ground.shape)
    if paint.label is None:
        return [_new_tessera(ground, shape)]
    box = ground.box_of(paint.label)
    touched = {label: ground.boxes[label] for label in ground.under(shape)}
    near = not is_empty(common_box(widened_box(box, 1), shape.box_xyxy))
    label = paint.label if near else ground.numbers.take()  # what cannot hang together with the tessera is a new one
    touched[label] = union_box([box, shape.box_xyxy]) if near else shape.box_xyxy
    work = Work.around(ground, touched.values())
    work.after[shape.within(work.box_xyxy)] = label
    keep_connected(work, touched, ground.numbers)
    return [work.patch()]


def _erase(ground: Ground, erase: Erase) -> list[Patch]:
    shape = brush_shape(erase.line_xy, erase.width_px, ground.shape)
    if erase.label is not None:
        ground.box_of(erase.label)
    touched = {label: ground.boxes[label] for label in ground.under(shape) if erase.label in (None, label)}
    work = Work.around(ground, touched.values())
    brushed = shape.within(work.box_xyxy) & (work.before > MORTAR if erase.label is None else work.before == erase.label)
    work.after[brushed] = MORTAR
    keep_connected(work, touched, ground.numbers)
    return [work.patch()]


# --- Regions: mortar, ignore, approve ---------------------------------------------------------------------------------


def _mortar(ground: Ground, mortar: Mortar) -> list[Patch]:
    shape = polygon_shape(mortar.polygon_xy, ground.shape)
    touched = {label: ground.boxes[label] for label in ground.under(shape)}
    work = Work.around(ground, [shape.box_xyxy, *touched.values()])
    work.after[shape.within(work.box_xyxy)] = MORTAR
    keep_connected(work, touched, ground.numbers)
    return [work.patch()]


def _ignore(ground: Ground, ignore: Ignore) -> list[Patch]:
    shape = polygon_shape(ignore.polygon_xy, ground.shape)
    gone = [label for label in ground.under(shape) if 2 * ground.area_in(label, shape) > ground.area_px(label)]
    work = Work.around(ground, [shape.box_xyxy, *(ground.boxes[label] for label in gone)])
    for label in gone:
        inner = work.window(ground.boxes[label])
        work.after[inner][work.before[inner] == label] = MORTAR
    work.after[shape.within(work.box_xyxy) & (work.after <= MORTAR)] = IGNORED
    return [work.patch()]


def _approve(ground: Ground, approve: Approve) -> list[Patch]:  # noqa: ARG001
    return []


_CHANGES: Mapping[type[Any], Callable[[Ground, Any], list[Patch]]] = {
    Add: _add,
    Delete: _delete,
    Merge: _merge,
    Split: _split,
    Paint: _paint,
    Erase: _erase,
    Replace: _replace,
    Mortar: _mortar,
    Ignore: _ignore,
    Approve: _approve,
}
