"""The whole path on small synthetic mosaics with the shipped weights."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tesserae.architecture import build_model
from tesserae.checkpoints import Checkpoint, find_checkpoint
from tesserae.clock import STAGES
from tesserae.errors import CheckpointError, DeviceError
from tesserae.evaluation import evaluate
from tesserae.grid import GridSettings
from tesserae.options import SegmentOptions
from tesserae.predictor import Predictor
from tesserae.segment import Segmentation, segment_photo
from tesserae.settings import PROJECT_DIR
from tesserae.synthetic import SyntheticMosaic, render_mosaic
from tesserae.tilecache import PhotoMemory, TileCache
from tesserae.truth import LabelTruth

FAST = SegmentOptions(fast=True)


@pytest.fixture(scope="module")
def embedded() -> Checkpoint:
    return find_checkpoint("tesserae_mini", PROJECT_DIR / "weights", "")


@pytest.fixture(scope="module")
def mosaic() -> SyntheticMosaic:
    """Some forty tesserae: a pass of the encoder takes a quarter of a second, and a run on a larger photo many of them."""
    return render_mosaic(seed=31, size_px=160, side_px=20.0)


@pytest.fixture(scope="module")
def default_run(embedded: Checkpoint, mosaic: SyntheticMosaic) -> Segmentation:
    return segment_photo(mosaic.image, embedded, SegmentOptions())


@pytest.fixture(scope="module")
def fast_run(embedded: Checkpoint, mosaic: SyntheticMosaic) -> Segmentation:
    return segment_photo(mosaic.image, embedded, FAST)


def f1_50(run: Segmentation, mosaic: SyntheticMosaic) -> float:
    instances = evaluate(run.labels, LabelTruth(mosaic.labels)).instances
    assert instances is not None
    return instances.f1_50


def test_default_run_finds_the_tesserae(default_run: Segmentation, mosaic: SyntheticMosaic) -> None:
    assert f1_50(default_run, mosaic) > 0.8
    assert default_run.count == pytest.approx(mosaic.labels.max(), rel=0.12)


def test_fast_run_finds_the_tesserae(fast_run: Segmentation, mosaic: SyntheticMosaic) -> None:
    assert f1_50(fast_run, mosaic) > 0.8
    assert fast_run.decode == "none"
    assert fast_run.predicted_iou == {}


def test_result_describes_itself(default_run: Segmentation, mosaic: SyntheticMosaic) -> None:
    assert default_run.labels.shape == mosaic.image.shape[:2]
    assert default_run.labels.dtype == np.int32
    assert default_run.count == default_run.labels.max() == len(default_run.predicted_iou) == len(default_run.stability)
    assert all(0 <= score <= 1 for scores in (default_run.predicted_iou, default_run.stability) for score in scores.values())
    assert tuple(default_run.stages_s) == STAGES
    assert (default_run.checkpoint, default_run.prompts, default_run.decode) == ("tesserae_mini", "finder", "window")
    assert default_run.decode_agreement is not None
    assert 0 <= default_run.decode_agreement <= 1
    assert default_run.median_side_px == pytest.approx(mosaic.side_px, rel=0.2)
    assert default_run.warnings == ()


@pytest.mark.parametrize("factor", [0.5, 2.0], ids=["half", "twice"])
def test_scale_is_found_again_after_resizing(factor: float, fast_run: Segmentation, embedded: Checkpoint, mosaic: SyntheticMosaic) -> None:
    run = segment_photo(_resized(mosaic.image, round(160 * factor)), embedded, FAST)
    assert run.median_side_px == pytest.approx(factor * fast_run.median_side_px, rel=0.1)
    assert run.count == pytest.approx(fast_run.count, rel=0.1)


def _resized(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    from PIL import Image

    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS))


def test_known_side_needs_no_estimate(embedded: Checkpoint, mosaic: SyntheticMosaic, fast_run: Segmentation) -> None:
    run = segment_photo(mosaic.image, embedded, SegmentOptions(fast=True, tessera_px=fast_run.median_side_px))
    assert run.count == pytest.approx(fast_run.count, rel=0.05)


def test_seams_neither_lose_nor_double_a_tessera(embedded: Checkpoint) -> None:
    mosaic = render_mosaic(seed=24, size_px=430, side_px=13.0)  # four tiles
    options = SegmentOptions(fast=True, tessera_px=mosaic.side_px)
    whole, moved = (segment_photo(image, embedded, options) for image in (mosaic.image, mosaic.image[75:, 85:]))
    inner = np.unique(whole.labels[95:410, 105:410])
    inner_moved = np.unique(moved.labels[20:335, 20:325])
    assert len(inner) > 150
    assert len(inner_moved) == pytest.approx(len(inner), rel=0.02)


GRADIENT = np.tile(np.linspace(0, 255, 150).astype(np.uint8)[None, :, None], (150, 1, 3))


@pytest.mark.parametrize(
    ("image", "fast"),
    [
        (np.full((150, 200, 3), 127, dtype=np.uint8), False),
        (np.zeros((32, 450, 3), dtype=np.uint8), False),
        (GRADIENT, False),
        (GRADIENT, True),
        (np.full((16, 16, 3), 200, dtype=np.uint8), False),
    ],
    ids=["grey card", "black strip", "gradient", "gradient, fast", "speck"],
)
def test_what_is_no_mosaic_gets_a_warning(image: NDArray[np.uint8], fast: bool, embedded: Checkpoint) -> None:
    run = segment_photo(image, embedded, SegmentOptions(fast=fast))
    assert run.labels.shape == image.shape[:2]
    assert any("may not be a photograph of a mosaic" in warning for warning in run.warnings)


def test_too_coarse_a_photo_gets_a_warning(embedded: Checkpoint, mosaic: SyntheticMosaic) -> None:
    run = segment_photo(_resized(mosaic.image, 36), embedded, SegmentOptions(fast=True, tessera_px=4.0))
    assert any("too coarse" in warning or "may not be" in warning for warning in run.warnings)


def test_progress_goes_up_and_may_cancel(embedded: Checkpoint, mosaic: SyntheticMosaic) -> None:
    class Stopped(Exception):
        pass

    seen: list[float] = []

    def stop_at_outlines(share: float, stage: str) -> None:
        seen.append(share)
        if stage == "outline":
            raise Stopped

    with pytest.raises(Stopped):
        segment_photo(mosaic.image, embedded, SegmentOptions(tessera_px=18.0), progress=stop_at_outlines)
    assert seen == sorted(seen)


def test_grid_prompts_give_the_same_type(embedded: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    few_points = GridSettings(points_per_side=4, crop_n_layers=1)  # the published number takes a minute
    monkeypatch.setattr("tesserae.segment.GridSettings", lambda: few_points)
    mosaic = render_mosaic(seed=24, size_px=128, side_px=26.0)
    run = segment_photo(mosaic.image, embedded, SegmentOptions(prompts="grid"))
    assert (run.prompts, run.decode, run.decode_agreement) == ("grid", "full", None)
    assert run.labels.shape == (128, 128)


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """The official tiny architecture with random weights, beside the embedded model, as it would lie in weights/."""
    weights = tmp_path_factory.mktemp("weights")
    for name in ("tesserae_mini.pt", "tesserae_mini.json"):
        (weights / name).write_bytes((PROJECT_DIR / "weights" / name).read_bytes())
    torch.manual_seed(0)
    torch.save({"model": build_model("configs/sam2/sam2_hiera_t.yaml").state_dict()}, weights / "sam2_hiera_tiny.pt")
    return find_checkpoint("sam2_hiera_tiny", weights, "")


@pytest.fixture(scope="module")
def official_memory(tmp_path_factory: pytest.TempPathFactory) -> PhotoMemory:
    """The official encoder takes seconds for its one tile."""
    return PhotoMemory(TileCache(tmp_path_factory.mktemp("cache"), 10**9), "photo")


@pytest.mark.parametrize("decode", ["auto", "window"])
def test_official_architecture_takes_the_same_path(
    decode: Literal["auto", "window"], official: Checkpoint, official_memory: PhotoMemory, mosaic: SyntheticMosaic
) -> None:
    options = SegmentOptions(decode=decode, tessera_px=18.0)
    run = segment_photo(mosaic.image[:64, :64], official, options, memory=official_memory)
    assert run.checkpoint == "sam2_hiera_tiny"
    assert run.labels.shape == (64, 64)
    assert run.count > 0
    assert run.decode in ("window", "full")
    assert (run.decode_agreement is None) == (decode == "window")


class CountingEncoder:
    """Counts the tiles that are embedded, and lets them through."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tiles = 0
        embed = Predictor.embed

        def counted(predictor: Predictor, tile: NDArray[np.uint8]) -> object:
            self.tiles += 1
            return embed(predictor, tile)

        monkeypatch.setattr(Predictor, "embed", counted)


