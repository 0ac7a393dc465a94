"""Training resumes exactly, depends on (seed, step) only, learns, and ends with a file that the program loads."""

import hashlib
import json
import math
from dataclasses import asdict, replace
from importlib.metadata import version
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from tesserae.architecture import build_model
from tesserae.config_names import EMBEDDED_CONFIG
from tesserae.errors import TesseraeError
from tesserae.finder import FinderHead
from tesserae.models import load_embedded
from tesserae.predictor import Predictor, embedding_of_levels, normalise
from tesserae.pretraining import decoder_stage, finder_stage, joint_stage, loop, prompts
from tesserae.pretraining import run as run_module
from tesserae.pretraining.decoder_stage import DecoderParts, decoder_loss, make_decoder_crop
from tesserae.pretraining.finder_stage import EncoderWithFinder, FinderBatch, finder_loss, make_finder_batch
from tesserae.pretraining.joint_stage import JointParts, draw_collage, joint_loss, make_joint_batch
from tesserae.pretraining.loop import Schedule, run_stage
from tesserae.pretraining.pool import FIRST_SEED
from tesserae.pretraining.prompts import DecoderBatch, DecoderCrop, draw_seed_kind, draw_window, make_decoder_batch
from tesserae.pretraining.run import Recipe, pretrain, write_weights

TINY_RECIPE = Recipe(seed=3, pool_size=3, finder_steps=2, joint_steps=2, decoder_steps=2)


def squares(size_px, side_px, joint_px=2):
    """A label map of squares in a regular grid, numbered from 1 in reading order."""
    place = np.arange(size_px)
    number, within = np.divmod(place, side_px + joint_px)
    inside = within < side_px
    count = int(number.max()) + 1
    labels = number[:, None] * count + number[None, :] + 1
    return np.where(inside[:, None] & inside[None, :], labels, 0).astype(np.int32)


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    """Three mosaics in the pool's format: stones of random greys on a dark ground, sides of 9, 12 and 15 pixels."""
    folder = tmp_path_factory.mktemp("work") / "pool"
    folder.mkdir()
    paths = []
    for k, side_px in enumerate((9, 12, 15)):
        rng = np.random.default_rng(k)
        labels = squares(17 * side_px, side_px)
        colours = rng.integers(110, 255, (labels.max() + 1, 3), dtype=np.uint8)
        colours[0] = 20
        paths.append(folder / f"{FIRST_SEED + k}.npz")
        np.savez(paths[-1], image=colours[labels], labels=labels.astype(np.int16), side_px=np.float32(side_px))
    return paths


@pytest.fixture(scope="module")
def mini():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return build_model(EMBEDDED_CONFIG), FinderHead().eval()


# the loop


@pytest.mark.parametrize(
    ("step", "share"),
    [(0, 0.1), (4, 0.5), (9, 1.0), (10, 1.0), (60, 0.505), (110, 0.01), (500, 0.01)],
    ids=["first", "warming up", "warm", "top", "half way", "end", "beyond"],
)
def test_the_learning_rate_rises_and_falls(step, share):
    assert Schedule(steps=110, peak_lr=2e-3, warmup_steps=10).lr(step) == pytest.approx(2e-3 * share)


def test_a_schedule_shorter_than_its_warm_up_only_rises():
    rates = [Schedule(steps=3, peak_lr=1.0, warmup_steps=10).lr(step) for step in range(3)]
    assert rates == pytest.approx([0.1, 0.2, 0.3])


@pytest.fixture
def small_steps(monkeypatch):
    monkeypatch.setattr(loop, "SAVE_EVERY_STEPS", 10)
    monkeypatch.setattr(loop, "LOG_EVERY_STEPS", 5)


def tiny_module():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))


def train_tiny(work_dir, *, killed_at=None, steps=20, seen=None):
    module = tiny_module()

    def make_batch(step):
        return torch.randn(16, 4, generator=torch.Generator().manual_seed(step))

    def compute_loss(batch, step):
        if step == killed_at:
            raise KeyboardInterrupt
        if seen is not None:
            seen.append(step)
        assert torch.equal(batch, make_batch(step))
        loss = (module(batch)[:, 0] - batch.sum(1)).square().mean()
        return loss, {"step_before": float(step)} | ({"odd": float(step)} if step % 2 else {})

    run_stage("tiny", module, Schedule(steps, 0.05, warmup_steps=4), make_batch, compute_loss, work_dir)
    return module


