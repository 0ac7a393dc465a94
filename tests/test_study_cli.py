"""The command `study`: what it makes of its options, its report, and one study with real models at the smallest size."""

import pytest
from conftest import PROJECT_DIR
from dataset_examples import write_folder
from study_examples import finding, material

from tesserae.cli import main
from tesserae.errors import DownloadError
from tesserae.study import hub, running
from tesserae.study import material as material_module


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TESSERAE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TESSERAE_WEIGHTS", str(PROJECT_DIR / "weights"))
    return tmp_path / "home"


@pytest.fixture
def ran(monkeypatch):
    """In place of running: holds the variants with their material."""
    calls = []

    def run_variant(workshop, variant, mosaics, report):
        calls.append((variant, mosaics))
        return finding(variant.name)

    monkeypatch.setattr(running, "run_variant", run_variant)
    return calls


def test_a_study_on_synthetic_mosaics_writes_its_report(home, ran, tmp_path, monkeypatch, capsys):
    asked = []

    def render(folder, *rest):
        asked.append((folder, *rest[:-1]))
        return material(tmp_path)

    monkeypatch.setattr(material_module, "render_material", render)
    assert main(["study", "domain", "--mosaics", "2", "--unseen", "3", "--size", "200", "--epochs", "5", "--device", "cpu"]) == 0
    assert asked == [(home / "study" / "mosaics", 2, 3, 200, "verde")]
    assert [variant.name for variant, _ in ran] == ["before", "default, 1", "default, 2", "paper, 1", "paper, 2"]
    assert {variant.recipe.epochs for variant, _ in ran[1:]} == {5}
    out = capsys.readouterr().out
    assert "| default, 2 | 85.0" in out
    assert (home / "study" / "domain" / "report.html").is_file()
    assert "# Study: domain" in (home / "study" / "domain" / "report.md").read_text()


def test_a_study_without_training_renders_nothing_to_learn_from(home, ran, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(material_module, "render_material", lambda *given: asked.append(given) or material(tmp_path))
    assert main(["study", "baseline"]) == 0
    assert asked[0][1:3] == (0, 8)


def test_a_folder_is_learned_from_as_far_as_its_test_side_allows(home, ran, tmp_path):
    assert main(["study", "learning", "--data", str(write_folder(tmp_path / "data", range(5)))]) == 0
    assert [variant.mosaics for variant, _ in ran] == [None, 1, 2, 4, 1, 2, 4]
    assert {len(mosaics.unseen) for _, mosaics in ran} == {1}


def test_the_papers_data_set_is_fetched_by_its_name(home, ran, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TESSERAE_HUB_URL", "http://mirror")
    asked = []

    def fetch(repository, folder, hub_url, report):
        asked.append((repository, hub_url))
        write_folder(folder, range(5))

    monkeypatch.setattr(hub, "fetch_dataset", fetch)
    assert main(["study", "paper", "--data", "mosaics-images"]) == 0
    assert asked == [("ckapelonis02/mosaics-images", "http://mirror")]
    assert "Beside the published figures" in (home / "study" / "paper" / "report.md").read_text()

    def refuse(*_given):
        raise DownloadError("No network. By hand: open it.")

    monkeypatch.setattr(hub, "fetch_dataset", refuse)
    assert main(["study", "paper", "--data", "mosaics-images"]) == 2
    assert "By hand" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "Expected one of the studies"),
        (["paper", "--base", "sam2_hiera_large"], "checkpoints fetch sam2_hiera_large"),
        (["baseline", "--data", "nowhere"], "Expected a folder nowhere"),
    ],
    ids=["study", "base", "folder"],
)
def test_what_cannot_be_done_is_told(home, arguments, message, capsys):
    assert main(["study", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_a_study_with_real_models_learns_judges_and_goes_on(home, capsys):
    arguments = ["study", "domain", "--mosaics", "1", "--unseen", "1", "--size", "160", "--epochs", "1", "--device", "cpu"]
    assert main(arguments) == 0
    first = capsys.readouterr().out
    assert "| before |" in first
    assert "| paper, 1 |" in first
    report = (home / "study" / "domain" / "report.md").read_text()
    assert "Trained on 1 mosaic" in report
    assert not (home / "active.json").exists()
    findings = {path: path.stat().st_mtime_ns for path in (home / "study" / "domain" / "findings").iterdir()}
    assert len(findings) == 3
    assert main(arguments) == 0
    assert capsys.readouterr().out == first
    assert {path: path.stat().st_mtime_ns for path in findings} == findings
