"""Do what was planned for a file or a folder: one bad file does not stop the rest."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from realesrgan_arch.errors import UserError
from realesrgan_arch.image_header import shown
from realesrgan_arch.images import ImageError, Picture, check_writable_size, holds_alpha, read_picture, write_picture
from realesrgan_arch.upscaling.job import Job, RunPlan
from realesrgan_arch.upscaling.output_place import OutputError
from realesrgan_arch.upscaling.picture import PictureUpscaler

_log = logging.getLogger(__name__)
_FAULTS_OF_ONE_FILE = (MemoryError, UserError, OSError, RuntimeError)
"""What the device or the memory refuses for one picture may work for the next."""


@dataclass(frozen=True)
class FolderReport:
    """What became of the jobs; for each failed source, why."""

    ok: tuple[Path, ...]
    failed: tuple[tuple[Path, str], ...]
    skipped: tuple[Path, ...]


def upscale_folder(
    plan: RunPlan,
    *,
    upscaler: PictureUpscaler,
    quality: int = 95,
    track: Callable[[Sequence[Job]], Iterable[Job]] = iter,
) -> FolderReport:
    """Do all jobs and say what became of each; a file is complete or absent.

    A picture with transparency whose target is JPEG becomes a PNG, as upstream's.

    Args:
        plan: of `plan_run`.
        upscaler: what magnifies.
        quality: of JPEG and WebP, 1 to 100.
        track: wraps the jobs to show progress, as `tqdm` does.
    """
    ok: list[Path] = []
    failed: list[tuple[Path, str]] = [*plan.unreadable]
    for job in track(plan.jobs):
        try:
            ok.append(_do(job, upscaler, quality=quality))
        except _FAULTS_OF_ONE_FILE as error:
            failed.append((job.source, _reason(job, error)))
    return FolderReport(tuple(ok), tuple(failed), plan.skipped)


def _do(job: Job, upscaler: PictureUpscaler, *, quality: int) -> Path:
    """Do one job and return the file that was written."""
    picture = read_picture(job.source)
    target = _target(job, picture)
    width, height = upscaler.output_size(picture)
    check_writable_size(target, width=width, height=height)
    magnified = upscaler.upscale(picture)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_picture(target, magnified, quality=quality)
    return target


def _target(job: Job, picture: Picture) -> Path:
    """Return the job's target, or one that can hold the picture's transparency."""
    if picture.alpha is None or holds_alpha(job.target):
        return job.target
    target = job.target.with_suffix(".png")
    if target.resolve() == job.source.resolve():
        raise OutputError("transparency needs png, which would replace the picture: choose another folder or a suffix.")
    _log.warning("%s has transparency, which JPEG cannot hold: the result is %s.", shown(job.source), target.name)
    return target


def _reason(job: Job, error: Exception) -> str:
    if isinstance(error, MemoryError):
        return f"{shown(job.source)} needs more memory than there is."
    return str(error) if isinstance(error, ImageError) else f"{shown(job.source)}: {error}"  # ImageError names the file
