"""Files that are there complete or not at all."""

import os
import time
from pathlib import Path

import pytest

from tesserae.atomic import PART_AGE_S, broken_writes, write_file


def test_a_file_is_written_with_its_folder_and_replaced(tmp_path):
    path = tmp_path / "a" / "b" / "file.json"
    for content in (b"one", b"two"):
        write_file(path, content)
        assert path.read_bytes() == content
    assert [each.name for each in path.parent.iterdir()] == ["file.json"]


def test_a_failure_leaves_the_former_content_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "file.json"
    write_file(path, b"one")

    def break_off(part, content):
        part.open("wb").close()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", break_off)
    with pytest.raises(OSError, match="No space left"):
        write_file(path, b"two")
    assert path.read_bytes() == b"one"
    assert [each.name for each in tmp_path.iterdir()] == ["file.json"]


def test_what_broke_off_is_told_from_what_is_being_written(tmp_path):
    for name, age_s in (("b.part", 7200), (".a.tile.0.part", 3 * PART_AGE_S), ("young.part", 60), ("old.tile", 7200)):
        (tmp_path / name).write_bytes(b"half")
        then = time.time() - age_s
        os.utime(tmp_path / name, (then, then))
    found = broken_writes(tmp_path)
    assert [path.name for path, _ in found] == [".a.tile.0.part", "b.part"]
    assert [age_s for _, age_s in found] == pytest.approx([10800, 7200], abs=60)
    assert broken_writes(tmp_path / "absent") == []


def test_what_another_process_clears_away_meanwhile_is_no_rest(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "glob", lambda folder, _: iter([folder / "gone.part"]))
    assert broken_writes(tmp_path) == []
