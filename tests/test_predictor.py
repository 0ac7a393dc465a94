"""The wrapper decodes as the sam2 package does, on all tokens; windows change what is looked at, and nothing else."""

import numpy as np
import pytest
import torch
from sam2.sam2_image_predictor import SAM2ImagePredictor

from tesserae import predictor as predictor_module
from tesserae.architecture import build_model
from tesserae.config_names import EMBEDDED_CONFIG
from tesserae.finder import FinderHead
from tesserae.predictor import Embedding, Predictor, Prompts, batches, decode_prompts, normalise_tile, window_corners

CPU = torch.device("cpu")
GRID = 32
MASK_LOGIT = 6.0


@pytest.fixture(scope="module")
def mini():
    """The embedded architecture with random weights; the learned vectors are enlarged so that prompts and windows matter."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = build_model(EMBEDDED_CONFIG)
        torch.nn.init.normal_(model.no_mem_embed)
    return model


@pytest.fixture(scope="module")
def predictor(mini):
    return Predictor(mini, CPU, bfloat16=False)


@pytest.fixture(scope="module")
def tile():
    return np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def embedded(predictor, tile):
    return predictor.embed(tile)


@pytest.fixture(scope="module")
def embedding(embedded):
    return embedded[0]


@pytest.fixture(scope="module")
def package(mini, tile):
    """The package's own predictor, made to fit an input of 512 pixels."""
    theirs = SAM2ImagePredictor(mini)
    theirs._bb_feat_sizes = [(128, 128), (64, 64), (32, 32)]
    theirs.set_image(tile)
    return theirs


def prompts_at(points, labels, centres=None, instances=None, ids=None):
    points = np.asarray(points, np.float32)
    centres = points[:, -1] if centres is None else np.asarray(centres, np.float32)
    return Prompts(points, np.asarray(labels, np.int32), centres, instances, ids)


def some_points():
    return prompts_at([[[40, 50]], [[300, 200]], [[500, 10]]], [[1], [1], [1]])


def some_boxes():
    """Two boxes as corner points, each with a point inside."""
    points = [[[30, 40], [70, 90], [45, 60]], [[290, 200], [330, 260], [310, 222]]]
    return prompts_at(points, [[2, 3, 1]] * 2)


def boxes_and_negatives():
    points = [[[30, 40], [70, 90], [45, 60], [100, 60], [45, 120]]]
    return prompts_at(points, [[2, 3, 1, 0, 0]])


# the package: decoding on all tokens


def test_an_embedding_is_that_of_the_package(package, embedding):
    assert torch.equal(embedding.tokens, package._features["image_embed"])
    fine, middle = package._features["high_res_feats"]
    assert torch.equal(embedding.fine, fine)
    assert torch.equal(embedding.middle, middle)
    assert (embedding.tokens.shape, fine.shape, middle.shape) == ((1, 128, 32, 32), (1, 16, 128, 128), (1, 32, 64, 64))


@pytest.mark.parametrize("multimask", [False, True], ids=["single", "multimask"])
@pytest.mark.parametrize(
    "make", [some_points, some_boxes, boxes_and_negatives], ids=["points", "boxes and points", "one prompt, negatives"]
)
def test_decoding_on_all_tokens_is_that_of_the_package(predictor, package, embedding, make, multimask):
    prompts = make()
    points, labels = torch.from_numpy(prompts.points_xy), torch.from_numpy(prompts.point_labels)
    boxes = None
    if labels[0, 0] == 2:
        boxes, points, labels = points[:, :2].reshape(-1, 4), points[:, 2:], labels[:, 2:]
    _, their_iou, their_logits = package._predict(points, labels, boxes, multimask_output=multimask)
    ours = predictor.decode(embedding, prompts, window=None, multimask=multimask)
    assert ours.logits.shape == (len(prompts), 3 if multimask else 1, 128, 128)
    assert float(ours.logits.std()) > 1e-3
    torch.testing.assert_close(ours.logits, their_logits, rtol=0, atol=1e-5)
    torch.testing.assert_close(ours.predicted_iou, their_iou, rtol=0, atol=1e-6)
    assert ours.origins_xy.tolist() == [[0, 0]] * len(prompts)


