"""What is asked of a fine-tune. Needs no torch, so that pages and the queue can speak of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tesserae.checkpoints import EMBEDDED_NAME
from tesserae.training.recipe import Recipe, find_recipe

_ENCODER_SHARE = 0.1  # of the decoder's rate


class Paused(Exception):
    """A run stepped aside for shorter work, after an epoch; started again it goes on from there."""


@dataclass(frozen=True)
class Order:
    """One fine-tune.

    Attributes:
        name: of the checkpoint that it makes.
        base: name of the checkpoint that it begins with.
        preset: name of the recipe.
        epochs, seed, steps_per_epoch: in place of the recipe's own; None leaves these.
        unfreeze_encoder: whether the image encoder learns too, at a tenth of the decoder's rate; nothing is cached then.
        device: auto, cpu, cuda or mps.
        devices: how many of them.
    """

    name: str
    base: str = EMBEDDED_NAME
    preset: str = "default"
    epochs: int | None = None
    seed: int | None = None
    steps_per_epoch: int | None = None
    unfreeze_encoder: bool = False
    device: str = "auto"
    devices: int = 1

    def recipe(self) -> Recipe:
        """Return the recipe of the preset with the changes that were asked for; raises TrainingError for an unknown preset."""
        recipe = find_recipe(self.preset)
        changes: dict[str, Any] = {"epochs": self.epochs, "seed": self.seed, "steps_per_epoch": self.steps_per_epoch}
        if self.unfreeze_encoder:
            changes["encoder_lr"] = _ENCODER_SHARE * recipe.lr
        return replace(recipe, **{name: value for name, value in changes.items() if value is not None})

    @classmethod
    def from_dict(cls, words: Mapping[str, Any]) -> "Order":
        """The order that `dataclasses.asdict` made, also after it went through JSON."""
        return cls(**words)
