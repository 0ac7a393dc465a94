"""Comparison of two label maps and of two evaluations: literal small maps, and what must hold for any two maps."""

import math

import numpy as np
import pytest
from conftest import three_tesserae
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tesserae.comparison import (
    KINDS,
    compare_label_maps,
    compare_scores,
    describe_comparison,
    describe_scores,
    histogram_areas,
)
from tesserae.errors import LabelMapError
from tesserae.evaluation import evaluate
from tesserae.truth import LabelTruth, PointTruth

SWAPPED = {"only_a": "only_b", "only_b": "only_a", "split": "merged", "merged": "split"}
SMALL_MAPS = arrays(np.int32, (6, 7), elements=st.sampled_from([0, 0, 1, 2, 3, 9]))
# Blocks of 2 x 2 pixels hang together more often than single pixels do.
BLOCK_MAPS = arrays(np.int32, (4, 5), elements=st.sampled_from([0, 1, 2, 3, 7])).map(lambda small: small.repeat(2, 0).repeat(2, 1))
MAPS = SMALL_MAPS | BLOCK_MAPS


def row(*runs):
    """A label map of two equal rows from (label, width) pairs."""
    return np.array([[label for label, width in runs for _ in range(width)]] * 2, np.int32)


def tallies(comparison):
    """Kinds that occur, each as (places, in A, in B)."""
    return {kind: (each.places, each.in_a, each.in_b) for kind, each in comparison.tallies.items() if each.places}


def places(comparison, swap=False):
    """The differences as a set, with A and B exchanged on demand."""
    found = set()
    for place in comparison.differences.itertuples():
        a, b = (place.labels_a, place.area_a_px), (place.labels_b, place.area_b_px)
        kind, (a, b) = (SWAPPED.get(place.kind, place.kind), (b, a)) if swap else (place.kind, (a, b))
        found.add((kind, a, b, place.box_x0, place.box_y0, place.box_x1, place.box_y1, place.differs_px, place.iou))
    return found


# --- Kinds --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "kind", "found"),
    [
        (row((5, 4), (0, 2)), row((8, 4), (0, 2)), "same", (1, 1, 1)),
        (row((5, 3), (0, 3)), row((8, 4), (0, 2)), "same", (1, 1, 1)),
        (row((5, 3), (0, 3)), row((8, 5), (0, 1)), "moved", (1, 1, 1)),
        (row((5, 2), (0, 4)), row((8, 6)), "moved", (1, 1, 1)),
        (row((5, 4), (0, 2)), row((0, 6)), "only_a", (1, 1, 0)),
        (row((0, 6)), row((5, 4), (0, 2)), "only_b", (1, 0, 1)),
        (row((5, 6)), row((1, 2), (0, 1), (2, 3)), "split", (1, 1, 2)),
        (row((1, 2), (0, 1), (2, 3)), row((5, 6)), "merged", (1, 2, 1)),
        (row((5, 5), (0, 1)), row((1, 4), (2, 1), (0, 1)), "split", (1, 1, 2)),
    ],
    ids=["equal", "just the same", "wider", "part of it", "a alone", "b alone", "divided", "joined", "with a crumb"],
)
def test_a_place_has_a_kind(a, b, kind, found):
    comparison = compare_label_maps(a, b)
    assert tallies(comparison) == {kind: found}
    assert (comparison.a.count, comparison.b.count) == found[1:]
    assert {KINDS[number] for side in (comparison.a, comparison.b) for number in side.kinds} == {kind}


def test_tesserae_that_share_half_of_the_smaller_or_less_are_two_places():
    comparison = compare_label_maps(row((1, 4), (0, 2)), row((0, 2), (1, 4)))
    assert tallies(comparison) == {"only_a": (1, 1, 0), "only_b": (1, 0, 1)}


def test_as_many_tesserae_cut_otherwise_are_moved():
    comparison = compare_label_maps(row((1, 7), (2, 3)), row((1, 3), (2, 7)))
    assert tallies(comparison) == {"moved": (1, 2, 2)}
    assert comparison.differences.loc[0, "iou"] == 1


def test_a_place_may_hold_several_of_both():
    comparison = compare_label_maps(row((1, 4), (2, 4), (3, 4)), row((1, 1), (2, 11)))
    assert tallies(comparison) == {"merged": (1, 3, 2)}


