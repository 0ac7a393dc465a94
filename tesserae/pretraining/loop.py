"""The training loop of both stages: batches prepared ahead in a thread, cosine learning rate, checkpoints that resume exactly.

Every batch depends on (seed, step) only, so a run that was cut off continues with the very batches it would have seen.
"""

import json
import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

logger = logging.getLogger(__name__)

Batch = TypeVar("Batch")
SAVE_EVERY_STEPS = 100
LOG_EVERY_STEPS = 20


@dataclass(frozen=True)
class Schedule:
    """Length and learning rate of one stage: linear warm-up, then a cosine down to a hundredth of `peak_lr`."""

    steps: int
    peak_lr: float
    warmup_steps: int = 200
    weight_decay: float = 0.02

    def lr(self, step: int) -> float:
        """Return the learning rate of a step."""
        if step < self.warmup_steps:
            return self.peak_lr * (step + 1) / self.warmup_steps
        turn = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        return self.peak_lr * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(turn, 1.0))))


def run_stage(
    name: str,
    module: nn.Module,
    schedule: Schedule,
    make_batch: Callable[[int], Batch],
    compute_loss: Callable[[Batch, int], tuple[torch.Tensor, dict[str, float]]],
    work_dir: Path,
) -> None:
    """Train `module` in place; state goes to work_dir/<name>.state.pt, one line of figures per twenty steps to <name>.jsonl."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=schedule.peak_lr, weight_decay=schedule.weight_decay)
    state_path = work_dir / f"{name}.state.pt"
    first = _resume(state_path, module, optimizer)
    started = time.monotonic()
    seen: list[dict[str, float]] = []
    for step, batch in _prefetch(make_batch, first, schedule.steps):
        for group in optimizer.param_groups:
            group["lr"] = schedule.lr(step)
        loss, figures = compute_loss(batch, step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        seen.append({"loss": float(loss.detach()), **figures})
        if (step + 1) % LOG_EVERY_STEPS == 0:
            _log(work_dir / f"{name}.jsonl", step + 1, seen, time.monotonic() - started)
            seen = []
        if (step + 1) % SAVE_EVERY_STEPS == 0 or step + 1 == schedule.steps:
            _save(state_path, {"module": module.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1})


def _resume(state_path: Path, module: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    if not state_path.exists():
        return 0
    state = torch.load(state_path, map_location="cpu", weights_only=True)
    module.load_state_dict(state["module"])
    optimizer.load_state_dict(state["optimizer"])
    logger.info("resumed %s at step %d", state_path.name, state["step"])
    return int(state["step"])


def _prefetch(make_batch: Callable[[int], Batch], first: int, last: int, ahead: int = 2) -> Iterator[tuple[int, Batch]]:
    with ThreadPoolExecutor(max_workers=1) as executor:
        waiting: list[Future[Batch]] = [executor.submit(make_batch, step) for step in range(first, min(first + ahead, last))]
        for step in range(first, last):
            batch = waiting.pop(0).result()
            if step + ahead < last:
                waiting.append(executor.submit(make_batch, step + ahead))
            yield step, batch


def _log(path: Path, step: int, seen: list[dict[str, float]], elapsed_s: float) -> None:
    said = {key: [row[key] for row in seen if key in row] for key in dict.fromkeys(key for row in seen for key in row)}
    means = {key: round(sum(values) / len(values), 4) for key, values in said.items()}
    line = {"step": step, "elapsed_s": round(elapsed_s, 1), **means}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    logger.info("%s", line)


def _save(path: Path, state: dict[str, object]) -> None:
    partial = path.with_suffix(f".{os.getpid()}.part")
    torch.save(state, partial)
    partial.replace(path)
