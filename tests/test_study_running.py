"""Running a study: variants are trained and judged by one path, kept when done, and nothing of the installation is touched."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
from conftest import PROJECT_DIR
from dataset_examples import LABELS
from study_examples import TRAINING, finding, lacking, material

from tesserae.errors import CheckpointError, TrainingError
from tesserae.options import SegmentOptions
from tesserae.settings import Settings
from tesserae.study import running
from tesserae.study.catalogue import BEFORE, GRID, STUDIES, Variant, find_study, plan_variants, steps_to
from tesserae.study.findings import Training, read_finding, write_finding
from tesserae.study.running import open_workshop, run_variant
from tesserae.training.journal import Epoch, journal_of
from tesserae.training.recipe import DEFAULT, PAPER


@pytest.fixture
def workshop(tmp_path):
    settings = Settings(home=tmp_path / "home", weights=PROJECT_DIR / "weights")
    return open_workshop(tmp_path / "home" / "study" / "loss", "tesserae_mini", "cpu", settings)


@pytest.fixture
def models(monkeypatch):
    """In place of models: each finds all tesserae but the last, and predicts an IoU of 1; `asked` holds the options of each judging."""
    asked = []

    def segment_parts(models, parts, cache, options, report):
        asked.append((models.name, options))
        for part in parts:
            labels = lacking(LABELS, 48)
            yield part.name, SimpleNamespace(labels=labels, predicted_iou=dict.fromkeys(range(1, 48), 1.0)), part.read()

    monkeypatch.setattr(running, "load_models", lambda checkpoint, device: checkpoint)
    monkeypatch.setattr(running, "segment_parts", segment_parts)
    return asked


@pytest.fixture
def trained(monkeypatch):
    """In place of a fine-tune: writes what one leaves behind; holds the orders with their datasets, settings and recipes."""
    orders = []

    def finetune(order, dataset, settings, report, recipe):
        orders.append((order, dataset, settings, recipe))
        report(0.5, "epoch")
        (settings.weights / f"{order.name}.pt").write_bytes(b"weights")
        (settings.weights / f"{order.name}.json").write_text('{"config": "tesserae_mini"}')
        journal = journal_of(settings, order.name)
        losses = ({}, {"total": 0.4}, {"total": 0.3})
        journal.keep_epochs([Epoch(k, 10.0 * k, loss, {"goodness": 0.5 + 0.1 * k}, {}, 900.0, "cpu") for k, loss in enumerate(losses)])
        journal.end({"sentence": "Trained.", "best_epoch": 2})

    monkeypatch.setattr(running, "finetune", finetune)
    return orders


def run(workshop, variant, mosaics, shares=None):
    return run_variant(workshop, variant, mosaics, lambda share, _stage: None if shares is None else shares.append(share))


def test_the_base_is_judged_once_and_kept(workshop, models, tmp_path):
    mosaics, variant = material(tmp_path), Variant("As found!", options=SegmentOptions(fast=True))
    found = run(workshop, variant, mosaics)
    (figures,) = found.figures.values()
    assert (figures.true_count, figures.found_count, found.training) == (48, 47, None)
    assert found.calibration.error == 0
    assert run(workshop, variant, mosaics) == found
    assert models == [("tesserae_mini", variant.options)]
    assert [path.name[:9] for path in (workshop.folder / "findings").iterdir()] == ["as-found-"]


def test_another_question_is_another_finding(workshop, models, tmp_path):
    mosaics = material(tmp_path)
    for variant in (Variant("a"), Variant("a", cleans=True), Variant("a", options=GRID)):
        run(workshop, variant, mosaics)
    run(workshop, Variant("a"), replace(mosaics, unseen=mosaics.groups[0]))
    assert len(models) == 4


def test_a_variant_that_learns_is_trained_in_the_studys_own_folder(workshop, models, trained, tmp_path):
    shares = []
    found = run(workshop, Variant("paper, 1", PAPER, 1), material(tmp_path), shares)
    (order, dataset, settings, recipe) = trained[0]
    assert (recipe, order.base, dataset.by_blocks, dataset.of_split("test")) == (PAPER, "tesserae_mini", True, ())
    assert settings.weights.is_relative_to(workshop.folder)
    assert settings.home.is_relative_to(workshop.folder)
    assert not (tmp_path / "home" / "active.json").exists()
    assert models == [(order.name, SegmentOptions())]
    expected = Training(1, dataset.tessera_count("train"), "Trained.", dataset.notes, 2, (0.5, 0.6, 0.7), (0.4, 0.3), (10.0, 10.0), 900.0)
    assert found.training == expected
    assert (found.training.usual_epoch_s, shares[0]) == (10.0, pytest.approx(0.425))


def test_a_study_that_was_cut_off_while_judging_does_not_train_again(workshop, models, trained, tmp_path, monkeypatch):
    mosaics, variant = material(tmp_path), Variant("default, 2", DEFAULT, 2)
    load = running.load_models

    def interrupt(checkpoint, device):
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "load_models", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(workshop, variant, mosaics)
    monkeypatch.setattr(running, "load_models", load)
    assert run(workshop, variant, mosaics).training.sentence == "Trained."
    assert len(trained) == 1


def test_what_a_killed_run_wrote_is_no_obstacle(workshop, models, trained, tmp_path, monkeypatch):
    mosaics, variant = material(tmp_path), Variant("default, 2", DEFAULT, 2)
    run(workshop, variant, mosaics)
    name = trained[0][0].name
    (workshop.folder / "findings" / f"{name}.json").unlink()
    (journal_of(workshop.settings, name).folder / "outcome.json").unlink()
    weights = workshop.settings.weights / f"{name}.pt"
    weights.write_bytes(b"half")
    run(workshop, variant, mosaics)
    assert weights.read_bytes() == b"weights"


def test_weights_come_along_also_where_no_second_name_is_possible(workshop, tmp_path, monkeypatch):
    source = workshop.settings.weights / "tesserae_mini.pt"
    assert source.samefile(PROJECT_DIR / "weights" / source.name) or source.stat().st_size > 10**6

    def refuse(*_paths):
        raise OSError

    monkeypatch.setattr(running.os, "link", refuse)
    (tmp_path / "a.pt").write_bytes(b"new")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a.pt").write_bytes(b"old")
    running._bring(tmp_path / "a.pt", tmp_path / "there")
    assert (tmp_path / "there" / "a.pt").read_bytes() == b"new"


def test_a_base_that_is_not_here_is_told(tmp_path):
    with pytest.raises(CheckpointError, match="checkpoints fetch sam2_hiera_large"):
        open_workshop(tmp_path, "sam2_hiera_large", "cpu", Settings(home=tmp_path, weights=PROJECT_DIR / "weights"))


@pytest.mark.parametrize("training", [None, TRAINING], ids=["base", "trained"])
def test_a_finding_is_read_as_it_was_written(tmp_path, training):
    written = finding("a", training=training, calibrated=training is None)
    written = replace(written, figures={"x": replace(written.figures["wall"], f_measure=math.nan)})
    write_finding(tmp_path / "folder" / "a.json", written)
    read = read_finding(tmp_path / "folder" / "a.json")
    assert math.isnan(read.figures["x"].f_measure)
    assert replace(read, figures={}) == replace(written, figures={})
    assert read_finding(tmp_path / "b.json") is None


def test_the_studies_are_what_the_paper_asks_for():
    assert list(STUDIES) == ["baseline", "loss", "augmentation", "learning", "postprocessing", "prompts", "domain", "paper"]
    loss = plan_variants(find_study("loss"), 4, 2)
    weights = [(each.recipe.dice_weight, each.recipe.score_weight, each.recipe.epochs) for each in loss[1:]]
    assert weights == [(1.0, 0.0, 2), (0.0, 0.2, 2), (1.0, 0.2, 2)]
    domain = plan_variants(find_study("domain"), 4, None)
    names = [each.name for each in domain]
    assert names == [BEFORE, "default, 1", "default, 2", "default, 4", "paper, 1", "paper, 2", "paper, 4"]
    assert {each.recipe for each in domain} == {None, DEFAULT, PAPER}
    assert [each.options for each in plan_variants(find_study("paper"), None, None)] == [GRID, GRID]
    for study in STUDIES.values():
        variants = plan_variants(study, study.mosaics or None, None)
        assert len({each.name for each in variants}) == len(variants)
        assert study.trains == any(each.recipe for each in variants)
        assert variants[0].recipe is None


@pytest.mark.parametrize(("most", "steps"), [(1, [1]), (4, [1, 2, 4]), (6, [1, 2, 4, 6])])
def test_steps_to(most, steps):
    assert steps_to(most) == steps


def test_an_unknown_study_is_told():
    with pytest.raises(TrainingError, match="Expected one of the studies baseline, loss"):
        find_study("nothing")