def test_a_mask_prompt_on_all_tokens_is_that_of_the_package(predictor, package, embedding):
    instances = np.zeros((512, 512), np.int32)
    instances[40:80, 20:64] = 7
    instances[200:260, 300:333] = 9
    prompts = prompts_at([[[40, 60]], [[310, 222]]], [[1], [1]], None, instances, np.array([7, 9], np.int32))
    coverage = np.stack([(instances == number).reshape(128, 4, 128, 4).mean((1, 3)) for number in (7, 9)])
    masks = torch.from_numpy((coverage - 0.5) * 2 * MASK_LOGIT).float()[:, None]
    points, labels = torch.from_numpy(prompts.points_xy), torch.from_numpy(prompts.point_labels)
    _, _, theirs = package._predict(points, labels, None, masks, multimask_output=False)
    ours = predictor.decode(embedding, prompts, window=None).logits
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
    plain = predictor.decode(embedding, prompts_at([[[40, 60]], [[310, 222]]], [[1], [1]]), window=None).logits
    assert not torch.allclose(ours, plain, atol=1e-3)


# windows


@pytest.mark.parametrize("window", [GRID, GRID + 5], ids=["as large as the grid", "larger"])
def test_a_window_of_all_tokens_is_full_decoding(predictor, embedding, window):
    full = predictor.decode(embedding, some_boxes(), window=None, multimask=True)
    windowed = predictor.decode(embedding, some_boxes(), window=window, multimask=True)
    assert torch.equal(full.logits, windowed.logits)
    assert torch.equal(full.predicted_iou, windowed.predicted_iou)
    assert torch.equal(full.origins_xy, windowed.origins_xy)


def test_windows_have_the_size_asked_for_and_say_where_they_lie(predictor, embedding):
    decoded = predictor.decode(embedding, some_points(), window=8)
    assert decoded.logits.shape == (3, 1, 32, 32)
    assert decoded.predicted_iou.shape == (3, 1)
    # 40 / 16 - 4 < 0, 50 / 16 - 4 < 0; 300 / 16 - 4 = 14.75, 200 / 16 - 4 = 8.5; 500 / 16 - 4 > 24
    assert decoded.origins_xy.tolist() == [[0, 0], [240, 128], [384, 0]]


