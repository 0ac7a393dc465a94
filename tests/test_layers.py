"""The shape of the package: imports follow the layers, and importing tesserae stays light."""

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT_DIR = Path(__file__).resolve().parent.parent
LINT_IMPORTS = "import sys, importlinter.cli as cli; sys.exit(cli.lint_imports_command())"
MODULES = (
    "__init__",
    "errors",
    "settings",
    "photo",
    "results",
    "finder",
    "grid",
    "segment",
    "tilecache",
    "store",
    "jobs",
    "correcting",
    "cli",
    "ui",
)
HEAVY = ("torch", "torchvision", "sam2", "streamlit")


def _lint_imports(folder):
    return subprocess.run(
        [sys.executable, "-c", LINT_IMPORTS, "--no-logo", "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_imports_follow_the_layers():
    outcome = _lint_imports(PROJECT_DIR)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("errors", "import tesserae.settings", None),
        ("errors", "from tesserae import photo", "Imports point downward through the layers"),
        ("photo", "from tesserae import segment", "Imports point downward through the layers"),
        ("photo", "from tesserae import results", "Imports point downward through the layers"),
        ("segment", "from tesserae import cli", "Imports point downward through the layers"),
        ("segment", "from tesserae import photo", None),
        ("stray", "import math", "Imports point downward through the layers"),
        ("cli", "import streamlit", "Streamlit stays in tesserae.ui"),
        ("ui", "import streamlit", None),
        ("segment", "from sam2.build_sam import build_sam2", "Only architecture, predictor and grid know sam2"),
        ("grid", "from sam2.build_sam import build_sam2", None),
        ("photo", "import torch.nn", "Layers 0 to 2 do without torch"),
        ("results", "def f():\n    import torch", "Layers 0 to 2 do without torch"),
        ("finder", "import torch", None),
        ("tilecache", "import torch", None),
        ("tilecache", "from tesserae import photo", None),
        ("tilecache", "from tesserae import jobs", "Imports point downward through the layers"),
        ("store", "import torch", "Layers 0 to 2 do without torch"),
        ("store", "import sqlalchemy", None),
        ("store", "from tesserae import photo", None),
        ("store", "from tesserae import segment", "Imports point downward through the layers"),
        ("store", "from tesserae import jobs", "Imports point downward through the layers"),
        ("correcting", "from tesserae import store", None),
        ("correcting", "from tesserae import ui", "Imports point downward through the layers"),
        ("store", "from tesserae import correcting", "Imports point downward through the layers"),
        ("jobs", "from tesserae import store, tilecache", None),
        ("jobs", "import torch", "Layers 0 to 2 do without torch"),
        ("jobs", "import sqlalchemy", "Only tesserae.store knows sqlalchemy and alembic"),
        ("jobs", "from tesserae import ui", "Imports point downward through the layers"),
        ("ui", "from tesserae import jobs", None),
    ],
    ids=lambda value: value.replace("\n", " ") if value else "kept",
)
def test_the_contracts_catch_what_they_should(module, line, contract, tmp_path):
    package = tmp_path / "tesserae"
    package.mkdir()
    for name in MODULES:
        (package / f"{name}.py").touch()
    (package / f"{module}.py").write_text(line + "\n", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_bytes((PROJECT_DIR / "pyproject.toml").read_bytes())
    outcome = _lint_imports(tmp_path)
    broken = [row for row in outcome.stdout.splitlines() if row.endswith("BROKEN")]
    assert broken == ([f"{contract} BROKEN"] if contract else []), outcome.stdout + outcome.stderr
    assert outcome.returncode == (1 if contract else 0), outcome.stdout + outcome.stderr


def test_importing_tesserae_loads_nothing_heavy():
    code = f"import sys, tesserae; print([name for name in {HEAVY} if name in sys.modules])"
    outcome = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    assert outcome.stdout.strip() == "[]"


def test_the_worker_and_its_queue_load_no_model():
    code = f"import sys, tesserae.jobs.worker; print([name for name in {HEAVY} if name in sys.modules])"
    outcome = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    assert outcome.stdout.strip() == "[]"
