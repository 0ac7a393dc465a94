"""The cache gives back what was written, forgets the least recently used, and takes damage for absence."""

import os
import time
from pathlib import Path

import pytest
import torch

from tesserae.tilecache import TileCache


@pytest.fixture
def cache(tmp_path):
    return TileCache(tmp_path / "embeddings", cap_bytes=1_000_000)


def entry(value=1.0, numbers=10):
    return {"tokens": torch.full((numbers,), value, dtype=torch.bfloat16), "labels": torch.arange(6, dtype=torch.int32).view(2, 3)}


def only_file(cache):
    (path,) = cache.folder.iterdir()
    return path


@pytest.mark.parametrize("pack", [False, True])
def test_an_entry_reads_back_equal(cache, pack):
    cache.write("photo tile 1", entry(0.3), pack=pack)
    found = TileCache(cache.folder, 1_000_000).read("photo tile 1")
    assert set(found) == {"tokens", "labels"}
    for name, value in entry(0.3).items():
        assert found[name].dtype == value.dtype
        assert torch.equal(found[name], value)


def test_what_was_not_written_is_missing(cache):
    assert cache.read("photo tile 1") is None
    cache.write("photo tile 1", entry())
    assert cache.read("photo tile 2") is None


def test_writing_again_replaces(cache):
    cache.write("a", entry(1.0))
    cache.write("a", entry(2.0))
    assert float(cache.read("a")["tokens"][0]) == 2.0
    assert len(list(cache.folder.iterdir())) == 1


def test_packing_makes_label_maps_small(cache):
    labels = {"labels": torch.zeros((200, 200), dtype=torch.int32)}
    cache.write("a", labels, pack=True)
    assert only_file(cache).stat().st_size < 2000


@pytest.mark.parametrize(
    "damage",
    [lambda content: content[:-5], lambda content: content[:40] + b"\xff" + content[41:], lambda content: b"", lambda content: content[:6]],
    ids=["cut short", "a byte changed", "empty", "no more than a head"],
)
def test_a_damaged_entry_is_missing_and_goes(cache, damage, caplog):
    cache.write("a", entry())
    path = only_file(cache)
    path.write_bytes(damage(path.read_bytes()))
    assert cache.read("a") is None
    assert not path.exists()
    assert "computed again" in caplog.text


def test_an_entry_of_another_version_is_missing(cache):
    import zlib

    cache.write("a", entry())
    for body in (b"znot deflate", b".no tensors", b"?unknown"):
        only_file(cache).write_bytes(zlib.crc32(body).to_bytes(4, "little") + body)
        assert cache.read("a") is None
        cache.write("a", entry())


def test_the_least_recently_used_goes_first(tmp_path):
    one = 2 * 1000 + 200
    cache = TileCache(tmp_path, cap_bytes=4 * one)
    for age, key in enumerate(("a", "b", "c")):
        cache.write(key, entry(numbers=1000))
        os.utime(cache._path(key), ns=(age, age))
    assert cache.read("a") is not None  # used: now the youngest
    cache.write("d", entry(numbers=1000))
    cache.write("e", entry(numbers=1000))
    assert [key for key in "abcde" if cache.read(key) is not None] == ["a", "d", "e"]
    assert cache.size_bytes() <= cache.cap_bytes


def test_an_entry_above_the_cap_does_not_stay(tmp_path):
    cache = TileCache(tmp_path, cap_bytes=100)
    cache.write("a", entry(numbers=1000))
    assert cache.read("a") is None
    assert cache.size_bytes() == 0


def test_entries_of_other_processes_count(tmp_path):
    first, second = TileCache(tmp_path, 5000), TileCache(tmp_path, 5000)
    first.write("a", entry(numbers=1000))
    second.write("b", entry(numbers=1000))
    first.write("c", entry(numbers=1000))
    second.write("d", entry(numbers=1000))
    assert first.size_bytes() <= 5000


def test_clearing_drops_all(cache):
    cache.write("a", entry())
    cache.clear()
    assert (cache.read("a"), cache.size_bytes()) == (None, 0)


def test_rests_of_killed_workers_go_with_the_first_write_once_they_are_old(cache):
    cache.folder.mkdir()
    for name, age_s in (("old.part", 7200), ("young.part", 60)):
        (cache.folder / name).write_bytes(b"half")
        os.utime(cache.folder / name, (time.time() - age_s, time.time() - age_s))
    cache.write("a", entry())
    assert sorted(path.suffix for path in cache.folder.iterdir()) == [".part", ".tile"]
    assert (cache.folder / "young.part").exists()


@pytest.mark.parametrize("step", ["unlink", "utime"])
def test_a_file_that_the_system_holds_on_to_is_no_reason_to_stop(step, tmp_path, monkeypatch):
    def refuse(*_arguments, **_named):
        raise PermissionError(13, "Permission denied")

    cache = TileCache(tmp_path, cap_bytes=3000)
    cache.write("a", entry(numbers=1000))
    with monkeypatch.context() as held:
        held.setattr(os if step == "utime" else Path, step, refuse)
        assert cache.read("a") is not None
        cache.write("b", entry(numbers=1000))
        cache.write("c", entry(numbers=1000))
        assert cache.read("c") is not None
    cache.write("d", entry(numbers=1000))
    assert cache.size_bytes() <= cache.cap_bytes


def test_a_folder_that_cannot_be_written_is_no_reason_to_stop(tmp_path, caplog):
    (tmp_path / "taken").write_text("a file where the folder should be")
    cache = TileCache(tmp_path / "taken", 1000)
    cache.write("a", entry())
    assert cache.read("a") is None
    assert "goes on without it" in caplog.text
