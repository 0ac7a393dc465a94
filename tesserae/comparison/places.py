"""Where two label maps of one photo differ: tesserae found by one only, joined or divided otherwise, or outlined otherwise.

Tesserae of A and B belong to one place when they share more than half of the smaller of the two; a place is what hangs together that way.
With how many tesserae of each map a place holds, its kind is

    same     one of each, with an IoU of at least `SAME_IOU`
    only_a   tesserae of A alone        only_b   tesserae of B alone
    split    fewer of A than of B: most often, one of A is several of B
    merged   more of A than of B: most often, several of A are one of B
    moved    as many of A as of B, with another outline

so that every tessera has one kind, swapping the maps swaps only_a with only_b and split with merged, and these four kinds explain the
whole difference of the counts.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tesserae.errors import LabelMapError
from tesserae.evaluation.overlaps import OverlapTable, overlap_table
from tesserae.labelmap import check_label_map
from tesserae.measure import measure_tesserae

Kind = Literal["same", "only_a", "only_b", "split", "merged", "moved"]
Integers = NDArray[np.int64]

KINDS: tuple[Kind, ...] = get_args(Kind)
SAME_IOU = 0.75
"""From this IoU on, two outlines count as the same; a rim of one pixel around a tessera of 14 pixels a side makes 0.77."""

_BOX = ["box_x0", "box_y0", "box_x1", "box_y1"]
_SHOWN_SHARE = 0.99  # of all tesserae lie within the histogram; one huge stain would otherwise press the rest into one bar


@dataclass(frozen=True, eq=False)
class Found:
    """The tesserae of one map; rows in ascending order of label.

    Attributes:
        labels: int32 (N,).
        kinds: int8 (N,), the place of each one's kind in `KINDS`.
        areas_px: int64 (N,).
    """

    labels: NDArray[np.int32]
    kinds: NDArray[np.int8]
    areas_px: Integers

    @property
    def count(self) -> int:
        """How many."""
        return len(self.labels)


@dataclass(frozen=True)
class Tally:
    """Of one kind: how many places, and how many tesserae of A and of B lie in them."""

    places: int
    in_a: int
    in_b: int


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two label maps beside each other.

    Attributes:
        a, b: their tesserae.
        tallies: one per kind, in the order of `KINDS`.
        differences: one row per place that is not the same, the most important first: those that change the count most, then the largest;
            of moved outlines, those with the most pixels that differ. Columns: kind; labels_a, labels_b (tuples); box_x0, box_y0, box_x1,
            box_y1 (pixels, half open); area_a_px, area_b_px; differs_px (pixels that belong to the place in one map only); iou.
        same_iou: from which IoU on outlines counted as the same.
    """

    a: Found
    b: Found
    tallies: Mapping[Kind, Tally]
    differences: pd.DataFrame
    same_iou: float

    @property
    def difference(self) -> int:
        """How many tesserae B has more than A; negative when it has fewer."""
        return self.b.count - self.a.count

    @property
    def relative_difference(self) -> float:
        """`difference` as a share of A's count; NaN when A has none."""
        return self.difference / self.a.count if self.a.count else math.nan


@dataclass(frozen=True, eq=False)
class AreaHistogram:
    """How many tesserae of each map have which area.

    Attributes:
        edges: float64 (bins + 1,), in `unit`; the lower edge of a bin belongs to it, and so does the upper one of the last.
        in_a, in_b: int64 (bins,).
        larger_a, larger_b: tesserae beyond the last edge.
        unit: "mm²", or "px" without a scale.
    """

    edges: NDArray[np.float64]
    in_a: Integers
    in_b: Integers
    larger_a: int
    larger_b: int
    unit: str