def test_the_threshold_is_the_callers():
    a, b = row((5, 3), (0, 3)), row((8, 4), (0, 2))
    assert tallies(compare_label_maps(a, b, same_iou=0.76)) == {"moved": (1, 1, 1)}
    assert tallies(compare_label_maps(a, b, same_iou=0.75)) == {"same": (1, 1, 1)}


# --- The table ----------------------------------------------------------------------------------------------------------


def test_the_table_holds_labels_boxes_and_areas():
    a = row((1, 4), (0, 1), (4, 2), (0, 3))
    b = row((7, 2), (3, 2), (0, 4), (5, 1), (0, 1))
    table = compare_label_maps(a, b).differences
    assert table.to_dict("list") == {
        "kind": ["split", "only_a", "only_b"],
        "labels_a": [(1,), (4,), ()],
        "labels_b": [(3, 7), (), (5,)],
        "box_x0": [0, 5, 8],
        "box_y0": [0, 0, 0],
        "box_x1": [4, 7, 9],
        "box_y1": [2, 2, 2],
        "area_a_px": [8, 4, 0],
        "area_b_px": [8, 0, 2],
        "differs_px": [0, 4, 2],
        "iou": [1.0, 0.0, 0.0],
    }


def test_what_changes_the_count_most_comes_first_and_outlines_last():
    a = row((1, 9), (0, 1), (2, 3), (0, 9), (4, 1), (0, 1))
    b = row((1, 3), (2, 3), (3, 3), (0, 1), (4, 9), (0, 1), (5, 2), (0, 1), (6, 1))
    table = compare_label_maps(a, b).differences
    assert table["kind"].tolist() == ["split", "only_b", "only_a", "only_b", "moved"]
    assert table["area_b_px"].tolist() == [18, 4, 0, 2, 18]


def test_labels_need_not_follow_each_other():
    huge = 2**31 - 1
    comparison = compare_label_maps(row((huge, 4), (0, 2), (40, 2)), row((3, 4), (0, 4)))
    assert comparison.a.labels.tolist() == [40, huge]
    assert [KINDS[number] for number in comparison.a.kinds] == ["only_a", "same"]
    assert comparison.a.areas_px.tolist() == [4, 8]
    assert comparison.differences["labels_a"].tolist() == [(40,)]


def test_memory_does_not_grow_with_tesserae_times_pixels():
    """Some 40,000 tesserae in 1 MP: full-frame masks would take 40 GB."""
    squares = np.arange(200 * 200, dtype=np.int32).reshape(200, 200).repeat(5, 0).repeat(5, 1)
    comparison = compare_label_maps(squares, np.roll(squares, 1, axis=1))
    assert comparison.a.count == comparison.b.count == 200 * 200 - 1


# --- Words --------------------------------------------------------------------------------------------------------------


def test_the_reading_names_all_that_differs():
    a = row((1, 4), (0, 1), (2, 2), (3, 2), (0, 1), (4, 4), (0, 6), (6, 1), (0, 1), (7, 3), (0, 3))
    b = row((1, 2), (2, 2), (0, 1), (3, 4), (0, 1), (4, 4), (0, 1), (5, 2), (0, 1), (8, 2), (0, 2), (7, 6))
    assert describe_comparison(compare_label_maps(a, b), "Old", "New") == (
        "New finds 7 tesserae, Old 6: 1 more (+16.7 %).",
        "1 tessera is the same in both, with at least 75% of the outlined area in common.",
        "Found by New only: 2; by Old only: 1.",
        "At 1 place New divides what Old joins: 2 tesserae instead of 1.",
        "At 1 place Old divides what New joins: 2 tesserae instead of 1.",
        "At 1 place both see as many tesserae, with clearly other outlines.",
    )


@pytest.mark.parametrize(
    ("a", "b", "sentences"),
    [
        (row((0, 3)), row((0, 3)), ("Neither A nor B finds a tessera.",)),
        (row((1, 3)), row((2, 3)), ("A and B both find 1 tessera.", "They agree on every tessera: outlines have at least 75% in common.")),
        (row((0, 3)), row((1, 1), (2, 2)), ("B finds 2 tesserae, A 0: 2 more.", "Found by B only: 2; by A only: 0.")),
        (row((1, 1), (2, 2)), row((0, 3)), ("B finds 0 tesserae, A 2: 2 fewer (-100.0 %).", "Found by B only: 0; by A only: 2.")),
    ],
    ids=["none", "equal", "a none", "b none"],
)
def test_the_reading_of_plain_cases(a, b, sentences):
    assert describe_comparison(compare_label_maps(a, b)) == sentences


