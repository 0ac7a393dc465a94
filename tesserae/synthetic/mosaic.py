"""One synthetic mosaic from seed to photo: compose, cut joints, damage, colour, light, age, photograph."""

import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from tesserae.labelmap import write_label_map
from tesserae.measure import median_side_px
from tesserae.synthetic import camera, composition, joints, stone, surface
from tesserae.synthetic.domain import Domain
from tesserae.synthetic.noise import FloatField, Rng, chance, fractal_noise, log_uniform, smooth_noise

Labels = NDArray[np.int32]

SIDE_RANGE_PX = (8.0, 80.0)
_CANVAS_SIDE_PX = 22.0  # tesserae and joint are drawn at least this large, so that hairline joints exist before the camera blurs them
_JOINT_AND_CUTS = 1.25  # what is drawn is larger than the median tessera by about this: its joint, and smaller stones in figures
_MOST_ENLARGED = 1.15  # by the camera, where the median tessera came out smaller than that
_MARGIN = 1.12  # canvas over frame, room for rotation and keystone


@dataclass(frozen=True)
class SyntheticMosaic:
    """A photo that never was, with its truth.

    Attributes:
        image: uint8 (H, W, 3), sRGB.
        labels: int32 (H, W), 0 = mortar, 1..N = tesserae, exact at every pixel.
        side_px: of the median tessera; what was asked for where none is in the photo.
        recipe: the drawn parameters, JSON types only.
    """

    image: NDArray[np.uint8]
    labels: Labels
    side_px: float
    recipe: dict[str, object]


def render_mosaic(seed: int, size_px: int = 1024, side_px: float | None = None, domain: Domain | None = None) -> SyntheticMosaic:
    """Render the mosaic of `seed`: a square photo of `size_px` whose median tessera has a side of `side_px` (drawn if None).

    A domain gives stones and mortar in place of drawn ones.

    The camera is set by what was laid: wide joints and small stones in the figures do not make the tesserae smaller than was asked for.
    """
    rng = np.random.default_rng(seed)
    drawn_side_px = log_uniform(*SIDE_RANGE_PX, rng)
    side_px = drawn_side_px if side_px is None else side_px
    canvas_side_px = max(_CANVAS_SIDE_PX, _JOINT_AND_CUTS * side_px)
    canvas_px = int(np.ceil(size_px * canvas_side_px / side_px * _MARGIN)) + 4
    labels, areas, opus = _lay_tesserae(canvas_px, canvas_side_px, rng)
    scale = _camera_scale(labels, side_px, size_px)
    scene = _paint_scene(labels, areas, canvas_side_px, rng, domain)
    scene, labels = _put_on_ground(scene, labels, canvas_side_px, rng)
    homography = camera.draw_homography(size_px, canvas_px, scale, rng)
    image, truth = camera.take_photo(scene, labels, homography, size_px, rng)
    truth = _renumbered(truth)
    seen_side_px = median_side_px(truth) if truth.any() else side_px
    recipe = {"seed": seed, "size_px": size_px, "side_px": round(seen_side_px, 2), "opus": opus, "count": int(truth.max())}
    return SyntheticMosaic(image, truth, seen_side_px, recipe)


def write_mosaics(out_dir: Path, count: int, seed: int, size_px: int) -> Iterator[Path]:
    """Write `count` mosaics of seeds seed, seed + 1, ... as NAME.png, NAME_labels.tif, NAME.json; yield each photo's path."""
    out_dir.mkdir(parents=True, exist_ok=True)
    for number in range(seed, seed + count):
        mosaic = render_mosaic(number, size_px)
        stem = f"mosaic_{number:06d}"
        path = out_dir / f"{stem}.png"
        png = io.BytesIO()
        PillowImage.fromarray(mosaic.image).save(png, format="PNG")
        _replace_file(path, png.getvalue())
        write_label_map(out_dir / f"{stem}_labels.tif", mosaic.labels)
        _replace_file(out_dir / f"{stem}.json", (json.dumps(mosaic.recipe, indent=2) + "\n").encode())
        yield path


