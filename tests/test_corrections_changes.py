"""What each correction does to pixels, numbers and the count, drawn in signs; and what cannot be done, in words."""

import numpy as np
import pytest
from corrections_examples import STONES, corrected, rows, signs, square

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
from tesserae.errors import CorrectionError
from tesserae.labelmap import MAX_LABEL

EVERYWHERE = square(0, 0, 14, 8)


def made(lines, correction):
    """The lines after a correction, and the change of the count."""
    corrected_map = corrected(*lines)
    change = corrected_map.apply(correction)
    return signs(corrected_map), change.count_change


def top(line):
    """The upper four lines all changed to `line`."""
    return dict.fromkeys(range(4), line)


NO_3 = {5: "." * 14, 6: "." * 14}
CASES = {
    "add a polygon": (STONES, Add(polygon_xy=square(11, 0, 13, 3)), {0: "1111..2222.44.", 1: "1111..2222.44.", 2: "1111..2222.44."}, 1),
    "add takes mortar only": (
        STONES,
        Add(polygon_xy=square(2, 3, 8, 7)),
        {3: "1111442222....", 4: "..444444......"},
        1,
    ),
    "add keeps the largest piece": (
        ("...1....", "...1....", "...1...."),
        Add(polygon_xy=square(0, 0, 8, 3)),
        {0: "...12222", 1: "...12222", 2: "...12222"},
        1,
    ),
    "add a mask": (STONES, Add(mask=MaskRuns((11, 5, 14, 7), (0, 3, 1, 2))), {5: "333333333..444", 6: "333333333...44"}, 1),
    "add into an ignored region": (("???..", "???..", "....."), Add(polygon_xy=square(1, 0, 4, 2)), {0: "?111.", 1: "?111."}, 1),
    "delete by number": (STONES, Delete(labels=(3, 1, 1)), {**top("......2222...."), **NO_3}, -2),
    "delete at points": (
        STONES,
        Delete(points_xy=((0.5, 5.0), (12.0, 1.0), (-1.0, 0.5), (99.0, 99.0))),
        NO_3,
        -1,
    ),
    "delete with half in a box": (STONES, Delete(box_xyxy=(2, 0, 7, 9)), {**top("......2222...."), **NO_3}, -2),
    "delete in a lasso": (STONES, Delete(polygon_xy=square(5, -1, 11, 9)), top("1111.........."), -1),
    "delete nothing": (STONES, Delete(box_xyxy=(11, 0, 14, 8)), {}, 0),
    "delete outside the photo": (STONES, Delete(box_xyxy=(20, 20, 30, 30)), {}, 0),
    "delete below an area": (STONES, Delete(below_area_px=18), top("." * 14), -2),
    "merge by number": (STONES, Merge(labels=(2, 1)), top("1111111111...."), -1),
    "merge by a line": (STONES, Merge(line_xy=((1, 1), (8, 1))), top("1111111111...."), -1),
    "merge three": (
        STONES,
        Merge(labels=(3, 2, 1)),
        {**top("1111111111...."), 4: "1111111111....", 5: "111111111.....", 6: "111111111....."},
        -2,
    ),
    "split by a line": (STONES, Split(line_xy=((7.5, -1), (7.5, 5))), top("1111..4222...."), 1),
    "split all that the line parts": (
        STONES,
        Split(line_xy=((2.5, -1), (2.5, 9))),
        {**top("1144..2222...."), 5: "553333333.....", 6: "553333333....."},
        2,
    ),
    "split one of several": (STONES, Split(line_xy=((2.5, -1), (2.5, 9)), label=3), {5: "443333333.....", 6: "443333333....."}, 1),
    "split a long one by itself": (STONES, Split(label=3), {5: "333334444.....", 6: "333334444....."}, 1),
    "paint a tessera wider": (STONES, Paint(((5, 1),), 2, 1), {0: "1111112222....", 1: "1111112222...."}, 0),
    "paint into a neighbour": (STONES, Paint(((4, 1), (7, 1)), 2, 1), {0: "1111111122....", 1: "1111111122...."}, 0),
    "paint over a neighbour": (STONES, Paint(((3.5, 2), (9.5, 2)), 4, 1), top("11111111111..."), -1),
    "paint a new one": (STONES, Paint(((12, 1),), 4), {0: "1111..22224444", 1: "1111..22224444", 2: "1111..2222.44."}, 1),
    "paint a new one beside others": (STONES, Paint(((4, 2), (6, 2)), 4), top("1111442222...."), 1),
    "paint apart from the tessera": (STONES, Paint(((12, 1.0),), 2, 1), {0: "1111..2222.44.", 1: "1111..2222.44."}, 1),
    "paint nothing new": (STONES, Paint(((2, 2),), 2, 1), {}, 0),
    "paint outside the photo": (STONES, Paint(((50, 50),), 2, 1), {}, 0),
    "erase a rim": (STONES, Erase(((0, 0.5), (14, 0.5)), 1), {0: "." * 14}, 0),
    "erase one of two": (STONES, Erase(((0, 0.5), (14, 0.5)), 1, 2), {0: "1111.........."}, 0),
    "erase apart": (STONES, Erase(((3.5, 5), (3.5, 8)), 1), {5: "444.33333.....", 6: "444.33333....."}, 1),
    "erase what leaves a crumb": (STONES, Erase(((1.5, 5), (1.5, 8)), 1), {5: "..3333333.....", 6: "..3333333....."}, 0),
    "erase a whole tessera": (STONES, Erase(((2, 2),), 8, 1), top("......2222...."), -1),
    "erase nothing": (STONES, Erase(((12, 2),), 2), {}, 0),
    "replace by a polygon": (
        STONES,
        Replace(2, polygon_xy=square(7, 1, 12, 3)),
        {**top("1111.........."), 1: "1111...22222..", 2: "1111...22222.."},
        0,
    ),
    "replace far from where it was": (
        STONES,
        Replace(3, mask=MaskRuns((11, 0, 14, 2), (0, 6))),
        {0: "1111..2222.333", 1: "1111..2222.333", **NO_3},
        0,
    ),
    "replace takes nothing from neighbours": (STONES, Replace(1, polygon_xy=square(2, 0, 8, 4)), top("..11112222...."), 0),
    "mortar": (STONES, Mortar(square(0, 2, 14, 6)), {2: "." * 14, 3: "." * 14, 5: "." * 14}, 0),
    "mortar apart": (STONES, Mortar(square(3, 4, 6, 8)), {5: "333...444.....", 6: "333...444....."}, 1),
    "mortar is readable": (("???..", "???..", "....."), Mortar(square(0, 0, 2, 2)), {0: "..?..", 1: "..?.."}, 0),
    "ignore": (STONES, Ignore(square(5, 0, 14, 4)), top("1111.?????????"), -1),
    "ignore spares what lies in it by half": (STONES, Ignore(square(2, 0, 5, 4)), top("1111?.2222...."), 0),
    "ignore takes all of what lies in it by more": (STONES, Ignore(square(0, 0, 3, 4)), top("???...2222...."), -1),
    "approve": (STONES, Approve(), {}, 0),
    "several": (
        STONES,
        Several("clean-up", (Delete(labels=(3,)), Merge(labels=(1, 2)))),
        {**top("1111111111...."), **NO_3},
        -2,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("lines", "correction", "changed", "count_change"), CASES.values(), ids=CASES)
def test_correction(lines, correction, changed, count_change):
    found, counted = made(lines, correction)
    expected = tuple(changed.get(number, line) for number, line in enumerate(lines))
    assert (found, counted) == (expected, count_change)


REFUSED = {
    "add on tesserae": (Add(polygon_xy=square(0, 0, 4, 4)), r"at least 4 pixels of mortar .* it lies on 1\. Delete or erase"),
    "add outside the photo": (Add(polygon_xy=square(20, 20, 30, 30)), "outside the photo"),
    "add too small": (Add(polygon_xy=square(12, 0, 13, 3)), "mortar that hang together, found fewer inside what was drawn. Draw"),
    "paint on tesserae": (Paint(((2, 2),), 2), "at least 4 pixels of mortar"),
    "paint outside the photo": (Paint(((50, 50),), 2), "outside the photo"),
    "delete none": (Delete(labels=(1, 9)), "There is no tessera 9"),
    "delete mortar": (Delete(labels=(0,)), "There is no tessera 0"),
    "merge with none": (Merge(labels=(1, 9)), "There is no tessera 9"),
    "merge across one": (Merge(line_xy=((1, 1), (3, 3))), "found tessera 1 only"),
    "merge across none": (Merge(line_xy=((11, 1), (13, 3))), "found none"),
    "split none": (Split(label=9), "There is no tessera 9"),
    "split none by a line": (Split(line_xy=((0, 0), (9, 9)), label=9), "There is no tessera 9"),
    "split a compact one": (Split(label=1), "Where to split tessera 1 cannot be told"),
    "split by half a line": (Split(line_xy=((2.5, -1), (2.5, 2))), r"does not part a tessera\. .* joint to joint"),
    "split by a line beside": (Split(line_xy=((7.5, -1), (7.5, 5)), label=3), "does not part tessera 3"),
    "split by a line that cuts off a crumb": (Split(line_xy=((-1, 6.1), (2.1, 9))), "does not part a tessera"),
    "paint into none": (Paint(((5, 5),), 2, 9), "There is no tessera 9"),
    "erase none": (Erase(((5, 5),), 2, 9), "There is no tessera 9"),
    "replace none": (Replace(9, polygon_xy=EVERYWHERE), "There is no tessera 9"),
    "replace on others": (Replace(3, polygon_xy=square(0, 0, 4, 4)), "it lies on 1"),
    "replace outside the photo": (Replace(3, polygon_xy=square(20, 20, 30, 30)), "outside the photo"),
    "replace by too large a mask": (Replace(3, mask=MaskRuns((0, 0, 15, 8), (0, 120))), "more than the photo"),
    "several": (Several("x", (Delete(labels=(1,)), Delete(labels=(1,)))), "Correction 2 of 2 cannot be made, so none is. There is no"),
}  # fmt: skip


@pytest.mark.parametrize(("correction", "sentence"), REFUSED.values(), ids=REFUSED)
def test_refused(correction, sentence):
    corrected_map = corrected(*STONES)
    boxes, next_label = dict(corrected_map.boxes), corrected_map.next_label
    with pytest.raises(CorrectionError, match=sentence):
        corrected_map.apply(correction)
    assert (signs(corrected_map), corrected_map.boxes, corrected_map.next_label) == (STONES, boxes, next_label)
    assert corrected_map.done == 0


def test_numbers_do_not_run_over():
    corrected_map = CorrectedMap.of(rows(*STONES), next_label=MAX_LABEL)
    corrected_map.apply(Add(polygon_xy=square(11, 0, 14, 4)))
    assert corrected_map.labels.max() == MAX_LABEL
    for correction in (Add(polygon_xy=square(10, 5, 14, 8)), Split(label=3), Erase(((3.5, 5), (3.5, 8)), 1)):
        with pytest.raises(CorrectionError, match="No number is left"):
            corrected_map.apply(correction)
    np.testing.assert_array_equal(corrected_map.labels[5], rows(STONES[5])[0])


def test_a_correction_far_from_its_tessera_looks_at_no_more_than_it_must(monkeypatch):
    cut_outs = []
    taken = CorrectedMap.of(np.zeros((400, 400), np.int32))
    taken.apply(Add(polygon_xy=square(0, 0, 10, 10)))
    taken.apply(Add(polygon_xy=square(380, 380, 390, 390)))
    monkeypatch.setattr("tesserae.corrections.ground.Ground.pixels", _noting(cut_outs))
    taken.apply(Paint(((395, 395),), 4, 1))
    taken.apply(Replace(1, polygon_xy=square(350, 350, 360, 360)))
    with pytest.raises(CorrectionError, match="cannot be joined"):
        taken.apply(Merge(labels=(2, 3, 1)))
    assert cut_outs
    assert max(cut_outs) <= 200


def _noting(sizes):
    from tesserae.corrections.ground import Ground

    pixels = Ground.pixels

    def noted(self, box):
        cut = pixels(self, box)
        sizes.append(cut.size)
        return cut

    return noted
