"""The grid gives the package's masks, keeps them small, and paints each tessera once."""

from dataclasses import replace

import numpy as np
import pytest
import sam2.utils.misc
import torch
from sam2.automatic_mask_generator import SAM2AutomaticMaskGenerator
from sam2.utils.amg import build_all_layer_point_grids, generate_crop_boxes, is_box_near_crop_edge
from scipy import ndimage
from torch.nn import functional

from tesserae import grid
from tesserae.architecture import build_model
from tesserae.checkpoints import find_checkpoint
from tesserae.config_names import EMBEDDED_CONFIG
from tesserae.errors import PhotoError, TesseraeError
from tesserae.grid import GridMask, GridSettings, candidates, generate_masks, segment_grid
from tesserae.grid.candidates import clean_small_regions, score_mask
from tesserae.grid.plan import count_points, crop_boxes, cut_cells, points_of_crop
from tesserae.predictor import Predictor
from tesserae.settings import Settings
from tesserae.weights import load_model

EASY = GridSettings(points_per_side=4, crop_n_layers=1, pred_iou_thresh=0, stability_score_thresh=0, stability_score_offset=0.01)
"""Random weights give logits of about 0.2 around 0: only thresholds in that range let several masks survive."""


@pytest.fixture(scope="module")
def predictor():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Predictor(build_model(EMBEDDED_CONFIG), torch.device("cpu"), bfloat16=False)


def _mosaic(height: int, width: int) -> np.ndarray:
    """Squares of 11 px in random colours, 4 px apart, on grey."""
    image = np.full((height, width, 3), 120, dtype=np.uint8)
    colours = np.random.default_rng(1)
    for y in range(4, height - 11, 15):
        for x in range(4, width - 11, 15):
            image[y : y + 11, x : x + 11] = colours.integers(20, 255, 3)
    return image