def _replace_file(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, then put it in place."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _lay_tesserae(canvas_px: int, side_px: float, rng: Rng) -> tuple[Labels, NDArray[np.int16], str]:
    """Label map and area map of the canvas, with missing stones and lacunae."""
    plan = composition.compose((canvas_px, canvas_px), side_px, rng)
    labels = joints.cut_joints(plan.cells, side_px, joints.draw_joint_style(rng), rng)
    if chance(0.5, rng):
        labels = joints.break_tesserae(labels, side_px, log_uniform(0.002, 0.06, rng), rng)
    if chance(0.22, rng):
        hole = fractal_noise(labels.shape, 6 * side_px, rng, octaves=4) > rng.uniform(1.0, 2.2)
        touched = np.zeros(int(labels.max()) + 1, dtype=bool)
        touched[np.unique(labels[hole])] = True
        labels = np.where(touched[labels], 0, labels)
    return labels, plan.areas, plan.opus


def _camera_scale(labels: Labels, side_px: float, size_px: int) -> float:
    """Photo pixels per canvas pixel at which the median tessera has `side_px`, as far as the canvas and its sharpness allow."""
    least = size_px * _MARGIN / labels.shape[0]
    return float(np.clip(side_px / median_side_px(labels), least, _MOST_ENLARGED)) if labels.any() else least


def _paint_scene(labels: Labels, areas: NDArray[np.int16], side_px: float, rng: Rng, domain: Domain | None) -> FloatField:
    area_of_label = np.zeros(int(labels.max()) + 1, dtype=np.int16)
    area_of_label[labels.ravel()] = areas.ravel()
    paint = stone.paint_stones(labels, area_of_label, side_px, rng, domain)
    visible = paint.rgb[labels > 0][::101]
    mortar_rgb = stone.draw_mortar_rgb(visible if len(visible) else np.full((1, 3), 0.5, dtype=np.float32), rng, domain)
    mortar = surface.mortar_field(labels.shape, mortar_rgb, side_px, rng)
    lit = surface.light_relief(labels, paint, mortar, side_px, rng)
    lit = _fill_lacunae(lit, labels, mortar_rgb, side_px, rng)
    return surface.age_surface(lit, labels, mortar_rgb, side_px, rng)


def _fill_lacunae(lit: FloatField, labels: Labels, mortar_rgb: FloatField, side_px: float, rng: Rng) -> FloatField:
    """Give wide mortar (a lacuna) its own look: bare bedding, a modern fill, or rubble."""
    to_stone = cv2.distanceTransform((labels == 0).astype(np.uint8), cv2.DIST_L2, 5)
    depth = np.clip(to_stone / np.float32(0.5 * side_px) - np.float32(0.6), 0, 1)
    if not depth.any():
        return lit
    colour = mortar_rgb if chance(0.5, rng) else rng.uniform(0.2, 0.85) * np.asarray([1.0, rng.uniform(0.85, 1), rng.uniform(0.7, 1)])
    grain = fractal_noise(labels.shape, side_px * log_uniform(0.1, 2.0, rng), rng, octaves=4)
    fill = colour.astype(np.float32) * (1 + np.float32(log_uniform(0.03, 0.3, rng)) * grain)[..., None]
    return np.asarray(lit * (1 - depth[..., None]) + fill * depth[..., None], dtype=np.float32)


def _put_on_ground(scene: FloatField, labels: Labels, side_px: float, rng: Rng) -> tuple[FloatField, Labels]:
    """Sometimes the mosaic ends inside the photo: a wall, a floor or a studio ground lies beside it."""
    if not chance(0.15, rng):
        return scene, labels
    height, width = labels.shape
    angle, cut = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.15, 0.45)) * width
    y, x = np.indices(labels.shape, dtype=np.float32)
    beyond = (x - width / 2) * np.float32(np.cos(angle)) + (y - height / 2) * np.float32(np.sin(angle))
    beyond += np.float32(rng.uniform(0, 0.6) * side_px) * smooth_noise(labels.shape, 2 * side_px, rng)
    ground = beyond > cut
    tone = rng.uniform(0, 0.95) * (1 + rng.normal(0, 0.05, 3))
    texture = np.float32(log_uniform(0.002, 0.15, rng)) * fractal_noise(labels.shape, side_px * log_uniform(0.2, 4, rng), rng)
    beside = tone.astype(np.float32) + texture[..., None]
    cut_off = np.zeros(int(labels.max()) + 1, dtype=bool)
    if chance(0.5, rng):
        cut_off[np.unique(labels[ground])] = True
    kept = np.where(cut_off[labels] | ground, 0, labels)
    return np.where(ground[..., None], beside, scene).astype(np.float32), kept


def _renumbered(labels: Labels) -> Labels:
    """Number the labels that are in the frame from 1, without those of under four pixels."""
    area = np.bincount(labels.ravel())
    keep = area >= 4
    keep[0] = False
    number = np.zeros(len(area), dtype=np.int32)
    number[keep] = np.arange(1, int(keep.sum()) + 1)
    return np.asarray(number[labels], dtype=np.int32)