def compare_label_maps(labels_a: NDArray[np.int32], labels_b: NDArray[np.int32], *, same_iou: float = SAME_IOU) -> Comparison:
    """Compare two label maps (H, W) of one photo; memory follows the pixels and the pairs that touch, never pixels times tesserae.

    Raises:
        LabelMapError: one of them is not a label map, or they differ in size.
        ValueError: `same_iou` is outside 0 to 1.
    """
    if not 0 <= same_iou <= 1:
        raise ValueError(f"same_iou should be a share from 0 to 1, found {same_iou}")
    labels_a, labels_b = check_label_map(labels_a), check_label_map(labels_b)
    if labels_a.shape != labels_b.shape:
        sizes = [f"{labels.shape[1]} x {labels.shape[0]}" for labels in (labels_a, labels_b)]
        raise LabelMapError(
            f"Two results of one photo have one size, found {sizes[0]} and {sizes[1]} pixels (width x height). Compare results that"
            " were made from the same photo."
        )
    table = overlap_table(labels_b, labels_a)
    place_a, place_b = _places(table)
    measured_a, measured_b = measure_tesserae(labels_a), measure_tesserae(labels_b)
    places = _describe_places(table, place_a, place_b, same_iou)
    number = places["number"].to_numpy()
    return Comparison(
        a=Found(measured_a["label"].to_numpy(np.int32), number[place_a], table.true_areas),
        b=Found(measured_b["label"].to_numpy(np.int32), number[place_b], table.pred_areas),
        tallies={kind: _tally(places[number == index]) for index, kind in enumerate(KINDS)},
        differences=_differences(places, (measured_a, place_a), (measured_b, place_b)),
        same_iou=same_iou,
    )


def histogram_areas(comparison: Comparison, *, mm_per_px: float | None = None, bins: int = 30) -> AreaHistogram:
    """Count the tesserae by area in bins of one width, from 0 to where 99 of 100 tesserae lie within; in mm² when the scale is known."""
    unit_px = 1.0 if mm_per_px is None else mm_per_px**2
    areas_a, areas_b = comparison.a.areas_px * unit_px, comparison.b.areas_px * unit_px
    both = np.concatenate([areas_a, areas_b])
    last = float(np.quantile(both, _SHOWN_SHARE)) if both.size else 1.0
    edges = np.linspace(0.0, last, bins + 1)
    in_a, in_b = (np.histogram(areas, edges)[0].astype(np.int64) for areas in (areas_a, areas_b))
    larger_a, larger_b = (int((areas > last).sum()) for areas in (areas_a, areas_b))
    return AreaHistogram(edges, in_a, in_b, larger_a, larger_b, "px" if mm_per_px is None else "mm²")


def describe_comparison(comparison: Comparison, name_a: str = "A", name_b: str = "B") -> tuple[str, ...]:
    """Say in sentences what differs; the first gives the counts. None of them says which of the two is right."""
    tallies = comparison.tallies
    said = [_describe_counts(comparison, name_a, name_b)]
    if comparison.a.count and len(comparison.differences) == 0:
        return (*said, f"They agree on every tessera: outlines have at least {comparison.same_iou:.0%} in common.")
    only_a, only_b, split, merged, moved = (tallies[kind] for kind in ("only_a", "only_b", "split", "merged", "moved"))
    if tallies["same"].places:
        same = _number(tallies["same"].places)
        said.append(f"{same} the same in both, with at least {comparison.same_iou:.0%} of the outlined area in common.")
    if only_a.in_a or only_b.in_b:
        said.append(f"Found by {name_b} only: {only_b.in_b:,}; by {name_a} only: {only_a.in_a:,}.")
    for tally, first, second in ((split, name_b, name_a), (merged, name_a, name_b)):
        more, fewer = max(tally.in_a, tally.in_b), min(tally.in_a, tally.in_b)
        if tally.places:
            said.append(f"{_at(tally.places)} {first} divides what {second} joins: {more:,} tesserae instead of {fewer:,}.")
    if moved.places:
        said.append(f"{_at(moved.places)} both see as many tesserae, with clearly other outlines.")
    return tuple(said)


def _places(table: OverlapTable) -> tuple[Integers, Integers]:
    """The place of each tessera of A (true) and of B (predicted), numbered from 0; int64 (T,) and (P,)."""
    n_a, n_b = len(table.true_areas), len(table.pred_areas)
    if n_a + n_b == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    smaller = np.minimum(table.true_areas[table.true_index], table.pred_areas[table.pred_index])
    together = 2 * table.overlaps > smaller
    ends = (table.true_index[together], n_a + table.pred_index[together])
    links = coo_array((np.ones(len(ends[0]), dtype=np.int8), ends), shape=(n_a + n_b, n_a + n_b))
    _, place = connected_components(links.tocsr(), directed=False)
    return place[:n_a].astype(np.int64), place[n_a:].astype(np.int64)


