"""The pure parts of the benchmarks: tables, sums, scaling and shifting, mirrored photos, curves. Nothing is measured here."""

import json
import math
import subprocess

import numpy as np
import pytest
from conftest import PROJECT_DIR, three_tesserae
from PIL import Image

from benchmarks import (
    big,
    curve,
    invariance,
    large_photo,
    marked,
    page_server,
    pictures,
    report,
    sessions,
    sharing,
    speed,
    strokes,
    subject,
    synthetic,
    tables,
)
from benchmarks.__main__ import main
from tesserae.checkpoints import Checkpoint, find_checkpoint
from tesserae.corrections.replay import CorrectedMap
from tesserae.errors import TesseraeError, TruthError
from tesserae.evaluation import evaluate
from tesserae.finder import WORKING_SIDE_PX
from tesserae.labelmap import count_tesserae, write_label_map
from tesserae.models import identify_weights, load_models
from tesserae.segment import Segmentation
from tesserae.truth import LabelTruth, PointTruth

NAN = math.nan


def a_checkpoint(path):
    return Checkpoint("tesserae_mini", "embedded", "tesserae_mini", path, None, None, None, {})


class FixedSubject(subject.Subject):
    """Answers every photo with one tessera for each 10 x 10 pixels, and notes the sizes it was shown."""

    def segment(self, image, *, fast=False):
        height, width = image.shape[:2]
        labels = np.arange(1, 1 + (height // 10) * (width // 10), dtype=np.int32).reshape(height // 10, width // 10)
        labels = np.pad(labels.repeat(10, 0).repeat(10, 1), ((0, height % 10), (0, width % 10)))
        labels[::10] = labels[:, ::10] = 0
        return Segmentation(labels, {}, {}, "x", "finder", "none", None, "cpu", "float32", 9.0 if fast else 20.0, {}, ()), 1.5


# --- tables ---


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [
        pytest.param(0.98765, ".3f", "0.988", id="share"),
        pytest.param(-0.031, "+.1%", "-3.1 %", id="signed"),
        pytest.param(0.0, "+.1%", "+0.0 %", id="zero-is-a-figure"),
        pytest.param(12, "", "12", id="whole"),
        pytest.param(None, ".3f", "-", id="none"),
        pytest.param(NAN, ".3f", "-", id="nan"),
        pytest.param("a|b", "", "a\\|b", id="bar"),
        pytest.param(True, "", "True", id="bool"),
    ],
)
def test_format_value(value, spec, text):
    assert tables.format_value(value, spec) == text


def test_format_table():
    columns = (tables.Column("photo", "photo"), tables.Column("f1", "F1", ".2f"))
    table = tables.Table("All", columns, [{"photo": "a", "f1": 0.5, "hidden": 1}, {"photo": "b"}], ("A note.",))
    assert tables.format_table(table) == "### All\n\n| photo | F1 |\n| --- | --: |\n| a | 0.50 |\n| b | - |\n\nA note.\n"


def test_figures_leave_out_what_is_missing():
    assert tables.figures([{"a": 1}, {"a": None}, {"a": NAN}, {}, {"a": "word"}, {"a": 2.5}], "a") == [1.0, 2.5]


@pytest.mark.parametrize(
    ("function", "values", "expected"),
    [
        (tables.mean, [1.0, 2.0], 1.5),
        (tables.lowest, [0.9, 0.8], 0.8),
        (tables.highest, [0.9, 0.8], 0.9),
        (tables.farthest, [0.02, -0.05, 0.03], -0.05),
    ],
)
def test_sums(function, values, expected):
    assert function(values) == expected
    assert function([]) is None


@pytest.mark.parametrize(("n", "expected"), [(1, 1), (10, 1), (11, 2), (30, 3), (40, 4), (70, 7)])
def test_hardest_tenth(n, expected):
    rows = [{"f1": 1 - 0.001 * number} for number in range(n)]
    chosen = tables.hardest([*rows, {"f1": NAN}], "f1")
    assert [row["f1"] for row in chosen] == [1 - 0.001 * number for number in range(n - 1, n - 1 - expected, -1)]


# --- report ---


def test_report_says_facts_options_and_figures(tmp_path):
    table = tables.Table("All", (tables.Column("f1", "F1", ".2f"),), [{"f1": NAN}, {"f1": 0.5}])
    found = report.Report("speed", {"cores": 2, "bf16": True, "sha256": None}, {"seed": 5}, (table,))
    markdown_path, json_path = report.write_report(found, tmp_path / "out")
    text = markdown_path.read_text(encoding="utf-8")
    assert text.startswith("## speed\n\ncores 2, bf16 yes, sha256 unknown.\n\nOptions: seed=5.\n\n### All\n")
    content = json.loads(json_path.read_text(encoding="utf-8"))
    assert content["machine"] == {"cores": 2, "bf16": True, "sha256": None}
    assert content["tables"][0]["rows"] == [{"f1": None}, {"f1": 0.5}]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["speed.json", "speed.md"]


def test_replace_file_leaves_the_old_one_when_writing_fails(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("old", encoding="utf-8")

    def fail(part):
        part.write_text("half", encoding="utf-8")
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        report.replace_file(path, fail)
    assert [(each.name, each.read_text(encoding="utf-8")) for each in tmp_path.iterdir()] == [("a.md", "old")]


def test_machine_facts_name_the_checkpoint_by_its_hash(tmp_path):
    (tmp_path / "m.pt").write_bytes(b"abc")
    facts = report.machine_facts(a_checkpoint(tmp_path / "m.pt"), "cpu", 3)
    assert (facts["sha256"], facts["device"], facts["threads"]) == ("ba7816bf8f01", "cpu", 3)
    assert report.machine_facts(a_checkpoint(tmp_path / "none.pt"), "cpu", None)["sha256"] is None


# --- strokes ---


@pytest.mark.parametrize(("wanted", "height"), [(1, 3), (3, 6), (5, 6), (11, 12), (99, 12)])
def test_a_part_with_so_many_tesserae(wanted, height):
    labels = np.repeat(np.arange(12, dtype=np.int32)[:, None], 16, axis=1)  # each row but the first is a tessera
    rows, columns = strokes.part_with(labels, wanted)
    assert (rows.stop, columns.stop) == (height, height // 3 * 4)


# --- marked ---


def write_marks(folder, entries):
    (folder / "marks.json").write_text(json.dumps(entries), encoding="utf-8")


def test_read_entries(tmp_path):
    (tmp_path / "a.jpg").touch()
    write_marks(tmp_path, {"first": {"photo": "a.jpg"}})
    assert marked.read_entries(tmp_path) == [("first", tmp_path / "a.jpg")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(None, "cannot be read", id="no file"),
        pytest.param("{", "cannot be read", id="no json"),
        pytest.param("[]", "found none", id="no entries"),
        pytest.param('{"a": {"photo": "missing.jpg"}}', "missing.jpg", id="no photo"),
        pytest.param('{"a": 3}', "found None", id="no entry"),
    ],
)
def test_read_entries_refuses(tmp_path, text, said):
    if text is not None:
        (tmp_path / "marks.json").write_text(text, encoding="utf-8")
    with pytest.raises(TruthError, match=said):
        marked.read_entries(tmp_path)


def test_measure_marked_has_a_row_for_every_mode_and_mean_and_worst(tmp_path):
    Image.new("RGB", (100, 80)).save(tmp_path / "a.png")
    points = [[15, 15], [25, 15], [15, 25], [25, 25], [27, 27]]  # two in one of the squares
    write_marks(tmp_path, {"a": {"photo": "a.png", "x": 10, "y": 10, "side": 40, "tessera_px": 20, "points": points}})
    rows = marked.measure_marked(tmp_path, FixedSubject(a_checkpoint(tmp_path)), lambda _: None)
    assert [(row["photo"], row["mode"]) for row in rows] == [("a", "default"), ("a", "fast")]
    # judged: 10 <= x, y < 30 in the crop, so 4 squares of 10 px; one of them holds two marks
    wanted = {"precision": 0.75, "recall": 0.6, "merged": 1, "missed": 0, "n_true": 5, "n_pred": 4, "count_error": -0.2, "count": 80}
    assert {key: rows[0][key] for key in wanted} == pytest.approx(wanted)
    summary = marked.summarise_marked(rows)
    assert [(row["photo"], row["mode"]) for row in summary] == [
        ("**mean**", "default"),
        ("**worst**", "default"),
        ("**mean**", "fast"),
        ("**worst**", "fast"),
    ]
    assert (summary[1]["count_error"], summary[1]["abs_count_error"]) == pytest.approx((-0.2, 0.2))


def test_figures_of_marked_want_points():
    with pytest.raises(TruthError, match="label map"):
        marked.figures_of(evaluate(three_tesserae(), LabelTruth(three_tesserae())))


# --- synthetic ---


def test_figures_of_synthetic():
    truth = three_tesserae()
    found = synthetic.figures_of(evaluate(np.where(truth == 7, 0, truth), LabelTruth(truth)))
    assert (found["f1_50"], found["recall"], found["count_error"]) == pytest.approx((0.8, 2 / 3, -1 / 3))


def test_figures_of_synthetic_are_missing_without_pixels():
    points = PointTruth(0, 0, 40, 10.0, np.zeros((0, 2)))
    assert math.isnan(synthetic.figures_of(evaluate(three_tesserae(), points))["f1_50"])


def test_summarise_synthetic():
    rows = [{"mode": "default", "opus": "sectile", "f1_50": 0.8 + 0.01 * k, "count_error": 0.1 - 0.02 * k} for k in range(10)]
    mean, tenth, worst = synthetic.summarise_synthetic(rows)[:3]
    assert mean["f1_50"] == pytest.approx(0.845)
    assert (tenth["f1_50"], tenth["count_error"]) == pytest.approx((0.8, 0.1))
    assert worst["f1_50"] == pytest.approx(0.8)
    assert mean["f1_75"] is None
    assert [table.title.split(",")[1].strip() for table in synthetic.tables_of_synthetic(rows)] == ["all", "by opus (means)", "one by one"]


# --- invariance ---


@pytest.mark.parametrize(
    ("side_px", "factors"),
    [(18.0, [0.5, 0.75, 1.5, 2.0]), (17.9, [0.75, 1.5, 2.0]), (11.9, [1.5, 2.0]), (4.0, []), (NAN, [])],
)
def test_usable_factors(side_px, factors):
    assert invariance.usable_factors(side_px) == factors


@pytest.mark.parametrize("factor", [0.5, 0.75, 1.5, 2.0])
def test_scale_image(factor):
    image = np.full((40, 60, 3), 77, dtype=np.uint8)
    scaled = invariance.scale_image(image, factor)
    assert scaled.shape == (round(40 * factor), round(60 * factor), 3)
    assert scaled.dtype == np.uint8
    assert (scaled == 77).all()


@pytest.mark.parametrize(
    ("side_px", "expected"),
    [
        pytest.param(WORKING_SIDE_PX, 256, id="model scale 1"),
        pytest.param(WORKING_SIDE_PX / 2, 128, id="model scale 2"),
        pytest.param(WORKING_SIDE_PX * 4, 300, id="at most a share of the photo"),
        pytest.param(NAN, 256, id="no tesserae: model scale 1"),
    ],
)
def test_shift_px(side_px, expected):
    assert invariance.shift_px((1000, 1200), side_px, tile_px=512) == expected


def test_count_within_counts_cut_tesserae_by_their_share():
    labels = np.zeros((20, 40), dtype=np.int32)
    labels[5:15, 0:10] = 1  # outside
    labels[5:15, 10:20] = 2  # half inside
    labels[5:15, 20:30] = 9  # inside
    assert invariance.count_within(labels, (15, 0, 40, 20)) == 1.5
    assert invariance.count_within(labels, (15, 0, 5, 20)) == 0.0
    assert invariance.count_within(np.zeros((4, 4), dtype=np.int32), (0, 0, 4, 4)) == 0.0


def test_common_box_is_the_same_ground_in_both_photos():
    labels = np.random.default_rng(3).integers(0, 50, (90, 120)).astype(np.int32)
    x0, y0, x1, y1 = invariance.common_box_xyxy(labels.shape, shift=10, side_px=4.0)
    assert (x0, y0, x1, y1) == (18, 18, 112, 82)
    assert (labels[y0:y1, x0:x1] == labels[10:, 10:][y0 - 10 : y1 - 10, x0 - 10 : x1 - 10]).all()


def test_measure_photo(tmp_path):
    image = np.zeros((200, 300, 3), dtype=np.uint8)
    rows = list(invariance.measure_photo("p", image, 512, FixedSubject(a_checkpoint(tmp_path)), fast=False))
    assert [(row["kind"], row["amount"]) for row in rows] == [
        ("scaled", "x 0.5"),
        ("scaled", "x 0.75"),
        ("scaled", "x 1.5"),
        ("scaled", "x 2"),
        ("shifted", "60 px"),
    ]
    assert [row["after"] for row in rows[:4]] == [150, 15 * 22, 1350, 2400]
    assert rows[0]["change"] == pytest.approx(-0.75)
    assert rows[4]["change"] == 0.0  # a shift by whole squares
    assert rows[4]["before"] == (300 - 60 - 80) // 10 * (200 - 60 - 80) // 10
    fast = list(invariance.measure_photo("p", image, 512, FixedSubject(a_checkpoint(tmp_path)), fast=True))
    assert [row["amount"] for row in fast][:2] == ["x 1.5", "x 2"]


def test_summarise_invariance():
    rows = [
        {"photo": "a", "kind": "scaled", "amount": "x 0.5", "change": 0.02},
        {"photo": "b", "kind": "scaled", "amount": "x 0.5", "change": -0.04},
        {"photo": "c", "kind": "scaled", "amount": "x 0.5", "change": None},
        {"photo": "a", "kind": "shifted", "amount": "60 px", "change": 0.01},
        {"photo": "b", "kind": "shifted", "amount": "70 px", "change": 0.0},
    ]
    half, *_, shifted = invariance.summarise_invariance(rows)
    assert (half["n"], half["change"], half["abs_change"], half["worst"]) == pytest.approx((2, -0.01, 0.03, -0.04))
    assert (shifted["n"], shifted["worst"]) == (2, 0.01)
    assert "| scaled | x 2 | 0 | - | - | - |" in tables.format_table(invariance.tables_of_invariance(rows, "photographs")[0])


def test_change_is_missing_where_there_was_nothing():
    assert invariance.change_of(0, 3)["change"] is None
    assert invariance.change_of(4, 3)["change"] == -0.25


# --- speed and big ---


@pytest.mark.parametrize(
    ("shape", "side", "expected"), [((10, 12), 4, (slice(3, 7), slice(4, 8))), ((3, 12), 4, (slice(0, 3), slice(4, 8)))]
)
def test_middle(shape, side, expected):
    assert speed.middle(shape, side) == expected


def test_compare_grid():
    rows = [{}, {"photo": "8 x 8", "elapsed_s": 2.0, "f1_50": 0.9}, {"photo": "8 x 8", "elapsed_s": 30.0, "f1_50": None}]
    assert speed.compare_grid(rows) == {"photo": "8 x 8", "ratio": 15.0, "f1_default": 0.9, "f1_grid": None}


def test_run_command_reads_the_record(tmp_path, monkeypatch):
    seen = []

    def fake_run(command, **kwargs):
        seen.append(command)
        folder = tmp_path / "out" / "wall"
        folder.mkdir(parents=True)
        (folder / "result.json").write_text('{"count": 7}', encoding="utf-8")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", fake_run)
    run = subject.run_command(tmp_path / "wall.png", tmp_path / "out", subject.Subject(a_checkpoint(tmp_path), "cpu", 1), ("--fast",))
    assert (run.folder, run.record) == (tmp_path / "out" / "wall", {"count": 7})
    out = str((tmp_path / "out").resolve())
    assert seen[0][1:6] == ["-m", "tesserae", "segment", str((tmp_path / "wall.png").resolve()), "--out"]
    assert seen[0][6:] == [out, "--checkpoint", "tesserae_mini", "--device", "cpu", "--threads", "1", "--fast"]


@pytest.mark.parametrize(("said", "found"), [("first\nlast line\n", "last line"), ("", "nothing")])
def test_run_command_says_what_the_command_said(tmp_path, monkeypatch, said, found):
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 2, "", said))
    with pytest.raises(TesseraeError, match=f"found 2; it said: {found}"):
        subject.run_command(tmp_path / "missing.png", tmp_path / "out", subject.Subject(a_checkpoint(tmp_path)))


