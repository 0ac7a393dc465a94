"""The paper's loss on literal tensors: equal to its formulas, however the prompts are divided."""

import math

import pytest
import torch

from tesserae.training.losses import add_sums, dice_loss, score_loss, sum_masks

# Two masks of 2 x 2 pixels, one output of the decoder.
LOGITS = torch.tensor([[[[2.0, -1.0], [0.0, 3.0]]], [[[-2.0, 1.0], [0.5, -0.5]]]])
TRUTH = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 0.0]]])
PREDICTED_IOU = torch.tensor([[0.9], [0.25]])


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


def test_dice_is_that_of_all_pixels_of_all_masks_together():
    p = [sigmoid(value) for value in (2.0, -1.0, 0.0, 3.0, -2.0, 1.0, 0.5, -0.5)]
    g = [1, 0, 0, 1, 0, 1, 0, 0]
    expected = 1 - (2 * sum(a * b for a, b in zip(p, g, strict=True)) + 1e-6) / (sum(p) + sum(g) + 1e-6)
    assert dice_loss(sum_masks(LOGITS, PREDICTED_IOU, TRUTH)).tolist() == [pytest.approx(expected, abs=1e-6)]


def test_score_is_the_mean_distance_to_the_hard_iou():
    # p > 0.5 are the first and the last pixel of the first mask, the second and third of the second: IoU 2/2 and 1/2
    assert score_loss(sum_masks(LOGITS, PREDICTED_IOU, TRUTH)).tolist() == [pytest.approx((0.1 + 0.25) / 2)]


def test_masks_in_parts_give_the_same_loss_and_gradient():
    whole, parts = LOGITS.clone().requires_grad_(), LOGITS.clone().requires_grad_()
    dice_loss(sum_masks(whole, PREDICTED_IOU, TRUTH)).sum().backward()
    sums = add_sums([sum_masks(parts[k : k + 1], PREDICTED_IOU[k : k + 1], TRUTH[k : k + 1]) for k in range(2)])
    dice_loss(sums).sum().backward()
    assert sums.count == 2
    assert torch.allclose(whole.grad, parts.grad)


def test_each_output_has_its_own_loss():
    logits = torch.cat([LOGITS, 20 * (TRUTH[:, None] - 0.5)], 1)
    sums = sum_masks(logits, torch.cat([PREDICTED_IOU, torch.ones(2, 1)], 1), TRUTH)
    assert dice_loss(sums)[1] < 1e-3 < dice_loss(sums)[0]
    assert score_loss(sums)[1] == 0
