"""The studies: which question each answers, and which variants it compares. Needs neither torch nor anything else that takes time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tesserae.errors import TrainingError
from tesserae.options import SegmentOptions
from tesserae.training.recipe import DEFAULT, PAPER, Recipe

BEFORE = "before"
GRID = SegmentOptions(prompts="grid")


@dataclass(frozen=True)
class Variant:
    """One row of a study: a model, and how it is asked.

    Attributes:
        name: in tables, another one for each variant of a study.
        recipe: by which the base is fine-tuned; None leaves it as it is.
        mosaics: how many corrected mosaics it learns from; None: all there are.
        options: how it is asked when it is judged.
        cleans: whether the clean-ups are applied to what it found.
    """

    name: str
    recipe: Recipe | None = None
    mosaics: int | None = None
    options: SegmentOptions = field(default_factory=SegmentOptions)
    cleans: bool = False


@dataclass(frozen=True)
class Study:
    """One experiment.

    Attributes:
        name: on the command line.
        question: which it answers.
        method: in a sentence, what its variants differ in.
        variants: from the most mosaics to learn from, None for all there are; the first one is what the others are compared with.
        mosaics: how many synthetic ones there are to learn from unless something else is asked for; 0 where nothing is learned.
        domain: name of that of the synthetic mosaics; None: every one another material.
        calibration: whether predicted IoU is shown beside the true one.
    """

    name: str
    question: str
    method: str
    variants: Callable[[int | None], tuple[Variant, ...]]
    mosaics: int = 0
    domain: str | None = None
    calibration: bool = False

    @property
    def trains(self) -> bool:
        """Whether any variant learns."""
        return self.mosaics > 0


def find_study(name: str) -> Study:
    """Return a study by its name; raises TrainingError when there is none of that name."""
    if name not in STUDIES:
        raise TrainingError(f"Expected one of the studies {', '.join(STUDIES)}, found '{name}'. Choose one of them.")
    return STUDIES[name]


def plan_variants(study: Study, mosaics: int | None, epochs: int | None) -> tuple[Variant, ...]:
    """Return the variants of a study on so many mosaics, None for all there are, with so many epochs in place of the recipes' own."""
    variants = study.variants(mosaics)
    if epochs is None:
        return variants
    return tuple(each if each.recipe is None else replace(each, recipe=replace(each.recipe, epochs=epochs)) for each in variants)


def steps_to(most: int) -> list[int]:
    """1, 2, 4 ... up to `most`, which is the last one in any case."""
    return [*(step for step in (2**power for power in range(20)) if step < most), most]


def _baseline(_mosaics: int | None) -> tuple[Variant, ...]:
    return (Variant("as it is"),)


def _prompts(_mosaics: int | None) -> tuple[Variant, ...]:
    return Variant("finder"), Variant("finder, fast", options=SegmentOptions(fast=True)), Variant("grid", options=GRID)


def _postprocessing(_mosaics: int | None) -> tuple[Variant, ...]:
    return Variant("as found"), Variant("cleaned up", cleans=True)


def _loss(mosaics: int | None) -> tuple[Variant, ...]:
    changes: Mapping[str, Mapping[str, Any]] = {"Dice only": {"score_weight": 0.0}, "score only": {"dice_weight": 0.0}, "both": {}}
    return Variant(BEFORE), *(Variant(name, replace(PAPER, **change), mosaics) for name, change in changes.items())


def _augmentation(mosaics: int | None) -> tuple[Variant, ...]:
    rows = [
        (f"{recipe.preset}, {word}", replace(recipe, views_per_tile=views))
        for recipe in (DEFAULT, PAPER)
        for word, views in (("with", recipe.views_per_tile), ("without", 1))
    ]
    return Variant(BEFORE), *(Variant(name, recipe, mosaics) for name, recipe in rows)


def _learning(mosaics: int | None) -> tuple[Variant, ...]:
    counts: list[int | None] = [None] if mosaics is None else [*steps_to(mosaics)]
    return Variant(BEFORE), *(
        Variant(f"{recipe.preset}, {'all' if count is None else count}", recipe, count) for recipe in (DEFAULT, PAPER) for count in counts
    )


def _paper(mosaics: int | None) -> tuple[Variant, ...]:
    return Variant(BEFORE, options=GRID), Variant("fine-tuned", PAPER, mosaics, GRID)


STUDIES = {
    study.name: study
    for study in (
        Study(
            "baseline",
            "How good is the model as it is, mosaic by mosaic?",
            "The base finds the tesserae of each mosaic by itself.",
            _baseline,
            calibration=True,
        ),
        Study(
            "loss",
            "What do the two parts of the paper's loss bring, for the outlines and for the predicted IoU?",
            "The base is fine-tuned by the paper's recipe with its Dice loss alone, with its score loss alone, and with both.",
            _loss,
            mosaics=4,
            domain="verde",
            calibration=True,
        ),
        Study(
            "augmentation",
            "What do other looks at the same mosaics bring: turned, mirrored, and in the default recipe resized and recoloured too?",
            "Each recipe is run with its looks, and with every tile as photographed alone. The default recipe takes as many steps in both "
            "cases; the paper's, which sees every look once in an epoch, takes fewer without them.",
            _augmentation,
            mosaics=4,
            domain="verde",
        ),
        Study(
            "learning",
            "How good does the model become with the number of corrected mosaics?",
            "The base is fine-tuned on 1, 2, 4 ... mosaics by the default recipe and by the paper's.",
            _learning,
            mosaics=8,
        ),
        Study(
            "postprocessing",
            "Do the clean-ups raise accuracy?",
            "What the base found is judged as it is, and after all clean-ups, one after the other.",
            _postprocessing,
        ),
        Study(
            "prompts",
            "Which prompts serve best: the finder's, or an even grid?",
            "The base is asked once per tessera that the finder outlines; the finder's outlines are taken alone (fast); and the paper's "
            "automatic mask generator asks at a grid of points.",
            _prompts,
        ),
        Study(
            "domain",
            "Does a fine-tune carry the model over to a material that it never saw?",
            "The base is fine-tuned on 1, 2, 4 ... mosaics of the synthetic material 'verde', a breccia with veins darker than its joints, "
            "which was withheld from the pretraining, by the default recipe and by the paper's.",
            _learning,
            mosaics=4,
            domain="verde",
        ),
        Study(
            "paper",
            "Does the paper's table come out again?",
            "The base is judged with the paper's automatic mask generator, fine-tuned by the paper's recipe, and judged again.",
            _paper,
            mosaics=4,
            domain="verde",
        ),
    )
}
"""By name, in the order of the documentation."""