def fake_run_command(photo, out_dir, _subject, options=()):
    """Answers with the middle quarter of the photo as its one tessera."""
    folder = out_dir / photo.stem
    folder.mkdir(parents=True)
    with Image.open(photo) as picture:
        width, height = picture.size
    labels = np.zeros((height, width), dtype=np.int32)
    labels[height // 4 : -height // 4, width // 4 : -width // 4] = 1
    write_label_map(folder / "labels.tif", labels)
    record = {
        "count": 1,
        "width": width,
        "height": height,
        "elapsed_s": 60.0 if "grid" in options else 2.0,
        "stages_s": dict.fromkeys(("load", "find", "embed", "decode", "paint"), 0.1),
        "peak_rss_mb": None,
        "warnings": [],
    }
    return subject.CommandRun(folder, record, 3.0)


def test_measure_speed(tmp_path, monkeypatch):
    monkeypatch.setattr(speed, "run_command", fake_run_command)
    rows = speed.measure_speed(tmp_path, subject.Subject(a_checkpoint(tmp_path)), lambda _: None, seed=3, size_px=160, part_px=96)
    assert [(row["photo"], row["way"]) for row in rows] == [
        ("160 x 160", "default"),
        ("160 x 160", "--fast"),
        ("96 x 96", "default"),
        ("96 x 96", "--prompts grid --cells 2x2"),
    ]
    assert rows[0]["n_true"] > rows[2]["n_true"] > 1
    assert all(0 <= row["f1_50"] < 0.5 for row in rows)
    whole, beside = (tables.format_table(table) for table in speed.tables_of_speed(rows))
    assert "| 96 x 96 | 30.0 |" in beside
    assert "| 3.0 | 0.1 | 0.1 | 0.1 | 0.1 | 0.1 | - |" in whole


def test_measure_big(tmp_path, monkeypatch):
    monkeypatch.setattr(big, "run_command", fake_run_command)
    (row,) = big.measure_big(tmp_path, subject.Subject(a_checkpoint(tmp_path)), lambda _: None, seed=3, mosaic_px=96, copies=2)
    assert (row["photo"], row["way"], row["count"]) == ("192 x 192", "--fast", 1)
    assert row["count_error"] == (1 - row["n_true"]) / row["n_true"] < 0


@pytest.mark.parametrize("copies", [1, 2, 3, 4, 5])
def test_mirrored_count(copies):
    labels = np.zeros((9, 11), dtype=np.int32)
    labels[4:6, 4:6] = 1  # inside
    labels[2, 0:2] = 3  # left edge
    labels[4, 8:11] = 4  # right edge
    labels[0:2, 5] = 6  # upper edge
    labels[7:9, 9:11] = 8  # lower right corner
    labels[8, 0:6] = 9  # lower left corner
    mask = big.mirror_tile(np.repeat((labels > 0).astype(np.uint8)[..., None], 3, 2), copies)[..., 0]
    assert mask.shape == (9 * copies, 11 * copies)
    from scipy import ndimage

    assert big.mirrored_count(labels, copies) == ndimage.label(mask)[1]


def test_mirrored_count_of_nothing():
    assert big.mirrored_count(np.zeros((4, 4), dtype=np.int32), 4) == 0
    assert count_tesserae(three_tesserae()) * 16 == big.mirrored_count(three_tesserae(), 4)


def test_write_tiff(tmp_path):
    import tifffile

    image = np.random.default_rng(1).integers(0, 255, (70, 50, 3)).astype(np.uint8)
    path = big.write_tiff(tmp_path / "a.tif", image)
    assert (tifffile.imread(path) == image).all()
    assert [each.name for each in tmp_path.iterdir()] == ["a.tif"]


# --- sharing ---


def timed(labels, elapsed_s, cpu_s, embed_s):
    result = Segmentation(labels, {}, {}, "x", "finder", "window", None, "cpu", "float32", 9.0, {"embed": embed_s}, ())
    return sharing.Timed(result, elapsed_s, cpu_s)


def test_row_of_a_pair():
    labels = three_tesserae()
    one, second, alone = timed(labels, 10.0, 20.0, 8.0), timed(labels, 3.0, 4.0, 0.1), timed(labels, 12.0, 16.0, 8.5)
    row = sharing.row_of_pair(one, second, alone)
    assert (row["second_ratio"], row["both_ratio"]) == pytest.approx((0.25, 1.3))
    assert (row["second_ratio_cpu"], row["both_ratio_cpu"]) == pytest.approx((0.25, 1.2))
    assert (row["one_embed_s"], row["shared_embed_s"], row["count"], row["same"]) == (8.0, 0.1, 3, "yes")
    assert sharing.row_of_pair(one, second, timed(labels * 2, 1.0, 1.0, 1.0))["same"] == "no"
    (table,) = sharing.tables_of_sharing([row])
    assert "| 0.25 | 1.30 | 0.25 | 1.20 |" in tables.format_table(table)


@pytest.mark.parametrize("name", [sharing.EMBEDDED_NAME, pytest.param(sharing.TINY, marks=pytest.mark.slow)])
def test_a_model_and_its_twin_have_one_encoder_and_two_decoders(name, tmp_path):
    embedded = PROJECT_DIR / "weights" / "tesserae_mini.pt"
    sharing.write_weights(tmp_path, name, embedded)
    first, twin = (load_models(find_checkpoint(each, tmp_path, "http://localhost"), "cpu") for each in (name, name + "_tuned"))
    assert first.embeddings_id == twin.embeddings_id
    assert identify_weights(first.predictor.model.state_dict()) != identify_weights(twin.predictor.model.state_dict())
    assert first.finder_id == twin.finder_id


# --- large photo ---


def test_memory_is_read_from_the_status_of_a_process():
    assert page_server.read_status("Name:\tpython\nVmHWM:\t  2000 kB\nVmRSS:\t  1000 kB\n") == (1.024, 2.048)
    assert page_server.read_status("Name:\tpython\n") == (None, None)
    assert page_server.WebProcess(2**30, "").memory_mb() == (None, None)
    assert page_server.WebProcess(2**30, "").cpu_s() is None


def test_a_page_that_does_not_start_says_why(tmp_path):
    with (
        pytest.raises(TesseraeError, match=r"(?s)Expected the page to answer at http://127.*missing\.py"),
        page_server.serve_page(tmp_path, "missing.py"),
    ):
        pass


def test_a_stopwatch_has_a_row_for_each_step():
    said = []
    watch = large_photo.Stopwatch(page_server.WebProcess(2**30, ""), said.append)
    watch.measure("zoom in", [lambda: None] * 3)
    assert [row["step"] for row in watch.rows] == ["zoom in"]
    assert said[0].startswith("zoom in: 0.0 s")


def test_row_of_a_step():
    assert large_photo.row_of_step("zoom in", [0.3, 0.1, 0.2]) == {"step": "zoom in", "elapsed_s": 0.2, "worst_s": 0.3}
    row = large_photo.row_of_step("open", [0.3])
    assert row["worst_s"] is None
    (table,) = large_photo.tables_of_large_photo([{**row, "cpu_s": None, "peak_mb": None, "after_mb": 200.0}], 12.0)
    assert "| open | 0.3 | - | - | - | 200 |" in tables.format_table(table)
    assert table.notes[-1] == "The file: 12 MB."


# --- sessions ---


def test_sessions_are_summed_up():
    row = {"sessions": 10, "shown": 120, "stored": 121, "lost": 0, "different": 1, "unapproved": 0, "replay_ms": 2.5}
    (table,) = sessions.tables_of_sessions([{"draft": 1, **row}, {"draft": 2, **row}])
    assert [(each["draft"], each["sessions"], each["stored"], each["different"]) for each in table.rows] == [
        ("all", 20, 242, 2),
        (1, 10, 121, 1),
        (2, 10, 121, 1),
    ]
    assert "| all | 20 | 240 | 242 | 0 | 2 | 0 | - |" in tables.format_table(table)


def test_the_map_of_a_session_has_whole_tesserae():
    labels = sessions.grid_of_tesserae()
    assert (labels.shape, count_tesserae(labels)) == ((sessions.SIZE_PX, sessions.SIZE_PX), (sessions.SIZE_PX // sessions.STEP_PX) ** 2)


def test_corrections_at_random_are_of_every_kind():
    corrected = CorrectedMap.of(sessions.grid_of_tesserae())
    rng = np.random.default_rng(0)
    kinds = {type(sessions.random_correction(rng, corrected)).__name__ for _ in range(300)}
    assert kinds == {"Add", "Delete", "Merge", "Split", "Paint", "Erase", "Replace", "Mortar", "Ignore", "Several"}


# --- curve and sheets ---


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        pytest.param(0.0, 4.0, [0, 1, 2, 3, 4], id="ones"),
        pytest.param(0.31, 2.2, [0, 0.5, 1, 1.5, 2, 2.5], id="halves"),
        pytest.param(0, 2800, [0, 1000, 2000, 3000], id="thousands"),
        pytest.param(2.0, 2.0, [2.0, 2.5], id="no span"),
        pytest.param(0.0, 0.0, [0.0, 0.25], id="nothing"),
    ],
)
def test_nice_ticks(low, high, expected):
    assert curve.nice_ticks(low, high) == expected


def test_smooth_does_not_lag():
    assert curve.smooth([1.0, 2.0, 3.0, 4.0, 5.0], 2) == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert curve.smooth([0.0, 3.0, 0.0], 5) == [0.0, 1.0, 0.0]


def test_read_log_takes_the_later_of_a_step_logged_twice(tmp_path):
    path = tmp_path / "finder.jsonl"
    path.write_text('{"step": 20, "elapsed_s": 1, "loss": 3.0}\n{"step": 40, "loss": 2.0}\n\n{"step": 40, "loss": 1.5}\n', encoding="utf-8")
    assert curve.read_log(path) == [curve.Series("finder", "loss", (20.0, 40.0), (3.0, 1.5))]


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"loss": 1}', '{"step": 1, "loss": 1}\n{"step": 2}'])
def test_read_log_refuses(tmp_path, text):
    path = tmp_path / "finder.jsonl"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(TesseraeError, match="training log"):
        curve.read_log(path)


