"""Rehearsal: synthetic mosaics of the pretraining's kind, a few of which are looked at between those that were corrected.

What is learned from one or two mosaics alone is soon unlearned of all others. The mosaics are rendered once and kept in the cache.
"""

import hashlib
from functools import partial

import numpy as np
import torch

from tesserae.dataset import Ground, Part
from tesserae.synthetic import render_mosaic
from tesserae.synthetic.noise import log_uniform
from tesserae.tilecache import PhotoMemory, TileCache, recall

FIRST_SEED = 900_000_000  # neither of the pretraining's pool nor of tests and benchmarks
_SIZE_PX = 320
_SIDE_RANGE_PX = (10.0, 32.0)


def rehearsal_parts(count: int, cache: TileCache) -> list[Part]:
    """Return `count` synthetic mosaics to learn from; each is rendered when it is first read."""
    return [_part(FIRST_SEED + number, cache) for number in range(count)]


def _part(seed: int, cache: TileCache) -> Part:
    identity = hashlib.sha256(f"rehearsal {seed} {_SIZE_PX}".encode()).hexdigest()
    load = partial(_render, seed, PhotoMemory(cache, identity))
    return Part(identity, f"synthetic {seed}", "train", (0, 0, _SIZE_PX, _SIZE_PX), 0, None, identity, load)


def _render(seed: int, memory: PhotoMemory) -> Ground:
    def render() -> dict[str, torch.Tensor]:
        side_px = log_uniform(*_SIDE_RANGE_PX, np.random.default_rng(seed))
        mosaic = render_mosaic(seed, _SIZE_PX, side_px)
        return {"image": torch.from_numpy(mosaic.image), "labels": torch.from_numpy(mosaic.labels)}

    kept = recall(memory, "rehearsal", render, pack=True)
    labels = kept["labels"].numpy()
    return Ground(kept["image"].numpy(), labels, np.ones(labels.shape, dtype=bool))
