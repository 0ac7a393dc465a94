"""The recipes of a fine-tune: every number that decides its weights, apart from the data and the base. Needs no torch."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from tesserae.errors import TrainingError


@dataclass(frozen=True)
class Recipe:
    """What one fine-tune does.

    Attributes:
        preset: its name.
        loss: "instances" weighs each tessera alone, near its outline; "paper" is Dice over all masks of a picture, and the score's error.
        dice_weight, score_weight: of the two parts of the loss "paper"; of the masks and the score of "instances".
        views_per_tile: looks at each tile of the ground, the first as photographed.
        most_views: of all tiles together that are used, drawn at random; None: all of them.
        rehearsal: synthetic mosaics that are looked at in between, so that what the base knew is not unlearned.
        rehearsal_share: of the steps.
        turns: "quarter": the other looks are quarter turns and mirror images; "any": any angle, size and colour.
        epochs: passes at most.
        steps_per_epoch: pictures in a pass; None: every look at every tile.
        prompts_per_step: tesserae asked for in one picture; None: all of them.
        accumulate: pictures whose gradients make one step of the optimizer.
        lr: peak learning rate of prompt encoder and mask decoder; falls along a cosine.
        lr_floor, lr_period: lowest rate, and epochs until it is reached; None: the end of the run.
        finder_lr: the same for the finder head; 0 leaves it as it is.
        encoder_lr: the same for the image encoder; 0 freezes it, so that its features are computed once.
        weight_decay: of AdamW.
        clip: greatest norm of a gradient; None leaves it as it is.
        averaging: share of a running mean of the weights that stays in each step, 0 without one; the mean is what is judged and kept.
        warmup_steps: in which the rate rises from nothing.
        patience: epochs without a better one until the run ends; None: never.
        calibrates: whether, afterwards, the way from the base is shortened as far as the validation mosaics allow, and thresholds are set.
        seed: of every draw.
    """

    preset: str
    loss: Literal["instances", "paper"]
    dice_weight: float
    score_weight: float
    views_per_tile: int
    most_views: int | None
    rehearsal: int
    rehearsal_share: float
    turns: Literal["quarter", "any"]
    epochs: int
    steps_per_epoch: int | None
    prompts_per_step: int | None
    accumulate: int
    lr: float
    lr_floor: float
    lr_period: int | None
    finder_lr: float
    encoder_lr: float
    weight_decay: float
    clip: float | None
    averaging: float
    warmup_steps: int
    patience: int | None
    calibrates: bool
    seed: int = 22

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


PAPER = Recipe(
    preset="paper",
    loss="paper",
    dice_weight=1.0,
    score_weight=0.2,
    views_per_tile=6,
    most_views=None,
    rehearsal=0,
    rehearsal_share=0.0,
    turns="quarter",
    epochs=9,
    steps_per_epoch=None,
    prompts_per_step=None,
    accumulate=4,
    lr=1e-5,
    lr_floor=1e-6,
    lr_period=10,
    finder_lr=0.0,
    encoder_lr=0.0,
    weight_decay=1e-5,
    clip=None,
    averaging=0.0,
    warmup_steps=0,
    patience=None,
    calibrates=False,
)
"""Kapelonis et al. 2025, with the figures of the text where text and program differ; what we do otherwise is in docs/decisions.md."""

DEFAULT = Recipe(
    preset="default",
    loss="instances",
    dice_weight=1.0,
    score_weight=1.0,
    views_per_tile=8,
    most_views=96,
    rehearsal=16,
    rehearsal_share=0.5,
    turns="any",
    epochs=8,
    steps_per_epoch=40,
    prompts_per_step=48,
    accumulate=1,
    lr=1e-4,
    lr_floor=1e-6,
    lr_period=None,
    finder_lr=2e-4,
    encoder_lr=0.0,
    weight_decay=1e-3,
    clip=1.0,
    averaging=0.98,
    warmup_steps=20,
    patience=3,
    calibrates=True,
)
PRESETS = {recipe.preset: recipe for recipe in (DEFAULT, PAPER)}


def find_recipe(preset: str) -> Recipe:
    """Return the recipe of a preset; raises TrainingError when there is none of that name."""
    if preset not in PRESETS:
        raise TrainingError(f"Expected one of the presets {', '.join(PRESETS)}, found '{preset}'. Choose one of them.")
    return PRESETS[preset]
