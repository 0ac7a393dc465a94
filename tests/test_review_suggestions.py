"""The queue: what is suggested, in which order, with which words and fixes."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mosaic_examples import box_of, crack, join, lay

from tesserae.corrections.operations import Add, Delete, Merge, Several, Split
from tesserae.corrections.replay import CorrectedMap
from tesserae.errors import CorrectionError, LabelMapError
from tesserae.review import KINDS, suggest

WIDE, TIGHT = {"side": 12, "joint": 8}, {"side": 8, "joint": 3}
ALL = {"least_score": 0.0}


def without(number, **size):
    labels = lay(5, 5, **size)
    labels[labels == number] = 0
    return labels


def speck():
    labels = lay(4, 4, 16, 8)
    labels[20:23, 20:24] = 50
    return labels


def ragged():
    labels = lay(4, 4, 16, 8)
    rows, columns = box_of(6, 4, 16, 8)
    labels[rows.start : rows.start + 9, columns.start : columns.start + 9] = 0
    return labels


@pytest.mark.parametrize(
    ("labels", "kind", "named", "fix"),
    [
        pytest.param(crack(lay(4, 4, **WIDE), 6, 4, **WIDE)[0], "no joint", (6, 17), Merge(labels=(6, 17)), id="cracked"),
        pytest.param(without(13, side=12, joint=3), "gap", (), None, id="gap"),
        pytest.param(ragged(), "ragged outline", (6,), None, id="ragged"),
        pytest.param(join(lay(4, 4, 16, 8), 6, 4, 16, 8, slice(6, 10)), "ragged outline", (6,), Split(label=6), id="bridged"),
        pytest.param(speck(), "odd size", (50,), Delete(labels=(50,)), id="speck"),
    ],
)
def test_without_scores(labels, kind, named, fix):
    first = suggest(labels, **ALL)[0]
    assert (first.kind, first.labels, first.fix) == (kind, named, fix)
    assert first.sentence.endswith(".")


def test_a_low_score():
    iou, stability = dict.fromkeys(range(1, 17), 0.95), dict.fromkeys(range(1, 17), 0.95)
    (only,) = suggest(lay(4, 4, **TIGHT), iou | {7: 0.5}, stability | {7: 0.6}, **ALL)
    assert (only.kind, only.labels, only.fix) == ("low score", (7,), None)
    assert "30%" in only.sentence
    rows, columns = box_of(7, 4, **TIGHT)
    assert only.box_xyxy == (columns.start, rows.start, columns.stop, rows.stop)


@pytest.mark.parametrize(
    ("iou", "stability", "said"),
    [pytest.param({3: 0.4}, {}, "40%", id="iou-alone"), pytest.param({}, {3: 0.5}, "50%", id="stability-alone")],
)
def test_one_score_is_enough(iou, stability, said):
    assert said in suggest(lay(4, 4, **TIGHT), iou, stability, **ALL)[0].sentence


def test_one_suggestion_for_one_place():
    labels = ragged()
    only, *_ = suggest(labels, {6: 0.5}, {6: 0.7}, **ALL)
    assert {"ragged outline", "low score"} <= {reason.kind for reason in only.reasons}
    assert only.score > max(reason.doubt for reason in only.reasons)
    assert [reason.doubt for reason in only.reasons] == sorted((reason.doubt for reason in only.reasons), reverse=True)


def test_a_loss_is_told_from_a_gap():
    labels = lay(7, 7, side=12, joint=3)
    labels[30:75, 30:75] = 0
    first = next(each for each in suggest(labels, **ALL) if each.kind == "gap")
    assert "a loss" in first.sentence


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        pytest.param(speck(), "of the area of those around it", id="small"),
        pytest.param(join(lay(4, 4, 16, 8), 6, 4, 16, 8, slice(0, 16)), "times as large as those around it", id="large"),
        pytest.param(join(lay(4, 4, 16, 8), 6, 4, 16, 8, slice(6, 10)), "waist", id="waist"),
    ],
)
def test_words(labels, words):
    assert any(words in each.sentence for each in suggest(labels, **ALL))


def test_what_stands_alone():
    labels = np.zeros((200, 200), dtype=np.int32)
    labels[10:70, 10:70] = lay(5, 5, 8, 4)
    labels[150:158, 150:158] = 99
    assert any(each.labels == (99,) and "stands alone" in {r.kind for r in each.reasons} for each in suggest(labels, **ALL))


def test_a_second_opinion():
    other = lay(4, 4, **TIGHT)
    other[other == 6] = 0
    (only,) = suggest(lay(4, 4, **TIGHT), other_labels=other, **ALL)
    assert (only.kind, only.labels, only.sentence) == ("models disagree", (6,), "The other result has no tessera here.")


def test_a_second_opinion_about_two_pieces():
    cracked, new = crack(lay(4, 4, **TIGHT), 6, 4, **TIGHT)
    first = suggest(cracked, other_labels=lay(4, 4, **TIGHT), **ALL)[0]
    assert (first.labels, first.fix) == ((6, new), Merge(labels=(6, new)))


def test_a_second_opinion_about_a_gap_is_the_same_place():
    labels, whole = without(13, side=12, joint=3), lay(5, 5, side=12, joint=3)
    (only,) = suggest(labels, other_labels=whole, **ALL)
    assert {reason.kind for reason in only.reasons} == {"gap", "models disagree"}
    assert isinstance(only.fix, Add)
    assert only.labels == ()


def test_a_second_opinion_about_mortar_that_is_no_gap():
    whole = lay(4, 4, **TIGHT)
    whole[9:12, 3:8] = np.where(whole[9:12, 3:8] == 0, 70, whole[9:12, 3:8])
    (only,) = suggest(lay(4, 4, **TIGHT), other_labels=whole, **ALL)
    assert (only.kind, only.labels, only.box_xyxy) == ("models disagree", (), (3, 9, 8, 12))


def test_two_opinions_about_one_gap():
    labels = without(13, side=12, joint=3)
    other = lay(5, 5, side=12, joint=3)
    other[other == 13] = np.where(np.arange((other == 13).sum()) % 12 < 5, 13, np.where(np.arange((other == 13).sum()) % 12 > 6, 60, 0))
    found = suggest(labels, other_labels=other, **ALL)
    assert sum("models disagree" in {reason.kind for reason in each.reasons} for each in found) == 2


def test_less_likely_ones_are_left_out():
    labels = ragged()
    everything = suggest(labels, **ALL)
    assert suggest(labels, least_score=everything[0].score) == everything[:1]
    assert suggest(labels, least_score=1.0) == []


def test_unreadable_pixels_are_no_gap():
    labels = without(13, side=12, joint=3)
    assert suggest(labels, ignored=lay(5, 5, side=12, joint=3) == 13, **ALL) == []


def test_nothing_to_say():
    assert suggest(lay(4, 4, **TIGHT), **ALL) == []
    assert suggest(np.zeros((5, 5), dtype=np.int32), **ALL) == []


def test_no_label_map():
    with pytest.raises(LabelMapError):
        suggest(np.zeros((3, 3)))


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.int32, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.sampled_from([0, 0, 1, 1, 2, 3, 4, 9])),
    st.integers(1, 3),
    st.booleans(),
)
def test_any_map_can_be_reviewed(small, scale, second):
    labels = small.repeat(scale, 0).repeat(scale, 1)
    present = set(labels.ravel().tolist()) - {0}
    found = suggest(labels, dict.fromkeys(present, 0.5), other_labels=labels[::-1].copy() if second else None, **ALL)
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    for each in found:
        assert 0 < each.score <= 1
        assert set(each.labels) <= present
        assert each.kind in KINDS
        x0, y0, x1, y1 = each.box_xyxy
        assert 0 <= x0 < x1 <= labels.shape[1]
        assert 0 <= y0 < y1 <= labels.shape[0]
        if each.fix is not None:
            assert not isinstance(each.fix, Several)
            with contextlib.suppress(CorrectionError):
                CorrectedMap.of(labels).apply(each.fix)
