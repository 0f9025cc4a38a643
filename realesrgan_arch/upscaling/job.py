"""The words of a folder run: one picture's work, the plan of all of it, and what became of each."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Job:
    """One picture to read and the file to make of it.

    `size`: (width, height) of the upright picture; `output_size`: of the result. Both are known from the header alone.
    """

    source: Path
    target: Path
    size: tuple[int, int]
    output_size: tuple[int, int]

    @property
    def output_megapixels(self) -> float:
        """Million pixels of the result: what the time goes by."""
        return self.output_size[0] * self.output_size[1] / 1e6


@dataclass(frozen=True)
class RunPlan:
    """All work, with all names, before anything is done.

    `done`: pictures whose results an earlier run left, whole and with the same settings. `skipped`: pictures in the
    output folder where that lies inside the input folder. `unreadable`: each with the reason, in a sentence.
    """

    jobs: tuple[Job, ...]
    done: tuple[Path, ...] = ()
    skipped: tuple[Path, ...] = ()
    unreadable: tuple[tuple[Path, str], ...] = ()


@dataclass(frozen=True)
class JobResult:
    """What became of a job: a file, or one sentence why there is none.

    `target` may differ from the job's (transparency asked for JPEG becomes PNG). `seconds`: of decoding, computing and
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
