"""What is measured: one checkpoint on one device, run in this process or as the command line in a process of its own."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tesserae.checkpoints import Checkpoint
from tesserae.errors import TesseraeError
from tesserae.options import SegmentOptions
from tesserae.segment import Segmentation, segment_photo
from tesserae.settings import PROJECT_DIR


@dataclass(frozen=True)
class Subject:
    """What is measured.

    Attributes:
        checkpoint: from the registry.
        device: auto, cpu, cuda or mps.
        threads: processor threads; None leaves the choice to the libraries.
    """

    checkpoint: Checkpoint
    device: str = "auto"
    threads: int | None = None

    def segment(self, image: NDArray[np.uint8], *, fast: bool = False) -> tuple[Segmentation, float]:
        """Segment a photo uint8 (H, W, 3) with no option but `fast`; the result, and the seconds that it took."""
        start = time.perf_counter()
        options = SegmentOptions(fast=fast)
        result = segment_photo(image, self.checkpoint, options, device=self.device, threads=self.threads)
        return result, time.perf_counter() - start

    def arguments(self) -> list[str]:
        """The options of the command line that mean this subject."""
        threads = [] if self.threads is None else ["--threads", str(self.threads)]
        return ["--checkpoint", self.checkpoint.name, "--device", self.device, *threads]


@dataclass(frozen=True)
class CommandRun:
    """One run of the command line: its folder of results, its record, and the seconds from start to end of the process."""

    folder: Path
    record: dict[str, Any]
    wall_s: float


def run_command(photo: Path, out_dir: Path, subject: Subject, options: Sequence[str] = ()) -> CommandRun:
    """Run `python -m tesserae segment` on one photo in a process of its own, results into `out_dir`.

    Raises TesseraeError with what the command said, when it does not end with status 0.
    """
    arguments = ["segment", str(photo.resolve()), "--out", str(out_dir.resolve()), *subject.arguments(), *options]
    start = time.perf_counter()
    command = [sys.executable, "-m", "tesserae", *arguments]
    done = subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, check=False)
    wall_s = time.perf_counter() - start
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[-1:] or ["nothing"]
        raise TesseraeError(f"Expected `tesserae {' '.join(arguments)}` to end with status 0, found {done.returncode}; it said: {said[0]}")
    folder = out_dir / photo.stem
    record = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return CommandRun(folder, record, wall_s)
