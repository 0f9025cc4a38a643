"""How long the parts of a run took."""

import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Literal

Part = Literal["step", "base", "validation", "saving"]
_KEPT = 1000


class Timings:
    """Seconds of the last thousand of each part; the first step stands apart, since it warms everything up."""

    def __init__(self) -> None:
        self._seconds: dict[Part, deque[float]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self.first_step_s = 0.0

    def add_step(self, seconds: float) -> None:
        """Note a step."""
        if not self.first_step_s:
            self.first_step_s = seconds
        else:
            self._seconds["step"].append(seconds)

    @contextmanager
    def measure(self, part: Part) -> Iterator[None]:
        """Note how long the block took."""
        began = time.monotonic()
        yield
        self._seconds[part].append(time.monotonic() - began)

    def typical_s(self, part: Part) -> float:
        """Return the median of a part, 0 where it never was; a run of one step has only its first."""
        seconds = self._seconds[part]
        return median(seconds) if seconds else self.first_step_s * (part == "step")
