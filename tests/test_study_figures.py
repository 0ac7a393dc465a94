"""Ranges, calibration, charts and documents of studies, on numbers that can be checked by hand."""

import math
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from mosaic_examples import lay

from tesserae.dataset import Ground
from tesserae.study.axes import Axis
from tesserae.study.calibration import Bin, calibrate_scores, iou_pairs
from tesserae.study.charts import Line, Spot, draw_lines, draw_means
from tesserae.study.document import Figure, Heading, Paragraph, Table, write_document
from tesserae.study.intervals import describe_method, mean_interval

NAN = math.nan


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], (NAN, NAN, NAN)),
        ([0.5, NAN], (0.5, NAN, NAN)),
        ([1.0, 2.0, 3.0], (2.0, 2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5)),  # t of 2 degrees of freedom at 97.5 %
        ([4.0] * 12, (4.0, 4.0, 4.0)),
    ],
    ids=["none", "one", "few by t", "many by bootstrap"],
)
def test_mean_interval(values, expected):
    interval = mean_interval(values)
    assert (interval.mean, interval.low, interval.high) == pytest.approx(expected, nan_ok=True)


def test_a_bootstrap_is_that_of_its_seed_and_narrower_than_the_values():
    values = [float(value) for value in range(20)]
    interval = mean_interval(values, seed=1)
    assert interval == mean_interval(values, seed=1) != mean_interval(values, seed=2)
    assert 6 < interval.low < 8 < interval.mean == 9.5 < 11 < interval.high < 13


@pytest.mark.parametrize(("count", "word"), [(1, "single"), (8, "Student's t"), (10, "bootstrap of 10,000")])
def test_describe_method(count, word):
    assert word in describe_method(count)


def test_predicted_iou_is_paired_with_the_true_one_where_the_ground_is_known():
    truth = lay(2, 3)  # 24 x 36 pixels, tesserae of 8 x 8
    known = np.ones(truth.shape, bool)
    known[:, 24:] = False
    found = np.where(truth == 1, 5, np.where(truth == 2, 6, np.where(truth == 3, 7, 0))).astype(np.int32)
    found[2:10, 14:18] = 0  # half of the second
    found[13:23, 1:3] = 9  # beside a stone: overlaps 1 of its 8 columns
    pairs = iou_pairs(found, {5: 0.9, 6: 0.8, 7: 0.7, 9: 0.3}, Ground(np.zeros((*truth.shape, 3), np.uint8), truth, known))
    np.testing.assert_allclose(pairs, [[0.9, 1.0], [0.8, 0.5], [0.3, 8 / (64 + 20 - 8)]])


def test_calibration_is_the_mean_difference_of_the_bins():
    calibration = calibrate_scores(np.array([[0.82, 0.7], [0.88, 0.9], [1.2, 0.8], [0.15, 0.15]]))
    assert calibration.bins == (Bin(1, 0.15, 0.15), Bin(2, pytest.approx(0.85), pytest.approx(0.8)), Bin(1, 1.0, 0.8))
    assert calibration.error == pytest.approx((0 + 2 * 0.05 + 0.2) / 4)
    assert calibrate_scores(np.empty((0, 2))) is None


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter() if element.text and element.text.strip()]


def test_charts_are_sound_svg_with_their_words():
    means = draw_means("F1 <before>", [("base", 0.5, 0.4, 0.6), ("lone", 0.7, NAN, NAN), ("none", NAN, NAN, NAN)])
    assert {"F1 <before>", "base", "lone", "none", "40 %", "60 %"} <= set(texts(means))
    assert means.count("<circle") == 2
    lines = draw_lines("by mosaics", "mosaics", [Line("a & b", (Spot(0, 0.5, 0.4, 0.6), Spot(4, 0.8)))])
    assert {"a & b", "mosaics", "0", "4"} <= set(texts(lines))
    diagonal = draw_lines("true", "predicted", [Line("a", (Spot(0.9, 0.8),))], diagonal=True)
    assert "stroke-dasharray" in diagonal


def test_charts_of_nothing_are_empty():
    assert draw_means("none", []).count("<circle") == 0
    assert draw_lines("none", "x", []).count("<circle") == 0


def test_an_axis_without_span_puts_its_value_in_the_middle():
    assert Axis(2, 2, 0, 10).place(2) == 5


def test_a_document_is_markdown_and_html(tmp_path):
    svg = draw_means("t", [("a", 1, 1, 1)])
    blocks = [Heading("Means"), Paragraph("5 < 6."), Table(("name", "x"), (("a|b", "1"),)), Figure("dots", "What it shows", svg)]
    markdown, html = write_document(tmp_path / "out", "report", "A study", blocks)
    assert markdown.read_text() == (
        "# A study\n\n## Means\n\n5 < 6.\n\n| name | x |\n| --- | --: |\n| a\\|b | 1 |\n\n![What it shows](figures/dots.svg)\n"
    )
    assert (tmp_path / "out" / "figures" / "dots.svg").read_text() == svg
    assert "5 &lt; 6." in html.read_text()
    assert svg in html.read_text()
