"""What the doctor says of each thing it looks at."""

import os
from collections import namedtuple

import pytest
from store_examples import add_grey, png_bytes, sha256

from tesserae import doctor
from tesserae.doctor import examine_collection, examine_machine, repair_collection, total_memory_bytes
from tesserae.settings import Settings
from tesserae.store import open_store

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
    monkeypatch.setattr(doctor.torch.cuda, "is_available", lambda: False)  # nothing is computed on it
    monkeypatch.setattr(doctor.torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(doctor.torch.cuda, "get_device_name", lambda index: f"Card {index}")
    assert finding("Graphics card")[0].text.startswith("Card 0")


def test_a_model_without_a_record_is_to_be_looked_at(weights_dir):
    (weights_dir / "mine.pt").touch()
    texts = [each.text for each in finding("Model") if each.missing]
    assert any("mine.pt has no record" in text for text in texts)


# --- The collection ---------------------------------------------------------------------------------------------------


@pytest.fixture
def collection(tmp_path):
    """Settings of a collection with one photo in order, one lost, and a file that belongs to none."""
    settings = Settings(home=tmp_path / "home", database_url=None)
    with open_store(settings) as store:
        add_grey(store, 1)
        lost = add_grey(store, 2, "lost.png")
        (store.home / lost.file).unlink()
        (store.home / "photos" / f"{sha256(png_bytes(3))}.png").write_bytes(png_bytes(3))
    return settings


def told(findings):
    return [(each.topic, each.missing) for each in findings]


@pytest.mark.parametrize("visit", [examine_collection, repair_collection])
def test_a_collection_that_is_not_there_yet_is_no_fault_and_is_not_made(visit, tmp_path):
    (finding,) = visit(Settings(home=tmp_path / "home", database_url=None))
    assert finding == doctor.Finding("Collection", f"Nothing is stored in {tmp_path / 'home'} yet.")
    assert list(tmp_path.iterdir()) == []


def test_a_collection_in_order_is_counted(tmp_path):
    settings = Settings(home=tmp_path / "home", database_url=None)
    with open_store(settings) as store:
        add_grey(store)
    (finding,) = examine_collection(settings)
    assert finding == doctor.Finding("Collection", f"1 photo in {settings.home}.")


def test_strays_are_listed_and_left_alone_until_a_repair_is_asked_for(collection):
    findings = examine_collection(collection)
    assert told(findings) == [("Collection", False), ("Collection", True), ("Collection", True), ("Collection", False)]
    assert findings[0].text.startswith("2 photos in")
    assert "belongs to no record" in findings[1].text
    assert "“lost.png”, is missing" in findings[2].text
    assert findings[3].text.endswith("python -m tesserae doctor --repair.")
    assert examine_collection(collection) == findings


def test_a_repair_says_what_it_did_and_what_is_left_to_people(collection):
    findings = repair_collection(collection)
    assert told(findings) == [("Collection", False), ("Repair", False), ("Collection", True)]
    assert "was moved to" in findings[1].text
    assert "Put it back from a backup" in findings[2].text
    assert told(examine_collection(collection)) == [("Collection", False), ("Collection", True)]


def test_photos_without_their_database_are_not_taken_for_strays(collection):
    (collection.home / "tesserae.db").unlink()
    (finding,) = repair_collection(collection)
    assert finding.missing
    assert "found none: put it back from a backup" in finding.text
    assert len(list((collection.home / "photos").iterdir())) == 2


def test_a_database_that_cannot_be_opened_is_told(tmp_path):
    (finding,) = examine_collection(Settings(home=tmp_path, database_url="nonsense"))
    assert finding.missing
    assert "TESSERAE_DATABASE_URL" in finding.text
