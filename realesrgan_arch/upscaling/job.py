"""The words of a folder run: one picture's work, the plan of all of it, and what became of each."""

from dataclasses import dataclass
from pathlib import Path

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.plural import count_of


@dataclass(frozen=True)
class Job:
    """One picture to read and the file to make of it.

    `size`: (width, height) of the upright picture; `output_size`: of the result. Both are known from the header alone.
    `num_bytes`, `mtime_ns`: of the source as it was when its header was read. `notes`: what is to be said of the
    result, in sentences.
    """

    source: Path
    target: Path
    size: tuple[int, int]
    output_size: tuple[int, int]
    num_bytes: int = 0
    mtime_ns: int = 0
    notes: tuple[str, ...] = ()

    @property
    def output_megapixels(self) -> float:
        """Million pixels of the result: what the time goes by."""
        return self.output_size[0] * self.output_size[1] / 1e6


@dataclass(frozen=True)
class RunPlan:
    """All work, with all names, before anything is done.

    `done`: pictures whose results an earlier run left, whole and with the same settings. `skipped`: pictures in the
    output folder where that lies inside the input folder. `unreadable`: each with the reason, in a sentence.
    `num_ignored`: files that are no pictures. `output_bytes`: what the results will need, a guess; `free_bytes`: what
    the disk has.
    """

    jobs: tuple[Job, ...]
    done: tuple[Path, ...] = ()
    skipped: tuple[Path, ...] = ()
    unreadable: tuple[tuple[Path, str], ...] = ()
    num_ignored: int = 0
    output_bytes: int = 0
    free_bytes: int = 0

    @property
    def output_megapixels(self) -> float:
        """Million pixels of all results that are still to make."""
        return sum(job.output_megapixels for job in self.jobs)

    def in_words(self, *, megapixels_per_second: float | None = None) -> str:
        """Return one line: how many pictures, how much room, and, where the rate is known, how long."""
        total = len(self.jobs) + len(self.done) + len(self.unreadable)
        counted = (
            (self.done, "done already"),
            (self.unreadable, "unreadable"),
            (self.skipped, "in the output folder left out"),
        )
        pictures = [count_of(total, "image"), *(f"{len(paths):,} {what}" for paths, what in counted if paths)]
        if self.num_ignored:
            pictures.append(f"{count_of(self.num_ignored, 'other file')} ignored")
        parts = [", ".join(pictures)]
        if self.jobs:
            parts.append(f"output about {say_bytes(self.output_bytes)}, free {say_bytes(self.free_bytes)}")
            if self.output_bytes > self.free_bytes:
                parts.append("the disk may be too small")
            if megapixels_per_second:
                parts.append(_duration(self.output_megapixels / megapixels_per_second))
        return "; ".join(parts)


@dataclass(frozen=True)
class JobResult:
    """What became of a job: a file, or one sentence why there is none.

    `seconds`: of decoding, computing and
    encoding, without waiting. `warnings`: sentences.
    """

    job: Job
    target: Path | None = None
    error: str | None = None
    input_sha256: str = ""
    output_sha256: str = ""
    output_bytes: int = 0
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    minutes = seconds / 60
    return f"about {minutes:.0f} min" if minutes < 90 else f"about {minutes / 60:.1f} h"