# --- What must hold -----------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(a=MAPS, b=MAPS)
def test_swapping_the_maps_swaps_the_kinds(a, b):
    if a.shape != b.shape:
        return
    forward, back = compare_label_maps(a, b), compare_label_maps(b, a)
    assert places(forward) == places(back, swap=True)
    assert forward.difference == -back.difference
    for kind in KINDS:
        there, here = forward.tallies[kind], back.tallies[SWAPPED.get(kind, kind)]
        assert (there.places, there.in_a, there.in_b) == (here.places, here.in_b, here.in_a)


@settings(max_examples=60, deadline=None)
@given(a=SMALL_MAPS, b=SMALL_MAPS)
def test_every_tessera_counts_once_and_the_kinds_explain_the_difference(a, b):
    comparison = compare_label_maps(a, b)
    assert sum(each.in_a for each in comparison.tallies.values()) == comparison.a.count == len(np.unique(a[a > 0]))
    assert sum(each.in_b for each in comparison.tallies.values()) == comparison.b.count == len(np.unique(b[b > 0]))
    explained = sum(each.in_b - each.in_a for kind, each in comparison.tallies.items() if kind in SWAPPED)
    assert explained == comparison.difference
    assert len(comparison.differences) == sum(each.places for kind, each in comparison.tallies.items() if kind != "same")
    for index, kind in enumerate(KINDS):
        assert (comparison.a.kinds == index).sum() == comparison.tallies[kind].in_a
    assert comparison.a.areas_px.sum() == (a > 0).sum()


@settings(max_examples=40, deadline=None)
@given(labels=MAPS, shift=st.integers(0, 5))
def test_a_map_is_the_same_as_itself_whatever_its_numbers(labels, shift):
    renumbered = np.where(labels > 0, labels + shift, 0).astype(np.int32)
    comparison = compare_label_maps(labels, renumbered)
    count = comparison.a.count
    assert tallies(comparison) == ({"same": (count, count, count)} if count else {})
    assert comparison.differences.empty


# --- Areas --------------------------------------------------------------------------------------------------------------


def test_areas_are_counted_in_pixels_without_a_scale_and_in_mm2_with_one():
    comparison = compare_label_maps(three_tesserae(), row((0, 60))[:1].repeat(40, 0))
    plain, scaled = histogram_areas(comparison, bins=4), histogram_areas(comparison, mm_per_px=0.5, bins=4)
    assert (plain.unit, scaled.unit) == ("px", "mm²")
    np.testing.assert_allclose(scaled.edges, plain.edges / 4)
    assert plain.edges[0] == 0
    assert plain.in_a.tolist() == scaled.in_a.tolist() == [0, 2, 0, 0]
    assert (plain.larger_a, plain.in_b.sum(), plain.larger_b) == (1, 0, 0)


def test_one_huge_tessera_does_not_press_the_others_into_one_bin():
    squares = np.arange(1, 401, dtype=np.int32).reshape(20, 20).repeat(3, 0).repeat(3, 1)
    labels = np.vstack([squares, np.full((60, 60), 401, np.int32)])
    histogram = histogram_areas(compare_label_maps(labels, labels))
    assert histogram.edges[-1] == 9
    assert (histogram.in_a.sum(), histogram.larger_a, histogram.larger_b) == (400, 1, 1)


def test_without_tesserae_the_histogram_is_empty():
    histogram = histogram_areas(compare_label_maps(row((0, 3)), row((0, 3))))
    assert (histogram.in_a.sum(), histogram.in_b.sum(), histogram.larger_a) == (0, 0, 0)
    assert (np.diff(histogram.edges) > 0).all()


# --- Refusals -----------------------------------------------------------------------------------------------------------


def test_maps_of_two_sizes_are_refused():
    with pytest.raises(LabelMapError, match=r"found 6 x 2 and 60 x 40 pixels"):
        compare_label_maps(row((0, 6)), three_tesserae())


def test_what_is_no_label_map_is_refused():
    with pytest.raises(LabelMapError, match="whole numbers"):
        compare_label_maps(np.zeros((2, 2)), np.zeros((2, 2), np.int32))


@pytest.mark.parametrize("same_iou", [-0.1, 1.1, math.nan])
def test_a_threshold_that_is_no_share_is_refused(same_iou):
    with pytest.raises(ValueError, match="from 0 to 1"):
        compare_label_maps(row((1, 2)), row((1, 2)), same_iou=same_iou)


