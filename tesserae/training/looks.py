"""All views of the parts that a fine-tune learns from, with their features kept in the cache; which step looks at which view."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from tesserae.dataset import Ground, Part
from tesserae.errors import TrainingError
from tesserae.finder import WORKING_SIDE_PX
from tesserae.measure import median_side_px
from tesserae.models import Models, encoder_weights, identify_weights
from tesserae.scale import model_scale
from tesserae.tilecache import TileCache
from tesserae.training.features import (
    DecoderView,
    FinderView,
    Kept,
    decoder_features,
    decoder_view,
    finder_features,
    finder_view,
)
from tesserae.training.recipe import Recipe
from tesserae.training.rehearsal import rehearsal_parts
from tesserae.training.views import View, look_at, plan_views


@dataclass(frozen=True)
class Look:
    """One view of a part, and under which key its features are kept."""

    part: Part
    view: View
    key: str


@dataclass(frozen=True)
class Looks:
    """What a fine-tune sees.

    Attributes:
        decoder, finder: looks for the decoder and for the finder head; the latter empty where the head does not learn.
        rehearsed_decoder, rehearsed_finder: the same at synthetic mosaics.
        models: the base; its encoders see for both.
        recipe: of the fine-tune.
        cache: keeps the features.
    """

    decoder: tuple[Look, ...]
    finder: tuple[Look, ...]
    rehearsed_decoder: tuple[Look, ...]
    rehearsed_finder: tuple[Look, ...]
    models: Models
    recipe: Recipe
    cache: TileCache

    @property
    def steps_per_epoch(self) -> int:
        """Pictures in an epoch."""
        return self.recipe.steps_per_epoch or len(self.decoder)

    def prepare(self, report: Callable[[float], None]) -> None:
        """Compute what is not in the cache yet; every photo is read at most once. `report` hears the share that is done."""
        kinds = (("decoder", self.decoder + self.rehearsed_decoder), ("finder", self.finder + self.rehearsed_finder))
        missing = [(look, kind) for kind, looks in kinds for look in looks if not self.cache.holds(look.key)]
        missing.sort(key=lambda each: (each[0].part.photo_id, each[0].part.box_xyxy))
        ground: Ground | None = None
        part: Part | None = None
        for number, (look, kind) in enumerate(missing):
            report(number / len(missing))
            if ground is None or look.part is not part:
                part, ground = look.part, look.part.read()
            self.cache.write(look.key, self._compute(look, kind, ground))

    def decoder_view(self, step: int) -> DecoderView:
        """Return what the decoder looks at in a step of the whole run."""
        kept = self._recall(self._drawn(self.decoder, self.rehearsed_decoder, step, 5), "decoder")
        return decoder_view(kept, self.models.predictor, mask_prompts=self.models.mask_prompts)

    def finder_view(self, step: int) -> FinderView | None:
        """Return what the finder head looks at in a step; None where it does not learn."""
        if not self.finder:
            return None
        drawn = self._drawn(self.finder, self.rehearsed_finder, step, 6)
        return finder_view(self._recall(drawn, "finder"), self.models.finder_predictor.device)

    def _drawn(self, own: Sequence[Look], rehearsed: Sequence[Look], step: int, stream: int) -> Look:
        """Every look once, in an order drawn for each round; in some steps one of the rehearsed ones instead."""
        chance = np.random.default_rng([self.recipe.seed, 8, step]).random()
        looks = rehearsed if rehearsed and chance < self.recipe.rehearsal_share else own
        round_number, place = divmod(step, len(looks))
        order = np.random.default_rng([self.recipe.seed, stream, round_number]).permutation(len(looks))
        return looks[int(order[place])]

    def _recall(self, look: Look, kind: str) -> Kept:
        kept = self.cache.read(look.key)
        if kept is None:  # the cache is too small for this run, or lost it
            kept = self._compute(look, kind, look.part.read())
            self.cache.write(look.key, kept)
        return kept

    def _compute(self, look: Look, kind: str, ground: Ground) -> Kept:
        models = self.models
        if kind == "finder":
            return finder_features(look_at(ground, look.view, models.finder_predictor.tile_px), models.finder_predictor)
        return decoder_features(look_at(ground, look.view, models.predictor.tile_px), models, frozen=self.recipe.encoder_lr == 0)


def plan_looks(parts: Sequence[Part], models: Models, recipe: Recipe, cache: TileCache) -> Looks:
    """Plan the views of parts with truth, and of the mosaics that are rehearsed; reads each photo once.

    Raises TrainingError when there is not one tile with enough tesserae.
    """
    own = _plan(parts, models, recipe)
    if not own[0]:
        raise TrainingError(
            "Expected some tesserae close together to learn from, found too few of them in every place. Approve a larger region on the "
            "page Correct."
        )
    rehearsed = _plan(rehearsal_parts(recipe.rehearsal, cache), models, replace(recipe, views_per_tile=2))
    return Looks(*own, *rehearsed, models, recipe, cache)


def _plan(parts: Sequence[Part], models: Models, recipe: Recipe) -> tuple[tuple[Look, ...], tuple[Look, ...]]:
    """Looks for the decoder and for the finder head."""
    decoder: list[Look] = []
    finder: list[Look] = []
    finder_encoder_id = identify_weights(encoder_weights(models.finder_predictor.model))
    frozen_id = "image" if recipe.encoder_lr else f"{models.encoder_id} {models.dtype}"
    for part in parts:
        ground = part.read()
        looks = partial(_looks_of, part, ground, median_side_px(ground.labels), recipe)
        decoder += looks(models.decode_side_px, models.predictor.tile_px, 1, f"{frozen_id} {models.finder_id}")
        if recipe.finder_lr:
            finder += looks(WORKING_SIDE_PX, models.finder_predictor.tile_px, 2, f"{finder_encoder_id} {models.dtype}")
    return _some(decoder, recipe, 1), _some(finder, recipe, 2)


def _some(looks: list[Look], recipe: Recipe, stream: int) -> tuple[Look, ...]:
    """At most as many as the recipe has use for: each costs a pass of the encoder."""
    if recipe.most_views is None or len(looks) <= recipe.most_views:
        return tuple(looks)
    chosen = np.random.default_rng([recipe.seed, stream]).permutation(len(looks))[: recipe.most_views]
    return tuple(looks[number] for number in sorted(chosen))


def _looks_of(
    part: Part, ground: Ground, side_px: float, recipe: Recipe, wanted_side_px: float, tile_px: int, stream: int, encoder: str
) -> list[Look]:
    rng = np.random.default_rng([recipe.seed, stream, int(part.truth_id[:8], 16), *part.box_xyxy])
    planned = plan_views(ground, model_scale(side_px, wanted_side_px), tile_px, recipe.views_per_tile, recipe.turns, rng)
    known = f"{part.photo_id} {part.truth_id} {part.box_xyxy} {tile_px} {encoder}"
    return [Look(part, view, f"view 2 {stream} {known} {view}") for views in planned for view in views]
