"""A whole fine-tune with the embedded model, as small as can be: what learns, what stays, what is written, and a run that is cut off."""

import json
from dataclasses import replace

import pytest
import torch
from conftest import PROJECT_DIR
from training_examples import SHORT, own_weights, write_mosaics

from tesserae.activation import active_name
from tesserae.architecture import read_checkpoint_file
from tesserae.checkpoints import EMBEDDED_NAME, find_checkpoint, verify_checkpoint
from tesserae.dataset import read_folder
from tesserae.errors import CheckpointError, TrainingError
from tesserae.labelmap import InteriorPoints, interior_points
from tesserae.models import encoder_weights, identify_weights, load_models
from tesserae.settings import Settings
from tesserae.training import keeping, lesson, recipe, run
from tesserae.training.journal import journal_of
from tesserae.training.order import Order, Paused


@pytest.fixture(scope="module")
def short():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(recipe.PRESETS, "default", SHORT)
        yield


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finetune")
    weights = own_weights(folder / "weights", PROJECT_DIR / "weights")
    return Settings(home=folder / "home", database_url=None, weights=weights)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return read_folder(write_mosaics(tmp_path_factory.mktemp("data") / "mosaics", 3), 1)


@pytest.fixture(scope="module")
def done(short, settings, dataset):
    """An uninterrupted run."""
    heard = []
    outcome = run.finetune(Order("whole", device="cpu"), dataset, settings, lambda share, stage: heard.append((share, stage)))
    return outcome, heard


def weights_of(settings, name):
    return read_checkpoint_file(settings.weights / f"{name}.pt")


def test_only_what_should_learn_has_learned(done, settings):
    before, after = weights_of(settings, EMBEDDED_NAME), weights_of(settings, "whole")
    moved = {name for name, value in after["model"].items() if not torch.equal(value, before["model"][name].float())}
    parts = {".".join(name.split(".")[:2]) for name in moved}
    assert {part.split(".")[0] for part in parts} == {"sam_mask_decoder", "sam_prompt_encoder"}
    assert not parts & {"sam_mask_decoder.conv_s0", "sam_mask_decoder.conv_s1"}
    assert any(not torch.equal(value, before["finder"][name].float()) for name, value in after["finder"].items())
    models = [load_models(find_checkpoint(name, settings.weights, ""), "cpu") for name in (EMBEDDED_NAME, "whole")]
    assert models[0].encoder_id == models[1].encoder_id  # embeddings are shared
    assert models[0].finder_id != models[1].finder_id
    assert models[1].predictor is models[1].finder_predictor


def test_the_record_says_what_it_learned_from_and_how_it_did(done, settings, dataset):
    outcome, _ = done
    record = json.loads((settings.weights / "whole.json").read_text())
    assert verify_checkpoint(outcome.checkpoint).ok
    assert record["parent"]["name"] == EMBEDDED_NAME
    assert record["photo_ids"] == {split: list(dataset.photo_ids(split)) for split in ("train", "validation", "test")}
    assert record["sentence"].startswith(f"Trained on 2 mosaics, {dataset.tessera_count('train'):,} tesserae; on 1 unseen mosaic the count")
    assert set(record["validation"]) == {EMBEDDED_NAME, "whole"}
    assert record["decode"] == "window"
    assert 0 < record["peak_above"] < 1
    assert record["way"] in (0.5, 0.75, 1.0)
    assert record["recipe"]["epochs"] == 2
    assert record["promoted"] is (active_name(settings) == "whole")


def test_progress_is_told_and_every_epoch_is_written_down(done, settings):
    _, heard = done
    shares = [share for share, _ in heard]
    assert shares == sorted(shares)
    assert {"features", "epoch 1 of 2", "epoch 2 of 2", "thresholds"} <= {stage for _, stage in heard}
    journal = journal_of(settings, "whole")
    epochs = journal.epochs()
    assert [epoch.epoch for epoch in epochs] == [0, 1, 2]
    assert epochs[0].loss == {}
    assert {"total", "finder"} <= set(epochs[1].loss)
    assert 0 < epochs[0].validation["mean_f1"] <= 1
    assert [path.name for path in journal.samples()] == ["epoch-000.png", "epoch-001.png", "epoch-002.png"]
    assert list(journal.folder.glob("events.out.tfevents*"))
    assert journal.outcome()["name"] == "whole"


