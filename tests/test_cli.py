"""The command line: what it prints, what it writes, and its exit status."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from conftest import BOXES_XYXY, PROJECT_DIR, save_grey, three_tesserae
from PIL import Image

from tesserae.cli import main
from tesserae.labelmap import write_label_map
from tesserae.settings import Settings

RECORD_KEYS = {
    "count", "width", "height", "checkpoint", "prompts", "device", "median_side_px", "elapsed_s", "stages_s",
    "peak_rss_mb", "warnings",
}  # fmt: skip


@pytest.fixture
def photo(tmp_path, weights_dir):
    return save_grey(tmp_path / "wall.png")


def run(capsys, *arguments):
    """Exit status, lines on stdout, lines on stderr."""
    status = main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return status, printed.out.splitlines(), printed.err.splitlines()


def run_program(*arguments):
    command = [sys.executable, "-m", "tesserae", *map(str, arguments)]
    return subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, check=False)


# --- The contract, with the embedded model ----------------------------------------------------------------------------


@pytest.mark.parametrize("extra", [(), ("--fast",)], ids=["default", "fast"])
def test_a_mosaic_is_counted_and_everything_is_written(extra, mosaic_png, tmp_path, capsys):
    path, true_count = mosaic_png
    status, printed, complaints = run(capsys, "segment", path, "--out", tmp_path, *extra)
    assert (status, complaints) == (0, [])
    folder = tmp_path / "mosaic"
    record = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert printed == [f"mosaic.png: {record['count']} tesserae, {folder}"]
    assert set(record) >= RECORD_KEYS
    assert set(record["stages_s"]) == {"load", "find", "embed", "decode", "paint"}
    assert (record["width"], record["height"], record["checkpoint"]) == (160, 160, "tesserae_mini")
    assert sum(record["stages_s"].values()) <= record["elapsed_s"] + 0.1
    labels = tifffile.imread(folder / "labels.tif")
    assert (labels.dtype, labels.shape) == (np.uint32, (160, 160))
    rows = list(csv.DictReader((folder / "tesserae.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == record["count"] == np.unique(labels[labels > 0]).size
    assert abs(record["count"] - true_count) <= 0.2 * true_count
    assert bool(rows[0]["predicted_iou"]) == (not extra)


def test_help_is_fast_because_nothing_heavy_is_loaded():
    code = "import sys, tesserae.cli as cli; cli.main(['segment', '--help']); print(sorted({'torch', 'sam2'} & set(sys.modules)))"
    outcome = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    assert outcome.stdout.splitlines()[-1] == "[]"
    assert "--mm-per-px" in outcome.stdout


def test_as_a_program_a_refusal_is_status_2_and_one_line():
    """The sentences themselves are looked at below, without a program for each."""
    outcome = run_program("checkpoints", "fetch", "sam3")
    assert (outcome.returncode, outcome.stdout) == (2, "")
    assert outcome.stderr.count("\n") == 1
    assert "sam3" in outcome.stderr


# --- segment, with a model that answers at once -----------------------------------------------------------------------


def test_the_defaults(fake_model, photo, tmp_path, capsys):
    status, printed, complaints = run(capsys, "segment", photo, "--out", tmp_path / "out")
    assert (status, printed, complaints) == (0, [f"wall.png: 3 tesserae, {tmp_path / 'out' / 'wall'}"], [])
    ((shape, checkpoint, options, device, threads),) = fake_model.calls
    assert (shape, checkpoint, device, threads) == ((40, 60, 3), "tesserae_mini", "auto", None)
    assert (options.prompts, options.cells, options.decode, options.fast, options.tessera_px) == (
        "finder", None, "auto", False, None,
    )  # fmt: skip


def test_every_option_reaches_the_model_and_the_record(fake_model, photo, tmp_path, capsys):
    given = "--checkpoint sam2_hiera_large.pt --prompts grid --cells 2x3 --decode full --tessera-px 12.5 --mm-per-px 0.5"
    status, _, _ = run(capsys, "segment", photo, "--out", tmp_path, *given.split(), "--device", "cpu", "--threads", 2)
    ((_, checkpoint, options, device, threads),) = fake_model.calls
    assert (status, checkpoint, device, threads) == (0, "sam2_hiera_large", "cpu", 2)
    assert (options.prompts, options.cells, options.decode, options.tessera_px) == ("grid", (2, 3), "full", 12.5)
    record = json.loads((tmp_path / "wall" / "result.json").read_text(encoding="utf-8"))
    assert record["mm_per_px"] == 0.5
    assert record["options"] == {
        "checkpoint": "sam2_hiera_large.pt", "device": "cpu", "threads": 2, "prompts": "grid", "cells": [2, 3],
        "decode": "full", "fast": False, "tessera_px": 12.5,
    }  # fmt: skip


def test_a_rotated_photo_is_written_upright(fake_model, weights_dir, tmp_path, capsys):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (60, 40)).save(tmp_path / "turned.jpg", exif=exif)
    assert run(capsys, "segment", tmp_path / "turned.jpg", "--out", tmp_path)[0] == 0
    assert tifffile.imread(tmp_path / "turned" / "labels.tif").shape == (60, 40)


def test_warnings_stand_beside_the_count(fake_model, photo, tmp_path, capsys):
    fake_model.warnings = ("This may not be a mosaic.\nLook.",)
    status, printed, complaints = run(capsys, "segment", photo, "--out", tmp_path)
    assert (status, len(printed)) == (0, 1)
    assert complaints == ["Warning, wall.png: This may not be a mosaic. Look."]


def test_one_bad_photo_does_not_stop_the_others(fake_model, photo, tmp_path, capsys):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"")
    last = save_grey(tmp_path / "last.png")
    status, printed, complaints = run(capsys, "segment", photo, bad, last, "--out", tmp_path / "out")
    assert (status, len(printed), len(complaints)) == (2, 2, 1)
    assert complaints[0].startswith(f"{bad}: bad.jpg is empty")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["last", "wall"]


def test_photos_of_one_name_get_a_folder_each_and_a_photo_given_twice_is_done_once(fake_model, photo, tmp_path, capsys):
    other = save_grey(tmp_path / "wall.tif", (50, 30))
    status, _, _ = run(capsys, "segment", photo, other, photo, "--out", tmp_path / "out")
    assert (status, len(fake_model.calls)) == (0, 2)
    sizes = {path.name: tifffile.imread(path / "labels.tif").shape for path in (tmp_path / "out").iterdir()}
    assert sizes == {"wall": (40, 60), "wall_2": (30, 50)}


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (MemoryError(), 2, "The memory of this machine is too small"),
        (KeyboardInterrupt(), 130, "Interrupted"),
    ],
    ids=["memory", "ctrl-c"],
)
def test_what_ends_a_run_from_outside_is_said_in_one_line(error, status, line, fake_model, photo, tmp_path, capsys):
    fake_model.error = error
    found, printed, complaints = run(capsys, "segment", photo, "--out", tmp_path)
    assert (found, printed, len(complaints)) == (status, [], 1)
    assert complaints[0].startswith(line)


class Terminal(io.StringIO):
    """A stderr that says it is a terminal."""

    def isatty(self):
        return True


def test_progress_goes_to_a_terminal_only_and_is_wiped(fake_model, photo, tmp_path, monkeypatch, capsys):
    assert run(capsys, "segment", photo, "--out", tmp_path)[2] == []
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert main(["segment", str(photo), "--out", str(tmp_path)]) == 0
    assert "wall.png:  50% segment" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("frobnicate", "No such command 'frobnicate'"),
        ("checkpoints", "Missing command"),
        ("segment --out out", "Missing argument 'PHOTO...'"),
        ("segment wall.png", "Missing option '--out'"),
        ("segment wall.png --out out --colour red", "No such option: --colour"),
        ("segment wall.png --out out --device tpu", "'tpu' is not one of 'auto', 'cpu', 'cuda', 'mps'"),
        ("segment wall.png --out out --prompts points", "'points' is not one of"),
        ("segment wall.png --out out --decode half", "'half' is not one of"),
        ("segment wall.png --out out --prompts grid --cells 2by2", "such as 2x2"),
        ("segment wall.png --out out --prompts grid --cells 0x2", "such as 2x2"),
        ("segment wall.png --out out --cells 2x2", "--cells belongs to --prompts grid"),
        ("segment wall.png --out out --fast --prompts grid", "--fast uses the finder alone"),
        ("segment wall.png --out out --mm-per-px 0", "expected a number above 0"),
        ("segment wall.png --out out --tessera-px nan", "expected a number above 0"),
        ("segment wall.png --out out --threads 0", "'--threads'"),
        ("segment wall.png --out out --checkpoint sam3", "There is no checkpoint named 'sam3'"),
        ("segment wall.png --out wall.png", "could not be written"),
        ("segment absent.png --out out", "absent.png"),
        ("evaluate absent.tif absent.tif", "There is no label map"),
        ("synthesize --out out -n 0", "'-n'"),
        ("synthesize --out wall.png", "could not be written"),
        ("checkpoints fetch sam3", "There is no checkpoint named 'sam3'"),
        ("checkpoints fetch tesserae_mini", "not offered for download"),
        ("checkpoints verify", "tesserae_mini is not installed"),
        ("checkpoints import absent.pt --config 2.0-large", "absent.pt"),
        ("checkpoints import wall.png --config huge", "The config 'huge' is unknown"),
    ],
    ids=lambda value: value if " " not in value or value.split()[0] in ("segment", "checkpoints") else None,
)
def test_what_cannot_be_done_is_status_2_and_one_line(arguments, says, photo, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    status, printed, complaints = run(capsys, *arguments.split())
    assert (status, printed, len(complaints)) == (2, [], 1)
    assert says in complaints[0]


def test_without_arguments_the_help_is_shown(capsys):
    status, printed, complaints = run(capsys)
    assert (status, complaints) == (0, [])
    assert any("segment" in line for line in printed)


# --- evaluate and synthesize ------------------------------------------------------------------------------------------


@pytest.fixture
def label_map(tmp_path):
    write_label_map(tmp_path / "labels.tif", three_tesserae())
    return tmp_path / "labels.tif"


def test_a_label_map_agrees_with_itself(label_map, capsys):
    status, printed, _ = run(capsys, "evaluate", label_map, label_map, "--json")
    scores = json.loads("\n".join(printed))
    assert (status, scores["truth"], scores["count"]["n_pred"], scores["pixels"]["iou"]) == (0, "label map", 3, 1.0)


def test_without_json_the_scores_are_a_table(label_map, capsys):
    status, printed, _ = run(capsys, "evaluate", label_map, label_map)
    assert (status, printed[1]) == (0, "count: 3 predicted, 3 true, error +0.0 %")


def test_an_entry_of_marked_points_is_chosen_by_name(label_map, tmp_path, capsys):
    points = [[(x0 + x1) / 2, (y0 + y1) / 2] for x0, y0, x1, y1 in BOXES_XYXY.values() if x1 < 40]
    entry = {"kind": "points", "x": 0, "y": 0, "side": 40, "tessera_px": 4, "points": points}
    (tmp_path / "marks.json").write_text(json.dumps({"a": entry, "b": entry | {"points": points[:1]}}))
    status, printed, _ = run(capsys, "evaluate", label_map, tmp_path / "marks.json", "--entry", "b", "--json")
    assert (status, json.loads("\n".join(printed))["count"]["n_true"]) == (0, 1)
    status, _, complaints = run(capsys, "evaluate", label_map, tmp_path / "marks.json")
    assert (status, len(complaints)) == (2, 1)


@pytest.mark.parametrize("name", ["new.tif", "new.json", "new.png"])
def test_an_annotation_is_converted(name, photo, tmp_path, capsys):
    labels = three_tesserae()
    labels[0, 0] = 1  # a fragment, away from its tessera
    write_label_map(tmp_path / "old.tif", labels)
    status, printed, complaints = run(capsys, "convert", tmp_path / "old.tif", "--photo", photo, "--out", tmp_path / name)
    assert (status, printed[0], complaints) == (0, f"old.tif: 3 tesserae, {tmp_path / name}", [])
    assert printed[1:] == ["1 tessera lay in several pieces; the largest piece of each kept its number. 1 fragment (1 px) became mortar."]
    status, printed, _ = run(capsys, "convert", tmp_path / name, "--photo", photo, "--out", tmp_path / "back.tif")
    assert (status, printed[0]) == (0, f"{name}: 3 tesserae, {tmp_path / 'back.tif'}")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "back.tif") > 0, three_tesserae() > 0)


@pytest.mark.parametrize(
    ("annotation", "out", "complaint"),
    [
        ("absent.tif", "new.tif", "found none"),
        ("old.tif", "old.tif", "written over what is read"),
        ("old.tif", "wall.png", "written over what is read"),
        ("old.tif", "new.svg", "none of these endings"),
    ],
)
def test_conversions_that_are_refused(annotation, out, complaint, photo, tmp_path, capsys):
    write_label_map(tmp_path / "old.tif", three_tesserae())
    status, printed, complaints = run(capsys, "convert", tmp_path / annotation, "--photo", photo, "--out", tmp_path / out)
    assert (status, printed, len(complaints)) == (2, [], 1)
    assert complaint in complaints[0]


def test_synthetic_mosaics_are_the_same_for_the_same_seed(tmp_path, capsys):
    for folder, count, seed in (("a", 2, 5), ("b", 1, 6)):
        given = ("--out", tmp_path / folder, "-n", count, "--seed", seed, "--size", 96)
        status, printed, complaints = run(capsys, "synthesize", *given)
        assert (status, len(printed), complaints) == (0, count, [])
    same = "mosaic_000006.png"
    assert (tmp_path / "a" / same).read_bytes() == (tmp_path / "b" / same).read_bytes()


def test_a_full_disk_while_rendering_is_a_sentence(tmp_path, monkeypatch, capsys):
    def full_disk(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tesserae.synthetic.write_mosaics", full_disk)
    status, _, complaints = run(capsys, "synthesize", "--out", tmp_path)
    assert (status, len(complaints)) == (2, 1)
    assert "No space left on device" in complaints[0]


# --- checkpoints and doctor -------------------------------------------------------------------------------------------


@pytest.fixture
def mini_file(tmp_path):
    import torch

    from tesserae.architecture import build_model

    path = tmp_path / "mine.pt"
    torch.save({"model": build_model("tesserae_mini").state_dict()}, path)
    return path


def test_an_imported_checkpoint_is_listed_verified_and_not_overwritten(mini_file, weights_dir, capsys):
    given = ("checkpoints", "import", mini_file, "--config", "tesserae_mini", "--name", "field")
    status, printed, _ = run(capsys, *given)
    assert (status, printed) == (0, [f"field is installed: {weights_dir / 'field.pt'}"])
    status, printed, _ = run(capsys, "checkpoints", "list")
    assert (status, len(printed)) == (0, 10)
    assert printed[0].split()[:4] == ["tesserae_mini", "embedded", "not", "installed"]
    assert printed[-1].split()[:3] == ["field", "finetuned", "installed"]
    status, printed, _ = run(capsys, "checkpoints", "verify", "field")
    assert (status, printed[0][:14]) == (0, "field is sound")
    assert run(capsys, *given)[0] == 2


def test_a_damaged_checkpoint_is_status_2(mini_file, weights_dir, capsys):
    run(capsys, "checkpoints", "import", mini_file, "--config", "tesserae_mini")
    with (weights_dir / "mine.pt").open("r+b") as file:
        file.seek(1000)
        file.write(b"changed")
    status, printed, complaints = run(capsys, "checkpoints", "verify", "mine")
    assert (status, printed, len(complaints)) == (2, [], 1)
    assert "mine was changed" in complaints[0]


def test_a_fetched_checkpoint_is_announced_and_its_part_lies_outside_the_weights(weights_dir, tmp_path, monkeypatch, capsys):
    asked = {}

    def fetch(checkpoint, *, partial_dir, progress):
        asked.update(name=checkpoint.name, partial_dir=partial_dir)
        progress(50, 100)
        return checkpoint.path

    monkeypatch.setenv("TESSERAE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("tesserae.checkpoints.fetch_checkpoint", fetch)
    status, printed, complaints = run(capsys, "checkpoints", "fetch", "sam2_hiera_tiny")
    assert (status, printed) == (0, [f"sam2_hiera_tiny is installed: {weights_dir / 'sam2_hiera_tiny.pt'}"])
    assert (asked, complaints) == ({"name": "sam2_hiera_tiny", "partial_dir": tmp_path / "home" / "downloads"}, [])


def test_the_doctor_says_what_is_there_and_marks_what_is_missing(weights_dir, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TESSERAE_HOME", str(tmp_path / "home"))
    status, printed, _ = run(capsys, "doctor")
    assert status == 0
    topics = [line[2:].split(":")[0] for line in printed[:-1]]
    assert topics == ["Tesserae", "Processor", "Memory", "PyTorch", "Graphics card", "Disk", "Model", "Not installed", "Collection"]
    marked = [line for line in printed if line.startswith("!")]
    assert len(marked) >= 1
    assert "tesserae_mini is not installed" in marked[-1]
    assert printed[-1].endswith("marked with !.")


def test_the_doctor_is_content_when_all_is_there(mini_file, weights_dir, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TESSERAE_HOME", str(tmp_path / "home"))
    mini_file.rename(weights_dir / "tesserae_mini.pt")
    monkeypatch.setattr("tesserae.doctor.NEEDED_MEMORY_GB", 0.1)
    status, printed, _ = run(capsys, "doctor")
    assert (status, printed[-1]) == (0, "Everything that is needed is there.")


def test_the_doctor_repairs_when_asked(mini_file, weights_dir, tmp_path, monkeypatch, capsys):
    from tesserae.store import open_store

    monkeypatch.setenv("TESSERAE_HOME", str(tmp_path / "home"))
    with open_store(Settings()) as store:
        stray = store.home / "photos" / "unknown.png"
        stray.parent.mkdir()
        stray.touch()
    _, printed, _ = run(capsys, "doctor")
    assert any(line.startswith("! Collection:     photos/unknown.png belongs to no record") for line in printed)
    status, printed, _ = run(capsys, "doctor", "--repair")
    assert status == 0
    assert any(line.startswith("  Repair:         photos/unknown.png, which belonged to no record, was moved") for line in printed)
    assert not stray.exists()


def test_a_worker_that_cannot_begin_is_status_2_and_one_line(weights_dir, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TESSERAE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TESSERAE_QUEUE_URL", "nonsense")
    status, printed, complaints = run(capsys, "worker")
    assert (status, printed, len(complaints)) == (2, [], 1)
    assert "TESSERAE_QUEUE_URL" in complaints[0]