def _package(predictor, settings: GridSettings) -> SAM2AutomaticMaskGenerator:
    names = [
        "points_per_side", "points_per_batch", "pred_iou_thresh", "stability_score_thresh", "stability_score_offset",
        "mask_threshold", "box_nms_thresh", "crop_n_layers", "crop_nms_thresh", "crop_overlap_ratio",
        "crop_n_points_downscale_factor", "multimask_output", "min_mask_region_area",
    ]  # fmt: skip
    generator = SAM2AutomaticMaskGenerator(predictor.model, **{name: getattr(settings, name) for name in names})
    side = predictor.tile_px
    generator.predictor._bb_feat_sizes = [(side // step, side // step) for step in (4, 8, 16)]
    return generator


def _masks_of_package(generator, image) -> list[GridMask]:
    return [_as_grid_mask(found) for found in generator.generate(image) if found["area"]]


def _as_grid_mask(found: dict) -> GridMask:
    x0, y0, width, height = (int(value) for value in found["bbox"])
    box = (x0, y0, x0 + width + 1, y0 + height + 1)
    crop = found["segmentation"][y0 : box[3], x0 : box[2]]
    assert crop.sum() == found["area"]
    (point,) = found["point_coords"]
    return GridMask(box, crop, found["predicted_iou"], found["stability_score"], tuple(point))


def _assert_same(ours: list[GridMask], theirs: list[GridMask]) -> None:
    assert [mask.box_xyxy for mask in ours] == [mask.box_xyxy for mask in theirs]
    assert [mask.point_xy for mask in ours] == [mask.point_xy for mask in theirs]
    assert all(np.array_equal(mask.crop, other.crop) for mask, other in zip(ours, theirs, strict=True))
    for name in ("predicted_iou", "stability"):
        assert [getattr(mask, name) for mask in ours] == pytest.approx([getattr(mask, name) for mask in theirs])


@pytest.mark.parametrize(
    ("shape", "changes", "at_least"),
    [
        pytest.param((96, 110), {"mask_threshold": 0.11}, 5, id="small picture, logits finer than pixels"),
        pytest.param(
            (170, 200),
            {"mask_threshold": 0.2, "box_nms_thresh": 0.95, "crop_nms_thresh": 0.95, "points_per_batch": 5},
            8,
            id="hardly any suppression, odd batches",
        ),
        pytest.param(
            (170, 200),
            {"mask_threshold": 0.11, "pred_iou_thresh": 0.5, "stability_score_thresh": 0.4, "crop_n_layers": 0},
            1,
            id="scores decide",
        ),
        pytest.param((60, 80), {"mask_threshold": 0.1, "multimask_output": False, "crop_n_layers": 0}, 1, id="one mask for each point"),
    ],
)
def test_masks_are_those_of_the_package(predictor, shape, changes, at_least):
    image, settings = _mosaic(*shape), replace(EASY, **changes)
    generator = _package(predictor, settings)
    # that the package skips this step is the reason why clean_regions is off by default
    with pytest.warns(UserWarning, match="Skipping the post-processing step"):
        theirs = _masks_of_package(generator, image)
    ours = generate_masks(image, predictor, settings)
    assert len(ours) >= at_least
    _assert_same(ours, theirs)


def test_a_photo_larger_than_the_model_is_embedded_as_by_the_package(predictor):
    image = _mosaic(700, 900)  # shrinking needs smoothing, which the small pictures above never do
    theirs = _package(predictor, EASY).predictor
    theirs.set_image(image)
    ours = grid._embed(image, predictor)
    torch.testing.assert_close(ours.tokens, theirs._features["image_embed"])
    torch.testing.assert_close([ours.fine, ours.middle], theirs._features["high_res_feats"])


def test_cleaned_masks_are_those_of_the_package_with_its_extension(predictor, monkeypatch):
    def components(masks):
        """What the extension returns, after its documentation: number and area of each pixel's component."""
        numbers = [ndimage.label(mask[0].numpy(), np.ones((3, 3)))[0] for mask in masks]
        areas = [np.where(number > 0, np.bincount(number.ravel())[number], 0) for number in numbers]
        return torch.from_numpy(np.stack(numbers))[:, None], torch.from_numpy(np.stack(areas))[:, None]

    monkeypatch.setattr(sam2.utils.misc, "get_connected_components", components)
    image = _mosaic(60, 80)
    settings = replace(EASY, mask_threshold=0.0, crop_n_layers=0, min_mask_region_area=100, points_per_side=3)
    cleaned = generate_masks(image, predictor, replace(settings, clean_regions=True))
    _assert_same(cleaned, _masks_of_package(_package(predictor, settings), image))
    assert [mask.crop.sum() for mask in cleaned] != [mask.crop.sum() for mask in generate_masks(image, predictor, settings)]


@pytest.mark.skipif(not (Settings().weights / "tesserae_mini.pt").is_file(), reason="the embedded model is not trained yet")
def test_masks_of_the_trained_model_are_those_of_the_package():
    settings = Settings()
    model = load_model(find_checkpoint("tesserae_mini", settings.weights, settings.checkpoint_url))
    trained = Predictor(model, torch.device("cpu"), bfloat16=False)
    image = _mosaic(60, 80)
    few = replace(EASY, mask_threshold=0.5, stability_score_offset=1.0, min_mask_region_area=0, crop_n_layers=0)
    ours = generate_masks(image, trained, few)
    assert ours
    _assert_same(ours, _masks_of_package(_package(trained, few), image))


def test_the_defaults_are_the_published_test():
    assert count_points(grid.PUBLISHED) == 3072
    assert len(crop_boxes((800, 600), grid.PUBLISHED)) == 21
    assert GridSettings() == GridSettings(32, 64, 0.8, 0.8, 1.0, 0.5, 0.7, 2, 0.7, 0.3, 2, 25, False, True, 0.1, 0.1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"points_per_batch": 0}, "points_per_batch is at least 1, found 0"),
        ({"crop_n_layers": -1}, "crop_n_layers is at least 0, found -1"),
        ({"crop_n_points_downscale_factor": 0}, "crop_n_points_downscale_factor is at least 1, found 0"),
        ({"stability_score_offset": -1.0}, "stability_score_offset is at least 0, found -1"),
        ({"crop_overlap_ratio": 1.0}, "crop_overlap_ratio is at least 0 and below 1, found 1"),
        ({"cell_overlap_ratio": -0.1}, "cell_overlap_ratio is at least 0 and below 1, found -0.1"),
        ({"points_per_side": 3}, "points_per_side must leave a point .* found 3. Give at least 4"),
    ],
)
def test_settings_out_of_range_are_refused(changes, said):
    with pytest.raises(TesseraeError, match=said):
        GridSettings(**changes)


