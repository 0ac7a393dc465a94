"""What the doctor says of each thing it looks at."""

import os
from collections import namedtuple

import pytest

from tesserae import doctor
from tesserae.doctor import examine_machine, total_memory_bytes
from tesserae.settings import Settings

Usage = namedtuple("Usage", "total used free")


def finding(topic, settings=None):
    return [each for each in examine_machine(settings or Settings()) if each.topic == topic]


@pytest.mark.parametrize(
    ("total_bytes", "says", "missing"),
    [
        (16_000_000_000, "16.0 GB.", False),
        (2_000_000_000, "found 2.0 GB", True),
        (None, "does not tell", False),
    ],
    ids=["enough", "too-little", "unknown"],
)
def test_memory(total_bytes, says, missing, weights_dir, monkeypatch):
    monkeypatch.setattr(doctor, "total_memory_bytes", lambda: total_bytes)
    (memory,) = finding("Memory")
    assert says in memory.text
    assert memory.missing == missing


def test_a_system_without_sysconf_does_not_tell_its_memory(monkeypatch):
    monkeypatch.setattr(os, "sysconf_names", {}, raising=False)
    assert total_memory_bytes() is None


@pytest.mark.parametrize(
    ("free_bytes", "writable", "says", "missing"),
    [
        (50_000_000_000, True, "50.0 GB free at", False),
        (200_000_000, True, "found 0.2 GB: make room", True),
        (50_000_000_000, False, "name another folder in TESSERAE_HOME", True),
    ],
    ids=["enough", "full", "locked"],
)
def test_disk(free_bytes, writable, says, missing, weights_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: Usage(0, 0, free_bytes))
    monkeypatch.setattr(doctor.os, "access", lambda folder, mode: writable)
    (disk,) = finding("Disk", Settings(home=tmp_path / "not" / "there" / "yet"))
    assert says in disk.text
    assert str(tmp_path) in disk.text
    assert disk.missing == missing


def test_graphics_cards_are_named(weights_dir, monkeypatch):
    monkeypatch.setattr(doctor.torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(doctor.torch.cuda, "get_device_name", lambda index: f"Card {index}")
    assert finding("Graphics card")[0].text.startswith("Card 0")


def test_a_model_without_a_record_is_to_be_looked_at(weights_dir):
    (weights_dir / "mine.pt").touch()
    texts = [each.text for each in finding("Model") if each.missing]
    assert any("mine.pt has no record" in text for text in texts)
