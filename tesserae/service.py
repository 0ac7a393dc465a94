"""The one place that turns options into a run: the page and the command line call it, so their counts agree."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tesserae.checkpoints import Checkpoint, find_checkpoint, verify_checkpoint
from tesserae.errors import CheckpointError
from tesserae.options import RunOptions
from tesserae.photo import Photo, read_photo
from tesserae.results import write_results
from tesserae.segment import Segmentation, segment_photo
from tesserae.settings import Settings
from tesserae.tilecache import PhotoMemory

Progress = Callable[[float, str], None]


@dataclass(frozen=True, eq=False)
class Run:
    """A segmented photo with what was asked for and how long it took.

    Attributes:
        read_s: time of reading the photo.
        elapsed_s: time of the whole run, reading included.
    """

    photo: Photo
    segmentation: Segmentation
    options: RunOptions
    read_s: float
    elapsed_s: float


def run_file(path: Path, options: RunOptions, settings: Settings, *, progress: Progress | None = None) -> Run:
    """Read and segment a photo.

    Raises TesseraeError: the photo, the checkpoint or the device cannot be used.
    """
    start = time.perf_counter()
    photo = read_photo(path, max_pixels=settings.max_pixels)
    return run_photo(photo, options, settings, read_s=time.perf_counter() - start, progress=progress)


def run_photo(
    photo: Photo,
    options: RunOptions,
    settings: Settings,
    *,
    read_s: float = 0.0,
    progress: Progress | None = None,
    memory: PhotoMemory | None = None,
) -> Run:
    """Segment a photo that has been read in `read_s` seconds, using what `memory` keeps of it; raises TesseraeError as `run_file`."""
    start = time.perf_counter()
    checkpoint = find_checkpoint(options.checkpoint, settings.weights, settings.checkpoint_url)
    segmentation = segment_photo(
        photo.image, checkpoint, options.segment, device=options.device, threads=options.threads, progress=progress, memory=memory
    )
    return Run(photo, segmentation, options, read_s, read_s + time.perf_counter() - start)


def find_installed(name: str, settings: Settings) -> Checkpoint:
    """Return a checkpoint whose file is here; raises CheckpointError, which says how to get it, when it is not."""
    checkpoint = find_checkpoint(name, settings.weights, settings.checkpoint_url)
    if not checkpoint.installed:
        raise CheckpointError(verify_checkpoint(checkpoint).message)
    return checkpoint


def save_run(out_dir: Path, run: Run, *, mm_per_px: float | None = None, folder_name: str | None = None) -> Path:
    """Write a run's results into a folder of `out_dir` and return it; raises OutputError."""
    return write_results(
        out_dir,
        run.photo,
        run.segmentation,
        mm_per_px=mm_per_px,
        elapsed_s=run.elapsed_s,
        read_s=run.read_s,
        folder_name=folder_name,
        options=run.options.as_dict(),
    )