@pytest.mark.parametrize("shape", [(16, 16), (101, 64), (333, 1000), (800, 801)])
@pytest.mark.parametrize("layers", [0, 1, 2])
def test_crops_and_points_are_those_of_the_package(shape, layers):
    settings = GridSettings(points_per_side=10, crop_n_layers=layers)
    boxes, layer_of_box = generate_crop_boxes(shape, layers, settings.crop_overlap_ratio)
    assert crop_boxes(shape, settings) == [(tuple(box), layer) for box, layer in zip(boxes, layer_of_box, strict=True)]
    for layer, shares in enumerate(build_all_layer_point_grids(10, layers, 2)):
        points = (shares * np.array(shape)[None, ::-1]).astype(np.float32)
        assert np.array_equal(points_of_crop(shape, layer, settings), points)


@pytest.mark.parametrize(
    ("shape", "cells", "boxes"),
    [
        ((50, 80), (1, 1), [(0, 0, 80, 50)]),
        ((50, 80), (1, 2), [(0, 0, 44, 50), (36, 0, 80, 50)]),
        ((100, 33), (2, 1), [(0, 0, 33, 55), (0, 45, 33, 100)]),
        ((19, 23), (2, 2), [(0, 0, 12, 9), (10, 0, 23, 9), (0, 9, 12, 19), (10, 9, 23, 19)]),
    ],
    ids=["whole", "two columns", "two rows", "remainders, rows too low to overlap"],
)
def test_cells(shape, cells, boxes):
    assert cut_cells(shape, cells, 0.1) == boxes


@pytest.mark.parametrize("cells", [(0, 1), (2, -1), (51, 1), (1, 81)])
def test_impossible_cells_are_refused(cells, predictor):
    with pytest.raises(TesseraeError, match=rf"found {cells[0]}x{cells[1]}. Give for example 2x2"):
        segment_grid(_mosaic(50, 80), predictor, cells=cells)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((50, 80), dtype=np.uint8), r"found uint8 \(50, 80\)"),
        (np.zeros((50, 80, 4), dtype=np.uint8), r"found uint8 \(50, 80, 4\)"),
        (np.zeros((50, 80, 3), dtype=np.float32), r"found float32 \(50, 80, 3\)"),
        (np.zeros((15, 80, 3), dtype=np.uint8), "at least 16 px .* found 80 x 15"),
    ],
    ids=["grey", "alpha", "float", "too small"],
)
def test_unfit_images_are_refused(image, said, predictor):
    for run in (generate_masks, segment_grid):
        with pytest.raises(PhotoError, match=said):
            run(image, predictor)


def _smooth_logits(seed: int, height: int = 24, width: int = 32) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(height, width))
    return np.asarray(ndimage.gaussian_filter(noise, 2) * 20, dtype=np.float32)


@pytest.mark.parametrize("shape", [(24, 32), (100, 77), (61, 300), (9, 11)], ids=["same", "larger", "wide", "smaller"])
@pytest.mark.parametrize("strip_px", [16_000_000, 150], ids=["one strip", "many strips"])
def test_a_mask_is_scored_as_if_it_were_enlarged(shape, strip_px, monkeypatch):
    monkeypatch.setattr(candidates, "STRIP_PX", strip_px)
    settings = GridSettings(stability_score_thresh=0)
    for seed in range(5):
        logits = _smooth_logits(seed) - 1.5
        full = functional.interpolate(torch.from_numpy(logits)[None, None], shape, mode="bilinear")[0, 0].numpy()
        found = score_mask(logits, shape, settings, 0.9, (3.0, 4.0))
        assert found is not None
        rows, columns = np.nonzero(full > 0.5)
        assert found.box_xyxy == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert found.area_px == len(rows)
        assert found.stability == pytest.approx((full > 1.5).sum() / (full > -0.5).sum())
        mask = found.moved(10, 20).to_pixels()
        x0, y0, x1, y1 = found.box_xyxy
        assert np.array_equal(mask.crop, (full > 0.5)[y0:y1, x0:x1])
        assert mask.box_xyxy == (x0 + 10, y0 + 20, x1 + 10, y1 + 20)
        assert mask.point_xy == (13.0, 24.0)


