"""The outcome of a benchmark: printed, and written as Markdown and JSON with the facts of the machine; measures nothing."""

import json
import math
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

import tesserae
from benchmarks.tables import Table, format_table
from tesserae.checkpoints import Checkpoint
from tesserae.device import bfloat16_helps, choose_device
from tesserae.doctor import total_memory_bytes
from tesserae.download import sha256_of_file

HASH_DIGITS = 12


@dataclass(frozen=True)
class Report:
    """What a benchmark found.

    Attributes:
        name: of the benchmark; its files are called like it.
        facts: of the machine and of the checkpoint.
        options: what was asked for, JSON types.
        tables: the figures.
    """

    name: str
    facts: Mapping[str, object]
    options: Mapping[str, object]
    tables: tuple[Table, ...]


def machine_facts(checkpoint: Checkpoint, device_name: str, threads: int | None) -> dict[str, object]:
    """What a reader must know to compare the figures with their own; JSON types.

    Raises DeviceError when the device is not there.
    """
    device = choose_device(device_name)
    memory_bytes = total_memory_bytes()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "tesserae": tesserae.__version__,
        "checkpoint": checkpoint.name,
        "sha256": sha256_of_file(checkpoint.path)[:HASH_DIGITS] if checkpoint.installed else None,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "bf16": bfloat16_helps(device),
        "cores": usable_cores(),
        "threads": threads or torch.get_num_threads(),
        "memory_gb": None if memory_bytes is None else round(memory_bytes / 1e9, 1),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def usable_cores() -> int | None:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def format_report(report: Report) -> str:
    """The report as Markdown: the facts in one line, then the tables."""
    facts = ", ".join(f"{name} {_in_words(value)}" for name, value in report.facts.items())
    options = " ".join(f"{name}={_in_words(value)}" for name, value in report.options.items())
    head = [f"## {report.name}", "", f"{facts}.", "", f"Options: {options or 'none'}.", ""]
    return "\n".join([*head, *(format_table(table) for table in report.tables)])


def write_report(report: Report, out_dir: Path) -> tuple[Path, Path]:
    """Write NAME.md and NAME.json into `out_dir`, each complete or not at all; return their paths."""
    content = {
        "benchmark": report.name,
        "machine": dict(report.facts),
        "options": dict(report.options),
        "tables": [{"title": table.title, "notes": list(table.notes), "rows": table.rows} for table in report.tables],
    }
    text = json.dumps(_plain(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    markdown_path, json_path = out_dir / f"{report.name}.md", out_dir / f"{report.name}.json"
    replace_file(markdown_path, lambda part: part.write_text(format_report(report), encoding="utf-8"))
    replace_file(json_path, lambda part: part.write_text(text, encoding="utf-8"))
    return markdown_path, json_path


def replace_file(path: Path, write: Callable[[Path], object]) -> Path:
    """Let `write` fill a temporary file of the same ending, then put it in place; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{os.getpid()}.part{path.suffix}")
    try:
        write(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _in_words(value: object) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(str(item) for item in value)
    return str(value)


def _plain(value: Any) -> Any:
    """JSON types; a missing figure is None, a path its text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
