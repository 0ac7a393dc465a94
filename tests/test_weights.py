"""Files become models, and models files with a record, in a weights folder of the test's own."""

import errno
import pickle
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
import torch
from checkpoint_examples import BASE_URL, find, save_finetuned
from store_examples import sha256

from tesserae import weights
from tesserae.architecture import build_model, read_checkpoint_file
from tesserae.checkpoints import EMBEDDED_NAME, verify_checkpoint
from tesserae.errors import CheckpointError
from tesserae.weights import import_checkpoint, load_model


@pytest.fixture(scope="module")
def mini_weights() -> dict[str, torch.Tensor]:
    return build_model(EMBEDDED_NAME).state_dict()


# reading files

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(3)}


@pytest.mark.parametrize(
    ("contents", "parts"),
    [
        pytest.param({"model": TENSORS}, {"model"}, id="published"),
        pytest.param(TENSORS, {"model"}, id="bare"),
        pytest.param({"model": TENSORS, "finder": TENSORS}, {"model", "finder"}, id="with finder"),
        pytest.param({"model": TENSORS, "epoch": 3, "losses": [1.0]}, {"model"}, id="with other things"),
    ],
)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_state_dicts_are_read(tmp_path, contents, parts, zipped):
    torch.save(contents, tmp_path / "file.pt", _use_new_zipfile_serialization=zipped)
    read = read_checkpoint_file(tmp_path / "file.pt")
    assert set(read) == parts
    assert all(torch.equal(read[part][name], TENSORS[name]) for part in parts for name in TENSORS)


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        pytest.param([1, 2], "found a list", id="list"),
        pytest.param({}, "found a dict", id="empty"),
        pytest.param({"weights": TENSORS, "epoch": 3}, "found the entries weights, epoch", id="another name"),
        pytest.param({"model": {"a": 1}}, "found the entries model", id="no tensors"),
        pytest.param({"model": {}}, "found the entries model", id="empty model"),
        pytest.param(torch.zeros(3), "found a Tensor", id="tensor"),
    ],
)
def test_other_contents_are_refused(tmp_path, contents, words):
    torch.save(contents, tmp_path / "file.pt")
    with pytest.raises(CheckpointError, match=f"holds no SAM 2 weights.*{words}"):
        read_checkpoint_file(tmp_path / "file.pt")


