"""The log as JSON lines: read strictly, written so that it comes back, and as the document says."""

import json
import re
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from conftest import PROJECT_DIR, three_tesserae
from corrections_examples import CORRECTIONS, STONES, rows, square
from hypothesis import given, settings
from hypothesis import strategies as st

from tesserae.corrections import log
from tesserae.corrections.log import Entry, Redo, Undo, entry_from_json, entry_to_json, read_log, replay, replay_log
from tesserae.corrections.operations import Add, Approve, Delete, MaskRuns, Merge, Paint, Several
from tesserae.errors import CorrectionError

DOCUMENT = (PROJECT_DIR / "docs" / "corrections.md").read_text(encoding="utf-8")
MOMENTS = st.datetimes(timezones=st.none() | st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours))))
ENTRIES = st.builds(Entry, CORRECTIONS | st.just(Undo()) | st.just(Redo()), st.text(max_size=5), st.none() | MOMENTS)


def documented():
    """The lines of the document's examples."""
    blocks = re.findall(r"^```json\n(.*?)^```", DOCUMENT, flags=re.MULTILINE | re.DOTALL)
    return [json.loads(line) for block in blocks for line in block.splitlines()]


def write(path, *lines):
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return path


# --- The document -------------------------------------------------------------------------------------------------------


def test_the_examples_of_the_document_are_one_log():
    before, after = map(int, re.search(r"The (\d+) tesserae become (\d+)", DOCUMENT).groups())
    labels = three_tesserae()
    corrected_map = replay(labels, map(entry_from_json, documented()))
    assert (len(np.unique(labels)) - 1, corrected_map.count) == (before, after)
    assert sorted(corrected_map.boxes) == [1, 2, 15, 16]
    assert corrected_map.next_label == 17


def test_the_document_shows_every_operation_with_every_field():
    shown = {}
    for line in documented():
        shown.setdefault(line["op"], set()).update(set(line) - {"op", "author", "at"})
    wanted = {name: {each.name for each in fields(action)} for name, action in log._ACTIONS.items()}
    wanted["add"].remove("prompt")
    wanted["replace"].remove("mask")
    assert {name: each for name, each in wanted.items() if not each <= shown.get(name, set())} == {}
    assert {"author", "at"} <= set(documented()[0])


# --- There and back -----------------------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(ENTRIES)
def test_what_is_written_reads_back(entry):
    line = json.dumps(entry_to_json(entry), allow_nan=False)
    assert entry_from_json(json.loads(line)) == entry
    assert "\n" not in line


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        pytest.param(Entry(Undo()), {"op": "undo"}, id="undo"),
        pytest.param(
            Entry(Paint(((1, 2.5),), 3, 7), "Ada", datetime(2026, 11, 26, 9, 30, tzinfo=UTC)),
            {"op": "paint", "line_xy": [[1, 2.5]], "width_px": 3, "label": 7, "author": "Ada", "at": "2026-11-26T09:30:00+00:00"},
            id="signed",
        ),
        pytest.param(
            Entry(Add(mask=MaskRuns((0, 1, 2, 2), (1, 1)), prompt={"points_xy": ((0, 1),)})),
            {"op": "add", "mask": {"box_xyxy": [0, 1, 2, 2], "counts": [1, 1]}, "prompt": {"points_xy": [[0, 1]]}},
            id="mask",
        ),
        pytest.param(
            Entry(Several("tidy", (Delete(below_area_px=4), Merge(labels=(1, 2))))),
            {"op": "several", "title": "tidy", "corrections": [{"op": "delete", "below_area_px": 4}, {"op": "merge", "labels": [1, 2]}]},
            id="several",
        ),
    ],
)
def test_written(entry, line):
    assert entry_to_json(entry) == line


def test_numbers_of_numpy_are_written_as_plain_ones():
    entry = Entry(Delete(labels=tuple(np.array([3, 4], np.int32))))
    assert json.dumps(entry_to_json(entry)) == '{"op": "delete", "labels": [3, 4]}'


# --- Refused ------------------------------------------------------------------------------------------------------------

