"""Checkpoints in a weights folder of the test's own."""

import json
from pathlib import Path

import torch

from tesserae.checkpoints import EMBEDDED_NAME, Checkpoint, find_checkpoint

BASE_URL = "https://example.org/sam"


def find(name: str, weights_dir: Path) -> Checkpoint:
    return find_checkpoint(name, weights_dir, BASE_URL)


def save_finetuned(weights_dir: Path, name: str, contents: object, **record: object) -> Path:
    path = weights_dir / f"{name}.pt"
    torch.save(contents, path)
    path.with_suffix(".json").write_text(json.dumps({"config": EMBEDDED_NAME} | record))
    return path