def test_only_the_logits_around_a_mask_are_kept():
    logits = np.full((256, 256), -5, dtype=np.float32)
    logits[100:103, 50:54] = 5
    found = score_mask(logits, (4000, 3000), GridSettings(stability_score_thresh=0), 0.9, (0.0, 0.0))
    assert found is not None
    assert found.window.shape == (5, 6)
    assert found.window.base is None
    assert found.to_pixels().crop.size < 70 * 70


@pytest.mark.parametrize(
    ("peak", "shape"),
    [(-5, (24, 32)), (0.2, (24, 32)), (1.2, (24, 32)), (9, (2, 2))],
    ids=["nothing", "below the threshold", "unstable", "between the pixels of a tiny crop"],
)
def test_masks_without_pixels_or_stability_are_none(peak, shape):
    logits = np.full((24, 32), -9, dtype=np.float32)
    logits[10:13, 10:13] = peak
    assert score_mask(logits, shape, GridSettings(), 0.9, (0.0, 0.0)) is None


def test_small_holes_are_filled_and_small_islands_removed():
    logits = np.full((8, 12), -1, dtype=np.float32)
    logits[1:7, 1:7] = 2  # an area of 36 with a hole of 2
    logits[3, 3], logits[4, 4] = 0, -3  # touching at a corner: one hole
    logits[1:3, 9:11] = 1  # an island of 4
    assert np.array_equal(clean_small_regions(logits, 1), logits)
    two = clean_small_regions(logits, 2)
    assert two[3, 3] == two[4, 4] == 10
    assert two[1, 9] == 1
    four = clean_small_regions(logits, 4)
    assert (four[1:3, 9:11] == -10).all()
    assert (four > 0).sum() == 36


def test_boxes_near_a_crop_edge_are_those_of_the_package():
    numbers = np.random.default_rng(0)
    crop, shape = (60, 0, 200, 150), (300, 200, 3)
    corners = numbers.integers((60, 0), (160, 110), (300, 2))
    boxes = np.hstack([corners, corners + numbers.integers(1, 40, (300, 2))])
    inclusive = torch.from_numpy(boxes - (60, 0, 61, 1))
    expected = is_box_near_crop_edge(inclusive, list(crop), [0, 0, 200, 300]).tolist()
    assert [grid._is_near_crop_edge(tuple(box), crop, shape) for box in boxes.tolist()] == expected
    assert 50 < sum(expected) < 250


def test_progress_rises_to_one_and_every_crop_is_embedded_once(predictor, monkeypatch):
    embedded, calls = [], []
    embedding = grid._embed(_mosaic(40, 80), predictor)
    monkeypatch.setattr(grid, "_embed", lambda crop, by: embedded.append(crop.shape) or embedding)
    few = replace(EASY, points_per_side=2, points_per_batch=3)
    segment_grid(_mosaic(40, 80), predictor, few, cells=(1, 2), progress=lambda share, text: calls.append((share, text)))
    assert len(embedded) == 2 * 5
    shares = [share for share, _ in calls]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] == 1
    assert len(calls) == 2 * (5 + 2 + 4)  # crops, two batches in the whole, one in each of four crops
    assert calls[-1][1] == "cell 2 of 2, crop 5 of 5"


def test_what_progress_raises_ends_the_work(predictor):
    def cancel(share: float, text: str) -> None:
        raise InterruptedError(text)

    with pytest.raises(InterruptedError, match=r"^crop 1 of 5$"):
        generate_masks(_mosaic(40, 40), predictor, EASY, cancel)


def _rectangle(box, score: float = 0.9):
    """A candidate of one rectangle in a cell of 40 x 40, as the generator would find it."""
    logits = np.full((40, 40), -9, dtype=np.float32)
    x0, y0, x1, y1 = box
    logits[y0:y1, x0:x1] = 9
    found = score_mask(logits, (40, 40), GridSettings(), score, (0.0, 0.0))
    assert found is not None
    return found


