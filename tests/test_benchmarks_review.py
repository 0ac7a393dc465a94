"""The benchmarks of review queue and clean-ups: mistakes, damage, sums. No model is run here."""

from types import SimpleNamespace

import numpy as np
import pytest
from mosaic_examples import box_of, crack, join, lay

from benchmarks import cleanup, review
from benchmarks.damage import DAMAGES
from benchmarks.mistakes import Mistake, find_mistakes
from benchmarks.tables import figures, format_table
from tesserae.cleanup import clean_up
from tesserae.evaluation import evaluate
from tesserae.labelmap import count_tesserae
from tesserae.truth import LabelTruth, PointTruth

TRUTH = lay(4, 4, 16, 8)


def without(number):
    labels = TRUTH.copy()
    labels[labels == number] = 0
    return labels


def narrowed(number, width):
    labels = TRUTH.copy()
    rows, columns = box_of(number, 4, 16, 8)
    labels[rows, columns.start + width : columns.stop] = 0
    return labels


def with_extra():
    labels = TRUTH.copy()
    labels[20:23, 20:23] = 90
    return labels


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param(TRUTH, [], id="right"),
        pytest.param(without(6), [Mistake("missed", (), (35, 35))], id="missed"),
        pytest.param(with_extra(), [Mistake("false", (90,))], id="false"),
        pytest.param(join(TRUTH, 6, 4, 16, 8), [Mistake("merged", (6,))], id="merged"),
        pytest.param(crack(TRUTH, 6, 4, 16, 8)[0], [Mistake("split", (6, 17))], id="split"),
        pytest.param(narrowed(6, 6), [Mistake("outline", (6,))], id="outline"),
        pytest.param(narrowed(6, 10), [Mistake("inexact", (6,))], id="inexact"),
        pytest.param(narrowed(6, 13), [], id="good-enough"),
        pytest.param(np.zeros_like(TRUTH), 16, id="nothing-found"),
    ],
)
def test_find_mistakes(labels, expected):
    found = find_mistakes(labels, TRUTH)
    if isinstance(expected, int):
        assert [mistake.kind for mistake in found] == ["missed"] * expected
    else:
        assert found == expected


def test_find_first():
    places = [((3,), None), ((), (0, 0, 10, 10)), ((1, 2), None)]
    mistakes = [Mistake("split", (2, 3)), Mistake("missed", (), (9, 9)), Mistake("merged", (1,)), Mistake("missed", (), (10, 9))]
    first = review.find_first(places, mistakes)
    assert first.tolist()[:3] == [0, 1, 2]
    assert review.share_found(first, 1) == 0.25
    assert review.share_found(first, 3) == review.share_found(first, 99) == 0.75
    assert np.isnan(review.share_found(first[:0], 3))


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_hits_some_tesserae_and_can_be_repeated(name):
    truth = lay(6, 6, 24, 8)
    damaged = DAMAGES[name](truth, 3)
    assert np.array_equal(damaged, DAMAGES[name](truth, 3))
    assert not np.array_equal(damaged, truth)
    more = {"cracked": 1, "bridged": -1, "pierced": 0, "nested": 1, "frayed": 0}[name]
    assert np.sign(count_tesserae(damaged) - 36) == more
    untouched = [number for number in range(1, 37) if np.array_equal(damaged == number, truth == number)]
    assert name == "frayed" or len(untouched) > 18


class LayingSubject:
    """Answers every photo with the same map, and every mirrored one with another."""

    def __init__(self, labels, second):
        self.labels, self.second = labels, second

    def segment(self, image, *, fast=False):
        mirrored = image[0, 0, 0] != 7
        labels = np.ascontiguousarray(self.second[:, ::-1]) if mirrored else self.labels
        return SimpleNamespace(labels=labels, predicted_iou={} if fast else {6: 0.5}, stability={}), 1.0


@pytest.fixture
def mosaics(monkeypatch):
    image = np.zeros((*TRUTH.shape, 3), dtype=np.uint8)
    image[0, 0] = 7
    mosaic = SimpleNamespace(image=image, labels=TRUTH, recipe={"seed": 5, "opus": "regulatum", "side_px": 16.0})
    for module in (review, cleanup):
        monkeypatch.setattr(module, "render_mosaic", lambda seed, size: mosaic)
    return mosaic


