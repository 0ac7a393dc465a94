"""Checkpoints that were seen: told apart by hash, remembered under their last name."""

from datetime import UTC

from tesserae.store.checkpoints import find_seen_checkpoint, list_seen_checkpoints, note_checkpoint

pytest_plugins = "store_fixtures"


def test_a_checkpoint_is_remembered(store):
    noted = note_checkpoint(store, "fine", "a" * 64, "tesserae_mini", {"parent": "tesserae_mini", "photos": ["b"]})
    assert (noted.name, noted.sha256, noted.config) == ("fine", "a" * 64, "tesserae_mini")
    assert noted.record == {"parent": "tesserae_mini", "photos": ["b"]}
    assert noted.first_seen.tzinfo is UTC
    assert find_seen_checkpoint(store, "a" * 64) == noted
    assert find_seen_checkpoint(store, "b" * 64) is None


def test_a_renamed_checkpoint_is_the_same_and_another_of_its_name_is_not(store):
    first = note_checkpoint(store, "fine", "a" * 64, "tesserae_mini", {})
    renamed = note_checkpoint(store, "older", "a" * 64, "tesserae_mini", {"note": "renamed"})
    second = note_checkpoint(store, "fine", "b" * 64, "tesserae_mini", {})
    assert (renamed.name, renamed.record, renamed.first_seen) == ("older", {"note": "renamed"}, first.first_seen)
    assert list_seen_checkpoints(store) == [renamed, second]
