"""Stone: what each tessera is made of (stone, glass, gold) and the colour of every pixel before light falls on it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tesserae.synthetic.domain import Domain, Rgb
from tesserae.synthetic.noise import FloatField, Rng, chance, fractal_noise, log_uniform, smooth_noise

Labels = NDArray[np.int32]

# sRGB in 0..1 of materials that mosaics are made of, estimated by eye.
LIMESTONES = ((0.90, 0.87, 0.80), (0.84, 0.78, 0.67), (0.93, 0.91, 0.87), (0.76, 0.71, 0.62), (0.70, 0.69, 0.66))
WARM = ((0.80, 0.62, 0.42), (0.76, 0.50, 0.36), (0.62, 0.33, 0.24), (0.86, 0.67, 0.55), (0.75, 0.62, 0.25), (0.50, 0.25, 0.22))
DARK = ((0.16, 0.15, 0.16), (0.24, 0.19, 0.18), (0.30, 0.30, 0.33), (0.13, 0.13, 0.20), (0.33, 0.25, 0.20))
COOL = ((0.42, 0.50, 0.45), (0.35, 0.42, 0.48), (0.50, 0.54, 0.54), (0.30, 0.38, 0.30), (0.55, 0.60, 0.50))
GLASS = ((0.05, 0.30, 0.26), (0.10, 0.20, 0.42), (0.15, 0.45, 0.50), (0.45, 0.10, 0.12), (0.20, 0.35, 0.15))
_LEAST_CONTRAST = 0.13  # distance in sRGB (0..1 each)
_MOST_ALIKE = 0.12  # share of stones that may be closer to the mortar
_MORTAR_DRAWS = 12
GOLD = ((0.80, 0.64, 0.25), (0.70, 0.53, 0.20), (0.86, 0.72, 0.38))


@dataclass(frozen=True)
class StonePaint:
    """Surface of the tesserae before light: `rgb` float32 (H, W, 3) in 0..1 and, per label, roughness and gloss (N + 1,)."""

    rgb: FloatField
    roughness: FloatField
    gloss: FloatField


def paint_stones(labels: Labels, area_of_label: NDArray[np.int16], side_px: float, rng: Rng, domain: Domain | None = None) -> StonePaint:
    """Colour every tessera by its area's materials, drawn or those of a domain, with its own shade, gradient, texture and veins."""
    count = len(area_of_label)
    palette = _draw_palette(rng) if domain is None else [(rgb, 0.0) for rgb in domain.stones]
    base, gloss = _material_of_labels(area_of_label, palette, rng)
    shade = 1 + log_uniform(0.015, 0.15, rng) * rng.standard_normal(count)
    tint = 1 + log_uniform(0.004, 0.06, rng) * rng.standard_normal((count, 3))
    rgb_of_label = (np.clip(base, 0.03, 0.97) * shade[:, None] * tint).astype(np.float32)
    texture = _texture(labels, side_px, count, rng)
    slant = (log_uniform(0.01, 0.12, rng) / side_px * rng.standard_normal((count, 2))).astype(np.float32)
    y, x = (np.asarray(axis, dtype=np.float32) for axis in np.indices(labels.shape, dtype=np.float32))
    gradient = (x - _per_label_mean(x, labels, count)[labels]) * slant[labels, 0]
    gradient += (y - _per_label_mean(y, labels, count)[labels]) * slant[labels, 1]
    if domain is not None and domain.marbling:
        texture = texture + _marbling(labels, side_px, count, domain.marbling, rng)
    rgb = rgb_of_label[labels] * (1 + texture + gradient)[..., None]
    roughness = (log_uniform(0.03, 0.7, rng) * np.exp(0.4 * rng.standard_normal(count))).astype(np.float32)
    return StonePaint(np.clip(rgb, 0, 1.1).astype(np.float32), roughness, gloss)


def draw_mortar_rgb(stone_rgb: FloatField, rng: Rng, domain: Domain | None = None) -> FloatField:
    """Draw a mortar colour (3,) for stones of the colours (N, 3): light, dark, earthy, or like the stones themselves.

    Redrawn until it differs from most stones, in brightness or in hue: joints that nobody can see teach nothing. A domain has its own.
    """
    if domain is not None:
        return np.asarray(np.clip(stone_rgb.mean(axis=0) + np.asarray(domain.mortar_offset), 0.03, 1.0), dtype=np.float32)
    candidates = [_any_mortar_rgb(stone_rgb.mean(axis=0), rng) for _ in range(_MORTAR_DRAWS)]
    alike = [float((np.linalg.norm(stone_rgb - candidate, axis=1) < _LEAST_CONTRAST).mean()) for candidate in candidates]
    legible = [share <= _MOST_ALIKE for share in alike]
    return candidates[legible.index(True) if any(legible) else int(np.argmin(alike))]