def assert_same_weights(one, other):
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_cut_off_ends_with_the_same_weights_bit_for_bit(tmp_path, small_steps):
    (tmp_path / "whole").mkdir()
    (tmp_path / "cut").mkdir()
    whole = train_tiny(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train_tiny(tmp_path / "cut", killed_at=13)
    steps = []
    resumed = train_tiny(tmp_path / "cut", seen=steps)
    assert steps == list(range(10, 20))  # from the last save on
    assert_same_weights(whole.state_dict(), resumed.state_dict())
    assert not torch.equal(whole[0].weight, tiny_module()[0].weight)
    states = [torch.load(tmp_path / name / "tiny.state.pt", weights_only=True) for name in ("whole", "cut")]
    assert [state["step"] for state in states] == [20, 20]
    assert torch.equal(*(state["optimizer"]["state"][0]["exp_avg_sq"] for state in states))
    assert sorted(path.name for path in (tmp_path / "cut").iterdir()) == ["tiny.jsonl", "tiny.state.pt"]


def test_a_finished_stage_is_only_loaded(tmp_path, small_steps):
    done = train_tiny(tmp_path, steps=10)
    steps = []
    again = train_tiny(tmp_path, steps=10, seen=steps)
    assert steps == []
    assert_same_weights(done.state_dict(), again.state_dict())


def test_figures_are_means_since_the_last_line(tmp_path, small_steps):
    train_tiny(tmp_path, steps=12)
    lines = [json.loads(line) for line in (tmp_path / "tiny.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [5, 10]
    assert [line["step_before"] for line in lines] == [2.0, 7.0]
    assert [line["odd"] for line in lines] == [2.0, 7.0]  # of the steps that say it
    assert lines[1]["loss"] < lines[0]["loss"]
    assert all(line["elapsed_s"] >= 0 for line in lines)


def test_frozen_weights_stay(tmp_path):
    module = tiny_module()
    module[0].requires_grad_(False)
    before = module[0].weight.clone()
    run_stage("part", module, Schedule(3, 0.1, 1), lambda step: torch.ones(2, 4), lambda batch, _: (module(batch).sum(), {}), tmp_path)
    assert torch.equal(module[0].weight, before)
    assert not torch.equal(module[2].weight, tiny_module()[2].weight)
    assert not (tmp_path / "part.jsonl").exists()  # three steps are too few for a line


def test_what_goes_wrong_in_a_batch_is_not_swallowed(tmp_path):
    def make_batch(step):
        if step == 2:
            raise OSError("the pool is gone")
        return torch.ones(2, 4)

    module = tiny_module()
    with pytest.raises(OSError, match="the pool is gone"):
        run_stage("bad", module, Schedule(5, 0.1, 1), make_batch, lambda batch, _: (module(batch).sum(), {}), tmp_path)


# stage 1


def test_finder_batches_depend_on_seed_and_step_only(pool, monkeypatch):
    monkeypatch.setattr(finder_stage, "CROPS_PER_STEP", 2)
    batch, again, later, other = (make_finder_batch(pool, seed, step) for seed, step in ((1, 5), (1, 5), (1, 6), (2, 5)))
    assert torch.equal(batch.pictures, again.pictures)
    assert torch.equal(batch.targets, again.targets)
    assert not torch.equal(batch.pictures, later.pictures)
    assert not torch.equal(batch.pictures, other.pictures)
    size = finder_stage.CROP_PX
    assert batch.pictures.shape == (2, 3, size, size)
    assert batch.targets.shape == (2, 5, size, size)
    assert batch.pictures.dtype == batch.targets.dtype == torch.float32
    darkest, brightest = (normalise(torch.full((1, 3, 1, 1), value)) for value in (0, 255))
    assert (batch.pictures >= darkest).all()
    assert (batch.pictures <= brightest).all()
    interior, distance, _, known, weight = batch.targets.unbind(1)
    assert set(interior.unique().tolist()) == {0.0, 1.0}
    assert 0 <= float(distance.min()) < float(distance.max()) <= 1
    assert set(known.unique().tolist()) <= {0.0, 1.0}
    assert set(weight.unique().tolist()) <= {0.0, 1.0, 2.0}


def literal_finder_batch():
    """Left half tessera of relative distance 0.5 and log side 1; the right half mortar."""
    targets = torch.zeros(1, 5, 32, 32)
    targets[:, 0, :, :16] = 1
    targets[:, 1, :, :16] = 0.5
    targets[:, 2, :, :16] = 1
    targets[:, 3, :, :16] = 1
    targets[:, 4] = 1
    return FinderBatch(torch.zeros(1, 3, 32, 32), targets)


def test_a_perfect_finder_has_no_loss():
    batch = literal_finder_batch()
    full = torch.stack([40 * batch.targets[:, 0] - 20, batch.targets[:, 1]], 1)
    loss, figures = finder_loss(lambda pictures: (full, torch.ones(1, 1, 2, 2)), batch)
    assert float(loss) == pytest.approx(0, abs=1e-5)
    assert figures == pytest.approx({"entropy": 0, "dice": 0, "distance": 0, "side": 0}, abs=1e-5)


def test_the_finders_loss_is_the_stated_sum():
    batch = literal_finder_batch()
    loss, figures = finder_loss(lambda pictures: (torch.zeros(1, 2, 32, 32), torch.zeros(1, 1, 2, 2)), batch)
    area = 512
    expected = {
        "entropy": math.log(2),
        "dice": 1 - (2 * 0.5 * area + 1) / (0.5 * 2 * area + area + 1),
        "distance": 0.5 * (0.5 - 0.05),  # smooth L1 with beta 0.1 is |e| - 0.05 on the half that is wrong
        "side": 1 - 0.125,  # counted where the side is known
    }
    assert figures == pytest.approx(expected, rel=1e-5)
    weights = {"entropy": 1, "dice": 0.5, "distance": 4, "side": 0.5}
    assert float(loss) == pytest.approx(sum(weights[name] * value for name, value in expected.items()), rel=1e-5)


def test_an_unknown_side_costs_nothing():
    batch = literal_finder_batch()
    batch.targets[:, 3] = 0
    _, figures = finder_loss(lambda pictures: (torch.zeros(1, 2, 32, 32), torch.full((1, 1, 2, 2), 9.0)), batch)
    assert figures["side"] == 0


def test_the_finder_learns_through_the_encoder(mini):
    model = EncoderWithFinder(mini[0].image_encoder, mini[1])
    batch = FinderBatch(torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)), literal_finder_batch().targets)
    full, log_side = model(batch.pictures)
    assert full.shape == (1, 2, 32, 32)
    assert log_side.shape == (1, 1, 2, 2)
    loss, _ = finder_loss(model, batch)
    gradients = torch.autograd.grad(loss, list(model.image_encoder.trunk.patch_embed.parameters()))
    assert all(bool(gradient.abs().sum() > 0) for gradient in gradients)


# stage 2


def test_a_collage_holds_four_mosaics_with_numbers_of_their_own(pool):
    tile = draw_collage(pool, 128, np.random.default_rng(0))
    assert tile.image.shape == (128, 128, 3)
    assert (tile.image.dtype, tile.labels.dtype) == (np.uint8, np.int32)
    quarters = [set(np.unique(tile.labels[y : y + 64, x : x + 64]).tolist()) - {0} for y in (0, 64) for x in (0, 64)]
    assert all(quarters)
    assert sum(len(quarter) for quarter in quarters) == len(set.union(*quarters))


@pytest.mark.parametrize("share", [0.0, 1.0], ids=["one crop", "collage"])
def test_joint_batches_depend_on_their_generator_only(pool, monkeypatch, share):
    monkeypatch.setattr(joint_stage, "COLLAGE_SHARE", share)
    one, same, other = (make_joint_batch(pool, 64, np.random.default_rng([3, 4, step])) for step in (1, 1, 2))
    assert one.picture.shape == (1, 3, 64, 64)
    assert one.targets.shape == (1, 5, 64, 64)
    assert torch.equal(one.picture, same.picture)
    assert torch.equal(one.targets, same.targets)
    assert (one.truth[one.targets[0, 0].numpy() > 0] > 0).all()
    assert not torch.equal(one.picture, other.picture)


def test_the_decoder_teaches_the_encoder_too(mini, pool, monkeypatch):
    model, finder = mini
    monkeypatch.setattr(joint_stage, "maps_loss", lambda *_: (torch.zeros(()), {}))  # what is left comes through the decoder
    monkeypatch.setattr(joint_stage, "outline_tesserae", lambda maps: squares(maps.interior.shape[0], 20, 8))
    monkeypatch.setattr(prompts, "PROMPTS_PER_STEP", 8)
    batch = make_joint_batch(pool, 512, np.random.default_rng(0))
    loss, figures = joint_loss(model, finder, batch, balanced=False)
    assert set(figures) == {"seed iou", "seed score", "point iou", "point score"}
    gradients = torch.autograd.grad(loss, list(model.image_encoder.trunk.patch_embed.parameters()))
    assert all(bool(gradient.abs().sum() > 0) for gradient in gradients)


def test_where_the_finder_sees_nothing_points_alone_are_asked(mini, pool, monkeypatch):
    monkeypatch.setattr(joint_stage, "outline_tesserae", lambda maps: np.zeros(maps.interior.shape, np.int32))
    monkeypatch.setattr(prompts, "PROMPTS_PER_STEP", 8)
    _, figures = joint_loss(*mini, make_joint_batch(pool, 512, np.random.default_rng(0)), balanced=False)
    assert "point iou" in figures
    assert "seed iou" not in figures


def test_all_that_learns_is_one_module(mini):
    parts = JointParts(*mini)
    names = {name.split(".")[0] for name, _ in parts.named_parameters()}
    assert names == {"image_encoder", "finder", "decoder"}


# stage 3


@pytest.fixture
def sees_squares(monkeypatch):
    """An untrained finder sees nothing; in its place one that outlines a square of 20 px in every 28."""
    monkeypatch.setattr(decoder_stage, "outline_tesserae", lambda maps: squares(maps.interior.shape[0], 20, 8))


@pytest.fixture(scope="module")
def crop():
    """A literal training crop: stones of 24 px in steps of 28, seen 20 px wide, all but those of the first row."""
    truth = squares(512, 24, 4)
    seeds = decoder_stage.seeds_of_outlines(squares(512, 20, 8))
    column, row = seeds.points_xy.astype(int).T
    below = row > 28
    return DecoderCrop(seeds.take(below), truth, truth[row, column][below])


def force_window(monkeypatch, window):
    monkeypatch.setattr(prompts, "_WINDOW_SHARES", tuple(float(choice == window) for choice in prompts._WINDOWS))


@pytest.mark.parametrize(
    ("kind", "labels"),
    [("seed", [2, 3, 1]), ("box and point", [2, 3, 1]), ("box", [2, 3]), ("negatives", [2, 3, 1, 0, 0])],
)
@pytest.mark.parametrize(("window", "count"), [(8, 64), (12, 32), (None, 8)], ids=["8 tokens", "12 tokens", "all tokens"])
def test_decoder_batches_have_the_shape_asked_for(crop, monkeypatch, kind, labels, window, count):
    force_window(monkeypatch, window)
    rng = np.random.default_rng(0)
    batch = make_decoder_batch(crop, kind, 32, *draw_window(rng), rng)
    side = 4 * (window or 32)
    assert batch.window == window
    assert len(batch.prompts) == count
    assert batch.prompts.point_labels.tolist() == [labels] * count
    assert batch.coverage.shape == (count, side, side)
    assert batch.coverage.dtype == torch.float32
    if kind == "seed":
        assert batch.prompts.instances is crop.seeds.outlines
    elif kind != "negatives":
        assert batch.prompts.instances is None


def test_decoder_batches_depend_on_their_generator_only(crop):
    one, same, other = (make_decoder_batch(crop, "seed", 32, 8, 64, np.random.default_rng([3, 3, step])) for step in (1, 1, 2))
    assert np.array_equal(one.prompts.points_xy, same.prompts.points_xy)
    assert torch.equal(one.coverage, same.coverage)
    assert one.coverage.shape != other.coverage.shape or not torch.equal(one.coverage, other.coverage)


def test_the_wanted_coverage_is_that_of_the_true_tessera_in_the_window(crop, monkeypatch):
    batch = make_decoder_batch(crop, "seed", 32, 8, 64, np.random.default_rng(1))
    label_of_id = dict(zip(crop.seeds.ids.tolist(), crop.true_label.tolist(), strict=True))
    for k in range(0, 64, 9):
        own = crop.truth == label_of_id[int(batch.prompts.ids[k])]
        x, y = (np.clip(np.round(batch.prompts.centres_xy[k] / 16 - 4), 0, 24) * 16).astype(int)
        expected = own[y : y + 128, x : x + 128].reshape(32, 4, 32, 4).mean((1, 3))
        assert expected.sum() > 0
        assert np.array_equal(batch.coverage[k].numpy(), expected.astype(np.float32))


def test_prompts_are_jittered_within_the_stated_bounds(crop, monkeypatch):
    batch = make_decoder_batch(crop, "negatives", 32, 8, 64, np.random.default_rng(2))
    points = batch.prompts.points_xy
    own = np.abs(points[:, None, 2] - crop.seeds.points_xy[None]).max(2)
    nearest = own.argmin(1)
    assert (own.min(1) <= 0.08 * 20 + 1e-3).all()
    assert (own.min(1) > 0).any()
    assert np.abs(points[:, 0] - (crop.seeds.boxes_xyxy[nearest, :2] - 1.2)).max() <= 0.1 * 20 * 1.3
    away = np.abs(points[:, 3:] - points[:, 2:3]).max(2)
    assert (away > 20).all()  # a negative is another seed
    assert (away < 3 * 28).all()  # and a near one
    assert (points[:, 3] != points[:, 4]).any(1).all()


def test_points_alone_lie_anywhere_in_a_stone_or_on_mortar(crop, monkeypatch):
    batch = make_decoder_batch(crop, "point", 32, 8, 64, np.random.default_rng(0))
    assert batch.prompts.point_labels.tolist() == [[1]] * 72
    column, row = batch.prompts.points_xy[:, 0].astype(int).T
    labels = crop.truth[row, column]
    assert len(set(labels[:64].tolist())) == 64
    assert (labels[:64] > 0).all()
    assert (labels[64:] == 0).all()
    within = np.stack([column[:64] % 28, row[:64] % 28], 1)  # stones of 24 px begin at multiples of 28
    assert within.min() < 4
    assert within.max() > 19
    covered = batch.coverage.amax((1, 2))
    assert (covered[:64] > 0).all()
    assert (covered[64:] == 0).all()


def test_a_batch_on_mortar_alone_teaches_the_score_and_has_no_figures_of_masks(crop, monkeypatch):
    batch = make_decoder_batch(crop, "point", 32, 8, 64, np.random.default_rng(1))
    on_mortar = DecoderBatch(batch.prompts, 8, torch.zeros_like(batch.coverage))
    logits = torch.full((len(batch.coverage), 4, 32, 32), -12.0)
    predicted_iou = torch.full((len(batch.coverage), 4), 0.5, requires_grad=True)
    monkeypatch.setattr(decoder_stage, "decode_prompts", lambda *_: (logits, predicted_iou, None))
    loss, figures = decoder_loss(None, None, on_mortar, balanced=False)
    loss.backward()
    assert figures == {"score": pytest.approx(0.5 - 0.1)}
    assert float(loss.detach()) == pytest.approx(2 * 0.4)
    assert (predicted_iou.grad > 0).all()


def test_kinds_of_seeds_are_drawn_by_their_shares():
    rng = np.random.default_rng(0)
    drawn = [draw_seed_kind(rng) for _ in range(400)]
    assert set(drawn) == set(prompts.SEED_KINDS)
    assert 0.46 < drawn.count("seed") / 400 < 0.66


def test_a_point_on_mortar_teaches_the_score_only(crop, monkeypatch):
    batch = make_decoder_batch(crop, "point", 32, 8, 64, np.random.default_rng(1))
    on_mortar = batch.coverage.amax((1, 2)) == 0
    right = wanted_logits(batch)[:, None].expand(-1, 4, -1, -1).clone()
    sure = torch.where(on_mortar, 1.0, 0.9)[:, None].expand(-1, 4)

    def loss_of(logits, predicted_iou):
        monkeypatch.setattr(decoder_stage, "decode_prompts", lambda *_: (logits, predicted_iou, None))
        return decoder_loss(None, None, batch, balanced=False)

    loss, figures = loss_of(right, sure)
    changed = right.clone()
    changed[on_mortar] = 12.0  # any mask will do there
    assert float(loss_of(changed, sure)[0]) == pytest.approx(float(loss))
    humble = torch.where(on_mortar, 0.0, 0.9)[:, None].expand(-1, 4)
    better, said = loss_of(right, humble)
    assert float(better) < float(loss)
    assert said["score"] < figures["score"]


def test_a_crop_holds_the_seeds_that_lie_on_tesserae(mini, pool, sees_squares):
    predictor = Predictor(mini[0], torch.device("cpu"), bfloat16=False)
    (levels, crop), (levels_again, again) = (make_decoder_crop(predictor, mini[1], pool, np.random.default_rng(4)) for _ in range(2))
    assert [level.dtype for level in levels] == [torch.float16] * 3
    assert [tuple(level.shape) for level in levels] == [(1, 128, 128, 128), (1, 128, 64, 64), (1, 128, 32, 32)]
    assert not any(level.is_inference() for level in levels)
    assert 0 < len(crop.seeds) < len(np.unique(crop.seeds.outlines)) - 1  # some of them hit joints
    column, row = crop.seeds.points_xy.astype(int).T
    assert np.array_equal(crop.true_label, crop.truth[row, column])
    assert (crop.true_label > 0).all()
    assert np.array_equal(crop.truth, again.truth)
    assert torch.equal(levels[2], levels_again[2])


class NoModel:
    """A predictor that costs nothing; `outline_tesserae` is replaced where it is used."""

    tile_px = 512

    def embed(self, tile):
        return None, [torch.zeros(1)]

    def find(self, finder, tile, levels):
        return SimpleNamespace(interior=np.ones((256, 256), np.float32))


def test_a_crop_without_seeds_is_drawn_again(pool, monkeypatch):
    answers = [np.zeros((256, 256), np.int32), squares(256, 20, 8)]
    monkeypatch.setattr(decoder_stage, "outline_tesserae", lambda maps: answers.pop(0))
    _, crop = make_decoder_crop(NoModel(), FinderHead(), pool, np.random.default_rng(0))
    assert len(crop.seeds) > 0
    assert answers == []


def test_a_finder_that_sees_nothing_cannot_teach(pool, monkeypatch):
    monkeypatch.setattr(decoder_stage, "_DRAWS", 2)
    monkeypatch.setattr(decoder_stage, "outline_tesserae", lambda maps: np.zeros((256, 256), np.int32))
    with pytest.raises(TesseraeError, match=r"saw no tessera in 2 training crops, expected dozens in each\. Train it for more steps"):
        make_decoder_crop(NoModel(), FinderHead(), pool, np.random.default_rng(0))


def wanted_logits(batch):
    return torch.where(batch.coverage > 0.5, 12.0, -12.0)


@pytest.mark.parametrize("balanced", [True, False], ids=["balanced", "ring"])
def test_a_perfect_decoder_has_hardly_any_loss(crop, monkeypatch, balanced):
    batch = make_decoder_batch(crop, "seed", 32, 8, 64, np.random.default_rng(1))
    whole = DecoderBatch(batch.prompts, 8, (batch.coverage > 0.5).float())
    logits = wanted_logits(whole)[:, None].expand(-1, 4, -1, -1)
    monkeypatch.setattr(decoder_stage, "decode_prompts", lambda *_: (logits, torch.ones(len(logits), 4), None))
    loss, figures = decoder_loss(None, None, whole, balanced=balanced)
    assert 0 <= float(loss) < 0.01
    assert figures["iou"] == 1.0
    assert figures["score"] == 0.0
    monkeypatch.setattr(decoder_stage, "decode_prompts", lambda *_: (-logits, torch.ones(len(logits), 4), None))
    loss, figures = decoder_loss(None, None, whole, balanced=balanced)
    assert float(loss) > 5
    assert figures["iou"] == 0.0
    assert figures["score"] == pytest.approx(1 - 0.1)  # smooth L1 with beta 0.2


def test_one_right_alternative_is_enough(crop, monkeypatch):
    """Of the outputs 1 to 3 the best counts half, and all three a tenth."""
    batch = make_decoder_batch(crop, "seed", 32, 8, 64, np.random.default_rng(1))
    right = wanted_logits(batch)

    def loss_of(*outputs):
        logits = torch.stack(outputs, 1)
        iou = decoder_stage.hard_iou(logits, batch.coverage[:, None])
        monkeypatch.setattr(decoder_stage, "decode_prompts", lambda *_: (logits, iou, None))
        return float(decoder_loss(None, None, batch, balanced=False)[0])

    all_right = loss_of(right, right, right, right)
    one_right = loss_of(right, -right, right, -right)
    none_right = loss_of(right, -right, -right, -right)
    first_wrong = loss_of(-right, right, right, right)
    wrong = first_wrong - all_right  # what a wrong mask costs at weight 1
    assert wrong > 5
    assert one_right - all_right == pytest.approx(0.1 * wrong * 2 / 3, rel=1e-3)
    assert none_right - all_right == pytest.approx(0.6 * wrong, rel=1e-3)


def test_the_decoder_learns_a_batch_and_nothing_else_changes(crop):
    generator = torch.Generator().manual_seed(0)
    levels = [0.5 * torch.randn(1, 128, side, side, generator=generator) for side in (128, 64, 32)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        model = build_model(EMBEDDED_CONFIG)
    model.requires_grad_(False)
    parts = DecoderParts(model).requires_grad_(True)
    encoder = {name: value.clone() for name, value in model.image_encoder.state_dict().items()}
    batch = make_decoder_batch(crop, "seed", 32, 8, 8, np.random.default_rng(1))
    optimizer = torch.optim.AdamW(parts.parameters(), lr=1e-3)
    losses = []
    for _ in range(12):
        loss, _ = decoder_loss(model, embedding_of_levels(model, levels), batch, balanced=True)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    assert_same_weights(encoder, model.image_encoder.state_dict())
    assert model.no_mem_embed.grad is not None


# the whole


@pytest.fixture
def small_training(monkeypatch, sees_squares):
    monkeypatch.setattr(finder_stage, "CROP_PX", 64)
    monkeypatch.setattr(finder_stage, "CROPS_PER_STEP", 2)
    monkeypatch.setattr(prompts, "PROMPTS_PER_STEP", 8)
    monkeypatch.setattr(prompts, "PROMPTS_ON_ALL_TOKENS", 2)
    monkeypatch.setattr(joint_stage, "outline_tesserae", lambda maps: squares(maps.interior.shape[0], 20, 8))


def test_pretraining_ends_with_a_file_and_resumes(pool, tmp_path, monkeypatch, small_training):
    target = tmp_path / "weights" / "tesserae_mini.pt"
    work_dir = pool[0].parent.parent
    heard = []

    def run():
        return pretrain(TINY_RECIPE, work_dir, target, parent=None, workers=1, progress=lambda done, count: heard.append(done))

    with monkeypatch.context() as patch:
        patch.setattr(decoder_stage, "make_decoder_batch", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run()
    assert not target.exists()
    assert torch.load(work_dir / "finder.state.pt", weights_only=True)["step"] == 2
    joint_state = torch.load(work_dir / "joint.state.pt", weights_only=True)
    assert joint_state["step"] == 2

    monkeypatch.setattr(finder_stage, "make_finder_batch", None)  # stages 1 and 2 are over: nobody asks for their batches
    monkeypatch.setattr(joint_stage, "make_joint_batch", None)
    assert run() == target
    model, finder = load_embedded(target)
    for part, module in (("image_encoder", model.image_encoder), ("finder", finder)):
        halved = {
            name.removeprefix(f"{part}."): value.half().float()
            for name, value in joint_state["module"].items()
            if name.startswith(f"{part}.")
        }
        assert_same_weights(halved, module.state_dict())
    decoder_state = torch.load(work_dir / "decoder.state.pt", weights_only=True)["module"]
    name = "mask_decoder.iou_token.weight"
    assert torch.equal(model.sam_mask_decoder.iou_token.weight, decoder_state[name].half().float())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(TINY_RECIPE.seed)
        fresh = build_model(EMBEDDED_CONFIG)
    assert not torch.equal(model.sam_mask_decoder.iou_token.weight, fresh.sam_mask_decoder.iou_token.weight.half().float())

    first = torch.load(target, weights_only=True)
    monkeypatch.setattr(decoder_stage, "make_decoder_batch", None)
    target.unlink()
    run()
    again = torch.load(target, weights_only=True)
    assert_same_weights(first["model"], again["model"])
    assert_same_weights(first["finder"], again["finder"])
    assert heard == []  # the pool was there
    assert sorted(path.name for path in target.parent.iterdir()) == ["tesserae_mini.json", "tesserae_mini.pt"]


def test_the_record_says_what_was_done(mini, tmp_path):
    (tmp_path / "finder.jsonl").write_text('{"step": 20, "loss": 2.0}\n{"step": 40, "loss": 1.5}\n')
    target = tmp_path / "deep" / "tesserae_mini.pt"
    assert write_weights(*mini, TINY_RECIPE, tmp_path, target, None) == target
    record = json.loads(target.with_suffix(".json").read_text())
    assert record["sha256"] == hashlib.sha256(target.read_bytes()).hexdigest()
    assert record["size_bytes"] == target.stat().st_size < 20_000_000
    assert (record["name"], record["config"], record["parent"]) == ("tesserae_mini", EMBEDDED_CONFIG, None)
    assert (record["decode"], record["mask_prompts"]) == ("window", True)
    assert record["recipe"] == asdict(TINY_RECIPE)
    assert (record["recipe"]["seed"], record["recipe"]["decoder_steps"]) == (3, 2)
    assert record["data"]["seeds"] == [FIRST_SEED, FIRST_SEED + 2]
    assert record["decode_side_px"] == decoder_stage.DECODE_SIDE_PX
    assert record["last_losses"] == {"finder": {"step": 40, "loss": 1.5}, "joint": None, "decoder": None}
    assert record["versions"]["torch"] == version("torch")
    assert set(record["versions"]) == {"torch", "sam2", "numpy", "python"}
    stored = torch.load(target, weights_only=True)
    assert {value.dtype for part in stored.values() for value in part.values() if value.is_floating_point()} == {torch.float16}
    model, _ = load_embedded(target)
    assert torch.equal(model.no_mem_embed, mini[0].no_mem_embed.half().float())


def test_pretraining_goes_on_from_a_parent_and_names_it(mini, pool, tmp_path, monkeypatch):
    started = []

    def note_start(model, *_):
        started.append({name: value.clone() for name, value in model.image_encoder.state_dict().items()})

    monkeypatch.setattr(run_module, "train_finder", note_start)
    later = []
    for stage in ("train_jointly", "train_decoder"):
        monkeypatch.setattr(run_module, stage, lambda *_, fresh: later.append(fresh))
    parent, child = tmp_path / "parent.pt", tmp_path / "child.pt"
    write_weights(*mini, TINY_RECIPE, tmp_path, parent, None)
    recipe = replace(TINY_RECIPE, seed=4)
    pretrain(recipe, pool[0].parent.parent, child, parent=parent, workers=1, progress=lambda *_: None)
    assert later == [False, False]  # no decoder that never learned
    assert_same_weights(started[0], load_embedded(parent)[0].image_encoder.state_dict())
    lineage = json.loads(child.with_suffix(".json").read_text())["parent"]
    assert lineage["sha256"] == hashlib.sha256(parent.read_bytes()).hexdigest()
    assert (lineage["recipe"], lineage["parent"]) == (asdict(TINY_RECIPE), None)
    assert_same_weights(torch.load(child, weights_only=True)["finder"], torch.load(parent, weights_only=True)["finder"])
