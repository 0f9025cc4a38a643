"""A run that waits for its images says so once a stretch, with what to do."""

from dataclasses import dataclass

from realesrgan_arch.training.data_share import WINDOW_STEPS, DataShareWatch


@dataclass
class _Times:
    data_seconds: float = 0.0
    seconds: float = 0.0

    def elapsed(self) -> float:
        return self.seconds


def _windows(watch: DataShareWatch, times: _Times, *shares: float) -> list[bool]:
    """Whether each window of one-second steps with such a share of waiting was worth a word."""
    said = []
    for share in shares:
        words = []
        for _ in range(WINDOW_STEPS):
            times.seconds += 1
            times.data_seconds += share
            words.append(watch.after_step())
        said.append(any(words))
    return said


def test_two_slow_windows_are_a_stretch_and_are_said_once() -> None:
    times = _Times()
    watch = DataShareWatch(times)
    assert _windows(watch, times, 0.5, 0.5, 0.5, 0.5) == [False, True, False, False]


def test_a_new_stretch_is_said_again_and_a_hiccup_is_not() -> None:
    times = _Times()
    watch = DataShareWatch(times)
    assert _windows(watch, times, 0.9, 0.1, 0.4, 0.4, 0.3, 0.4, 0.4) == [False, False, False, True, False, False, True]


def test_the_words_say_what_to_do() -> None:
    times = _Times()
    watch = DataShareWatch(times)
    words = []
    for _ in range(2 * WINDOW_STEPS):
        times.seconds, times.data_seconds = times.seconds + 1, times.data_seconds + 0.45
        words.append(watch.after_step())
    for part in ("45%", "num_worker_per_gpu", "realesrgan-arch data tiles"):
        assert part in words[-1]