def _paint(monkeypatch, *cells, image=(40, 40), **changes):
    """Segment with these (box, score) found in each cell."""
    answers = iter([[_rectangle(*mask) for mask in cell] for cell in cells])
    monkeypatch.setattr(grid, "_find_in_cell", lambda *_: next(answers))
    settings = replace(GridSettings(max_area_share=0.5), **changes)
    return segment_grid(np.zeros((*image, 3), np.uint8), None, settings, cells=(1, len(cells)))


@pytest.mark.parametrize(
    ("masks", "areas"),
    [
        pytest.param([], {}, id="none"),
        pytest.param([((2, 2, 12, 12), 0.9), ((14, 2, 24, 12), 0.8)], {0.9: 100, 0.8: 100}, id="apart"),
        pytest.param([((2, 2, 12, 12), 0.8), ((3, 2, 13, 12), 0.9)], {0.9: 100}, id="nearly the same: better stays"),
        pytest.param([((2, 2, 22, 22), 0.8), ((4, 4, 10, 10), 0.9)], {0.9: 36}, id="a better one inside"),
        pytest.param([((2, 2, 22, 22), 0.9), ((4, 4, 10, 10), 0.8)], {0.9: 400}, id="a worse one inside"),
        pytest.param([((2, 2, 12, 12), 0.9), ((9, 2, 19, 12), 0.8)], {0.9: 100, 0.8: 70}, id="overlap: better takes it"),
        pytest.param(
            [((2, 2, 12, 12), 0.9), ((18, 2, 28, 12), 0.8), ((8, 2, 22, 12), 0.7)],
            {0.9: 100, 0.8: 100},
            id="a fragment between two",
        ),
        pytest.param([((0, 0, 29, 29), 0.9), ((2, 2, 12, 12), 0.8)], {0.8: 100}, id="half of the cell is no tessera"),
    ],
)
def test_masks_become_labels(masks, areas, monkeypatch):
    result = _paint(monkeypatch, masks)
    assert result.labels.dtype == np.int32
    assert {result.predicted_iou[label]: int((result.labels == label).sum()) for label in result.predicted_iou} == areas
    assert set(np.unique(result.labels)) - {0} == set(result.predicted_iou) == set(result.stability)
    assert set(result.stability.values()) <= {1.0}


def test_cells_join_without_losing_or_doubling_a_tessera(monkeypatch):
    # x 32 to 40 is in both cells: the first tessera is cut by both, the second whole in both, the third in one only
    monkeypatch.setattr(grid, "cut_cells", lambda *_: [(0, 0, 40, 40), (32, 0, 72, 40)])
    in_left = [((30, 5, 40, 15), 0.99), ((33, 20, 39, 28), 0.8)]
    in_right = [((0, 5, 11, 15), 0.9), ((1, 20, 7, 28), 0.9), ((20, 20, 30, 30), 0.7)]
    result = _paint(monkeypatch, in_left, in_right, image=(40, 72))
    assert result.predicted_iou == {1: 0.9, 2: 0.7, 3: 0.99}
    assert ndimage.find_objects(result.labels) == [
        (slice(20, 28), slice(33, 39)),
        (slice(20, 30), slice(52, 62)),
        (slice(5, 15), slice(30, 40)),
    ]


def test_a_tessera_cut_by_its_cell_gives_way_to_the_whole_one(monkeypatch):
    monkeypatch.setattr(grid, "cut_cells", lambda *_: [(0, 0, 40, 40), (30, 0, 70, 40)])
    result = _paint(monkeypatch, [((32, 5, 40, 15), 0.99)], [((2, 5, 14, 15), 0.6)], image=(40, 70))
    assert result.predicted_iou == {1: 0.6}
    assert np.array_equal(np.argwhere(result.labels == 1).max(0), [14, 43])


def test_an_edge_of_the_photo_cuts_nothing(monkeypatch):
    result = _paint(monkeypatch, [((0, 0, 10, 10), 0.9), ((1, 0, 11, 10), 0.8)])
    assert result.predicted_iou == {1: 0.9}
