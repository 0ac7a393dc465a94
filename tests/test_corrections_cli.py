"""`python -m tesserae correct`: what it prints and writes, and that a bad line leaves everything as it was."""

import json

import numpy as np
import pytest
from conftest import three_tesserae

from tesserae.cli import main
from tesserae.labelmap import read_label_map, write_label_map

DELETE, UNDO = {"op": "delete", "labels": [1, 7]}, {"op": "undo"}


@pytest.fixture
def correct(tmp_path, capsys):
    """Correct a map of three tesserae by lines of a log; status, lines on stdout, lines on stderr."""
    write_label_map(tmp_path / "labels.tif", three_tesserae())

    def run(*lines, **paths):
        (tmp_path / "log.jsonl").write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
        given = {"labels": "labels.tif", "log": "log.jsonl", "out": "out.tif"} | paths
        labels, log, out = (str(tmp_path / given[name]) for name in ("labels", "log", "out"))
        status = main(["correct", labels, "--log", log, "--out", out])
        printed = capsys.readouterr()
        return status, printed.out.splitlines(), printed.err.splitlines()

    return run


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ((DELETE,), "3 tesserae before, 1 after 1 correction."),
        ((DELETE, UNDO), "3 tesserae before, 3 after 0 corrections."),
        ((DELETE, UNDO, DELETE, {"op": "approve"}), "3 tesserae before, 1 after 2 corrections."),
        ((), "3 tesserae before, 3 after 0 corrections."),
    ],
    ids=["one", "undone", "two", "none"],
)
def test_the_corrected_map_is_written_and_counted(correct, tmp_path, lines, sentence):
    assert correct(*lines) == (0, [sentence], [])
    written = read_label_map(tmp_path / "out.tif")
    assert f" {len(np.unique(written)) - 1} after" in sentence


def test_a_map_may_be_corrected_in_place(correct, tmp_path):
    assert correct(DELETE, out="labels.tif")[0] == 0
    assert correct({"op": "delete", "labels": [2]}, labels="labels.tif")[1] == ["1 tessera before, 0 after 1 correction."]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        pytest.param((DELETE, "{"), "Line 2: Expected one JSON object", id="no-json"),
        pytest.param((DELETE, "", {"op": "remove"}), "Line 3: 'op' is one of", id="no-operation"),
        pytest.param((DELETE, DELETE), "Line 2: There is no tessera 1.", id="cannot-be-made"),
        pytest.param((UNDO,), "Line 1: There is nothing to undo", id="nothing-to-undo"),
    ],
)
@pytest.mark.parametrize("existing", [None, b"kept"], ids=["new", "existing"])
def test_a_bad_line_is_refused_and_nothing_written(correct, tmp_path, lines, reason, existing):
    out = tmp_path / "out.tif"
    if existing is not None:
        out.write_bytes(existing)
    status, printed, complaints = correct(*lines)
    assert (status, printed, len(complaints)) == (2, [], 1)
    assert complaints[0].startswith(reason)
    assert (out.read_bytes() if out.exists() else None) == existing
    assert {path.name for path in tmp_path.iterdir()} - {"out.tif"} == {"labels.tif", "log.jsonl"}


@pytest.mark.parametrize(
    ("paths", "reason"),
    [
        ({"labels": "none.tif"}, "There is no label map"),
        ({"log": "none.jsonl"}, "There is no correction log"),
        ({"out": "none/out.tif"}, "could not be written"),
    ],
    ids=["labels", "log", "out"],
)
def test_a_file_that_is_not_there_is_a_sentence(correct, paths, reason):
    status, printed, complaints = correct(DELETE, **paths)
    assert (status, printed, len(complaints)) == (2, [], 1)
    assert reason in complaints[0]
