"""Surface: light on the relief (bevelled, tilted, rough stones over a sunken joint), then age: patina, dirt, cracks."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tesserae.synthetic.noise import FloatField, Rng, chance, fractal_noise, log_uniform, smooth_noise
from tesserae.synthetic.stone import StonePaint

Labels = NDArray[np.int32]


def mortar_field(shape: tuple[int, int], mortar_rgb: FloatField, side_px: float, rng: Rng) -> FloatField:
    """Return the mortar's colour at every place, float32 (H, W, 3): grainy, and often in patches of lime, earth or dust."""
    grain = 1 + np.float32(log_uniform(0.02, 0.15, rng)) * fractal_noise(shape, side_px * 0.4, rng)
    mortar = np.asarray(mortar_rgb * grain[..., None], dtype=np.float32)
    if chance(0.5, rng):
        second = mortar_rgb * rng.uniform(0.35, 1.7) * (1 + rng.normal(0, 0.05, 3))
        patches = fractal_noise(shape, side_px * log_uniform(0.5, 4.0, rng), rng) * rng.uniform(0.5, 2.0) + rng.uniform(-0.8, 0.3)
        mortar = _blend(mortar, np.clip(second, 0.03, 1.0), np.clip(patches, 0, 1))
    return mortar


def light_relief(labels: Labels, paint: StonePaint, mortar: FloatField, side_px: float, rng: Rng) -> FloatField:
    """Return the lit surface as float32 (H, W, 3) in about 0..1; `mortar` is that of `mortar_field`."""
    stone = labels > 0
    rgb = np.where(stone[..., None], paint.rgb, mortar)
    height = _relief(labels, paint.roughness, side_px, rng)
    direction = float(rng.uniform(0, 2 * np.pi))
    slope_x = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3) / 8
    slope_y = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3) / 8
    facing = np.asarray(slope_x * np.float32(np.cos(direction)) + slope_y * np.float32(np.sin(direction)), dtype=np.float32)
    shading = 1 + np.float32(log_uniform(0.05, 0.5, rng)) * np.clip(facing, -0.8, 0.8)
    lit = np.asarray(rgb * shading[..., None], dtype=np.float32)
    lit *= _joint_shadow(stone, direction, side_px, rng)[..., None]
    return _with_glints(lit, labels, facing, paint.gloss, rng)


def age_surface(rgb: FloatField, labels: Labels, mortar_rgb: FloatField, side_px: float, rng: Rng) -> FloatField:
    """Return the surface after patina, mortar smeared over stones, dark deposits, cracks and dust."""
    aged = rgb
    if chance(0.5, rng):
        film = np.clip(fractal_noise(labels.shape, 3 * side_px, rng) * 0.5 + rng.uniform(-0.2, 0.5), 0, 1) * rng.uniform(0.05, 0.35)
        colour = mortar_rgb if chance(0.5, rng) else np.asarray([0.45, 0.38, 0.28], dtype=np.float32) * rng.uniform(0.5, 1.6)
        aged = _blend(aged, colour, film)
    if chance(0.4, rng):
        patch = fractal_noise(labels.shape, side_px * log_uniform(0.2, 1.2, rng), rng) > rng.uniform(0.9, 2.0)
        spread = cv2.GaussianBlur(patch.astype(np.float32), (0, 0), max(0.5, 0.04 * side_px))
        where = np.clip(smooth_noise(labels.shape, 8 * side_px, rng) + rng.uniform(-0.3, 0.7), 0, 1)
        earth = np.asarray([0.30, 0.24, 0.20], dtype=np.float32) * rng.uniform(0.5, 2.2)
        aged = _blend(aged, mortar_rgb if chance(0.4, rng) else earth, spread * where * rng.uniform(0.3, 0.8))
    for _ in range(int(rng.integers(1, 5)) if chance(0.3, rng) else 0):
        aged = _blend(aged, aged.mean(axis=(0, 1)) * rng.uniform(0.2, 0.6), _crack(labels.shape, side_px, rng) * rng.uniform(0.3, 0.9))
    return aged


def _relief(labels: Labels, roughness: FloatField, side_px: float, rng: Rng) -> FloatField:
    """Height in pixels: bevelled edges, each stone at its own tilt, rough faces, sunken mortar."""
    inside = _distance_inside(labels)
    bevel = max(1.0, side_px * float(rng.uniform(0.05, 0.35)))
    depth = side_px * float(rng.uniform(0.05, 0.3))
    height = np.float32(depth) * np.sqrt(np.clip(inside / np.float32(bevel), 0, 1))
    rough = fractal_noise(labels.shape, side_px * float(rng.uniform(0.1, 0.5)), rng)
    height += np.float32(0.05 * side_px) * roughness[labels] * rough
    return np.asarray(cv2.GaussianBlur(height, (0, 0), max(0.6, 0.03 * side_px)), dtype=np.float32)


def _distance_inside(labels: Labels) -> FloatField:
    inner = labels > 0
    inner[:, :-1] &= labels[:, :-1] == labels[:, 1:]
    inner[:-1] &= labels[:-1] == labels[1:]
    return np.asarray(cv2.distanceTransform(inner.astype(np.uint8), cv2.DIST_L2, 5), dtype=np.float32)


def _joint_shadow(stone: NDArray[np.bool_], direction: float, side_px: float, rng: Rng) -> FloatField:
    """Darkening of the joint: occlusion by the stones around it, and the shadow that they cast."""
    solid = stone.astype(np.float32)
    around = cv2.GaussianBlur(solid, (0, 0), max(0.7, 0.12 * side_px))
    shadow = 1 - np.float32(rng.uniform(0.0, 0.7)) * around * ~stone
    shift = np.round(side_px * float(rng.uniform(0.02, 0.1)) * np.asarray([np.sin(direction), np.cos(direction)])).astype(int)
    cast = np.roll(stone, tuple(-shift), axis=(0, 1)) & ~stone
    return np.asarray(shadow * (1 - np.float32(rng.uniform(0, 0.4)) * cast), dtype=np.float32)


def _with_glints(lit: FloatField, labels: Labels, facing: FloatField, gloss: FloatField, rng: Rng) -> FloatField:
    if gloss.max() < 0.2:
        return lit
    tilt = rng.standard_normal(len(gloss)).astype(np.float32)
    mirror = np.clip(facing * 3 + tilt[labels] - np.float32(0.8), 0, 1.2) * gloss[labels] * (labels > 0)
    return np.asarray(lit + (np.float32(0.35) * mirror)[..., None])


def _crack(shape: tuple[int, int], side_px: float, rng: Rng) -> FloatField:
    """A thin wandering line, as float32 (H, W) in 0..1."""
    steps = 40
    start = rng.uniform(0, 1, 2) * shape[::-1]
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.25, steps))
    path = start + np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1), 0) * side_px * 0.7
    canvas = np.zeros(shape, dtype=np.uint8)
    thickness = max(1, round(side_px * float(rng.uniform(0.01, 0.06))))
    cv2.polylines(canvas, [path.astype(np.int32)], False, 255, thickness, cv2.LINE_AA)
    return np.asarray(canvas.astype(np.float32) / 255)


def _blend(rgb: FloatField, colour: FloatField, amount: FloatField) -> FloatField:
    share = amount[..., None].astype(np.float32)
    return np.asarray(rgb * (1 - share) + colour.astype(np.float32) * share)
