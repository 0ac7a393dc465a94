"""The pure parts of the benchmark of clicks: where clicks fall, and what is summed up."""

import numpy as np
import pytest
from conftest import three_tesserae

from benchmarks import click, tables
from tesserae.corrections.operations import MaskRuns


def a_stone(x0, x1):
    mask = np.zeros((40, 60), bool)
    mask[10:30, x0:x1] = True
    return mask


@pytest.mark.parametrize(
    ("mask", "place"),
    [
        pytest.param(a_stone(10, 20), (25.5, 1), id="half-is-lacking"),
        pytest.param(a_stone(10, 50), (40.5, 0), id="too-much"),
        pytest.param(a_stone(11, 30), None, id="a-thin-rim"),
        pytest.param(a_stone(0, 0), (20.5, 1), id="nothing"),
    ],
)
def test_the_next_click_falls_where_the_mask_is_most_wrong(mask, place):
    found = click.worst_place(a_stone(10, 30), mask)
    assert (None if found is None else (pytest.approx(found[0][0], abs=2), found[1])) == place


def test_a_drawn_box_is_near_the_stone():
    for seed in range(20):
        box = click.draw_box(a_stone(10, 30), np.random.default_rng(seed))
        assert box == pytest.approx((10, 10, 30, 30), abs=0.08 * 20)


def test_stones_are_drawn_from_those_found_and_those_missed():
    truth = three_tesserae()
    found = np.where(truth == 7, 0, truth)
    stones = click.choose_stones(truth, found, 10.0, np.random.default_rng(0), 5, 5)
    assert sorted((int(truth[stone.mask][0]), stone.missed) for stone in stones) == [(1, False), (2, False), (7, True)]
    assert len(click.choose_stones(truth, found, 10.0, np.random.default_rng(0), 1, 0)) == 1
    assert not click.choose_stones(truth, found, 100.0, np.random.default_rng(0), 5, 5)


def test_rows_of_clicks_on_a_mosaic():
    truth = three_tesserae()

    def answer(clicks):
        column, row = (int(value) for value in clicks.anchor_xy)
        if truth[row, column] != 2:
            return None
        return click.ClickedMask(MaskRuns.of_array(truth == 2, (0, 0)), 0.9, 0.9, True, 0.1)

    rows = list(click.click_mosaic(answer, truth, np.where(truth == 7, 0, truth), 10.0, np.random.default_rng(1), 5, 5))
    assert len(rows) == 3 * 8 + 1
    summary = {(row["stones"], row["kind"]): row for row in click.summarise_clicks(rows)}
    assert len(summary) == 2 * 8 + 1
    assert (summary["found", "point"]["iou"], summary["found", "point"]["refused"]) == (0.5, 0.5)
    assert (summary["missed", "box, 2 more"]["iou"], summary["missed", "box"]["cached"]) == (0.0, None)
    assert (summary["mortar", "point"]["refused"], summary["mortar", "point"]["n"], summary["mortar", "point"]["iou"]) == (1.0, 1, None)
    times = [{"model": "a", "way": click.WAYS[0], **click.row_of_times((0.3, 0.1, 0.2))}]
    outlines, seconds = click.tables_of_clicks(rows, times)
    assert "| mortar | 1 | - | - | - | 100 % | - |" in tables.format_table(outlines)
    assert "| 3 | 200 | 300 |" in tables.format_table(seconds)