def test_what_is_remembered_is_not_computed_again(
    embedded: Checkpoint, mosaic: SyntheticMosaic, default_run: Segmentation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = PhotoMemory(TileCache(tmp_path, 10**9), "photo")
    encoder = CountingEncoder(monkeypatch)
    first = segment_photo(mosaic.image, embedded, SegmentOptions(), device="cpu", memory=memory)
    needed, encoder.tiles = encoder.tiles, 0
    again = segment_photo(mosaic.image, embedded, SegmentOptions(), device="cpu", memory=memory)
    assert (needed > 2, encoder.tiles) == (True, 0)
    for run in (first, again):
        np.testing.assert_array_equal(run.labels, default_run.labels)
        assert run.predicted_iou == default_run.predicted_iou
    segment_photo(mosaic.image, embedded, SegmentOptions(), device="cpu", memory=PhotoMemory(memory.cache, "another photo"))
    assert encoder.tiles == needed


def test_a_run_that_was_cut_off_loses_no_finished_tile(embedded: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = render_mosaic(seed=25, size_px=300, side_px=16.0).image[:150]  # two tiles of the second pass
    memory = PhotoMemory(TileCache(tmp_path, 10**9), "photo")
    options = SegmentOptions(tessera_px=14.0)
    encoder = CountingEncoder(monkeypatch)

    def cut_off(share: float, stage: str) -> None:
        if stage == "outline" and share > 0.6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        segment_photo(image, embedded, options, device="cpu", memory=memory, progress=cut_off)
    before, encoder.tiles = encoder.tiles, 0
    resumed = segment_photo(image, embedded, options, device="cpu", memory=memory)
    after, encoder.tiles = encoder.tiles, 0
    whole = segment_photo(image, embedded, options, device="cpu")
    assert before + after == encoder.tiles
    assert 0 < after < before
    np.testing.assert_array_equal(resumed.labels, whole.labels)


def test_missing_embedded_model_is_said(tmp_path: Path, mosaic: SyntheticMosaic) -> None:
    with pytest.raises(CheckpointError, match=r"tesserae_mini\.pt"):
        segment_photo(mosaic.image, find_checkpoint("tesserae_mini", tmp_path, ""), FAST)


def test_missing_device_is_said(embedded: Checkpoint, mosaic: SyntheticMosaic) -> None:
    with pytest.raises(DeviceError, match="abacus"):
        segment_photo(mosaic.image, embedded, FAST, device="abacus")
