"""Times of sides that take turns, so that a busy machine slows all alike."""

import statistics
import time
from collections.abc import Callable, Mapping

import torch

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
"""`cpu` adds up the seconds of all threads; with one thread it is what an idle machine's wall would say."""


def interleaved_seconds(
    sides: Mapping[str, Callable[[], object]], *, runs: int, clock: str = "wall"
) -> dict[str, float]:
    """Return the median time of each side."""
    now = CLOCKS[clock]
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(runs):
        for name, run in sides.items():
            wait_for_device()
            start = now()
            run()
            wait_for_device()
            times[name].append(now() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def matmul_flops(dtype: torch.dtype, *, device: torch.device, runs: int = 5, clock: str = "wall") -> float:
    """Return the FLOP/s of a square matrix product, which is taken for the ceiling of the machine."""
    side = 8192 if device.type == "cuda" else 1024
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    _ = a @ b
    seconds = interleaved_seconds({"matmul": lambda: a @ b}, runs=runs, clock=clock)["matmul"]
    return 2 * side**3 / seconds


def wait_for_device() -> None:
    """Wait until a GPU has done all that it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