@pytest.mark.parametrize("window", [8, 12], ids=["8 tokens", "12 tokens"])
def test_windows_are_slices_in_absolute_coordinates(mini, embedding, monkeypatch, window):
    seen = {}

    def transformer(tokens, position, queries):
        seen.update(tokens=tokens, position=position, queries=queries)
        return original(tokens, position, queries)

    original = mini.sam_mask_decoder.transformer.forward
    monkeypatch.setattr(mini.sam_mask_decoder.transformer, "forward", transformer)
    prompts = some_points()
    with torch.inference_mode():
        _, _, origins = decode_prompts(mini, embedding, prompts, window)
        windowed = dict(seen)
        decode_prompts(mini, embedding, prompts, None)
    assert windowed["position"].shape == (3, 128, window, window)
    for k, (x, y) in enumerate((origins // 16).tolist()):
        part = (slice(None), slice(y, y + window), slice(x, x + window))
        assert torch.equal(windowed["position"][k], seen["position"][k][part])
        assert torch.equal(windowed["tokens"][k], seen["tokens"][k][part])
    assert torch.equal(windowed["queries"], seen["queries"])  # points are told in the tile's frame, not the window's


def test_high_resolution_features_are_cut_at_the_same_place(mini, embedding, monkeypatch):
    """With a decoder that returns what it was given, windows of the features are slices of the features."""
    taken = []
    monkeypatch.setattr(predictor_module, "_run_decoder", lambda *parts: taken.append(parts[3:]) or (parts[3], parts[3]))
    decode_prompts(mini, embedding, some_points(), 8)
    tokens, _, fine, middle = taken[0]
    x, y = 15, 8
    assert torch.equal(tokens[1], embedding.tokens[0, :, y : y + 8, x : x + 8])
    assert torch.equal(fine[1], embedding.fine[0, :, 4 * y : 4 * y + 32, 4 * x : 4 * x + 32])
    assert torch.equal(middle[1], embedding.middle[0, :, 2 * y : 2 * y + 16, 2 * x : 2 * x + 16])


@pytest.mark.parametrize(
    ("centre", "side", "corner"),
    [
        ((256, 256), 8, (12, 12)),
        ((0, 0), 8, (0, 0)),
        ((511, 511), 8, (24, 24)),
        ((511, 0), 8, (24, 0)),
        ((-30, 700), 8, (0, 24)),
        ((64, 64), 8, (0, 0)),
        ((73, 71), 8, (1, 0)),
        ((439, 441), 8, (23, 24)),
        ((100, 400), 32, (0, 0)),
    ],
    ids=["middle", "first corner", "last corner", "right edge", "beyond", "just fits", "rounds", "last but one", "whole grid"],
)
def test_window_corners_stay_in_the_grid(centre, side, corner):
    assert window_corners(np.array([centre], np.float32), side, GRID).tolist() == [list(corner)]


# mask prompts


def test_a_mask_prompt_is_the_coverage_of_each_logit_square(mini, embedding, monkeypatch):
    instances = np.zeros((512, 512), np.int32)
    instances[128:136, 240:250] = 3  # two rows of logits; two columns in full, the third half
    instances[128:136, 250:256] = 4
    given = []
    original = mini.sam_prompt_encoder.forward

    def encoder(points, boxes, masks):
        given.append(masks)
        return original(points, boxes, masks)

    monkeypatch.setattr(mini.sam_prompt_encoder, "forward", encoder)
    prompts = prompts_at([[[300, 200]], [[300, 200]]], [[1], [1]], None, instances, np.array([3, 4], np.int32))
    with torch.inference_mode():
        decode_prompts(mini, embedding, prompts, 8)  # the window begins at (240, 128)
    masks = given[0]
    assert masks.shape == (2, 1, 32, 32)
    expected = np.full((2, 32, 32), -6.0)
    expected[0, :2, :3] = 6.0, 6.0, 0.0
    expected[1, :2, 2:4] = 0.0, 6.0
    assert np.array_equal(masks[:, 0].numpy(), expected)


def test_outlines_without_ids_are_no_mask_prompt(predictor, embedding):
    points = prompts_at([[[300, 200]]], [[1]])
    without_ids = prompts_at([[[300, 200]]], [[1]], None, np.ones((512, 512), np.int32))
    assert torch.equal(predictor.decode(embedding, points, window=8).logits, predictor.decode(embedding, without_ids, window=8).logits)


# batches


def test_batches_keep_order_and_ids():
    instances = np.zeros((4, 4), np.int32)
    prompts = prompts_at([[[k, 0]] for k in range(5)], [[1]] * 5, None, instances, np.arange(5, dtype=np.int32))
    parts = list(batches(prompts, 2))
    assert [len(part) for part in parts] == [2, 2, 1]
    assert [part.ids.tolist() for part in parts] == [[0, 1], [2, 3], [4]]
    assert [part.points_xy[:, 0, 0].tolist() for part in parts] == [[0, 1], [2, 3], [4]]
    assert all(part.instances is instances for part in parts)
    assert list(batches(prompts.take(slice(0, 0)), 2)) == []


def test_prompts_are_taken_by_index():
    taken = prompts_at([[[k, k]] for k in range(3)], [[0], [1], [1]]).take(np.array([2, 0]))
    assert taken.points_xy[:, 0].tolist() == [[2, 2], [0, 0]]
    assert taken.point_labels.tolist() == [[1], [0]]
    assert taken.centres_xy.tolist() == [[2, 2], [0, 0]]
    assert taken.ids is None


def test_masks_do_not_depend_on_the_batch(predictor, embedding):
    together = predictor.decode(embedding, some_points(), window=8)
    alone = [predictor.decode(embedding, part, window=8) for part in batches(some_points(), 1)]
    torch.testing.assert_close(together.logits, torch.cat([part.logits for part in alone]), rtol=0, atol=1e-5)


# precision, pictures, finder, official architectures


def test_bfloat16_gives_float32_results_near_the_exact_ones(mini, predictor, tile):
    part = tile[:128, :128]  # a processor without instructions for bfloat16 takes seconds for the whole tile
    points = prompts_at([[[40, 50]], [[90, 20]]], [[1], [1]])
    short = Predictor(mini, CPU, bfloat16=True)
    rough, levels = short.embed(part)
    decoded = short.decode(rough, points, window=8, multimask=True)
    assert rough.fine.dtype == torch.bfloat16
    assert decoded.logits.dtype == decoded.predicted_iou.dtype == torch.float32
    exact = predictor.decode(predictor.embed(part)[0], points, window=8, multimask=True)
    away = (decoded.logits - exact.logits).abs().mean()
    assert 0 < float(away) < 0.1 * float(exact.logits.abs().mean())
    maps = short.find(FinderHead().eval(), part, levels)
    assert maps.interior.dtype == maps.log_side.dtype == np.float32


def test_a_tile_is_normalised_as_sam2_wants_it():
    tile = np.zeros((1, 2, 3), np.uint8)
    tile[0, 1] = (255, 0, 128)
    normal = normalise_tile(tile, CPU)
    assert normal.shape == (1, 3, 1, 2)
    assert normal[0, :, 0, 1].tolist() == pytest.approx([(1 - 0.485) / 0.229, -0.456 / 0.224, (128 / 255 - 0.406) / 0.225])


def test_the_finder_gives_maps_of_the_tile(predictor, tile, embedded):
    class Constant(FinderHead):
        def forward(self, picture, levels):
            assert [level.shape[-1] for level in levels] == [128, 64, 32]
            full = torch.zeros(1, 2, 512, 512)
            full[:, 1] = 0.25
            return full, torch.full((1, 1, 32, 32), -1.5)

    maps = predictor.find(Constant(), tile, embedded[1])
    assert maps.interior.shape == maps.distance.shape == maps.log_side.shape == (512, 512)
    assert (maps.interior == 0.5).all()
    assert (maps.distance == 0.25).all()
    assert (maps.log_side == -1.5).all()


def test_gradients_reach_the_decoder_only_without_the_wrapper(mini, predictor, embedding):
    free = Embedding(*(level.clone() for level in (embedding.tokens, embedding.fine, embedding.middle)))
    logits, predicted_iou, _ = decode_prompts(mini, free, some_points(), 8)
    assert logits.requires_grad
    assert predicted_iou.requires_grad
    assert not predictor.decode(embedding, some_points(), window=8).logits.requires_grad


def test_an_official_architecture_is_decoded_in_windows(monkeypatch):
    """Its decoder has a token for the object's presence in front, which must not be taken for the score or a mask."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = build_model("2.1-tiny")
    assert model.sam_mask_decoder.pred_obj_scores
    predictor = Predictor(model, CPU, bfloat16=False)
    assert (predictor.tile_px, predictor.grid) == (1024, 64)
    maps = torch.Generator().manual_seed(2)
    embedding = Embedding(*(torch.randn(1, channels, side, side, generator=maps) for channels, side in ((256, 64), (32, 256), (64, 128))))
    prompts = prompts_at([[[400, 300]], [[20, 1000]]], [[1], [1]])
    decoded = predictor.decode(embedding, prompts, window=16, multimask=True)
    assert decoded.logits.shape == (2, 3, 64, 64)
    assert decoded.origins_xy.tolist() == [[272, 176], [0, 768]]
    with torch.inference_mode():
        sparse, dense = model.sam_prompt_encoder(
            points=(torch.from_numpy(prompts.points_xy), torch.from_numpy(prompts.point_labels)), boxes=None, masks=None
        )
        # the package's decoder on the second window alone, which stands for a picture of 16 x 16 tokens
        place = (slice(None), slice(None), slice(48, 64), slice(0, 16))
        theirs, their_iou, _, _ = model.sam_mask_decoder(
            image_embeddings=embedding.tokens[place],
            image_pe=model.sam_prompt_encoder.get_dense_pe()[place],
            sparse_prompt_embeddings=sparse[1:],
            dense_prompt_embeddings=dense[1:, :, :16, :16],
            multimask_output=True,
            repeat_image=False,
            high_res_features=[embedding.fine[:, :, 192:256, :64], embedding.middle[:, :, 96:128, :32]],
        )
    torch.testing.assert_close(decoded.logits[1:], theirs, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(decoded.predicted_iou[1:], their_iou, rtol=1e-4, atol=1e-6)
