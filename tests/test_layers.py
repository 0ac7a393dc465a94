"""The shape of the package: imports follow the layers, and importing tesserae stays light."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT_DIR = Path(__file__).resolve().parent.parent
MODULES = (
    "__init__", "errors", "settings", "photo", "results", "finder", "grid", "segment", "tilecache", "store", "dataset", "jobs",
    "correcting", "cli", "ui",
)  # fmt: skip
HEAVY = ("torch", "torchvision", "sam2", "streamlit")


# One process checks folder after folder: starting it takes longer than the checks.
LINT_FOLDERS = """
import contextlib, importlib, io, json, os, sys
from importlinter import cli

for folder in sys.argv[1:]:
    os.chdir(folder)
    sys.path[0] = folder
    importlib.invalidate_caches()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        status = cli.lint_imports(no_logo=True, cache_dir=None, no_cache=True)
    print(json.dumps([status, printed.getvalue()]))
"""


def lint_imports(*folders):
    """Exit status and words of the linter in each folder."""
    outcome = subprocess.run([sys.executable, "-c", LINT_FOLDERS, *folders], cwd=PROJECT_DIR, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    return [json.loads(line) for line in outcome.stdout.splitlines()]


def test_imports_follow_the_layers():
    ((status, said),) = lint_imports(PROJECT_DIR)
    assert status == 0, said


CASES = [
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
    ("dataset", "import torch", "Layers 0 to 2 do without torch"),
    ("jobs", "from tesserae import store, tilecache", None),
    ("jobs", "import torch", "Layers 0 to 2 do without torch"),
    ("jobs", "import sqlalchemy", "Only tesserae.store knows sqlalchemy and alembic"),
    ("jobs", "from tesserae import ui", "Imports point downward through the layers"),
    ("ui", "from tesserae import jobs", None),
]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What the linter says of a package with one line in one module, for each of `CASES`."""
    folders = [write_package(tmp_path_factory.mktemp("case"), module, line) for module, line, _ in CASES]
    return dict(zip([case[:2] for case in CASES], lint_imports(*folders), strict=True))


def write_package(folder, module, line):
    package = folder / "tesserae"
    package.mkdir()
    for name in MODULES:
        (package / f"{name}.py").touch()
    (package / f"{module}.py").write_text(line + "\n", encoding="utf-8")
    (folder / "pyproject.toml").write_bytes((PROJECT_DIR / "pyproject.toml").read_bytes())
    return folder


@pytest.mark.parametrize(("module", "line", "contract"), CASES, ids=lambda value: value.replace("\n", " ") if value else "kept")
def test_the_contracts_catch_what_they_should(module, line, contract, outcomes):
    status, said = outcomes[module, line]
    broken = [row for row in said.splitlines() if row.endswith("BROKEN")]
    assert broken == ([f"{contract} BROKEN"] if contract else []), said
    assert status == (1 if contract else 0), said


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_DIR, env={**os.environ, **environment}, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_the_package_and_the_worker_with_its_queue_load_nothing_heavy():
    told = f"print([name for name in {HEAVY} if name in sys.modules])"
    assert run_python(f"import sys, tesserae; {told}; import tesserae.jobs.worker; {told}").splitlines() == ["[]", "[]"]


OPEN_PAGES = """
import sys
from pathlib import Path
from pkgutil import walk_packages
from page_examples import open_page
import tesserae.ui

modules = [module.name for module in walk_packages(tesserae.ui.__path__, "tesserae.ui.")]
for name in modules:
    __import__(name)
pages = [open_page(path.stem) for path in Path("pages").glob("*.py")]
assert len(modules) > 20 and len(pages) > 3
print([name for name in ("torch", "torchvision", "sam2") if name in sys.modules])
"""


def test_the_pages_open_without_a_model(tmp_path):
    """Loading torch takes seconds and hundreds of megabytes: the web process does so at the first click that needs it."""
    assert run_python(OPEN_PAGES, TESSERAE_HOME=str(tmp_path), PYTHONPATH=str(PROJECT_DIR / "tests")) == "[]"
