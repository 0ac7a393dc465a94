"""Joints: from cells that fill the plane to single tesserae with mortar between them, exact in the label map."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tesserae.labelmap import fill_mortar_from_nearest
from tesserae.synthetic.noise import FloatField, Rng, chance, log_uniform, smooth_noise

Labels = NDArray[np.int32]


@dataclass(frozen=True)
class JointStyle:
    """Joints and corners, lengths in units of the tessera side.

    Attributes:
        width: mean width of a joint, from hairline (0.04) to wide (0.24).
        spread: deviation of the logarithm of the width between tesserae.
        rounding: radius of the corners.
        chipping: amplitude of the irregularity of the edges.
    """

    width: float
    spread: float
    rounding: float
    chipping: float


def draw_joint_style(rng: Rng) -> JointStyle:
    """Draw the joints of one mosaic."""
    return JointStyle(
        width=log_uniform(0.04, 0.24, rng),
        spread=float(rng.uniform(0.1, 0.5)),
        rounding=log_uniform(0.03, 0.2, rng),
        chipping=log_uniform(0.01, 0.07, rng),
    )


def cut_joints(cells: NDArray[np.int32], side_px: float, style: JointStyle, rng: Rng) -> Labels:
    """Return the label map (0 = mortar) of `cells` after slivers were given away, joints cut and corners rounded."""
    pieces = _split_long(_connected_cells(cells), side_px, longest=float(rng.uniform(1.7, 2.6)), rng=rng)
    pieces = _without_slivers(pieces, side_px, share=float(rng.uniform(0.08, 0.22)))
    to_edge = _distance_to_edge(pieces)
    count = int(pieces.max())
    half_gap = 0.5 * side_px * style.width * np.exp(style.spread * rng.standard_normal(count + 1))
    half_gap = np.maximum(half_gap, 0.5).astype(np.float32)
    inradius = np.zeros(count + 1, dtype=np.float32)
    np.maximum.at(inradius, pieces.ravel(), to_edge.ravel())
    half_gap = np.minimum(half_gap, 0.45 * inradius)
    rounding = np.clip(style.rounding * side_px * np.exp(0.4 * rng.standard_normal(count + 1)), 0, 0.75 * (inradius - half_gap))
    ragged = to_edge + np.float32(style.chipping * side_px) * smooth_noise(pieces.shape, 0.25 * side_px, rng)
    ragged = np.minimum(ragged, to_edge)
    core = ragged > (half_gap + rounding)[pieces]
    to_core = cv2.distanceTransform((~core).astype(np.uint8), cv2.DIST_L2, 5)
    stone = (to_core <= rounding[pieces]) & (to_edge > 0)
    return _keep_largest_parts(np.where(stone, pieces, 0), min_area_px=0.05 * side_px**2)


def break_tesserae(labels: Labels, side_px: float, share: float, rng: Rng) -> Labels:
    """Return the label map with some tesserae missing (most) or with a corner broken off (some)."""
    count = int(labels.max())
    lost = rng.random(count + 1) < share
    if count and chance(0.5, rng):
        clustered = smooth_noise(labels.shape, 4 * side_px, rng)
        centre = _mean_of_label(labels, clustered)
        lost = rng.random(count + 1) < share * np.exp(1.5 * centre)
    bitten = rng.random(count + 1) < 0.5 * share
    bite = smooth_noise(labels.shape, 0.6 * side_px, rng) > 0.5
    lost[0] = bitten[0] = False
    gone = lost[labels] | (bitten[labels] & bite)
    return _keep_largest_parts(np.where(gone, 0, labels), min_area_px=0.08 * side_px**2)


def _connected_cells(cells: NDArray[np.int32]) -> Labels:
    """Number the 4-connected parts of equal cell id from 1; the one-pixel lines between them become part of a neighbour."""
    edge = np.zeros(cells.shape, dtype=bool)
    edge[:, :-1] |= cells[:, :-1] != cells[:, 1:]
    edge[:-1] |= cells[:-1] != cells[1:]
    _, parts = cv2.connectedComponents((~edge).astype(np.uint8), connectivity=4)
    return fill_mortar_from_nearest(parts.astype(np.int32))


def _split_long(pieces: Labels, side_px: float, longest: float, rng: Rng) -> Labels:
    """Cut pieces longer than `longest` sides across their long axis into stones of one to one and a half sides.

    Rows that follow an outline stretch where the outline bulges; a mosaicist would take one stone more.
    """
    flat, count = pieces.ravel(), int(pieces.max()) + 1
    y, x = (axis.ravel().astype(np.float64) for axis in np.indices(pieces.shape))
    area = np.maximum(np.bincount(flat, minlength=count), 1)
    mean = [np.bincount(flat, axis, minlength=count) / area for axis in (x, y)]
    dx, dy = x - mean[0][flat], y - mean[1][flat]
    xx, yy, xy = (np.bincount(flat, product, minlength=count) / area for product in (dx * dx, dy * dy, dx * dy))
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    spread = np.sqrt(0.5 * (xx + yy) + np.hypot(0.5 * (xx - yy), xy))
    length_px = spread * np.sqrt(12)  # a bar of length L has deviation L / sqrt(12)
    parts = np.where(length_px > longest * side_px, np.round(length_px / (side_px * rng.uniform(1.0, 1.5, count))), 1)
    along = (dx * np.cos(angle)[flat] + dy * np.sin(angle)[flat]) / np.maximum(length_px, 1)[flat] + 0.5
    part = np.clip(np.floor(along * parts[flat]), 0, parts[flat] - 1)
    return _connected_cells((pieces + count * part.reshape(pieces.shape)).astype(np.int32))


def _without_slivers(pieces: Labels, side_px: float, share: float) -> Labels:
    """Give pieces below `share` of a side squared to their neighbours, as a mosaicist would cut them away."""
    small = np.bincount(pieces.ravel()) < share * side_px**2
    small[0] = True
    if small.all():
        return pieces
    kept = np.where(small[pieces], 0, pieces)
    return fill_mortar_from_nearest(kept)


def _distance_to_edge(pieces: Labels) -> FloatField:
    edge = np.zeros(pieces.shape, dtype=bool)
    edge[:, :-1] |= pieces[:, :-1] != pieces[:, 1:]
    edge[:-1] |= pieces[:-1] != pieces[1:]
    return np.asarray(cv2.distanceTransform((~edge).astype(np.uint8), cv2.DIST_L2, 5), dtype=np.float32)


def _keep_largest_parts(labels: Labels, min_area_px: float) -> Labels:
    """Return labels renumbered from 1 with only the largest connected part of each, and none below `min_area_px`."""
    edge = np.zeros(labels.shape, dtype=bool)
    edge[:, :-1] |= (labels[:, :-1] != labels[:, 1:]) & (labels[:, :-1] > 0) & (labels[:, 1:] > 0)
    edge[:-1] |= (labels[:-1] != labels[1:]) & (labels[:-1] > 0) & (labels[1:] > 0)
    number, parts = cv2.connectedComponents(((labels > 0) & ~edge).astype(np.uint8), connectivity=4)
    area = np.bincount(parts.ravel(), minlength=number)
    label_of_part = np.zeros(number, dtype=np.int32)
    label_of_part[parts.ravel()] = labels.ravel()
    label_of_part[0] = 0
    order = np.lexsort((-area, label_of_part))
    first = np.ones(number, dtype=bool)
    first[1:] = label_of_part[order][1:] != label_of_part[order][:-1]
    keep = np.zeros(number, dtype=bool)
    keep[order[first]] = True
    keep &= area >= min_area_px
    keep[0] = False
    new_label = np.zeros(number, dtype=np.int32)
    new_label[keep] = np.arange(1, int(keep.sum()) + 1)
    return np.asarray(new_label[parts], dtype=np.int32)


def _mean_of_label(labels: Labels, values: FloatField) -> FloatField:
    count = int(labels.max())
    means = ndimage.mean(values, labels, np.arange(count + 1))
    return np.asarray(means, dtype=np.float32)