def test_measure_review(mosaics):
    labels = crack(without(11), 6, 4, 16, 8)[0]
    rows = review.measure_review(range(5, 6), 100, LayingSubject(labels, TRUTH), str)
    queues = {(row["mode"], row["sort"]): row for row in rows if "mistakes" in row}
    alone, second = queues["default", "all"], queues["default, second opinion", "all"]
    assert (alone["tesserae"], alone["mistakes"]) == (16, 2)
    assert alone["best_5"] == 0.5
    assert alone["found_10"] == 1.0
    assert 0 < figures([alone], "random_10")[0] < 0.5
    assert second["found_5"] >= 0.5
    text = "\n".join(format_table(table) for table in review.tables_of_review(rows))
    for words in ("second opinion", "no joint", "Merge", "Add", "missed", "regulatum"):
        assert words in text


def test_measure_cleanup(mosaics):
    labels, _ = crack(TRUTH, 6, 4, 16, 8)
    rows = cleanup.measure_cleanup(range(5, 6), 100, LayingSubject(labels, TRUTH), str)
    merged = next(row for row in rows if (row["of"], row["cleanup"]) == (cleanup.MODEL, "fragments"))
    assert merged["corrections"] == 1
    assert merged["f1_50_before"] < merged["f1_50_after"] == 1.0
    untouched = [row for row in rows if row["of"] == cleanup.TRUTH]
    assert {row["f1_50_after"] for row in untouched} == {1.0}
    (table,) = cleanup.tables_of_cleanup(rows, [])
    line = next(row for row in table.rows if (row["of"], row["cleanup"]) == (cleanup.MODEL, "fragments"))
    assert (line["better"], line["worse"]) == (1, 0)
    assert len(cleanup.tables_of_cleanup(rows, [{"of": "lion", "cleanup": "holes"}])) == 2


def test_clean_with_all():
    labels, _ = crack(TRUTH, 6, 4, 16, 8)
    rows, columns = box_of(11, 4, 16, 8)
    labels[rows.start + 6 : rows.start + 8, columns.start + 6 : columns.start + 8] = 0
    cleaned, made = clean_up(labels)
    assert made == 2
    assert evaluate(cleaned, LabelTruth(TRUTH)).instances.f1_75 == 1.0
    assert np.array_equal(cleaned, TRUTH)


@pytest.mark.parametrize(
    ("f1_50", "f1_75", "rise"),
    [
        pytest.param(0.01, 0.0, 1, id="up"),
        pytest.param(0.0, -0.01, -1, id="down"),
        pytest.param(0.01, -0.01, 0, id="both"),
        pytest.param(0.0001, 0.0, 0, id="next-to-nothing"),
    ],
)
def test_rises(f1_50, f1_75, rise):
    before, after = {"f1_50_before": 0.5, "f1_75_before": 0.5}, {"f1_50_after": 0.5 + f1_50, "f1_75_after": 0.5 + f1_75}
    assert cleanup._rises(before | after) == rise


def test_measure_marked(tmp_path, monkeypatch):
    points = np.array([[24 * x + 12.0, 24 * y + 12.0] for y in range(4) for x in range(4)])
    truth = PointTruth(0, 0, 96, 16.0, points)
    photo = SimpleNamespace(photo=SimpleNamespace(image=np.full((*TRUTH.shape, 3), 7, dtype=np.uint8)), truth=truth)
    monkeypatch.setattr(cleanup.marked, "read_entries", lambda folder: [("lion", folder)])
    monkeypatch.setattr(cleanup.marked, "read_marked_photo", lambda folder, name, path: photo)
    labels, _ = crack(TRUTH, 6, 4, 16, 8)
    rows = cleanup.measure_marked(tmp_path, LayingSubject(labels, TRUTH), str)
    merged = next(row for row in rows if row["cleanup"] == "fragments")
    assert merged["of"] == "lion"
    assert figures([merged], "f1_before")[0] < figures([merged], "f1_after")[0] == 1.0
