"""What stands around each tessera: the size that is usual there, and how far its neighbours are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tesserae.forms import Forms

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NEIGHBOURS = 9
_NEAREST = 4  # of them, as a tessera in a row has


@dataclass(frozen=True, eq=False)
class Surroundings:
    """One row per tessera of the forms, N of them.

    Attributes:
        sides_px: float64 (N,), square root of the median area of the `NEIGHBOURS` nearest by their centres; of those that the photo's edge
            does not cut, where there are any; its own when it is alone.
        area_ratios: float64 (N,), its area over that median.
        distances: float64 (N,), mean distance of its centre from those of its four nearest neighbours, in `sides_px`; 1 when alone.
    """

    sides_px: Floats
    area_ratios: Floats
    distances: Floats


def measure_surroundings(forms: Forms) -> Surroundings:
    """Find the neighbours of every tessera, and what is usual among them."""
    count = len(forms)
    nearest = min(NEIGHBOURS, count - 1)
    areas = forms.areas_px.astype(np.float64)
    if nearest < 1:
        return Surroundings(np.sqrt(areas), np.ones(count), np.ones(count))
    distances, rows = cKDTree(forms.centres_xy).query(forms.centres_xy, k=nearest + 1)
    distances, rows = _without_self(distances, rows)
    usual = _median_of_whole(areas[rows], forms.cut[rows])
    sides = np.sqrt(usual)
    return Surroundings(sides, areas / usual, distances[:, :_NEAREST].mean(axis=1) / sides)


def _without_self(distances: Floats, rows: Integers) -> tuple[Floats, Integers]:
    """Drop each tessera from its own neighbours; where another has the same centre, it need not stand first."""
    own = rows == np.arange(len(rows))[:, None]
    own[~own.any(axis=1), -1] = True
    shape = (len(rows), rows.shape[1] - 1)
    return distances[~own].reshape(shape), rows[~own].reshape(shape)


def _median_of_whole(areas: Floats, cut: NDArray[np.bool_]) -> Floats:
    """Median of each row of areas (N, K), of those that are not cut; of all where all are."""
    left_out = cut & ~cut.all(axis=1, keepdims=True)
    return np.asarray(np.nanmedian(np.where(left_out, np.nan, areas), axis=1))
