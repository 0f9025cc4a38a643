"""Says when the network waits for images, once a stretch, with what to do."""

from typing import Protocol

from realesrgan_arch.cores import usable_cores

WINDOW_STEPS = 50
MOST_SHARE = 0.3
_WINDOWS = 2


class Times(Protocol):
    """Where the time of the steps went, in seconds since the start."""

    data_seconds: float

    def elapsed(self) -> float:
        """Return the time of all steps."""
        ...


class DataShareWatch:
    """Looks at the share of waiting in each 50 steps; two such windows in a row over 30 % are worth a word.

    Args:
        times: of the run; read after each step.
    """

    def __init__(self, times: Times) -> None:
        self._times = times
        self._steps = 0
        self._windows_over = 0
        self._elapsed = times.elapsed()
        self._waited = times.data_seconds

    def after_step(self) -> str:
        """Return a warning, or an empty string."""
        self._steps += 1
        if self._steps % WINDOW_STEPS:
            return ""
        share = self._share_of_window()
        self._windows_over = self._windows_over + 1 if share > MOST_SHARE else 0
        if self._windows_over != _WINDOWS:
            return ""
        return (
            f"the network waited for images in {share:.0%} of the last {WINDOW_STEPS} steps; raise "
            f"datasets.train.num_worker_per_gpu (this machine has {usable_cores()} cores), or store the photographs as "
            "tiles or LMDB once: realesrgan-arch data tiles [--lmdb]"
        )

    def _share_of_window(self) -> float:
        elapsed, waited = self._times.elapsed(), self._times.data_seconds
        share = (waited - self._waited) / max(elapsed - self._elapsed, 1e-9)
        self._elapsed, self._waited = elapsed, waited
        return share
