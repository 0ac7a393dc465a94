"""What is repaired on the way in: tesserae in pieces, and masks that overlap."""

import numpy as np
import pytest
from annotation_examples import LABEL_MAPS, drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from tesserae.errors import AnnotationError
from tesserae.importing.painting import CroppedMask, paint_masks
from tesserae.importing.pieces import FRAGMENT_SHARE, separate_pieces
from tesserae.labelmap import MAX_LABEL, present_labels

# --- Pieces -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "separated", "note"),
    [
        pytest.param(drawn("11.22", "11.22"), drawn("11.22", "11.22"), None, id="whole"),
        pytest.param(
            drawn("111.11", "222222"),
            drawn("111.33", "222222"),
            "1 tessera lay in several pieces; the largest piece of each kept its number. 1 other piece became a tessera of its own, "
            "from number 3 on.",
            id="two pieces",
        ),
        pytest.param(
            drawn("11111.1.1", "222222222"),
            drawn("11111....", "222222222"),
            "1 tessera lay in several pieces; the largest piece of each kept its number. 2 fragments (2 px) became mortar.",
            id="fragments",
        ),
        pytest.param(
            drawn("11.1", "..2.", "22.2"),
            drawn("11.3", "..4.", "22.5"),
            "2 tesserae lay in several pieces; the largest piece of each kept its number. 3 other pieces became tesserae of their own, "
            "from number 3 on.",
            id="corners do not join",
        ),
        pytest.param(drawn("...."), drawn("...."), None, id="nothing"),
    ],
)
def test_pieces(labels, separated, note):
    found, notes = separate_pieces(labels)
    np.testing.assert_array_equal(found, separated)
    assert notes == (() if note is None else (note,))
    assert (found is labels) == (note is None)


def test_there_may_be_no_number_left():
    labels = np.array([[MAX_LABEL, 0, MAX_LABEL]], np.int32)
    with pytest.raises(AnnotationError, match=r"is taken\. Number the tesserae from 1"):
        separate_pieces(labels)


@settings(max_examples=60, deadline=None)
@given(LABEL_MAPS)
def test_every_tessera_becomes_one_piece_and_keeps_its_largest(labels):
    separated, _ = separate_pieces(labels)
    assert all(ndimage.label(separated == label)[1] == 1 for label in present_labels(separated))
    assert not separated[labels == 0].any()
    for label in present_labels(labels):
        areas = np.bincount(ndimage.label(labels == label)[0].ravel())[1:]
        assert (separated == label).sum() == areas.max()
        assert (separated[labels == label] > 0).sum() == areas[areas >= FRAGMENT_SHARE * areas.max()].sum()
    assert separate_pieces(separated)[0] is separated


# --- Overlaps ---------------------------------------------------------------------------------------------------------


def cropped(x0, y0, x1, y1):
    return CroppedMask(np.ones((y1 - y0, x1 - x0), bool), (x0, y0))


@pytest.mark.parametrize(
    ("masks", "labels", "note"),
    [
        pytest.param([cropped(0, 0, 2, 2), cropped(2, 0, 5, 2)], drawn("77888", "77888"), None, id="side by side"),
        pytest.param(
            [cropped(0, 0, 4, 2), cropped(3, 0, 5, 2)],
            drawn("77788", "77788"),
            "2 tesserae overlapped in 2 px, which went to the smaller tessera each time.",
            id="the smaller one has it",
        ),
        pytest.param(
            [cropped(0, 0, 3, 2), cropped(2, 0, 5, 2)],
            drawn("77788", "77788"),
            "2 tesserae overlapped in 2 px, which went to the smaller tessera each time.",
            id="of equal ones the first",
        ),
        pytest.param(
            [cropped(0, 0, 5, 2), cropped(1, 0, 2, 1)],
            drawn("78777", "77777"),
            "2 tesserae overlapped in 1 px, which went to the smaller tessera each time.",
            id="within another",
        ),
        pytest.param(
            [cropped(0, 0, 5, 2), cropped(0, 0, 4, 2)],
            drawn("8888.", "8888."),
            "1 outline was left out: more than half lay under smaller ones, as when a tessera is outlined twice.",
            id="twice",
        ),
        pytest.param([], drawn(".....", "....."), None, id="none"),
    ],
)
def test_overlaps(masks, labels, note):
    painted, notes = paint_masks(masks, range(7, 7 + len(masks)), (2, 5))
    np.testing.assert_array_equal(painted, labels)
    assert (painted.dtype, notes) == (np.int32, () if note is None else (note,))


BOXES = st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 4), st.integers(1, 4))


@settings(max_examples=60, deadline=None)
@given(st.lists(BOXES, max_size=6))
def test_no_pixel_is_lost_or_invented_where_masks_overlap(boxes):
    masks = [cropped(x, y, x + width, y + height) for x, y, width, height in boxes]
    labels, _ = paint_masks(masks, range(1, len(masks) + 1), (10, 10))
    for number, mask in enumerate(masks, 1):
        own = labels == number
        inside = np.zeros_like(own)
        inside[mask.place] = True
        assert not (own & ~inside).any()
        assert not own.any() or own.sum() >= mask.area_px / 2  # kept whole or mostly, or left out altogether
        if own.any():
            assert labels[mask.place].all()
