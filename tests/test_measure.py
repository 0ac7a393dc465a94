"""Measurements of tesserae from literal label maps."""

import math

import numpy as np
import pandas as pd
import pytest

from tesserae import measure
from tesserae.errors import LabelMapError, TesseraeError

COLUMNS = ["label", "centroid_x_px", "centroid_y_px", "area_px", "box_x0", "box_y0", "box_x1", "box_y1", "side_px",
           "predicted_iou", "stability", "area_mm2", "side_mm"]  # fmt: skip
LABELS = np.array(
    [
        [0, 7, 7, 0, 0],
        [0, 7, 7, 0, 3],
        [0, 0, 0, 0, 3],
        [3, 0, 0, 0, 3],
    ],
    dtype=np.int32,
)


def test_literal_table() -> None:
    table = measure.measure_tesserae(LABELS, predicted_iou={7: 0.9}, stability={3: 0.8, 99: 0.1}, mm_per_px=0.5)
    nan = math.nan
    expected = pd.DataFrame(
        [
            (3, 3.0, 2.25, 4, 0, 1, 5, 4, 2.0, nan, 0.8, 1.0, 1.0),
            (7, 1.5, 0.5, 4, 1, 0, 3, 2, 2.0, 0.9, nan, 1.0, 1.0),
        ],
        columns=COLUMNS,
    )
    pd.testing.assert_frame_equal(table, expected, check_dtype=False)
    assert all(pd.api.types.is_integer_dtype(table[name]) for name in ("label", "area_px", "box_x0", "box_y1"))


def test_real_units_stay_blank_without_a_scale() -> None:
    table = measure.measure_tesserae(LABELS)
    assert table[["area_mm2", "side_mm", "predicted_iou", "stability"]].isna().all(axis=None)


def test_strips_do_not_change_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.kron(np.arange(1, 21).reshape(4, 5), np.ones((7, 9))).astype(np.int32)
    labels[::8] = 0
    whole = measure.measure_tesserae(labels, mm_per_px=0.3)
    monkeypatch.setattr(measure, "_STRIP_PIXELS", 50)
    pd.testing.assert_frame_equal(measure.measure_tesserae(labels, mm_per_px=0.3), whole)
    assert whole["area_px"].sum() == np.count_nonzero(labels)


def test_mortar_alone_gives_an_empty_table_with_all_columns() -> None:
    table = measure.measure_tesserae(np.zeros((4, 4), np.int32), mm_per_px=1.0)
    assert list(table.columns) == COLUMNS
    assert len(table) == 0


@pytest.mark.parametrize(
    ("areas", "expected"),
    [
        pytest.param([4], 2.0, id="one"),
        pytest.param([1, 4, 9], 2.0, id="odd"),
        pytest.param([1, 9], 2.0, id="even-takes-the-mean-side"),
        pytest.param([], math.nan, id="none"),
    ],
)
def test_median_side(areas: list[int], expected: float) -> None:
    labels = np.zeros((4, 10), np.int32)
    for row, area in enumerate(areas):
        labels[row, :area] = 10 * row + 5
    assert measure.median_side_px(labels) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf])
def test_scale_must_be_positive(scale: float) -> None:
    with pytest.raises(TesseraeError, match="millimetres per pixel"):
        measure.measure_tesserae(LABELS, mm_per_px=scale)


def test_refuses_what_is_no_label_map() -> None:
    with pytest.raises(LabelMapError):
        measure.measure_tesserae(np.zeros((2, 2)))
