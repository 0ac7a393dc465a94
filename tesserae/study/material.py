"""The mosaics of a study: some to learn from, others to be judged on that nothing was learned from; rendered, or of a folder."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from tesserae.atomic import write_file
from tesserae.dataset import Dataset, Ground, Part, read_folder
from tesserae.dataset.arranging import Candidate, arrange
from tesserae.dataset.ground import Labels, Mask
from tesserae.dataset.looks import group_alike, looks_of
from tesserae.dataset.splits import assign_splits
from tesserae.errors import DatasetError
from tesserae.importing.wording import counted
from tesserae.labelmap import count_tesserae, read_label_map, write_label_map
from tesserae.results import output_errors
from tesserae.store.members import Split
from tesserae.synthetic import render_mosaic
from tesserae.synthetic.domain import DOMAINS
from tesserae.synthetic.noise import log_uniform

FIRST_LEARNED_SEED, FIRST_UNSEEN_SEED = 500_000_000, 600_000_000
"""Of the synthetic mosaics of studies; the pretraining's begin at 1,000,000,000, those of tests and benchmarks are far smaller."""

SIDE_RANGE_PX = (12.0, 26.0)

Report = Callable[[float], None]


@dataclass(frozen=True)
class Material:
    """What a study works with.

    Attributes:
        groups: photos to learn from, whole; those of one group show the same mosaic.
        unseen: what all variants are judged on.
        notes: sentences on where they come from.
    """

    groups: tuple[tuple[Part, ...], ...]
    unseen: tuple[Part, ...]
    notes: tuple[str, ...]

    def lesson(self, count: int | None) -> Dataset:
        """Return a dataset of the first `count` mosaics, all with None, split as the program splits the same number of corrected ones.

        What it would keep apart to test on is learned from: the test of a study is on other mosaics in any case.

        Raises DatasetError when there are not so many, or too few tesserae in them.
        """
        if count is not None and count > len(self.groups):
            raise DatasetError(
                f"Expected {count} mosaics to learn from, found {len(self.groups)}. Give a folder with more, or a smaller number after "
                "--mosaics."
            )
        groups = self.groups[:count]
        ids = [[part.photo_id for part in group] for group in groups]
        splits: dict[str, Split] = {photo_id: "train" if split == "test" else split for photo_id, split in assign_splits(ids, {}).items()}
        return arrange([_candidate(part) for group in groups for part in group], ids, splits)


def render_material(folder: Path, learned: int, unseen: int, size_px: int, domain: str | None, report: Report) -> Material:
    """Return synthetic mosaics, squares of `size_px`; those that the folder lacks are rendered into it. Raises OutputError."""
    seeds = [*(FIRST_LEARNED_SEED + k for k in range(learned)), *(FIRST_UNSEEN_SEED + k for k in range(unseen))]
    parts = []
    for number, seed in enumerate(seeds):
        report(number / len(seeds))
        parts.append(_rendered_part(folder, seed, size_px, domain))
    material = "a material of their own each" if domain is None else f"the material '{domain}'"
    note = (
        f"Synthetic mosaics of {size_px} x {size_px} pixels with {material}, exact truth, and median tesserae of {SIDE_RANGE_PX[0]:g} to "
        f"{SIDE_RANGE_PX[1]:g} pixels a side: {f'{learned} to learn from at most, ' if learned else ''}{unseen} unseen to be judged on."
    )
    return Material(tuple((part,) for part in parts[:learned]), tuple(parts[learned:]), (note,))


def read_material(folder: Path, seed: int, max_pixels: int, *, trains: bool) -> Material:
    """Return the mosaics of a folder with images/ and masks/: where nothing is learned, all of them are judged on.

    Raises as `tesserae.dataset.read_folder`, and DatasetError when something is to be learned and nothing is left to be judged on.
    """
    dataset = read_folder(folder, seed, max_pixels=max_pixels)
    note = f"{counted(len(dataset.parts), 'photo', 'photos')} of {folder.name}, split with the seed {seed}."
    if not trains:
        return Material((), dataset.parts, (note, *dataset.notes[1:]))
    unseen = dataset.of_split("test")
    if not unseen:
        raise DatasetError(
            f"Expected at least five mosaics in {folder}, so that one is left to be judged on that nothing was learned from; found "
            f"{len(dataset.photo_ids('train')) + len(dataset.photo_ids('validation'))}. Add more photos with masks."
        )
    learned = {part.photo_id: part for part in dataset.parts if part.split != "test"}
    alike = group_alike({photo_id: looks_of(part.load().image) for photo_id, part in learned.items()})
    return Material(tuple(tuple(learned[photo_id] for photo_id in group) for group in alike), unseen, (note, *dataset.notes))


def _rendered_part(folder: Path, seed: int, size_px: int, domain: str | None) -> Part:
    stones = DOMAINS[domain] if domain else None
    kind = f"_{domain}_{hashlib.sha256(repr(stones).encode()).hexdigest()[:6]}" if domain else ""  # a domain may be changed
    photo_path = folder / f"mosaic_{seed}_{size_px}{kind}.png"
    truth_path = photo_path.with_suffix(".tif")
    if not photo_path.is_file():
        side_px = log_uniform(*SIDE_RANGE_PX, np.random.default_rng([seed, 1]))
        mosaic = render_mosaic(seed, size_px, side_px, stones)
        png = BytesIO()
        Image.fromarray(mosaic.image).save(png, format="PNG")
        with output_errors(photo_path):
            photo_path.parent.mkdir(parents=True, exist_ok=True)
            write_label_map(truth_path, mosaic.labels)
            write_file(photo_path, png.getvalue())  # last: a photo that is there has its truth
    count = count_tesserae(read_label_map(truth_path))
    ids = (hashlib.sha256(path.read_bytes()).hexdigest() for path in (photo_path, truth_path))
    load = partial(_read_ground, photo_path, truth_path)
    return Part(next(ids), f"{seed}", "test", (0, 0, size_px, size_px), count, None, next(ids), load)


def _read_ground(photo_path: Path, truth_path: Path) -> Ground:
    with Image.open(photo_path) as photo:
        image = np.asarray(photo.convert("RGB"))
    labels = read_label_map(truth_path)
    return Ground(image, labels, np.ones(labels.shape, dtype=bool))


def _candidate(part: Part) -> Candidate:
    """A whole photo that is on no side yet."""
    x0, y0, x1, y1 = part.box_xyxy

    def read_truth() -> tuple[Labels, Mask]:
        ground = part.load()
        return ground.labels, ground.known

    return Candidate(part.photo_id, part.name, part.count, part.annotation_id, part.truth_id, (y1 - y0, x1 - x0), part.load, read_truth)
