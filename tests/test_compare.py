"""Two checkpoints on one photo: one encoder pass where encoders are equal, the record's keys, the picture; with the embedded model."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import PROJECT_DIR
from PIL import Image

from tesserae import compare
from tesserae.cli import main
from tesserae.compare import compare_checkpoints
from tesserae.errors import OutputError, TruthError
from tesserae.labelmap import write_label_map
from tesserae.options import RunOptions
from tesserae.overlay import paint_overlay
from tesserae.service import run_file
from tesserae.settings import Settings
from tesserae.synthetic import render_mosaic
from tesserae.truth import read_truth

OPTIONS = RunOptions(checkpoint="tuned", device="cpu", threads=1)
NAMES = "tesserae_mini", "tuned"
SIDE_KEYS = {"count", "elapsed_s", "stages_s"}
KEYS = {"a", "b", "only_a", "only_b", "split", "merged", "shared_embeddings"}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """The embedded model, and one of the same encoder with another decoder."""
    folder = tmp_path_factory.mktemp("weights")
    for name in ("tesserae_mini.pt", "tesserae_mini.json"):
        shutil.copy(PROJECT_DIR / "weights" / name, folder)
    contents = torch.load(folder / "tesserae_mini.pt", weights_only=True)
    part = "sam_mask_decoder.transformer."
    changed = {key: value * 1.02 if key.startswith(part) else value for key, value in contents["model"].items()}
    torch.save({"model": changed}, folder / "tuned.pt")
    (folder / "tuned.json").write_text(json.dumps({"config": "tesserae_mini"}))
    return folder


@pytest.fixture
def settings(weights, monkeypatch):
    monkeypatch.setenv("TESSERAE_WEIGHTS", str(weights))
    return Settings()


@pytest.fixture(scope="module")
def mosaic():
    """Some sixty tesserae."""
    return render_mosaic(24, 128, 20.0)


@pytest.fixture(scope="module")
def photo(mosaic, tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "mosaic.png"
    Image.fromarray(mosaic.image).save(path)
    return path


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return status, printed.out.splitlines(), printed.err.splitlines()


def test_the_command_writes_record_and_picture(settings, mosaic, photo, tmp_path, capsys):
    out, truth = tmp_path / "out", tmp_path / "truth.tif"
    write_label_map(truth, mosaic.labels)
    given = ("--a", "tesserae_mini", "--b", "tuned", "--out", out, "--truth", truth, "--device", "cpu", "--threads", 1)
    status, printed, complaints = run(capsys, "compare", photo, *given)
    assert (status, complaints, printed[-1]) == (0, [], f"Written to {out}.")
    assert sorted(file.name for file in out.iterdir()) == ["compare.json", "compare.png"]
    record = json.loads((out / "compare.json").read_text(encoding="utf-8"))
    assert set(record) == KEYS
    assert record["shared_embeddings"] is True
    for side in (record["a"], record["b"]):
        assert set(side) == SIDE_KEYS | {"metrics"}
        assert set(side["stages_s"]) == {"load", "find", "embed", "decode", "paint"}
        assert (side["metrics"]["count"]["n_true"], side["metrics"]["count"]["n_pred"]) == (int(mosaic.labels.max()), side["count"])
    alone = run_file(photo, OPTIONS, settings).segmentation
    assert record["b"]["count"] == alone.count, "what is shared must not change the count"
    assert record["b"]["stages_s"]["embed"] < 0.2 * alone.stages_s["embed"], "the encoder looked twice"
    picture = np.asarray(Image.open(out / "compare.png"))
    assert picture.shape == (128, 256, 3)
    assert not np.array_equal(picture[:, :128], mosaic.image)
    assert np.array_equal(picture[:, 128:], paint_overlay(mosaic.image, alone.labels))


def test_differences_are_places_and_without_truth_there_are_no_metrics(fake_model, settings, photo, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tesserae.service.segment_photo", FakePair(fake_model))
    status, printed, _ = run(capsys, "compare", photo, "--a", "tesserae_mini", "--b", "tuned", "--out", tmp_path / "new" / "folder")
    record = json.loads((tmp_path / "new" / "folder" / "compare.json").read_text(encoding="utf-8"))
    assert (status, set(record["a"]), set(record["b"])) == (0, SIDE_KEYS, SIDE_KEYS)
    assert {key: record[key] for key in KEYS - {"a", "b"}} == {
        "only_a": 1, "only_b": 0, "split": 1, "merged": 0, "shared_embeddings": False,
    }  # fmt: skip
    assert (record["a"]["count"], record["b"]["count"]) == (3, 3)
    assert "Found by tuned only: 0; by tesserae_mini only: 1." in printed


class FakePair:
    """As the fake model, but "tuned" lacks tessera 7 and divides tessera 2."""

    def __init__(self, fake_model):
        self.fake_model = fake_model

    def __call__(self, image, checkpoint, *arguments, **named):
        made = self.fake_model(image, checkpoint, *arguments, **named)
        if checkpoint.name == "tuned":
            made.labels[made.labels == 7] = 0
            made.labels[5:13, 20:36][made.labels[5:13, 20:36] == 2] = 3
        return made


def test_marked_points_of_the_photo_are_found_by_its_file_name(fake_model, settings, photo, tmp_path, capsys):
    entry = {"kind": "points", "x": 0, "y": 0, "side": 40, "tessera_px": 2, "points": [[7, 7], [30, 12]]}
    marks = tmp_path / "marks.json"
    marks.write_text(json.dumps({"first": {**entry, "photo": "wall.png", "points": []}, "second": {**entry, "photo": "mosaic.png"}}))
    arguments = ("compare", photo, "--a", "tesserae_mini", "--b", "tuned", "--out", tmp_path / "out", "--truth", marks)
    assert run(capsys, *arguments)[0] == 0
    record = json.loads((tmp_path / "out" / "compare.json").read_text(encoding="utf-8"))
    assert record["a"]["metrics"]["points"]["recall"] == 1.0
    assert record["a"]["metrics"]["count"]["n_true"] == 2
    assert run(capsys, *arguments, "--entry", "third")[0] == 2


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--a", "tesserae_mini", "--b", "sam3"), "There is no checkpoint named 'sam3'"),
        (("--a", "sam2_hiera_tiny", "--b", "tesserae_mini"), "sam2_hiera_tiny is not installed"),
        (("--a", "tesserae_mini"), "Missing option '--b'"),
        (("--a", "tesserae_mini", "--b", "tuned", "--truth", "absent.tif"), "Expected a truth file at absent.tif"),
    ],
    ids=["unknown", "not installed", "one only", "no truth"],
)
def test_what_cannot_be_compared_is_told_before_a_model_runs(given, says, fake_model, settings, photo, tmp_path, capsys):
    status, printed, complaints = run(capsys, "compare", photo, "--out", tmp_path, *given)
    assert (status, printed, len(complaints), fake_model.calls) == (2, [], 1, [])
    assert says in complaints[0]
    assert list(tmp_path.iterdir()) == []


def test_truth_of_another_size_is_told(fake_model, settings, photo, tmp_path):
    write_label_map(tmp_path / "truth.tif", np.zeros((3, 3), np.int32))
    with pytest.raises(TruthError, match="should have one size"):
        compare_checkpoints(photo, NAMES, OPTIONS, settings, read_truth=lambda: read_truth(tmp_path / "truth.tif"))


def test_a_full_disk_leaves_no_record(fake_model, settings, photo, tmp_path, monkeypatch):
    pair = compare_checkpoints(photo, NAMES, OPTIONS, settings)
    compare.write_pair(tmp_path, pair)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(compare, "encode_png", full)
    with pytest.raises(OutputError, match=r"compare\.png could not be written \(No space left"):
        compare.write_pair(tmp_path, pair)
    assert [path.name for path in tmp_path.iterdir()] == ["compare.png"]


def test_progress_goes_once_from_0_to_1(fake_model, settings, photo):
    heard = []
    compare_checkpoints(photo, NAMES, OPTIONS, settings, progress=lambda share, stage: heard.append((share, stage)))
    assert heard == [(0.25, "tesserae_mini: segment"), (0.75, "tuned: segment")]


@pytest.mark.parametrize(
    ("id_a", "id_b", "shared"),
    [
        ("1 float32 32", "1 float32 32", True),
        ("1 float32 32", "2 float32 32", False),
        ("1 float32 32", "1 float32 48", False),
        ("", "", False),
    ],
    ids=["equal", "another encoder", "another scale", "none kept"],
)
def test_embeddings_are_shared_by_equal_encoders_at_the_same_scale(id_a, id_b, shared, fake_model, settings, photo):
    pair = compare_checkpoints(photo, NAMES, OPTIONS, settings)
    a, b = (replace(run, segmentation=replace(run.segmentation, embeddings_id=each)) for run, each in ((pair.a, id_a), (pair.b, id_b)))
    assert replace(pair, a=a, b=b).shared_embeddings is shared