class Killed(BaseException):
    """As hard as a kill: nothing catches it."""


def test_a_run_that_was_cut_off_ends_with_the_very_same_weights(done, settings, dataset, monkeypatch):
    order = Order("again", device="cpu")
    judged = keeping.EpochKeeper.__call__

    def killed_in_the_second(keeper, number, losses):
        if number == 2:
            raise Killed
        return judged(keeper, number, losses)

    with monkeypatch.context() as patch:
        patch.setattr(keeping.EpochKeeper, "__call__", killed_in_the_second)
        with pytest.raises(Killed):
            run.finetune(order, dataset, settings, lambda *_: None)
    assert [epoch.epoch for epoch in journal_of(settings, "again").epochs()] == [0, 1]
    run.finetune(order, dataset, settings, lambda *_: None)
    one, other = (weights_of(settings, name) for name in ("whole", "again"))
    assert all(torch.equal(value, other[part][name]) for part in one for name, value in one[part].items())


def test_a_run_steps_aside_after_an_epoch_and_keeps_its_state(done, settings, dataset):
    order = Order("aside", device="cpu", epochs=1)
    with pytest.raises(Paused):
        run.finetune(order, dataset, settings, lambda *_: None, lambda: True)
    assert (journal_of(settings, "aside").folder / "state.pt").is_file()
    assert not (settings.weights / "aside.pt").exists()


@pytest.mark.parametrize(
    ("order", "error", "message"),
    [
        (Order("whole", device="cpu"), CheckpointError, "is there already and is never overwritten"),
        (Order("aside", device="cpu", epochs=2), TrainingError, "A run named aside was begun with other settings"),
        (Order("x", preset="best"), TrainingError, "Expected one of the presets default, paper, found 'best'"),
        (Order("x", base="none"), CheckpointError, "There is no checkpoint named 'none'"),
    ],
    ids=["taken", "another run", "unknown preset", "unknown base"],
)
def test_what_cannot_start_says_why(done, settings, dataset, order, error, message):
    with pytest.raises(error, match=message):
        run.finetune(order, dataset, settings, lambda *_: None)


def some(points, count):
    return InteriorPoints(points.labels[:count], points.points_xy[:count], points.radius_px[:count])


def test_the_paper_preset_trains_the_decoder_alone(short, settings, dataset, monkeypatch):
    monkeypatch.setattr(lesson, "interior_points", lambda truth: some(interior_points(truth), 5))  # all of them take a minute
    monkeypatch.setitem(recipe.PRESETS, "paper", replace(recipe.PAPER, views_per_tile=1, epochs=1))
    run.finetune(Order("paper", preset="paper", device="cpu"), dataset, settings, lambda *_: None)
    before, after = weights_of(settings, EMBEDDED_NAME), weights_of(settings, "paper")
    assert all(torch.equal(value, before["finder"][name].float()) for name, value in after["finder"].items())
    losses = journal_of(settings, "paper").epochs()[1].loss
    assert set(losses) == {"dice", "score", "total"}
    assert losses["total"] == pytest.approx(losses["dice"] + 0.2 * losses["score"], rel=1e-4)


def test_an_unfrozen_encoder_learns_and_is_another_one(short, settings, dataset):
    order = Order("thawed", device="cpu", epochs=1, steps_per_epoch=1, unfreeze_encoder=True)
    run.finetune(order, dataset, settings, lambda *_: None, recipe=replace(order.recipe(), calibrates=False, rehearsal=0))
    models = load_models(find_checkpoint("thawed", settings.weights, ""), "cpu")
    assert models.encoder_id != identify_weights(encoder_weights(models.finder_predictor.model))
