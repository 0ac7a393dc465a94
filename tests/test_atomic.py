"""Files that are there complete or not at all."""

from pathlib import Path

import pytest

from tesserae.atomic import write_file


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
