"""What a run writes down, read back; and that a folder belongs to one run."""

from dataclasses import replace

import pytest

from tesserae.errors import TrainingError
from tesserae.settings import Settings
from tesserae.training.journal import Epoch, Journal, RunFacts, journal_of, list_runs

FACTS = RunFacts("mine", "tesserae_mini", "0" * 64, {"epochs": 2}, "f" * 64, "cpu", 2, 80, 1, False, ("Split by mosaic.",))
EPOCH = Epoch(0, 1.5, {}, {"mean_f1": 0.5, "precision": None}, {"floor": {"mean_f1": 0.5}}, 100.0, "cpu")


def test_what_was_written_is_read(tmp_path):
    journal = Journal(tmp_path / "mine")
    assert (journal.facts(), journal.epochs(), journal.samples(), journal.outcome()) == (None, [], [], None)
    assert journal.begin(FACTS) is False
    epochs = [EPOCH, replace(EPOCH, epoch=1, loss={"total": 1.0})]
    journal.keep_epochs(epochs)
    journal.keep_sample(1, b"png")
    journal.end({"promoted": True})
    assert (journal.facts(), journal.epochs(), journal.outcome()) == (FACTS, epochs, {"promoted": True})
    assert [path.read_bytes() for path in journal.samples()] == [b"png"]


def test_a_folder_goes_on_with_its_own_run_only(tmp_path):
    journal = Journal(tmp_path / "mine")
    journal.begin(FACTS)
    assert journal.begin(replace(FACTS, device="cuda", notes=())) is True  # another machine may go on
    with pytest.raises(TrainingError, match=r"A run named mine was begun with other settings or on other mosaics\. Give the new one"):
        journal.begin(replace(FACTS, dataset="e" * 64))


def test_a_damaged_file_is_told(tmp_path):
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(TrainingError, match=r"Expected JSON in .*run\.json, found something else"):
        Journal(tmp_path).facts()


def test_runs_are_listed_and_a_full_disk_is_told(tmp_path):
    settings = Settings(home=tmp_path, database_url=None)
    assert list_runs(settings) == []
    journal_of(settings, "one").begin(FACTS)
    assert [journal.folder.name for journal in list_runs(settings)] == ["one"]
    (tmp_path / "training" / "two").write_text("in the way")
    with pytest.raises(TrainingError, match="could not be written"):
        journal_of(settings, "two").begin(FACTS)
