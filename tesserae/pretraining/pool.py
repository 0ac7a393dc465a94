"""The pool of synthetic mosaics that the embedded model learns from; rendered once, in parallel, and picked up where it stopped."""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tesserae.synthetic import render_mosaic
from tesserae.synthetic.noise import log_uniform

FIRST_SEED = 1_000_000_000  # seeds of the pool start here; tests, benchmarks and the sample use smaller ones
SIDE_RANGE_PX = (7.0, 38.0)
_SIDES_PER_MOSAIC = 20
_SIZE_RANGE_PX = (176, 560)


@dataclass(frozen=True)
class PoolItem:
    """One mosaic of the pool: image uint8 (H, W, 3), labels int32 (H, W), and the side of its median tessera."""

    image: NDArray[np.uint8]
    labels: NDArray[np.int32]
    side_px: float


def render_pool(folder: Path, count: int, workers: int, progress: Callable[[int, int], None]) -> list[Path]:
    """Render mosaics until the pool holds `count`; finished ones are kept. Returns the paths in seed order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{FIRST_SEED + k}.npz" for k in range(count)]
    missing = [path for path in paths if not path.exists()]
    with ProcessPoolExecutor(max_workers=workers, initializer=cv2.setNumThreads, initargs=(1,)) as executor:
        for done, _ in enumerate(executor.map(_render_into, missing, chunksize=8), 1):
            progress(len(paths) - len(missing) + done, count)
    return paths


def read_pool_item(path: Path) -> PoolItem:
    """Read one mosaic of the pool."""
    with np.load(path) as stored:
        return PoolItem(stored["image"], stored["labels"].astype(np.int32), float(stored["side_px"]))


def _render_into(path: Path) -> None:
    seed = int(path.stem)
    side_px = log_uniform(*SIDE_RANGE_PX, np.random.default_rng([seed, 1]))
    size_px = int(np.clip(side_px * _SIDES_PER_MOSAIC, *_SIZE_RANGE_PX))
    mosaic = render_mosaic(seed, size_px, side_px)
    partial = path.with_suffix(f".{os.getpid()}.part")
    with partial.open("wb") as file:
        np.savez(file, image=mosaic.image, labels=mosaic.labels.astype(np.int16), side_px=np.float32(mosaic.side_px))
    partial.replace(path)
