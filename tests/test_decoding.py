"""One prompt for each seed, a second question for greedy masks, and how far windows agree with full decoding."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from tesserae.architecture import build_model
from tesserae.config_names import EMBEDDED_CONFIG
from tesserae.decoding import (
    DecodeMode,
    Seeds,
    decode_seeds,
    prompts_of_seeds,
    seeds_of_outlines,
    window_agreement,
    window_for,
    with_negatives,
    with_points,
)
from tesserae.predictor import LOGIT_PX, TOKEN_PX, Decoded, Predictor, window_corners

PLAIN = DecodeMode(window=4, mask_prompts=False)
SIDE_PX = 128
GRID = SIDE_PX // TOKEN_PX


def three_outlines():
    """Numbers with a gap, as they are after specks were dropped."""
    outlines = np.zeros((SIDE_PX, SIDE_PX), np.int32)
    outlines[10:21, 8:25] = 1
    outlines[40:61, 40:61] = 2
    outlines[90:101, 100:121] = 5
    return outlines


def nine_seeds():
    outlines = np.zeros((SIDE_PX, SIDE_PX), np.int32)
    for number in range(9):
        y, x = 10 + 40 * (number // 3), 10 + 40 * (number % 3)
        outlines[y : y + 24, x : x + 24] = number + 1
    return seeds_of_outlines(outlines)


# seeds


def test_seeds_are_points_and_boxes_of_outlines():
    seeds = seeds_of_outlines(three_outlines())
    assert len(seeds) == 3
    assert seeds.ids.tolist() == [1, 2, 5]
    assert seeds.points_xy.tolist() == [[16, 15], [50, 50], [110, 95]]
    assert seeds.boxes_xyxy.tolist() == [[8, 10, 25, 21], [40, 40, 61, 61], [100, 90, 121, 101]]


def test_no_outlines_give_no_seeds():
    seeds = seeds_of_outlines(np.zeros((32, 32), np.int32))
    assert len(seeds) == 0
    assert seeds.points_xy.shape == (0, 2)
    assert seeds.boxes_xyxy.shape == (0, 4)


def test_seeds_are_taken_by_mask_and_keep_the_outlines():
    seeds = seeds_of_outlines(three_outlines())
    taken = seeds.take(np.array([True, False, True]))
    assert taken.ids.tolist() == [1, 5]
    assert taken.points_xy.tolist() == [[16, 15], [110, 95]]
    assert taken.outlines is seeds.outlines


# prompts


def test_a_prompt_is_a_widened_box_and_its_point():
    seeds = seeds_of_outlines(three_outlines()).take(np.array([1]))
    prompts = prompts_of_seeds(seeds, PLAIN)
    slack = 0.06 * 21
    assert prompts.point_labels.tolist() == [[2, 3, 1]]
    assert prompts.points_xy.dtype == np.float32
    assert prompts.points_xy[0].tolist() == [
        pytest.approx([40 - slack, 40 - slack]),
        pytest.approx([60 + slack, 60 + slack]),  # the last pixel of the box, not the one after it
        [50, 50],
    ]
    assert prompts.centres_xy.tolist() == [[50.5, 50.5]]
    assert prompts.instances is None
    assert prompts.ids is None


def test_oblong_boxes_are_widened_by_each_side():
    prompts = prompts_of_seeds(seeds_of_outlines(three_outlines()).take(np.array([2])), PLAIN)
    first, last, _ = prompts.points_xy[0].tolist()
    assert first == pytest.approx([100 - 0.06 * 21, 90 - 0.06 * 11])
    assert last == pytest.approx([120 + 0.06 * 21, 100 + 0.06 * 11])


def test_outlines_go_along_as_mask_prompts():
    seeds = seeds_of_outlines(three_outlines())
    prompts = prompts_of_seeds(seeds, DecodeMode(4, mask_prompts=True))
    assert prompts.instances is seeds.outlines
    assert prompts.ids.tolist() == [1, 2, 5]


def test_negatives_come_last_and_are_always_two():
    seeds = seeds_of_outlines(three_outlines())
    asked = prompts_of_seeds(seeds.take(np.array([0, 1])), DecodeMode(4, mask_prompts=True))
    prompts = with_negatives(asked, seeds.points_xy, [np.array([2]), np.array([0, 2])])
    assert prompts.point_labels.tolist() == [[2, 3, 1, 0, 0]] * 2
    assert prompts.points_xy[0, 3:].tolist() == [[110, 95], [110, 95]]
    assert prompts.points_xy[1, 3:].tolist() == [[16, 15], [110, 95]]
    assert np.array_equal(prompts.points_xy[:, :3], asked.points_xy)
    assert prompts.ids.tolist() == [1, 2]


def test_points_are_added_behind_the_others():
    asked = prompts_of_seeds(seeds_of_outlines(three_outlines()).take(np.array([0, 1])), DecodeMode(4, mask_prompts=True))
    prompts = with_points(asked, np.array([[[1.0, 2.0]], [[3.0, 4.0]]]), np.array([[1], [0]], np.int32))
    assert prompts.point_labels.tolist() == [[2, 3, 1, 1], [2, 3, 1, 0]]
    assert prompts.points_xy[:, 3].tolist() == [[1, 2], [3, 4]]
    assert prompts.points_xy.dtype == np.float32
    assert np.array_equal(prompts.centres_xy, asked.centres_xy)
    assert prompts.ids.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("side_px", "grid", "tokens"),
    [(24, 32, 8), (10, 32, 8), (48, 64, 16), (36, 32, 12), (30, 32, 10), (200, 32, 32), (24, 6, 6)],
    ids=["unit", "small", "unit on a fine tile", "one and a half", "between", "beyond the grid", "tiny grid"],
)
def test_windows_are_five_sides_wide(side_px, grid, tokens):
    assert window_for(side_px, grid) == tokens


# decoding


@dataclass
class FakePredictor:
    """Answers each prompt with the square around its point; a greedy one holds its neighbour until that is a negative."""

    greedy: dict = field(default_factory=dict)
    half_px: float = 12.0
    calls: list = field(default_factory=list)

    def decode(self, embedding, prompts, *, window, multimask=False):
        assert embedding == "embedding"
        assert not multimask
        self.calls.append((prompts, window))
        side = GRID if window is None else window
        corners = window_corners(prompts.centres_xy, side, GRID) * TOKEN_PX
        logits = torch.stack([self._answer(prompts, k, corners[k].numpy(), side) for k in range(len(prompts))])
        scores = torch.full((len(prompts), 1), 0.5 + 0.25 * (prompts.points_xy.shape[1] > 3))
        return Decoded(logits[:, None], scores, corners)

    def _answer(self, prompts, k, corner, side):
        cells = (np.arange(side * TOKEN_PX // LOGIT_PX) + 0.5) * LOGIT_PX
        x, y = np.meshgrid(cells + corner[0], cells + corner[1])
        held = [prompts.points_xy[k, 2]]
        rest = {tuple(point) for point in prompts.points_xy[k, 3:].tolist()}
        held += [np.asarray(point) for point in self.greedy.get(tuple(held[0].tolist()), ()) if tuple(point) not in rest]
        inside = np.any([(abs(x - px) < self.half_px) & (abs(y - py) < self.half_px) for px, py in held], axis=0)
        return torch.from_numpy(np.where(inside, 3.0, -3.0).astype(np.float32))


def at(seeds, number):
    return tuple(seeds.points_xy[number].tolist())


def test_masks_come_in_the_order_of_the_seeds():
    seeds, fake = nine_seeds(), FakePredictor()
    masks = decode_seeds(fake, "embedding", seeds, PLAIN)
    assert len(fake.calls) == 1
    assert fake.calls[0][1] == 4
    assert masks.logits.shape == (9, 16, 16)
    assert masks.logits.dtype == np.float32
    assert masks.logit_px == LOGIT_PX
    assert masks.points_xy is seeds.points_xy
    assert masks.predicted_iou.tolist() == [0.5] * 9
    for logits, origin, point in zip(masks.logits, masks.origins_xy, seeds.points_xy, strict=True):
        column, row = ((point - origin) // LOGIT_PX).astype(int)
        assert logits[row, column] > 0


def test_only_greedy_masks_are_asked_again():
    seeds = nine_seeds()
    fake = FakePredictor({at(seeds, 4): [at(seeds, 5)], at(seeds, 7): [at(seeds, 6), at(seeds, 8), at(seeds, 4)]})
    masks = decode_seeds(fake, "embedding", seeds, DecodeMode(8, mask_prompts=True))
    again = fake.calls[1][0]
    assert len(fake.calls) == 2
    assert again.ids.tolist() == [5, 8]
    assert again.point_labels.tolist() == [[2, 3, 1, 0, 0]] * 2
    assert again.points_xy[0, 3:].tolist() == [list(at(seeds, 5))] * 2
    assert again.points_xy[1, 3:].tolist() == [list(at(seeds, 4)), list(at(seeds, 6))]  # the first two that it holds
    assert masks.predicted_iou.tolist() == [0.5, 0.5, 0.5, 0.5, 0.75, 0.5, 0.5, 0.75, 0.5]
    assert (masks.logits[4] > 0).sum() == (masks.logits[0] > 0).sum()


def test_many_seeds_are_decoded_in_batches():
    outlines = np.zeros((SIDE_PX, SIDE_PX), np.int32)
    for number in range(81):
        outlines[14 * (number // 9) : 14 * (number // 9) + 11, 14 * (number % 9) : 14 * (number % 9) + 11] = number + 1
    fake = FakePredictor(half_px=5.0)
    masks = decode_seeds(fake, "embedding", seeds_of_outlines(outlines), PLAIN)
    assert [len(prompts) for prompts, _ in fake.calls] == [64, 17]
    assert len(masks) == 81


# agreement


@dataclass
class BlindBeyond(FakePredictor):
    """On windows it sees `lost` logits less on the mask's right side."""

    def decode(self, embedding, prompts, *, window, multimask=False):
        decoded = super().decode(embedding, prompts, window=window, multimask=multimask)
        if window is None:
            return decoded
        middle = torch.from_numpy(prompts.points_xy[:, 2, 0]) - decoded.origins_xy[:, 0]
        columns = (torch.arange(decoded.logits.shape[-1]) + 0.5) * LOGIT_PX
        hidden = (columns[None] > middle[:, None])[:, None, None, :]
        return Decoded(torch.where(hidden, -3.0, decoded.logits), decoded.predicted_iou, decoded.origins_xy)


