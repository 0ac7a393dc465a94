"""Known damage to a true label map, one sort at a time: what a clean-up should put right, and nothing else.

Each function takes the true map int32 (H, W) and returns a damaged copy; about a tenth of the tesserae is hit, chosen by a seed.
"""

from collections.abc import Callable, Iterator, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from tesserae.forms import Forms, measure_forms
from tesserae.joints import find_joints, survey_mortar

Labels = NDArray[np.int32]

SHARE = 0.1
_LEAST_RADIUS_PX = 4.0  # smaller tesserae have no room for damage
_CRACK_PX = 2


def crack(labels: Labels, seed: int) -> Labels:
    """Cut tesserae in two across their longer side, with a narrow joint between the halves."""
    damaged, next_label = labels.copy(), int(labels.max()) + 1
    for row, forms in _hit(labels, seed):
        points_xy, along = _points_along(labels, int(forms.labels[row]))
        beyond = points_xy[along >= _CRACK_PX / 2]
        gap = points_xy[np.abs(along) < _CRACK_PX / 2]
        damaged[beyond[:, 1], beyond[:, 0]], next_label = next_label, next_label + 1
        damaged[gap[:, 1], gap[:, 0]] = 0
    return damaged


def bridge(labels: Labels, seed: int) -> Labels:
    """Join tesserae to a neighbour by a bridge over the joint."""
    forms = measure_forms(labels)
    joints = find_joints(survey_mortar(labels, forms), forms)
    hit = {row for row, _ in _hit(labels, seed)}
    damaged, taken = labels.copy(), set[int]()
    for first, second in zip(joints.first.tolist(), joints.second.tolist(), strict=True):
        if first in hit and taken.isdisjoint((first, second)) and forms.radii_px[second] >= _LEAST_RADIUS_PX:
            taken |= {first, second}
            _lay_bridge(damaged, forms, first, second)
    return damaged


def pierce(labels: Labels, seed: int) -> Labels:
    """Make a hole in tesserae."""
    damaged = labels.copy()
    for row, forms in _hit(labels, seed):
        damaged[_disc(labels, forms, row)] = 0
    return damaged


def nest(labels: Labels, seed: int) -> Labels:
    """Put a second, smaller tessera into tesserae."""
    damaged, next_label = labels.copy(), int(labels.max()) + 1
    for number, (row, forms) in enumerate(_hit(labels, seed)):
        damaged[_disc(labels, forms, row)] = next_label + number
    return damaged


def fray(labels: Labels, seed: int) -> Labels:
    """Roughen all outlines: every place is shifted by about a pixel, this way and that."""
    rng = np.random.default_rng(seed)
    noise = [cv2.GaussianBlur(rng.standard_normal(labels.shape).astype(np.float32), (0, 0), 1.2) * 4.0 for _ in range(2)]
    rows, columns = np.indices(labels.shape)
    height, width = labels.shape
    moved = np.clip(np.rint(rows + noise[0]).astype(int), 0, height - 1), np.clip(np.rint(columns + noise[1]).astype(int), 0, width - 1)
    return np.asarray(labels[moved])


DAMAGES: Mapping[str, Callable[[Labels, int], Labels]] = {
    "cracked": crack,
    "bridged": bridge,
    "pierced": pierce,
    "nested": nest,
    "frayed": fray,
}


def _hit(labels: Labels, seed: int) -> Iterator[tuple[int, Forms]]:
    """Rows of the tesserae that are damaged, with the forms of all."""
    forms = measure_forms(labels)
    drawn = np.random.default_rng(seed).random(len(forms)) < SHARE
    for row in np.flatnonzero(drawn & (forms.radii_px >= _LEAST_RADIUS_PX) & ~forms.cut).tolist():
        yield row, forms


def _points_along(labels: Labels, label: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Pixels (x, y) of a tessera, int64 (P, 2), and how far along its longer axis each lies from its middle."""
    points_xy = np.argwhere(labels == label)[:, ::-1]
    centred = points_xy - points_xy.mean(axis=0)
    axis = np.linalg.eigh(centred.T @ centred).eigenvectors[:, 1]
    return points_xy, centred @ axis


def _lay_bridge(damaged: Labels, forms: Forms, first: int, second: int) -> None:
    """Give both tesserae the lower number, and mortar along a line between their middles to it, in place."""
    kept, gone = int(forms.labels[first]), int(forms.labels[second])
    ends = [tuple(int(value) for value in np.rint(forms.centres_xy[row])) for row in (first, second)]
    width_px = max(2, round(0.4 * float(forms.radii_px[[first, second]].min())))
    stroke = cv2.line(np.zeros(damaged.shape, dtype=np.uint8), ends[0], ends[1], 1, width_px)
    damaged[(stroke > 0) & (damaged == 0)] = kept
    damaged[damaged == gone] = kept


def _disc(labels: Labels, forms: Forms, row: int) -> NDArray[np.bool_]:
    """Pixels within a third of the radius around the middle of a tessera, as far as they are its own; bool (H, W)."""
    x, y = np.rint(forms.centres_xy[row]).astype(int).tolist()
    radius_px = max(1, int(forms.radii_px[row] / 3))
    disc = cv2.circle(np.zeros(labels.shape, dtype=np.uint8), (x, y), radius_px, 1, cv2.FILLED)
    return np.asarray((disc > 0) & (labels == forms.labels[row]))
