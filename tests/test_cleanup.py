"""All clean-ups: what they share, and that they do nothing to what is in order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mosaic_examples import crack, lay

from tesserae.cleanup import CLEANUPS, count_change
from tesserae.cleanup.trying import several_that_can_be_made
from tesserae.corrections.operations import Delete, Merge, Several, Split
from tesserae.corrections.replay import CorrectedMap
from tesserae.errors import CorrectionError, LabelMapError

NAMES = list(CLEANUPS)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_do(name):
    assert CLEANUPS[name].propose(np.zeros((6, 6), dtype=np.int32), None) is None


@pytest.mark.parametrize("name", NAMES)
def test_what_is_in_order_stays(name):
    assert CLEANUPS[name].propose(lay(4, 4), None) is None


@pytest.mark.parametrize("name", NAMES)
def test_no_label_map(name):
    with pytest.raises(LabelMapError):
        CLEANUPS[name].propose(np.zeros((3, 3)), None)


@pytest.mark.parametrize("name", NAMES)
def test_titles_and_sentences_are_for_people(name):
    each = CLEANUPS[name]
    assert each.title[0].isupper()
    assert each.sentence.endswith(".")


def test_count_change():
    labels, new = crack(lay(2, 2), 1, 2)
    assert count_change(labels, Several("Join", (Merge(labels=(1, new)),))) == -1
    assert count_change(labels, Several("Remove", (Delete(labels=(1, 2)),))) == -2


def test_count_change_of_corrections_for_another_map():
    with pytest.raises(CorrectionError, match="no tessera 9"):
        count_change(lay(1, 2), Several("Join", (Merge(labels=(1, 9)),)))


def test_only_what_can_be_made_is_proposed():
    wanted = [Split(label=1), Delete(labels=(2,)), Merge(labels=(1, 2))]
    assert several_that_can_be_made("Some", lay(1, 2), wanted) == Several("Some", (Delete(labels=(2,)),))
    assert several_that_can_be_made("None", lay(1, 2), wanted[:1]) is None
    assert several_that_can_be_made("Nothing", lay(1, 2), [Delete(labels=(7,))]) is None


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.int32, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.sampled_from([0, 0, 1, 1, 2, 3, 4])),
    st.sampled_from(NAMES),
    st.integers(1, 3),
)
def test_any_map_can_be_cleaned_and_put_back(small, name, scale):
    labels = small.repeat(scale, 0).repeat(scale, 1)
    before = labels.copy()
    ignored = labels[::-1] == 0
    proposed = CLEANUPS[name].propose(labels, ignored)
    assert np.array_equal(labels, before)
    if proposed is None:
        return
    corrected = CorrectedMap.of(labels, ignored)
    unreadable = corrected.ignored.copy()
    change = corrected.apply(proposed)
    assert change.count_change == count_change(labels, proposed, ignored)
    if name in ("holes", "smooth"):
        assert change.count_change == 0
        assert not corrected.labels[unreadable].any()
    corrected.undo()
    assert np.array_equal(corrected.labels, labels)