def test_curve_command_draws_the_logs_that_are_there(tmp_path):
    (tmp_path / "decoder.jsonl").write_text(
        '{"step": 20, "loss": 3.0, "iou": 0.5}\n{"step": 40, "loss": 1.0, "iou": 0.7}\n', encoding="utf-8"
    )
    assert main(["curve", str(tmp_path), "--pictures", str(tmp_path / "pictures")]) == 0
    with Image.open(tmp_path / "pictures" / "curve.png") as picture:
        assert picture.size == (2 * curve.PANEL_W_PX, curve.PANEL_H_PX)
        assert len(picture.getcolors(1 << 20)) > 10


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["curve", "."], "finder.jsonl", id="no logs"),
        pytest.param(["marked", "."], "marks.json", id="no marks"),
        pytest.param(["synthetic", "--checkpoint", "nobody"], "nobody", id="no checkpoint"),
        pytest.param(["nothing"], "nothing", id="no benchmark"),
    ],
)
def test_refusals_are_one_line_and_status_2(arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    refusal = capsys.readouterr().err
    assert refusal.count("\n") == 1
    assert said in refusal


def test_contact_sheet(tmp_path):
    cell = pictures.Cell(np.full((20, 40, 3), 9, dtype=np.uint8), "a caption that is far too long for so small a picture")
    path = pictures.write_contact_sheet(tmp_path / "sheet.png", [[cell, cell], [cell]], 80)
    gap, pitch = pictures.GAP_PX, 80 + pictures.GAP_PX
    with Image.open(path) as sheet:
        assert sheet.size == (2 * pitch + gap, 2 * (pitch + pictures.CAPTION_PX) + gap)
        assert sheet.getpixel((gap + 40, gap + 20)) == (9, 9, 9)
        assert sheet.getpixel((gap + pitch + 40, gap + pitch + pictures.CAPTION_PX + 20)) == pictures.PAPER
    with pytest.raises(ValueError, match="at least one"):
        pictures.write_contact_sheet(path, [], 80)


@pytest.mark.parametrize(
    ("wanted_px", "expected"),
    [(100.0, (slice(50, 150), slice(100, 200))), (10.0, (slice(68, 132), slice(118, 182))), (1e4, (slice(0, 200), slice(50, 250)))],
)
def test_cut_window(wanted_px, expected):
    assert pictures.cut_window((200, 300), wanted_px) == expected


@pytest.mark.parametrize(("wanted_px", "times"), [(40, 1), (60, 1), (61, 2), (180, 3)])
def test_enlarge_keeps_image_and_labels_in_step(wanted_px, times):
    labels = three_tesserae()
    image = np.repeat((labels > 0)[..., None] * np.uint8(200), 3, 2)
    larger, truth, found = pictures.enlarge(image, labels, labels * 2, wanted_px)
    assert (larger.shape, truth.shape) == ((40 * times, 60 * times, 3), (40 * times, 60 * times))
    assert (found == truth * 2).all()
    assert count_tesserae(truth) == 3
    assert ((larger[..., 0] > 100) == (truth > 0)).mean() > 0.98


def test_write_hardest(tmp_path):
    rows = [{"seed": 7, "opus": "sectile", "side_px": 20.0, "mode": "default", "f1_50": 0.5, "f1_75": 0.4, "n_true": 9, "n_pred": 8}]
    path = synthetic.write_hardest(rows, 96, FixedSubject(a_checkpoint(tmp_path)), tmp_path)
    with Image.open(path) as sheet:
        assert sheet.width == 3 * (synthetic.CELL_PX + pictures.GAP_PX) + pictures.GAP_PX
    assert path == tmp_path / "hardest.png"
