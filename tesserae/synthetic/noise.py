"""Random fields that the other rooms of `synthetic` draw with: smooth noise, fractal noise, hashed per-cell values."""

import cv2
import numpy as np
from numpy.typing import NDArray

FloatField = NDArray[np.float32]
Rng = np.random.Generator

HASH_SIZE = 1 << 14


def smooth_noise(shape: tuple[int, int], cell_px: float, rng: Rng) -> FloatField:
    """Return (H, W) float32 noise of about zero mean and unit deviation, correlated over `cell_px` pixels."""
    grid = tuple(max(2, int(np.ceil(n / max(cell_px, 1.0))) + 3) for n in shape)
    coarse = rng.standard_normal(grid, dtype=np.float32)
    if cell_px <= 1.0:
        return coarse[: shape[0], : shape[1]].copy()
    full = (int(grid[1] * cell_px) + 1, int(grid[0] * cell_px) + 1)
    fine = cv2.resize(coarse, full, interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(fine[: shape[0], : shape[1]]) * np.float32(1.35)


def fractal_noise(shape: tuple[int, int], cell_px: float, rng: Rng, *, octaves: int = 3, gain: float = 0.6) -> FloatField:
    """Return (H, W) float32 noise: octaves of `smooth_noise`, each half the cell and `gain` times the amplitude."""
    weights = np.asarray([gain**k for k in range(octaves)], dtype=np.float32)
    field = np.zeros(shape, dtype=np.float32)
    for k, weight in enumerate(weights / np.linalg.norm(weights)):
        field += weight * smooth_noise(shape, cell_px / 2**k, rng)
    return field


def log_uniform(low: float, high: float, rng: Rng) -> float:
    """Return one number between `low` and `high`, uniform in its logarithm."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def chance(probability: float, rng: Rng) -> bool:
    """Return True with the given probability."""
    return bool(rng.random() < probability)


class HashTable:
    """Values that belong to cells of an unbounded lattice: the same cell always gets the same value.

    Collisions only mean that two far cells share a value.
    """

    def __init__(self, rng: Rng) -> None:
        self.normal = rng.standard_normal(HASH_SIZE).clip(-2.2, 2.2).astype(np.float32)
        self.uniform = rng.random(HASH_SIZE).astype(np.float32)

    @staticmethod
    def slot(row: NDArray[np.int32], column: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the slot of each lattice cell."""
        mixed = row * np.int32(7919) + column * np.int32(104729)
        return mixed & np.int32(HASH_SIZE - 1)