ADD = {"op": "add", "polygon_xy": [[0, 0], [4, 0], [4, 4]]}


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        pytest.param({}, "'op' is one of add, delete, merge, split, .* undo, redo, found null", id="no-operation"),
        pytest.param({"op": "remove"}, 'found "remove"', id="unknown-operation"),
        pytest.param({"op": ["add"]}, r'found \["add"\]', id="operation-of-another-kind"),
        pytest.param(
            {**ADD, "colour": "red"}, "'add' has the fields polygon_xy, mask, prompt; found 'colour', which it has not", id="unknown"
        ),
        pytest.param({"op": "undo", "steps": 2}, "'undo' has the fields op only; found 'steps'", id="undo-with-a-field"),
        pytest.param({"op": "paint", "line_xy": [[1, 1]]}, "'width_px' is missing", id="missing"),
        pytest.param({"op": "add"}, "exactly one of polygon_xy, mask", id="none-of-either"),
        pytest.param({"op": "add", "polygon_xy": 3}, r"'polygon_xy' is a list of points \[x, y\], found 3", id="no-list"),
        pytest.param({"op": "add", "polygon_xy": [[1, 2, 3]] * 3}, "a list of points", id="three-coordinates"),
        pytest.param({"op": "add", "polygon_xy": [[1, "2"]] * 3}, "'polygon_xy' is a number, found \"2\"", id="text-for-a-coordinate"),
        pytest.param({"op": "add", "polygon_xy": [[1, True]] * 3}, "is a number, found true", id="truth-for-a-coordinate"),
        pytest.param({"op": "add", "polygon_xy": [[10**400, 1]] * 3}, "not that large, found 1000.*…", id="huge-coordinate"),
        pytest.param({"op": "add", "polygon_xy": None}, "a list of points .*, found null", id="null"),
        pytest.param({"op": "add", "mask": [1]}, "'mask' is an object", id="mask-of-another-kind"),
        pytest.param({"op": "add", "mask": {"counts": [0, 1]}}, "'mask' is an object .*box_xyxy.*counts", id="mask-without-a-box"),
        pytest.param({"op": "add", "mask": {"box_xyxy": [0, 0, 1], "counts": [0, 1]}}, "'mask.box_xyxy' is a box", id="box-of-three"),
        pytest.param(
            {"op": "add", "mask": {"box_xyxy": [0, 0, 1, 1], "counts": [0, 1.5]}}, "'mask.counts' is a list of whole", id="half-a-run"
        ),
        pytest.param({**ADD, "prompt": "click"}, "'prompt' is an object", id="prompt-of-another-kind"),
        pytest.param({"op": "delete", "labels": 4}, "'labels' is a list of whole numbers, found 4", id="labels-no-list"),
        pytest.param({"op": "delete", "labels": [True]}, "list of whole numbers", id="truth-for-a-number"),
        pytest.param({"op": "delete", "below_area_px": 4.5}, "'below_area_px' is a whole number, found 4.5", id="half-a-pixel"),
        pytest.param({"op": "split", "label": "3"}, "'label' is a whole number", id="text-for-a-number"),
        pytest.param({"op": "several", "title": 3, "corrections": [ADD]}, "'title' is a text, found 3", id="title-no-text"),
        pytest.param({"op": "several", "title": "x", "corrections": ADD}, "'corrections' is a list of corrections", id="one-correction"),
        pytest.param({"op": "several", "title": "x", "corrections": [3]}, "'corrections' is an object", id="no-correction"),
        pytest.param({"op": "several", "title": "x", "corrections": [{"op": "undo"}]}, "without undo and redo", id="undo-in-a-group"),
        pytest.param({"op": "several", "title": "x", "corrections": [{"op": "approve"}]}, "no approval", id="approval-in-a-group"),
        pytest.param({**ADD, "author": None}, "'author' is a text, found null", id="author-of-another-kind"),
        pytest.param({**ADD, "at": "yesterday"}, "'at' is a time such as .* found \"yesterday\"", id="no-time"),
        pytest.param({**ADD, "at": 1764149400}, "'at' is a text", id="time-as-a-number"),
    ],
)
def test_refused(line, sentence):
    with pytest.raises(CorrectionError, match=sentence):
        entry_from_json(line)


# --- Files --------------------------------------------------------------------------------------------------------------


def test_a_log_is_read_line_by_line(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"op": "approve", "author": "Zo\xc3\xab"}\r\n\r\n   \n{"op": "undo"}')
    assert read_log(path) == [Entry(Approve(), "Zoë"), Entry(Undo())]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        pytest.param([ADD, "", {"op": "remove"}], "^Line 3: 'op' is one of", id="bad-entry"),
        pytest.param(["{"], "^Line 1: Expected one JSON object, found text that is not", id="no-json"),
        pytest.param(["[1, 2]"], "^Line 1: 'line' is one JSON object", id="a-list"),
        pytest.param(['{"op": "delete", "op": "undo"}'], "^Line 1: Each field is given once", id="a-field-twice"),
        pytest.param(['{"op": "paint", "width_px": NaN}'], "^Line 1: Numbers are finite, found NaN", id="not-a-number"),
        pytest.param(["[" * 100_000], "^Line 1: Expected one JSON object", id="too-deep"),
        pytest.param([{"op": "add", "polygon_xy": []}], "^Line 1: A polygon has at least three", id="bad-operation"),
    ],
)
def test_a_bad_line_is_named(tmp_path, lines, sentence):
    with pytest.raises(CorrectionError, match=sentence):
        read_log(write(tmp_path / "log.jsonl", *lines))


def test_a_missing_or_binary_log(tmp_path):
    with pytest.raises(CorrectionError, match="There is no correction log at"):
        read_log(tmp_path / "none.jsonl")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "binary", tmp_path):
        with pytest.raises(CorrectionError, match="cannot be read as a correction log"):
            read_log(path)


def test_replay_stops_at_the_first_that_cannot_be_made(tmp_path):
    labels = rows(*STONES)
    lines = [{"op": "delete", "labels": [3]}, "", {"op": "delete", "labels": [3]}, {"op": "nonsense"}]
    with pytest.raises(CorrectionError, match=r"^Line 3: There is no tessera 3"):
        replay_log(labels, write(tmp_path / "log.jsonl", *lines))
    with pytest.raises(CorrectionError, match=r"^Entry 2: There is nothing to redo"):
        replay(labels, [Entry(Delete(labels=(3,))), Entry(Redo())])


def test_a_log_is_replayed_with_its_undoing(tmp_path):
    new = entry_to_json(Entry(Add(polygon_xy=square(11, 0, 14, 4))))
    undo, redo = {"op": "undo"}, {"op": "redo"}
    corrected_map = replay_log(
        rows(*STONES), write(tmp_path / "log.jsonl", new, undo, redo, undo, new, {"op": "delete", "labels": [5]}, undo)
    )
    assert sorted(corrected_map.boxes) == [1, 2, 3, 5]
    assert (corrected_map.done, corrected_map.undone, corrected_map.next_label) == (1, 1, 6)
