"""The registry: what is listed, found, fetched and verified, in a weights folder of the test's own."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from checkpoint_examples import BASE_URL, find, save_finetuned
from store_examples import sha256

from tesserae import checkpoints
from tesserae.checkpoints import (
    EMBEDDED_NAME,
    OFFICIAL,
    Checkpoint,
    fetch_checkpoint,
    find_checkpoint,
    list_checkpoints,
    list_problems,
    verify_checkpoint,
)
from tesserae.config_names import KNOWN_CONFIGS
from tesserae.errors import CheckpointError, DownloadError

# the list


def test_an_empty_folder_lists_what_could_be_there(tmp_path):
    listed = list_checkpoints(tmp_path / "missing", BASE_URL)
    assert [checkpoint.name for checkpoint in listed] == [
        "tesserae_mini",
        "sam2_hiera_tiny",
        "sam2_hiera_small",
        "sam2_hiera_base_plus",
        "sam2_hiera_large",
        "sam2.1_hiera_tiny",
        "sam2.1_hiera_small",
        "sam2.1_hiera_base_plus",
        "sam2.1_hiera_large",
    ]
    assert [checkpoint.config for checkpoint in listed] == list(KNOWN_CONFIGS)
    assert not any(checkpoint.installed for checkpoint in listed)


@pytest.mark.parametrize(
    ("name", "url", "size_bytes", "sha256_start"),
    [
        ("sam2_hiera_large", f"{BASE_URL}/072824/sam2_hiera_large.pt", 897952466, "7442e4e9"),
        ("sam2.1_hiera_base_plus", f"{BASE_URL}/092824/sam2.1_hiera_base_plus.pt", 323606802, "a2345aed"),
    ],
)
def test_an_official_checkpoint(weights_dir, name, url, size_bytes, sha256_start):
    checkpoint = find_checkpoint(name, weights_dir, BASE_URL + "/")
    assert checkpoint.kind == "official"
    assert checkpoint.path == weights_dir / f"{name}.pt"
    assert checkpoint.url == url
    assert checkpoint.size_bytes == size_bytes
    assert checkpoint.sha256.startswith(sha256_start)


def test_the_published_hashes_are_well_formed_and_differ():
    assert all(len(bytes.fromhex(official.sha256)) == 32 for official in OFFICIAL)
    assert len({official.sha256 for official in OFFICIAL}) == len({official.size_bytes for official in OFFICIAL}) == 8


def test_fine_tuned_files_follow_by_name(weights_dir):
    save_finetuned(weights_dir, "ravenna", {}, config="large", sha256="AB", size_bytes=5, scores={"f1": 0.9})
    save_finetuned(weights_dir, "aquileia", {})
    *_, first, second = list_checkpoints(weights_dir, BASE_URL)
    assert (first.name, second.name) == ("aquileia", "ravenna")
    assert second == Checkpoint(
        name="ravenna",
        kind="finetuned",
        config="configs/sam2/sam2_hiera_l.yaml",
        path=weights_dir / "ravenna.pt",
        url=None,
        size_bytes=5,
        sha256="ab",
        record={"config": "large", "sha256": "AB", "size_bytes": 5, "scores": {"f1": 0.9}},
    )
    assert second.installed
    assert (first.size_bytes, first.sha256) == (None, None)
    assert hash(first) != hash(second)


def test_official_and_embedded_files_are_not_listed_twice(weights_dir):
    for name in (EMBEDDED_NAME, "sam2.1_hiera_tiny"):
        save_finetuned(weights_dir, name, {}, note="here")
    listed = list_checkpoints(weights_dir, BASE_URL)
    assert len(listed) == 9
    assert [checkpoint.name for checkpoint in listed if checkpoint.installed] == [EMBEDDED_NAME, "sam2.1_hiera_tiny"]
    assert listed[0].record["note"] == "here"
    assert list_problems(weights_dir) == []


@pytest.mark.parametrize(
    ("record", "words"),
    [
        pytest.param(None, "has no record: expected odd.json beside it", id="none"),
        pytest.param("{", "cannot be read", id="no JSON"),
        pytest.param("[1]", "found a list", id="a list"),
        pytest.param("{}", "names no config", id="no config"),
        pytest.param('{"config": 3}', "names no config", id="config a number"),
        pytest.param('{"config": "huge"}', "'huge' is unknown", id="unknown config"),
        pytest.param(b"\xff\xfe{", "cannot be read", id="no text"),
    ],
)
def test_a_broken_record_is_reported_and_left_out(weights_dir, caplog, record, words):
    (weights_dir / "odd.pt").write_bytes(b"")
    if record is not None:
        (weights_dir / "odd.json").write_bytes(record if isinstance(record, bytes) else record.encode())
    with caplog.at_level(logging.WARNING):
        assert len(list_checkpoints(weights_dir, BASE_URL)) == 9
    assert words in caplog.text
    (problem,) = list_problems(weights_dir)
    assert words in problem
    with pytest.raises(CheckpointError) as caught:
        find("odd", weights_dir)
    assert words in str(caught.value)


def test_the_embedded_model_works_with_a_broken_record(weights_dir, caplog):
    (weights_dir / "tesserae_mini.json").write_text("{")
    checkpoint = find(EMBEDDED_NAME, weights_dir)
    assert (checkpoint.config, checkpoint.record) == (EMBEDDED_NAME, {})
    assert "tesserae_mini.json cannot be read" in caplog.text


# finding by name


@pytest.mark.parametrize("name", ["sam2_hiera_large", "sam2_hiera_large.pt", " sam2_hiera_large "])
def test_a_name_with_and_without_its_ending(weights_dir, name):
    assert find(name, weights_dir).name == "sam2_hiera_large"


def test_an_unknown_name_says_the_close_and_the_known_ones(weights_dir):
    save_finetuned(weights_dir, "ravenna", {})
    with pytest.raises(CheckpointError, match=r"'ravena'\. Did you mean ravenna\?.*tesserae_mini, sam2_hiera_tiny.*ravenna\."):
        find("ravena", weights_dir)


@pytest.mark.parametrize("name", ["", "../secret", "???"])
def test_a_name_like_no_other_only_says_the_known_ones(weights_dir, name):
    (weights_dir.parent / "secret.pt").write_bytes(b"")
    with pytest.raises(CheckpointError) as caught:
        find(name, weights_dir)
    assert "The known ones are: tesserae_mini" in str(caught.value)
    assert "Did you mean" not in str(caught.value)


# fetching and verifying


def offered(weights_dir: Path, content: bytes) -> Checkpoint:
    """Return an official checkpoint whose published file is `content`."""
    return replace(find("sam2_hiera_tiny", weights_dir), size_bytes=len(content), sha256=sha256(content))


def test_fetching_passes_everything_on(weights_dir, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(checkpoints, "fetch_file", lambda url, target, **options: calls.append((url, options)) or target)
    checkpoint = offered(weights_dir, b"weights")
    assert fetch_checkpoint(checkpoint, partial_dir=tmp_path / "downloads") == checkpoint.path
    ((url, options),) = calls
    assert url == f"{BASE_URL}/072824/sam2_hiera_tiny.pt"
    assert (options["size_bytes"], options["sha256"]) == (7, checkpoint.sha256)
    assert options["partial_dir"] == tmp_path / "downloads"


def test_a_sound_file_is_not_fetched_again(weights_dir, tmp_path):
    checkpoint = offered(weights_dir, b"weights")
    checkpoint.path.write_bytes(b"weights")
    assert fetch_checkpoint(checkpoint, partial_dir=tmp_path / "downloads") == checkpoint.path
    assert not (tmp_path / "downloads").exists()


def test_another_file_in_the_place_is_not_overwritten(weights_dir, tmp_path):
    checkpoint = offered(weights_dir, b"weights")
    checkpoint.path.write_bytes(b"my own")
    with pytest.raises(DownloadError, match=r"expected 7 bytes, found 6 bytes.*away, then fetch again"):
        fetch_checkpoint(checkpoint, partial_dir=tmp_path / "downloads")
    assert checkpoint.path.read_bytes() == b"my own"


def test_only_official_checkpoints_can_be_fetched(weights_dir, tmp_path):
    with pytest.raises(DownloadError, match=r"tesserae_mini is not offered.*sam2\.1_hiera_large"):
        fetch_checkpoint(find(EMBEDDED_NAME, weights_dir), partial_dir=tmp_path)


@pytest.mark.parametrize(
    ("content", "ok", "words"),
    [
        pytest.param(b"weights", True, "sound: 7 bytes, SHA-256 as recorded", id="sound"),
        pytest.param(b"weight!", False, f"expected the SHA-256 {sha256(b'weights')}, found", id="changed"),
        pytest.param(b"weight", False, "expected 7 bytes, found 6 bytes", id="cut short"),
        pytest.param(None, False, "is not installed", id="missing"),
    ],
)
def test_verifying_an_official_file(weights_dir, content, ok, words):
    checkpoint = offered(weights_dir, b"weights")
    if content is not None:
        checkpoint.path.write_bytes(content)
    verification = verify_checkpoint(checkpoint)
    assert (verification.name, verification.ok) == ("sam2_hiera_tiny", ok)
    assert words in verification.message


def test_verifying_a_file_without_a_recorded_hash_reads_it(weights_dir):
    path = save_finetuned(weights_dir, "ravenna", {"a": torch.arange(6.0)})
    verification = verify_checkpoint(find("ravenna", weights_dir))
    assert verification.ok
    assert "no SHA-256 is recorded" in verification.message
    path.write_bytes(path.read_bytes()[:100])
    verification = verify_checkpoint(find("ravenna", weights_dir))
    assert not verification.ok
    assert "cut short" in verification.message
