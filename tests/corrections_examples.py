"""What the tests of corrections share: label maps as lines of signs, outlines, and mosaics and corrections at random."""

import string
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from tesserae.canvas import tidy_labels
from tesserae.corrections.operations import (
    Add,
    Approve,
    Delete,
    Erase,
    Ignore,
    MaskRuns,
    Merge,
    Mortar,
    Paint,
    Replace,
    Several,
    Split,
)
from tesserae.corrections.replay import CorrectedMap

SIGNS = string.digits + string.ascii_lowercase
IGNORED_SIGN = "?"
SHAPE = (16, 22)

# Two stones side by side, a long one below them, mortar to the right.
STONES = (
    "1111..2222....",
    "1111..2222....",
    "1111..2222....",
    "1111..2222....",
    "..............",
    "333333333.....",
    "333333333.....",
    "..............",
)


def rows(*lines):
    """A label map from lines of signs: digits and letters are numbers, a dot is mortar, so is a question mark."""
    return np.array([[0 if sign in f".{IGNORED_SIGN}" else SIGNS.index(sign) for sign in line] for line in lines], np.int32)


def corrected(*lines):
    """A map to correct from lines of signs; a question mark is an ignored pixel."""
    return CorrectedMap.of(rows(*lines), np.array([[sign == IGNORED_SIGN for sign in line] for line in lines]))


def signs(corrected_map):
    """The lines of signs of a map."""
    return tuple(
        "".join(IGNORED_SIGN if hidden else SIGNS[label] if label else "." for label, hidden in zip(labels, ignored, strict=True))
        for labels, ignored in zip(corrected_map.labels.tolist(), corrected_map.ignored.tolist(), strict=True)
    )


def square(x0, y0, x1, y1):
    """A rectangle as a polygon."""
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


# --- At random ----------------------------------------------------------------------------------------------------------

NUMBERS = st.integers(1, 12)


@st.composite
def mosaics(draw):
    """Label maps of `SHAPE`: stones in rows, some missing, with joints of 0 to 3 pixels; they hang together, and numbers may have gaps."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    labels = np.zeros(SHAPE, np.int32)
    for label, (row, column) in enumerate(np.ndindex(3, 4), 1):
        (top, left), (low, right) = rng.integers(0, 2, (2, 2))
        if rng.random() < 0.8:
            labels[5 * row + top : 5 * row + 6 - low, 5 * column + left : 5 * column + 6 - right] = label
    labels[rng.integers(0, SHAPE[0], 6), rng.integers(0, SHAPE[1], 6)] = 0
    tidy, _ = tidy_labels(labels)
    return tidy * draw(st.integers(1, 2))


def points(least, most):
    """Points in and around the photo, often on the grid of pixels or in their middles."""
    number = st.integers(-4, 2 * max(SHAPE) + 4).map(lambda half: half / 2) | st.floats(-3, max(SHAPE) + 3)
    return st.lists(st.tuples(number, number), min_size=least, max_size=most).map(tuple)


@st.composite
def rectangles(draw):
    """Polygons of the size of some stones, within the photo."""
    x, y = draw(st.integers(-1, SHAPE[1] - 4)), draw(st.integers(-1, SHAPE[0] - 4))
    return square(x, y, x + draw(st.integers(2, 12)), y + draw(st.integers(2, 9)))


@st.composite
def strokes(draw):
    """Straight lines of the length of some stones, within the photo."""
    x, y = draw(st.integers(0, SHAPE[1])), draw(st.integers(0, SHAPE[0]))
    along, aside = draw(st.integers(-12, 12)), draw(st.integers(-2, 2))
    return (x, y), draw(st.sampled_from([(x + along, y + aside), (x + aside, y + along)]))


@st.composite
def boxes(draw):
    x, y = draw(st.integers(-2, SHAPE[1] - 3)), draw(st.integers(-2, SHAPE[0] - 3))
    return x, y, x + draw(st.integers(1, 12)), y + draw(st.integers(1, 12))


@st.composite
def masks(draw):
    x, y, *_ = draw(boxes())
    mask = np.array(draw(st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=1, max_size=6)))
    mask[0, draw(st.integers(0, 5))] = True
    return MaskRuns.of_array(mask, (x, y))


def optional(field):
    return st.none() | field


POLYGONS = rectangles() | rectangles() | points(3, 6)
LINES = strokes() | strokes() | points(2, 4)
WIDTHS = st.integers(2, 12).map(lambda half: half / 2)
PROMPTS = st.none() | st.dictionaries(st.text(max_size=3), st.lists(st.integers() | st.text(max_size=3) | st.booleans()), max_size=2)
SINGLE = st.one_of(
    st.builds(Add, polygon_xy=POLYGONS, prompt=PROMPTS),
    st.builds(Add, mask=masks(), prompt=PROMPTS),
    st.builds(Delete, labels=st.lists(NUMBERS, min_size=1, max_size=2).map(tuple)),
    st.builds(Delete, points_xy=points(1, 3)),
    st.builds(Delete, box_xyxy=boxes()),
    st.builds(Delete, polygon_xy=POLYGONS),
    st.builds(Delete, below_area_px=st.integers(1, 20)),
    st.builds(Merge, labels=st.lists(NUMBERS, min_size=2, max_size=3, unique=True).map(tuple)),
    st.builds(Merge, line_xy=LINES),
    st.builds(Split, line_xy=LINES, label=optional(NUMBERS)),
    st.builds(Split, label=NUMBERS),
    st.builds(Paint, line_xy=LINES | points(1, 1), width_px=WIDTHS, label=optional(NUMBERS)),
    st.builds(Erase, line_xy=LINES | points(1, 1), width_px=WIDTHS, label=optional(NUMBERS)),
    st.builds(Replace, label=NUMBERS, polygon_xy=POLYGONS),
    st.builds(Replace, label=NUMBERS, mask=masks()),
    st.builds(Mortar, polygon_xy=POLYGONS),
    st.builds(Ignore, polygon_xy=POLYGONS),
)
APPROVALS = st.builds(Approve, polygon_xy=optional(POLYGONS))
CORRECTIONS = (
    SINGLE | APPROVALS | st.builds(Several, title=st.text(max_size=5), corrections=st.lists(SINGLE, min_size=1, max_size=3).map(tuple))
)


def aimed(action, corrected_map):
    """An action on tesserae that are there: its numbers up to 10 are places in the map's list of numbers; higher ones stay."""
    there = sorted(corrected_map.boxes)

    def number(label):
        return label if label > 10 or not there else there[label % len(there)]

    changes = {}
    if getattr(action, "label", None) is not None:
        changes["label"] = number(action.label)
    if getattr(action, "labels", None) is not None and len({number(label) for label in action.labels}) == len(action.labels):
        changes["labels"] = tuple(number(label) for label in action.labels)
    return replace(action, **changes)
