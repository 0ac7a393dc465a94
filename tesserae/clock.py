"""Seconds spent in each stage of a run."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

STAGES = ("load", "find", "embed", "decode", "paint")


class Clock:
    """Adds up the time of each stage."""

    def __init__(self) -> None:
        self._spent_s = dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of the block to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._spent_s[name] += time.perf_counter() - start

    def stages_s(self) -> dict[str, float]:
        """Return the seconds so far, rounded to milliseconds."""
        return {name: round(spent, 3) for name, spent in self._spent_s.items()}
