"""Overlays: fills, two-tone outlines, strips, refusals."""

import numpy as np
import pytest

from tesserae import overlay
from tesserae.errors import LabelMapError, PhotoError, TesseraeError


def _grey(shape: tuple[int, int], level: int = 100) -> np.ndarray:
    return np.full((*shape, 3), level, np.uint8)


def _square() -> np.ndarray:
    labels = np.zeros((9, 9), np.int32)
    labels[2:7, 2:7] = 5
    return labels


def _kinds(painted: np.ndarray) -> list[str]:
    """Rows of "l" for light line, "d" for dark line, "." for anything else."""
    light, dark = (painted == overlay.LIGHT_LINE).all(-1), (painted == overlay.DARK_LINE).all(-1)
    return ["".join(row) for row in np.where(light, "l", np.where(dark, "d", "."))]


def test_outline_is_light_within_and_dark_in_the_mortar() -> None:
    painted = overlay.paint_overlay(_grey((9, 9)), _square(), fill=False)
    assert _kinds(painted) == [
        ".........",
        "..ddddd..",
        ".dllllld.",
        ".dl...ld.",
        ".dl...ld.",
        ".dl...ld.",
        ".dllllld.",
        "..ddddd..",
        ".........",
    ]
    assert painted[4, 4].tolist() == [100, 100, 100]


def test_touching_tesserae_share_a_light_and_a_dark_line() -> None:
    labels = np.repeat(np.array([[2, 2, 2, 9, 9, 9]], np.int32), 3, axis=0)
    assert _kinds(overlay.paint_overlay(_grey((3, 6)), labels, fill=False)) == ["..ld.."] * 3


def test_photo_edge_is_no_outline() -> None:
    labels = np.ones((4, 4), np.int32)
    np.testing.assert_array_equal(overlay.paint_overlay(_grey((4, 4)), labels, fill=False), _grey((4, 4)))


@pytest.mark.parametrize("level", [0, 60, 120, 180, 255])
def test_outline_shows_on_any_stone(level: int) -> None:
    painted = overlay.paint_overlay(_grey((9, 9), level), _square(), fill=False)
    contrasts = [_contrast(painted[4, column], np.full(3, level)) for column in (1, 2)]
    assert max(contrasts) > 3.5  # WCAG 2 asks 3 for graphical objects


def _contrast(first: np.ndarray, second: np.ndarray) -> float:
    """Contrast ratio of two sRGB colours, WCAG 2.2."""

    def luminance(colour: np.ndarray) -> float:
        value = colour / 255.0
        linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("opacity", "share"), [(0.0, 0.0), (0.25, 0.25), (1.0, 1.0)])
def test_fill_blends_by_opacity(opacity: float, share: float) -> None:
    image = _grey((9, 9))
    painted = overlay.paint_overlay(image, _square(), outline=False, opacity=opacity)
    colour = overlay.label_colours(np.array([5]))[0].astype(float)
    assert painted[4, 4].astype(int) == pytest.approx(100 + (colour - 100) * share, abs=1)
    assert (painted[_square() == 0] == 100).all()
    assert (image == 100).all()


def test_neither_fill_nor_outline_is_the_photo() -> None:
    painted = overlay.paint_overlay(_grey((9, 9)), _square(), fill=False, outline=False)
    np.testing.assert_array_equal(painted, _grey((9, 9)))


def test_line_colours_can_be_chosen() -> None:
    painted = overlay.paint_overlay(_grey((9, 9)), _square(), light_line=(1, 2, 3), dark_line=(4, 5, 6))
    assert painted[4, 2].tolist() == [1, 2, 3]
    assert painted[4, 1].tolist() == [4, 5, 6]


def test_strips_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    labels = np.kron(random.integers(0, 4, (8, 8)), np.ones((3, 3))).astype(np.int32)
    image = random.integers(0, 256, (24, 24, 3)).astype(np.uint8)
    whole = overlay.paint_overlay(image, labels)
    for rows in (1, 2, 7):
        monkeypatch.setattr(overlay, "_STRIP_PIXELS", 24 * rows)
        np.testing.assert_array_equal(overlay.paint_overlay(image, labels), whole)


def test_numbers_near_each_other_get_distinct_colours() -> None:
    colours = overlay.label_colours(np.arange(1, 1000)).astype(int)
    nearest = [np.linalg.norm(colours[step:] - colours[:-step], axis=1).min() for step in range(1, 300)]
    assert min(nearest) > 15
    assert min(nearest[:4]) > 60


def test_highest_label_has_a_colour() -> None:
    labels = _square() * ((2**31 - 1) // 5)
    assert overlay.paint_overlay(_grey((9, 9)), labels).shape == (9, 9, 3)


@pytest.mark.parametrize(
    ("image", "labels", "opacity", "error"),
    [
        pytest.param(_grey((8, 9)), _square(), 0.5, PhotoError, id="other-shape"),
        pytest.param(_grey((9, 9)).astype(float), _square(), 0.5, PhotoError, id="float-image"),
        pytest.param(_grey((9, 9)), _square() * 0.5, 0.5, LabelMapError, id="float-labels"),
        pytest.param(_grey((9, 9)), _square(), 1.5, TesseraeError, id="opacity-high"),
        pytest.param(_grey((9, 9)), _square(), -0.1, TesseraeError, id="opacity-low"),
    ],
)
def test_refusals(image: np.ndarray, labels: np.ndarray, opacity: float, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"(?i)expected|found"):
        overlay.paint_overlay(image, labels, opacity=opacity)