class Intruder:
    """Leaves a file behind if anybody unpickles it."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return Path.touch, (self.mark,)


def write_object_in_zip(path: Path) -> None:
    torch.save({"model": TENSORS, "x": Intruder(path.parent / "mark")}, path)


def write_object_in_legacy_file(path: Path) -> None:
    torch.save(Intruder(path.parent / "mark"), path, _use_new_zipfile_serialization=False)


def write_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps(Intruder(path.parent / "mark")))


def write_zip_with_other_things(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "no weights")


@pytest.mark.parametrize(
    ("write", "words"),
    [
        pytest.param(write_object_in_zip, "could run code", id="object in a zip"),
        pytest.param(write_object_in_legacy_file, "could run code", id="object in a legacy file"),
        pytest.param(write_pickle, "a Python pickle", id="pickle"),
        pytest.param(lambda path: torch.save(torch.nn.Linear(2, 2), path), "could run code", id="whole module"),
        pytest.param(lambda path: path.write_text("<html>log in</html>"), "found something else", id="web page"),
        pytest.param(lambda path: path.write_bytes(b""), "found something else", id="empty"),
        pytest.param(write_zip_with_other_things, "is damaged", id="another zip"),
        pytest.param(lambda path: path.mkdir(), "cannot be read", id="folder"),
        pytest.param(lambda path: None, "cannot be read", id="missing"),
    ],
)
def test_other_files_are_refused_and_run_nothing(tmp_path, write, words):
    write(tmp_path / "file.pt")
    with pytest.raises(CheckpointError, match=words):
        read_checkpoint_file(tmp_path / "file.pt")
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize(("zipped", "words"), [(True, "cut short.*only the first"), (False, "is damaged")], ids=["zip", "legacy"])
def test_a_truncated_file_is_refused(tmp_path, zipped, words):
    path = tmp_path / "file.pt"
    torch.save({"model": {"a": torch.zeros(1000)}}, path, _use_new_zipfile_serialization=zipped)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(CheckpointError, match=words):
        read_checkpoint_file(path)


# loading


@pytest.mark.parametrize("bare", [False, True], ids=["published", "bare"])
def test_the_embedded_checkpoint_becomes_a_model(weights_dir, mini_weights, bare):
    contents = mini_weights if bare else {"model": mini_weights, "finder": TENSORS}
    torch.save(contents, weights_dir / "tesserae_mini.pt")
    random_state = torch.get_rng_state()
    model = load_model(find(EMBEDDED_NAME, weights_dir))
    assert all(torch.equal(value, mini_weights[name]) for name, value in model.state_dict().items())
    assert not model.training
    assert torch.equal(torch.get_rng_state(), random_state)


@pytest.mark.parametrize(
    "name",
    [
        "sam2_hiera_tiny",
        "sam2.1_hiera_tiny",
        pytest.param("sam2_hiera_small", marks=pytest.mark.slow),
        pytest.param("sam2.1_hiera_small", marks=pytest.mark.slow),
        pytest.param("sam2_hiera_base_plus", marks=pytest.mark.slow),
        pytest.param("sam2_hiera_large", marks=pytest.mark.slow),
        pytest.param("sam2.1_hiera_base_plus", marks=pytest.mark.slow),
        pytest.param("sam2.1_hiera_large", marks=pytest.mark.slow),
    ],
)
def test_each_official_architecture_goes_through_the_registry(weights_dir, name):
    checkpoint = find(name, weights_dir)
    weights = build_model(checkpoint.config).state_dict()
    torch.save({"model": weights}, checkpoint.path)
    try:
        # The published files hold the same tensors; only the archive's own entries may make a difference.
        assert checkpoint.path.stat().st_size == pytest.approx(checkpoint.size_bytes, rel=5e-4)
        loaded = load_model(checkpoint).state_dict()
        assert loaded.keys() == weights.keys()
        assert all(torch.equal(loaded[entry], weights[entry]) for entry in weights)
    finally:
        checkpoint.path.unlink()  # up to 898 MB, and pytest keeps the folders of three runs


def test_an_official_checkpoint_that_is_not_there_says_how_to_get_it(weights_dir):
    with pytest.raises(CheckpointError) as caught:
        load_model(find("sam2_hiera_large", weights_dir))
    text = str(caught.value)
    assert "897,952,466 bytes (898 MB)" in text
    assert "python -m tesserae checkpoints fetch sam2_hiera_large" in text
    assert f"download {BASE_URL}/072824/sam2_hiera_large.pt on another machine" in text
    assert f"copy the file to {weights_dir / 'sam2_hiera_large.pt'}" in text


def test_the_embedded_checkpoint_that_is_not_there(weights_dir):
    with pytest.raises(CheckpointError, match=r"expected the file .*tesserae_mini\.pt\. Restore it from the program's own"):
        load_model(find(EMBEDDED_NAME, weights_dir))


def test_a_fine_tuned_checkpoint_that_went_away(weights_dir):
    path = save_finetuned(weights_dir, "ravenna", {})
    checkpoint = find("ravenna", weights_dir)
    path.unlink()
    with pytest.raises(CheckpointError, match="Restore it from a backup"):
        load_model(checkpoint)


def test_weights_that_do_not_fit_name_file_and_config(weights_dir, mini_weights):
    weights = dict(mini_weights)
    del weights["no_mem_embed"]
    path = save_finetuned(weights_dir, "ravenna", weights)
    with pytest.raises(CheckpointError, match=rf"{path} cannot be used with the config tesserae_mini.*1 entry is missing"):
        load_model(find("ravenna", weights_dir))


# importing


@pytest.mark.parametrize("bare", [False, True], ids=["published", "bare"])
def test_an_imported_file_is_listed_sound_and_loadable(tmp_path, weights_dir, mini_weights, bare):
    source = tmp_path / "my weights.v2.pth"
    torch.save(mini_weights if bare else {"model": mini_weights}, source)
    imported = import_checkpoint(source, "tesserae_mini", weights_dir, "ravenna")
    assert find("ravenna", weights_dir) == imported
    assert imported.kind == "finetuned"
    assert verify_checkpoint(imported).ok
    assert set(read_checkpoint_file(imported.path)) == {"model"}
    assert torch.equal(load_model(imported).no_mem_embed, mini_weights["no_mem_embed"])
    record = dict(imported.record)
    assert datetime.fromisoformat(record.pop("date")).tzinfo is not None
    assert record == {
        "name": "ravenna",
        "config": "tesserae_mini",
        "source_file": "my weights.v2.pth",
        "source_sha256": sha256(source.read_bytes()),
        "parent": None,
        "sha256": sha256(imported.path.read_bytes()),
        "size_bytes": imported.path.stat().st_size,
    }
    assert sorted(path.name for path in weights_dir.iterdir()) == ["ravenna.json", "ravenna.pt"]


def test_an_imported_file_takes_its_own_name_and_makes_the_folder(tmp_path, mini_weights):
    torch.save(mini_weights, tmp_path / "SAM2-mosaic.pt")
    imported = import_checkpoint(tmp_path / "SAM2-mosaic.pt", "tesserae_mini", tmp_path / "new" / "weights")
    assert imported.path == tmp_path / "new" / "weights" / "SAM2-mosaic.pt"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "cannot be the name"),
        ("../outside", "cannot be the name"),
        (".hidden", "cannot be the name"),
        ("two words", "cannot be the name"),
        (EMBEDDED_NAME, "belongs to a checkpoint that the program knows"),
        ("sam2_hiera_large", "belongs to a checkpoint that the program knows"),
        ("taken", "taken.pt is there already"),
        ("recorded", "recorded.json is there already"),
    ],
)
def test_names_that_an_import_may_not_take(tmp_path, weights_dir, name, words):
    (weights_dir / "taken.pt").write_bytes(b"kept")
    (weights_dir / "recorded.json").write_bytes(b"kept")
    with pytest.raises(CheckpointError, match=words):
        import_checkpoint(tmp_path / "never read.pt", "tesserae_mini", weights_dir, name)
    assert (weights_dir / "taken.pt").read_bytes() == (weights_dir / "recorded.json").read_bytes() == b"kept"


def test_an_import_with_an_unknown_config_lists_the_choices(tmp_path, weights_dir):
    with pytest.raises(CheckpointError, match=r"'huge' is unknown.*sam2\.1-large"):
        import_checkpoint(tmp_path / "never read.pt", "huge", weights_dir)


def test_an_import_that_does_not_fit_leaves_nothing(tmp_path, weights_dir):
    torch.save(TENSORS, tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match=r"other\.pt cannot be used with the config tesserae_mini.*not a SAM 2"):
        import_checkpoint(tmp_path / "other.pt", "tesserae_mini", weights_dir)
    assert list(weights_dir.iterdir()) == []


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("file write failed")])
def test_a_full_disk_during_an_import_leaves_nothing(tmp_path, weights_dir, mini_weights, monkeypatch, error):
    torch.save(mini_weights, tmp_path / "mine.pt")

    def fill(_contents: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise error

    monkeypatch.setattr(weights.torch, "save", fill)
    with pytest.raises(CheckpointError, match=r"could not be written.*Make room"):
        import_checkpoint(tmp_path / "mine.pt", "tesserae_mini", weights_dir)
    assert list(weights_dir.iterdir()) == []
