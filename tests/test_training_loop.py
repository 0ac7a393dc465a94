"""Rates and running means of a fine-tune, against torch's own and by hand."""

from dataclasses import replace

import pytest
import torch

from tesserae.errors import TrainingError
from tesserae.training.loop import RunningMean, learning_rate, mean_losses
from tesserae.training.recipe import DEFAULT, PAPER


def test_the_papers_rates_are_those_of_torchs_cosine():
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.AdamW([weight], lr=1e-5)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10, eta_min=1e-6)
    for epoch in range(9):
        rates = [learning_rate(PAPER, 1e-5, epoch + share, 40 * epoch) for share in (0.0, 0.5, 0.99)]
        assert rates == [pytest.approx(schedule.get_last_lr()[0], rel=1e-9)] * 3
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize(
    ("peak", "epochs_done", "steps_done", "rate"),
    [(1e-4, 0.0, 0, 5e-6), (1e-4, 0.25, 10, 5.5e-5), (2e-4, 4.0, 160, 2e-4 * (0.01 + 0.99 / 2)), (1e-4, 8.0, 320, 1e-6)],
    ids=["first step", "warming up", "half way, the finder's", "end"],
)
def test_the_default_rates(peak, epochs_done, steps_done, rate):
    assert learning_rate(DEFAULT, peak, epochs_done, steps_done) == pytest.approx(rate)


def test_the_running_mean_follows_what_learns():
    module = torch.nn.Linear(1, 1)
    module.bias.requires_grad_(False)
    with torch.no_grad():
        module.weight.fill_(1.0)
    mean = RunningMean(module, {"weight": torch.zeros(1, 1)}, 0.5)
    mean.add(0)  # early, a tenth stays
    assert mean.weights() == {"weight": pytest.approx(0.9)}
    mean.add(100)
    assert mean.weights() == {"weight": pytest.approx(0.95)}
    plain = RunningMean(module, {"weight": torch.zeros(1, 1)}, 0.0)
    plain.add(5)
    assert plain.weights() == {"weight": 1.0}


def test_losses_are_means_of_the_steps_that_have_them_and_must_be_numbers():
    assert mean_losses([{"total": 1.0, "mask": 0.5}, {"total": 3.0}]) == {"total": 2.0, "mask": 0.5}
    with pytest.raises(TrainingError, match="The mask loss is no number any more"):
        mean_losses([{"total": 1.0, "mask": float("nan")}])


def test_a_recipe_is_plain_json_and_can_be_changed():
    assert replace(PAPER, seed=3).as_dict() == {**PAPER.as_dict(), "seed": 3}
