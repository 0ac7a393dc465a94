"""What several test files share: small mosaics, a segmentation without a model, and the page's entry."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

PROJECT_DIR = Path(__file__).resolve().parent.parent

# How long a test waits for what takes seconds on a machine with nothing else to do; a test that passes does not wait longer for it.
PATIENCE_S = 240.0

# Tests run side by side: threads of their own, here and in the programs that they start, would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Programs that tests start would compile the whole project anew, each of them.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Files that one process runs one after the other, for they share what takes long to start, or disturb each other; the longest come first,
# so that none is left over at the end. Any other file is a group of its own, run by one process too.
GROUPS = {
    "browser with worker": ("test_browser", "test_compare_browser"),
    "browser": ("test_correct_browser", "test_viewer_browser", "test_collection_browser"),
    "worker": ("test_jobs_worker", "test_jobs_engine"),
    "learning": ("test_learn_browser", "test_jobs_finetune"),
    "segment": ("test_segment",),
    "database": ("test_store_", "test_correcting", "test_correct_actions"),
}


def pytest_collection_modifyitems(items):
    """Put the groups named above to the front."""
    order = list(GROUPS)
    items.sort(key=lambda item: order.index(group) if (group := group_of(item.path.stem)) in GROUPS else len(order))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Hand out whole groups; pytest-xdist's own way, by marks, has no effect with pytest 9.2."""
    from xdist.scheduler import LoadScopeScheduling

    class GroupScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return group_of(Path(nodeid.partition("::")[0]).stem)

    return GroupScheduling(config, log)


def group_of(stem):
    return next((group for group, starts in GROUPS.items() if stem.startswith(starts)), stem)


# Three tesserae in 40 x 60 pixels; numbers need not follow each other.
BOXES_XYXY = {1: (2, 3, 12, 13), 2: (20, 5, 36, 21), 7: (40, 25, 50, 35)}


def three_tesserae(shape=(40, 60)):
    labels = np.zeros(shape, np.int32)
    for label, (x0, y0, x1, y1) in BOXES_XYXY.items():
        labels[y0:y1, x0:x1] = label
    return labels


@dataclass
class FakeModel:
    """Stands in for `segment_photo`: notes how it was called, and answers with three tesserae, or raises."""

    calls: list = field(default_factory=list)
    warnings: tuple = ()
    error: BaseException | None = None

    def __call__(self, image, checkpoint, options, *, device="auto", threads=None, progress=None, memory=None):
        from tesserae.segment import Segmentation

        self.calls.append((image.shape, checkpoint.name, options, device, threads))
        if progress is not None:
            progress(0.5, "segment")
        if self.error is not None:
            raise self.error
        return Segmentation(
            labels=three_tesserae(image.shape[:2]),
            predicted_iou={1: 0.9, 2: 0.81234567},
            stability={1: 0.95},
            checkpoint=checkpoint.name,
            prompts=options.prompts,
            decode="window",
            decode_agreement=0.97,
            device="cpu",
            dtype="float32",
            median_side_px=10.0,
            stages_s={"load": 0.5, "find": 0.25, "embed": 0.125, "decode": 1.0, "paint": 0.0625},
            warnings=self.warnings,
        )


@pytest.fixture
def fake_model(monkeypatch):
    """A model that needs no weights, behind the page and the command line."""
    fake = FakeModel()
    monkeypatch.setattr("tesserae.service.segment_photo", fake)
    return fake


@pytest.fixture
def weights_dir(tmp_path, monkeypatch):
    """A weights folder of the test's own, empty, in force through the environment."""
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setenv("TESSERAE_WEIGHTS", str(folder))
    return folder


def save_grey(path, size=(60, 40), level=128):
    """Save a plain grey photo of `size` (W, H) and return its path."""
    Image.new("RGB", size, (level, level, level)).save(path)
    return path


def save_mosaic(path, seed, size_px, side_px=24.0):
    """Save a synthetic mosaic of `size_px` pixels a side and return its path."""
    from tesserae.synthetic import render_mosaic

    Image.fromarray(render_mosaic(seed, size_px, side_px).image).save(path)
    return path


@pytest.fixture(scope="session")
def mosaic_png(tmp_path_factory):
    """A synthetic mosaic of 160 x 160 pixels as a file, with the number of its tesserae."""
    from tesserae.synthetic import render_mosaic

    mosaic = render_mosaic(31, 160, 20.0)
    path = tmp_path_factory.mktemp("mosaic") / "mosaic.png"
    Image.fromarray(mosaic.image).save(path)
    return path, int(mosaic.labels.max())