def _any_mortar_rgb(mean_stone_rgb: FloatField, rng: Rng) -> FloatField:
    kind = rng.choice(["light", "dark", "earth", "stone", "hue", "grey"], p=[0.22, 0.22, 0.18, 0.12, 0.14, 0.12])
    tint = np.asarray([1.0, rng.uniform(0.92, 1.0), rng.uniform(0.78, 1.0)])
    if kind == "stone":
        colour = mean_stone_rgb * (rng.uniform(0.5, 0.85) if chance(0.65, rng) else rng.uniform(1.12, 1.35))
    elif kind == "hue":
        warmth, green = rng.normal(0.03, 0.09), rng.normal(0, 0.03)
        colour = mean_stone_rgb + np.asarray([warmth, green, -warmth]) + rng.normal(0, 0.03)
    elif kind == "earth":
        colour = np.asarray([0.55, 0.42, 0.28]) * rng.uniform(0.6, 1.4)
    else:
        low, high = {"light": (0.68, 0.95), "dark": (0.08, 0.35), "grey": (0.35, 0.65)}[str(kind)]
        colour = rng.uniform(low, high) * tint
    return np.clip(np.asarray(colour, dtype=np.float32), 0.03, 1.0)


def _material_of_labels(area_of_label: NDArray[np.int16], palette: list[tuple[Rgb, float]], rng: Rng) -> tuple[FloatField, FloatField]:
    """Colour (N, 3) and gloss (N,) of each label: every area draws one to four materials of the palette and mixes them."""
    count = len(area_of_label)
    base = np.zeros((count, 3), dtype=np.float32)
    gloss = np.full(count, rng.uniform(0, 0.1), dtype=np.float32)
    for area in np.unique(area_of_label):
        members = np.flatnonzero(area_of_label == area)
        materials = [palette[int(rng.integers(len(palette)))] for _ in range(int(rng.choice([1, 1, 2, 3, 4])))]
        weights = rng.dirichlet(np.full(len(materials), 0.7))
        chosen = rng.choice(len(materials), size=len(members), p=weights)
        base[members] = np.asarray([rgb for rgb, _ in materials], dtype=np.float32)[chosen]
        gloss[members] = np.maximum(gloss[members], np.asarray([g for _, g in materials], dtype=np.float32)[chosen])
    return base, gloss


def _draw_palette(rng: Rng) -> list[tuple[Rgb, float]]:
    """Materials of one mosaic as (sRGB, gloss)."""
    theme = rng.choice(["polychrome", "black and white", "pale", "warm", "glass", "gold"], p=[0.42, 0.12, 0.16, 0.12, 0.12, 0.06])
    stones = {
        "polychrome": LIMESTONES + WARM + DARK + COOL,
        "black and white": LIMESTONES + DARK,
        "pale": LIMESTONES,
        "warm": LIMESTONES[:2] + WARM,
        "glass": LIMESTONES[:2] + COOL,
        "gold": WARM[:2] + DARK[:2],
    }[str(theme)]
    palette = [(rgb, 0.0) for rgb in stones]
    if theme == "glass":
        palette += [(rgb, 0.6) for rgb in GLASS]
    if theme == "gold":
        palette += [(rgb, 0.9) for rgb in GOLD] * 2
    return palette


def _texture(labels: Labels, side_px: float, count: int, rng: Rng) -> FloatField:
    """Relative brightness noise that breaks at the joint."""
    grain = fractal_noise(labels.shape, side_px * log_uniform(0.1, 0.8, rng), rng, octaves=3)
    if chance(0.4, rng):
        ridge = np.abs(smooth_noise(labels.shape, 0.6 * side_px, rng))
        grain -= np.float32(rng.uniform(0.5, 3.0)) * np.exp(-((ridge / np.float32(0.08)) ** 2))
    if chance(0.35, rng):
        pores = smooth_noise(labels.shape, max(1.0, 0.12 * side_px), rng) > rng.uniform(1.6, 2.4)
        grain -= np.float32(rng.uniform(1.0, 4.0)) * pores
    shifted = _shifted(grain, labels, count, rng)
    strength = log_uniform(0.008, 0.1, rng) * np.exp(0.5 * rng.standard_normal(count))
    return np.asarray(shifted * np.minimum(strength, 0.3).astype(np.float32)[labels])


def _marbling(labels: Labels, side_px: float, count: int, strength: float, rng: Rng) -> FloatField:
    """Relative brightness of breccia: light clouds with dark veins between them, which look like joints and end at the joint."""
    clouds = _shifted(smooth_noise(labels.shape, 0.3 * side_px, rng), labels, count, rng)
    veins = np.exp(-((clouds / np.float32(0.18)) ** 2))
    return np.asarray(strength * (np.float32(0.5) * np.tanh(2 * clouds) - veins), dtype=np.float32)


def _shifted(noise: FloatField, labels: Labels, count: int, rng: Rng) -> FloatField:
    """Noise (H, W) in which each tessera looks at a place of its own, so that it breaks at the joint."""
    pixels = noise.size
    flat_shift = rng.integers(0, pixels, count).astype(np.int64)
    place = np.arange(pixels, dtype=np.int64).reshape(labels.shape) + flat_shift[labels]
    return np.asarray(noise.ravel()[place % pixels])


def _per_label_mean(values: FloatField, labels: Labels, count: int) -> FloatField:
    flat = labels.ravel()
    area = np.maximum(np.bincount(flat, minlength=count), 1)
    return (np.bincount(flat, values.ravel(), minlength=count) / area).astype(np.float32)
