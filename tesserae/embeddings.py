"""The tiles of the second pass and what a checkpoint's encoder says of them: shared by the runs that refine outlines and by single clicks.

Both plan the same tiles and ask the cache under the same key, so that a click on a photo that was segmented needs no encoder.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from tesserae.models import Models
from tesserae.predictor import Embedding
from tesserae.scale import model_scale
from tesserae.tilecache import PhotoMemory, recall
from tesserae.tiling import Tile, cut_tile, plan_tiles

_HALO_SIDES = 2.0  # ground around a tile's core, in tessera sides


def plan_embeddings(shape: tuple[int, int], models: Models, side_px: float) -> list[Tile]:
    """Cover a photo of `shape` with tiles at the checkpoint's own scale, for tesserae of `side_px` photo pixels (NaN: unknown)."""
    halo = int(_HALO_SIDES * models.decode_side_px)
    return plan_tiles(shape, model_scale(side_px, models.decode_side_px), models.predictor.tile_px, halo)


def embed_tile(image: NDArray[np.uint8], tile: Tile, models: Models, memory: PhotoMemory | None) -> tuple[Embedding, bool]:
    """Return a tile's embedding, shared by all checkpoints whose encoders are identical, and whether it was in the memory.

    `image` is the photo uint8 (H, W, 3); what was not in the memory is computed and kept there.
    """
    predictor = models.predictor
    known = True

    def embed() -> dict[str, torch.Tensor]:
        nonlocal known
        known = False
        return vars(predictor.embed(cut_tile(image, tile))[0])

    kept = recall(memory, f"embedding {models.encoder_id} {models.dtype} {tile}", embed)
    return Embedding(**{name: value.to(predictor.device) for name, value in kept.items()}), known