def test_windows_that_see_the_same_agree_fully():
    assert window_agreement(FakePredictor(half_px=10.0), "embedding", nine_seeds(), PLAIN) == 1.0


def test_windows_that_lose_half_of_a_mask_agree_by_half():
    seeds = nine_seeds()
    seeds = Seeds(seeds.outlines, seeds.ids, np.round(seeds.points_xy / 4) * 4, seeds.boxes_xyxy)
    assert window_agreement(BlindBeyond(), "embedding", seeds, PLAIN) == pytest.approx(0.5)


def test_masks_that_are_empty_both_ways_agree():
    assert window_agreement(FakePredictor(half_px=0.0), "embedding", nine_seeds(), PLAIN) == 1.0


def test_the_sample_is_spread_over_the_seeds():
    outlines = np.zeros((SIDE_PX, SIDE_PX), np.int32)
    for number in range(100):
        outlines[12 * (number // 10) : 12 * (number // 10) + 9, 12 * (number % 10) : 12 * (number % 10) + 9] = number + 1
    fake = FakePredictor()
    window_agreement(fake, "embedding", seeds_of_outlines(outlines), DecodeMode(4, mask_prompts=True))
    (windowed, window), (full, everything) = fake.calls
    assert (window, everything) == (4, None)
    assert windowed.ids.tolist() == full.ids.tolist() == [1, 10, 19, 28, 37, 46, 55, 64, 73, 82, 91, 100]


def test_without_seeds_there_is_nothing_to_compare():
    fake = FakePredictor()
    assert np.isnan(window_agreement(fake, "embedding", nine_seeds().take(np.zeros(9, bool)), PLAIN))
    assert not fake.calls


def test_a_real_decoder_agrees_with_itself_when_the_window_covers_all():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        predictor = Predictor(build_model(EMBEDDED_CONFIG), torch.device("cpu"), bfloat16=False)
    tile = np.random.default_rng(1).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    outlines = np.zeros((512, 512), np.int32)
    outlines[100:124, 100:124] = 1
    outlines[300:330, 420:444] = 2
    embedding, _ = predictor.embed(tile)
    seeds = seeds_of_outlines(outlines)
    assert window_agreement(predictor, embedding, seeds, DecodeMode(32, mask_prompts=True)) == 1.0
    masks = decode_seeds(predictor, embedding, seeds, DecodeMode(8, mask_prompts=True))
    assert masks.logits.shape == (2, 32, 32)
