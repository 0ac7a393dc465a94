"""Where values lie on a chart, and at which round numbers its lines are drawn."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """A range of values and where it lies on the picture, in pixels; `start_px` may be the greater one (upwards)."""

    low: float
    high: float
    start_px: float
    end_px: float

    def place(self, value: float) -> float:
        """Where a value lies on the picture."""
        span = self.high - self.low
        return self.start_px + (self.end_px - self.start_px) * ((value - self.low) / span if span else 0.5)


def nice_ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers (1, 2, 2.5 or 5 times a power of ten apart) from `low` or just below to `high` or just above."""
    span = high - low or abs(low) or 1.0
    power = 10.0 ** math.floor(math.log10(span / about))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if span / (power * factor) <= about)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 12) for number in range(first, max(last, first + 1) + 1)]