def _describe_places(table: OverlapTable, place_a: Integers, place_b: Integers, same_iou: float) -> pd.DataFrame:
    """One row per place: in_a, in_b (tesserae), area_a_px, area_b_px, differs_px, iou, and the number of its kind in `KINDS`."""
    count = int(max(place_a.max(initial=-1), place_b.max(initial=-1))) + 1
    inside = place_a[table.true_index] == place_b[table.pred_index]
    shared = _sums(place_a[table.true_index[inside]], table.overlaps[inside], count)
    in_a, in_b = np.bincount(place_a, minlength=count), np.bincount(place_b, minlength=count)
    area_a, area_b = _sums(place_a, table.true_areas, count), _sums(place_b, table.pred_areas, count)
    iou = shared / (area_a + area_b - shared)
    same = (in_a == 1) & (in_b == 1) & (iou >= same_iou)
    cases: list[tuple[Kind, NDArray[np.bool_]]] = [
        ("same", same),
        ("only_a", in_b == 0),
        ("only_b", in_a == 0),
        ("split", in_a < in_b),
        ("merged", in_a > in_b),
    ]
    number = np.select([case for _, case in cases], [KINDS.index(kind) for kind, _ in cases], KINDS.index("moved")).astype(np.int8)
    columns = {"in_a": in_a, "in_b": in_b, "area_a_px": area_a, "area_b_px": area_b}
    return pd.DataFrame(columns | {"differs_px": area_a + area_b - 2 * shared, "iou": iou, "number": number})


def _sums(place: Integers, values: Integers, count: int) -> Integers:
    """Sum of the values at each place, int64 (count,); exact, as no sum of pixels reaches 2^53."""
    return np.bincount(place, weights=values, minlength=count).astype(np.int64)


def _tally(places: pd.DataFrame) -> Tally:
    return Tally(len(places), int(places["in_a"].sum()), int(places["in_b"].sum()))


def _differences(places: pd.DataFrame, a: tuple[pd.DataFrame, Integers], b: tuple[pd.DataFrame, Integers]) -> pd.DataFrame:
    """The table of `Comparison.differences`; `a` and `b` are measured tesserae with their places."""
    changed = places[places["number"] != KINDS.index("same")]
    members = pd.concat([measured[_BOX].set_axis(place) for measured, place in (a, b)])
    boxes = members.groupby(level=0).agg({"box_x0": "min", "box_y0": "min", "box_x1": "max", "box_y1": "max"})
    rows = pd.DataFrame(
        {
            "kind": [KINDS[number] for number in changed["number"]],
            "labels_a": _labels_of(changed.index, *a),
            "labels_b": _labels_of(changed.index, *b),
        },
        index=changed.index,
    )
    rows = pd.concat([rows, boxes.loc[changed.index], changed[["area_a_px", "area_b_px", "differs_px", "iou"]]], axis=1)
    change = (changed["in_b"] - changed["in_a"]).abs()
    weight = changed["differs_px"].where(rows["kind"] == "moved", changed[["area_a_px", "area_b_px"]].max(axis=1))
    order = np.lexsort((rows["box_x0"], rows["box_y0"], -weight, -change))
    return rows.iloc[order].reset_index(drop=True)


def _labels_of(wanted: pd.Index, measured: pd.DataFrame, place: Integers) -> list[tuple[int, ...]]:
    """The labels at each wanted place, ascending."""
    labels = measured["label"].to_numpy()
    order = np.argsort(place, kind="stable")
    starts, ends = (np.searchsorted(place[order], wanted, side=side) for side in ("left", "right"))
    return [tuple(labels[order[start:end]].tolist()) for start, end in zip(starts, ends, strict=True)]


def _describe_counts(comparison: Comparison, name_a: str, name_b: str) -> str:
    count_a, count_b, more = comparison.a.count, comparison.b.count, comparison.difference
    if more == 0:
        return f"{name_a} and {name_b} both find {_tesserae(count_a)}." if count_a else f"Neither {name_a} nor {name_b} finds a tessera."
    share = "" if math.isnan(comparison.relative_difference) else f" ({comparison.relative_difference:+.1%})".replace("%", " %")
    return f"{name_b} finds {_tesserae(count_b)}, {name_a} {count_a:,}: {abs(more):,} {'more' if more > 0 else 'fewer'}{share}."


def _tesserae(count: int) -> str:
    return "1 tessera" if count == 1 else f"{count:,} tesserae"


def _number(count: int) -> str:
    return "1 tessera is" if count == 1 else f"{count:,} tesserae are"


def _at(places: int) -> str:
    return "At 1 place" if places == 1 else f"At {places:,} places"
