"""Everything that learns in a fine-tune, as one module whose forward pass is the loss of one step; knows nothing of epochs or files."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from tesserae.architecture import SAM2Base
from tesserae.finder import FinderHead
from tesserae.labelmap import interior_points
from tesserae.predictor import Embedding, Prompts, decode_prompts, embedding_of_levels
from tesserae.pretraining.decoder_stage import decoder_loss
from tesserae.pretraining.finder_stage import maps_loss
from tesserae.pretraining.prompts import DecoderCrop, Kind, draw_seed_kind, make_decoder_batch
from tesserae.synthetic.noise import Rng, chance
from tesserae.training.features import DecoderView, FinderView
from tesserae.training.losses import MaskSums, add_sums, dice_loss, score_loss, sum_masks
from tesserae.training.recipe import Recipe

POINT_SHARE = 0.3  # of the steps that ask with a point alone
_WINDOW_IN_ALL = 3  # as many prompts in windows need the memory of one on all tokens, or less
_PROMPTS_AT_ONCE = 16  # of the paper's loss; the others wait, so that memory holds the masks of these only

Figures = dict[str, float]


class Step:
    """What one step looks at: a view for the decoder, one for the finder head or None, and the generator of the prompts.

    No dataclass: the launcher would take one apart on its way into the module.
    """

    def __init__(self, decoder: DecoderView, finder: FinderView | None, rng: Rng) -> None:
        self.decoder, self.finder, self.rng = decoder, finder, rng


class Lesson(nn.Module):
    """The parts that learn, and the loss they learn by.

    Frozen explicitly: the image encoder with the decoder's two convolutions on its features (unless the recipe says otherwise), so that
    embeddings stay those of the base; whatever of the model neither decodes nor prompts.

    Args:
        window: tokens a side of the window that prompts are decoded in, None for all.
    """

    def __init__(self, model: SAM2Base, finder: FinderHead, recipe: Recipe, window: int | None) -> None:
        super().__init__()
        self.model, self.finder = model, finder
        self._recipe, self._window = recipe, window
        self.requires_grad_(False)
        for part in (model.sam_prompt_encoder, model.sam_mask_decoder):
            part.requires_grad_(True)
        for part in (model.sam_mask_decoder.conv_s0, model.sam_mask_decoder.conv_s1, model.image_encoder):
            part.requires_grad_(recipe.encoder_lr > 0)
        finder.requires_grad_(recipe.finder_lr > 0)
        self.eval()  # nothing here behaves otherwise in training; the encoder's features are those of a run

    def parameter_groups(self) -> list[dict[str, object]]:
        """What learns, at the rates of the recipe, for an optimizer."""
        encoder = [p for p in self.model.image_encoder.parameters() if p.requires_grad]
        known = {id(p) for p in encoder}
        decoder = [p for p in self.model.parameters() if p.requires_grad and id(p) not in known]
        finder = [p for p in self.finder.parameters() if p.requires_grad]
        rates = ((decoder, self._recipe.lr), (finder, self._recipe.finder_lr), (encoder, self._recipe.encoder_lr))
        return [{"params": params, "lr": rate, "peak_lr": rate} for params, rate in rates if params]

    def learned(self) -> dict[str, torch.Tensor]:
        """The weights that learn, by name, as they are now; they are copies on the CPU."""
        learning = {name for name, value in self.named_parameters() if value.requires_grad}
        return {name: value.detach().cpu().clone() for name, value in self.state_dict().items() if name in learning}

    def take_back(self, learned: dict[str, torch.Tensor]) -> None:
        """Put weights that `learned` gave back in their place."""
        self.load_state_dict(learned, strict=False)

    def forward(self, step: Step) -> tuple[torch.Tensor, Figures]:
        """Return the loss of one step and its parts."""
        embedding = self._embed(step.decoder)
        by = self._paper if self._recipe.loss == "paper" else self._instances
        loss, figures = by(embedding, step.decoder.crop, step.rng)
        if step.finder is None:
            return loss, figures | {"total": float(loss.detach())}
        full, log_side = self.finder(step.finder.picture, step.finder.levels)
        found, _ = maps_loss(full.float(), log_side.float(), step.finder.targets, step.finder.known)
        loss = loss + found
        return loss, figures | {"finder": float(found.detach()), "total": float(loss.detach())}

    def _embed(self, view: DecoderView) -> Embedding:
        if view.embedding is not None:
            return view.embedding
        return embedding_of_levels(self.model, self.model.image_encoder(view.picture)["backbone_fpn"])

    def _instances(self, embedding: Embedding, crop: DecoderCrop, rng: Rng) -> tuple[torch.Tensor, Figures]:
        """Each tessera by itself, from prompts of every kind that a run or a click makes."""
        grid = embedding.tokens.shape[-1]
        wanted = self._recipe.prompts_per_step or len(crop.seeds)
        if self._window is None:
            wanted = max(1, wanted // _WINDOW_IN_ALL)
        kind: Kind = "point" if chance(POINT_SHARE, rng) else draw_seed_kind(rng)
        batch = make_decoder_batch(crop, kind, grid, self._window, wanted, rng)
        weights = (self._recipe.dice_weight, self._recipe.score_weight)
        loss, figures = decoder_loss(self.model, embedding, batch, balanced=False, weights=weights)
        return loss, {name: figures[name] for name in ("mask", "score") if name in figures}

    def _paper(self, embedding: Embedding, crop: DecoderCrop, _rng: Rng) -> tuple[torch.Tensor, Figures]:
        """All tesserae of the picture together, each from one point inside it, on all tokens; the mean over the decoder's outputs.

        All outputs learn: one that never did would reach the results of a run, which chooses among them.
        """
        stones = interior_points(np.maximum(crop.truth, 0))
        truth = torch.from_numpy(crop.truth)
        sums = []
        for start in range(0, len(stones.labels), _PROMPTS_AT_ONCE):
            chunk = slice(start, start + _PROMPTS_AT_ONCE)
            points = stones.points_xy[chunk].astype(np.float32)
            prompts = Prompts(points[:, None], np.ones((len(points), 1), dtype=np.int32), points)
            labels = torch.from_numpy(stones.labels[chunk])
            # what the backward pass needs of a chunk is computed again when its turn comes: memory holds one chunk
            sums.append(checkpoint(self._sum_chunk, embedding, prompts, truth == labels.view(-1, 1, 1), use_reentrant=False))
        whole = add_sums(sums)
        dice, score = dice_loss(whole).mean(), score_loss(whole).mean()
        loss = self._recipe.dice_weight * dice + self._recipe.score_weight * score
        return loss, {"dice": float(dice.detach()), "score": float(score.detach())}

    def _sum_chunk(self, embedding: Embedding, prompts: Prompts, truth: torch.Tensor) -> MaskSums:
        """The sums of some prompts, at the resolution of the picture; truth is bool (N, S, S)."""
        logits, predicted_iou, _ = decode_prompts(self.model, embedding, prompts, None)
        fine = functional.interpolate(logits.float(), size=truth.shape[-2:], mode="bilinear", align_corners=False)
        return sum_masks(fine, predicted_iou.float(), truth.to(fine.device).float())
