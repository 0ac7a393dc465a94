"""The default checkpoint: chosen, remembered, and never one that is not there."""

import json
import logging

import pytest

from tesserae.activation import ACTIVE_FILE, MOST_EARLIER, activate, active_name, previous_name, roll_back
from tesserae.checkpoints import EMBEDDED_NAME
from tesserae.errors import CheckpointError, OutputError
from tesserae.settings import Settings


@pytest.fixture
def settings(tmp_path, weights_dir):
    for name in ("tesserae_mini", "sam2.1_hiera_tiny", "mine"):
        (weights_dir / f"{name}.pt").touch()
    (weights_dir / "mine.json").write_text(json.dumps({"config": EMBEDDED_NAME}))
    return Settings(home=tmp_path / "home")


def test_without_a_choice_the_embedded_one_is_active(settings):
    assert active_name(settings) == EMBEDDED_NAME


@pytest.mark.parametrize("name", ["mine", "sam2.1_hiera_tiny", "mine.pt"])
def test_a_choice_is_kept(name, settings):
    activate(settings, name)
    assert active_name(settings) == name.removesuffix(".pt")
    assert json.loads((settings.home / ACTIVE_FILE).read_text()) == {"checkpoint": name.removesuffix(".pt"), "earlier": [EMBEDDED_NAME]}
    assert [path.name for path in settings.home.iterdir()] == [ACTIVE_FILE]


@pytest.mark.parametrize(("name", "message"), [("nothing", "There is no checkpoint"), ("sam2_hiera_large", "Only an installed")])
def test_what_is_not_there_cannot_be_made_active(name, message, settings):
    activate(settings, "mine")
    with pytest.raises(CheckpointError, match=message):
        activate(settings, name)
    assert active_name(settings) == "mine"


def test_a_choice_whose_file_is_gone_counts_no_more(settings):
    activate(settings, "sam2.1_hiera_tiny")
    (settings.weights / "sam2.1_hiera_tiny.pt").unlink()
    assert active_name(settings) == EMBEDDED_NAME
    activate(settings, "mine")
    (settings.weights / "mine.pt").unlink()
    assert active_name(settings) == EMBEDDED_NAME


def test_rolling_back_goes_step_by_step_to_what_is_still_installed(settings):
    (settings.weights / "gone.pt").touch()
    (settings.weights / "gone.json").write_text(json.dumps({"config": EMBEDDED_NAME}))
    for name in ("sam2.1_hiera_tiny", "gone", "gone", "mine"):
        activate(settings, name)
    (settings.weights / "gone.pt").unlink()
    assert previous_name(settings) == "sam2.1_hiera_tiny"
    assert [roll_back(settings), roll_back(settings)] == ["sam2.1_hiera_tiny", EMBEDDED_NAME]
    assert (active_name(settings), previous_name(settings)) == (EMBEDDED_NAME, None)
    with pytest.raises(CheckpointError, match="No other default model came before"):
        roll_back(settings)


@pytest.mark.parametrize("more", [{}, {"earlier": "tesserae_mini"}, {"earlier": [5, None]}], ids=["older version", "text", "no names"])
def test_a_choice_without_those_before_it_counts(more, settings):
    settings.home.mkdir()
    (settings.home / ACTIVE_FILE).write_text(json.dumps({"checkpoint": "mine", **more}))
    assert (active_name(settings), previous_name(settings)) == ("mine", None)
    activate(settings, "sam2.1_hiera_tiny")
    assert roll_back(settings) == "mine"


def test_only_so_many_are_remembered(settings):
    for name in ("mine", "sam2.1_hiera_tiny") * MOST_EARLIER:
        activate(settings, name)
    assert len(json.loads((settings.home / ACTIVE_FILE).read_text())["earlier"]) == MOST_EARLIER


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"checkpoint": ', "\udcff"], ids=["empty", "list", "nothing", "cut", "no text"])
def test_a_broken_choice_is_told_in_the_log(content, settings, caplog):
    settings.home.mkdir()
    (settings.home / ACTIVE_FILE).write_bytes(content.encode("utf-8", "surrogateescape"))
    with caplog.at_level(logging.WARNING):
        assert active_name(settings) == EMBEDDED_NAME
    assert "cannot be read" in caplog.text


def test_a_name_that_is_no_text_counts_as_none(settings):
    settings.home.mkdir()
    (settings.home / ACTIVE_FILE).write_text('{"checkpoint": 5}')
    assert active_name(settings) == EMBEDDED_NAME


def test_a_choice_that_cannot_be_written_is_told(settings):
    settings.home.write_text("a file where the folder should be")
    with pytest.raises(OutputError, match="could not be written"):
        activate(settings, "mine")
