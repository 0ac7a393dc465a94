"""The dataset on the command line: listed, written, taken over."""

import pytest
from dataset_examples import approved_mosaic, write_folder

from tesserae.cli import main
from tesserae.settings import Settings
from tesserae.store import open_store


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TESSERAE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TESSERAE_DATABASE_URL", raising=False)
    return tmp_path / "home"


def run(capsys, *arguments):
    status = main(["dataset", *map(str, arguments)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_export_and_import_and_list(home, capsys, tmp_path):
    with open_store(Settings()) as store:
        for seed in range(3):
            approved_mosaic(store, seed)
    status, out, _ = run(capsys, "list")
    assert (status, out.count("48 tesserae  whole"), out.count("validation")) == (0, 3, 1)
    assert "96 tesserae to learn from, 48 to check on, 0 to test on." in out
    for target in ("set.zip", "masks", "coco"):
        layout = ("--layout", "coco") if target == "coco" else ()
        status, out, _ = run(capsys, "export", tmp_path / target, *layout)
        assert (status, out) == (0, f"The dataset is written: {tmp_path / target}\n")
    assert (tmp_path / "masks" / "masks" / "wall0.png").is_file()
    assert (tmp_path / "coco" / "annotations.json").is_file()
    status, out, _ = run(capsys, "import", tmp_path / "set.zip")
    assert (status, out[:23]) == (0, "Nothing was taken over:")


def test_a_folder_is_imported_under_a_name(home, capsys, tmp_path):
    folder = write_folder(tmp_path / "set", [0])
    status, out, _ = run(capsys, "import", folder, "--author", "Anna")
    assert (status, out) == (0, "1 photo was taken into the dataset.\n")
    status, out, _ = run(capsys, "list")
    assert "train" in out
    assert "2 more mosaics and the model can be judged on one that it has not seen." in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["export", "set.zip"], "Expected approved tesserae to export, found none", id="nothing-approved"),
        pytest.param(["export", "set.zip", "--layout", "coco"], "--layout coco writes a folder, found set.zip", id="zip-as-coco"),
        pytest.param(["export", "set", "--layout", "zip"], "--layout zip writes a file that ends in .zip, found set", id="folder-as-zip"),
        pytest.param(["import", "nowhere"], "Expected a dataset at nowhere", id="nowhere"),
    ],
)
def test_what_cannot_be_done_is_told(arguments, said, home, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, err = run(capsys, *arguments)
    assert status == 2
    assert said in err


def test_an_empty_dataset_says_what_to_do(home, capsys):
    status, out, _ = run(capsys, "list")
    assert (status, out[:63]) == (0, "Expected approved tesserae to learn from, found none. Open a mo")