# --- Against the truth --------------------------------------------------------------------------------------------------


def evaluations(a, b, truth):
    return evaluate(a, truth), evaluate(b, truth)


def without_label_2():
    labels = three_tesserae()
    labels[labels == 2] = 0
    return labels


def too_wide():
    labels = three_tesserae()
    labels[2:14, 1:14] = 1
    return labels


def test_the_better_one_is_marked_figure_by_figure():
    table = compare_scores(*evaluations(without_label_2(), three_tesserae(), LabelTruth(three_tesserae()))).set_index(["section", "name"])
    assert (table["better"].to_numpy() == "a").sum() == 0
    found = table.loc[("instances", "recall_50")]
    assert (found["a"], found["b"], found["better"]) == (2 / 3, 1.0, "b")
    assert table.loc[("instances", "precision_50"), "better"] == ""
    assert table.loc[("count", "signed_error"), "better"] == "b"
    iou = table.loc[("pixels", "iou")]
    assert (iou["published_baseline"], iou["published_finetuned"]) == (0.89, 0.9102)
    assert math.isnan(table.loc[("pixels", "dice"), "published_baseline"])


def test_what_agrees_as_far_as_shown_is_not_marked():
    truth = LabelTruth(np.ones((100, 100), np.int32))
    nearly = truth.labels.copy()
    nearly[0, 0] = 0
    table = compare_scores(*evaluations(truth.labels, nearly, truth))
    assert set(table["better"]) == {""}
    assert describe_scores(*evaluations(truth.labels, nearly, truth))[0] == "A and B are equally near to the truth in every figure."


def test_a_missing_figure_wins_nothing():
    table = compare_scores(*evaluations(np.zeros((40, 60), np.int32), three_tesserae(), LabelTruth(three_tesserae()))).set_index("name")
    assert math.isnan(table.loc["precision_50", "a"])
    assert table.loc["precision_50", "better"] == ""


def test_marked_points_give_their_own_figures():
    truth = PointTruth(0, 0, 40, 10.0, np.array([[7.0, 8.0], [28.0, 13.0]]))
    a, b = evaluations(without_label_2(), three_tesserae(), truth)
    assert compare_scores(a, b)["section"].unique().tolist() == ["count", "points"]
    assert describe_scores(a, b, "Old", "New") == (
        "New is nearer to the truth in 4 of 6 figures, Old in none.",
        "New finds 100.0 % of the true tesserae, Old 50.0 %.",
        "Of what New outlines, 100.0 % are tesserae; of what Old outlines, 100.0 %.",
        "The count of New is right, that of Old 50.0 % too low.",
    )


def test_covering_more_stone_at_the_price_of_joints_is_said():
    truth = LabelTruth(three_tesserae())
    said = describe_scores(*evaluations(without_label_2(), too_wide(), truth))
    assert "B covers more of the stone (100.0 %), but paints more over the joints." in said
    assert any(sentence.startswith("A covers more") for sentence in describe_scores(*evaluations(too_wide(), without_label_2(), truth)))


def test_a_draw_and_a_truth_without_tesserae_have_words():
    empty = np.zeros((40, 60), np.int32)
    said = describe_scores(*evaluations(three_tesserae(), empty, LabelTruth(empty)))
    assert "The count of B is not to be judged, that of A not to be judged." in said
    a, b = evaluations(without_label_2(), too_wide(), LabelTruth(three_tesserae()))
    verdict = describe_scores(a, b)[0]
    wins = compare_scores(a, b)["better"].value_counts()
    assert verdict.startswith(f"B is nearer to the truth in {wins['b']} of {len(compare_scores(a, b))} figures, A in {wins['a']}.")


def test_as_many_wins_are_called_a_draw():
    truth = PointTruth(0, 0, 40, 4.0, np.array([[5.0, 5.0], [15.0, 5.0], [25.0, 5.0], [35.0, 5.0]]))
    joined, crumbled = np.zeros((40, 40), np.int32), np.zeros((40, 40), np.int32)
    joined[4:7, 4:7], joined[4:7, 14:27] = 1, 2
    for label, (x, y) in enumerate(
        [(5, 5), (15, 5), (25, 5), (35, 5), *((x, 20) for x in range(4, 36)), *((x, 30) for x in range(4, 36))], 1
    ):
        crumbled[y, x] = label
    said = describe_scores(*evaluations(joined, crumbled, truth))
    assert said[0] == "A and B are each better in 3 of 6 figures."
