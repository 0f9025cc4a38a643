"""Magnify a file or a folder: everything is planned before the start, and one bad file does not stop the rest."""

import logging
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Literal

from realesrgan_arch.data.files import DataError, list_images
from realesrgan_arch.errors import UserError
from realesrgan_arch.image_header import shown
from realesrgan_arch.images import ImageError, Picture, check_writable_size, holds_alpha, read_picture, write_picture
from realesrgan_arch.upscaling.picture import PictureUpscaler

Extension = Literal["auto", "jpg", "png"]
_log = logging.getLogger(__name__)
_FAULTS_OF_ONE_FILE = (MemoryError, UserError, OSError, RuntimeError)
"""What the device or the memory refuses for one picture may work for the next."""
_KEPT_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"})


class OutputError(UserError):
    """A place where results cannot be written."""


@dataclass(frozen=True)
class Job:
    """One picture to read and the file to make of it."""

    source: Path
    target: Path


@dataclass(frozen=True)
class FolderPlan:
    """All work, with all names, before anything is done."""

    jobs: tuple[Job, ...]
    skipped: tuple[Path, ...]
    """Pictures in the output folder where that lies inside the input folder: they are results of an earlier run."""


@dataclass(frozen=True)
class FolderReport:
    """What became of the jobs; for each failed source, why."""

    ok: tuple[Path, ...]
    failed: tuple[tuple[Path, str], ...]
    skipped: tuple[Path, ...]


def plan_folder(source: Path, output: Path, *, suffix: str = "out", ext: Extension = "auto") -> FolderPlan:
    """Plan `source`, a picture or a folder (with its sub-folders, which are mirrored), into the folder `output`.

    `facade.jpg` becomes `facade_out.jpg`; with an empty `suffix` it keeps its name. Where two pictures would get one
    name (`a.jpg` and `a.tif` as png), both also get their old extension: `a_jpg_out.png`, `a_tif_out.png`.

    Args:
        source: file or folder.
        output: folder; it is made if it is absent.
        suffix: added to each name.
        ext: `auto` keeps the extension (png for formats that are only read).

    Raises:
        DataError: no `source`, or no picture in it.
        OutputError: `output` cannot be written, or a result would replace its source.
    """
    root, sources, skipped = _find_sources(source, output)
    names = _result_names([path.relative_to(root) for path in sources], suffix=suffix, ext=ext)
    jobs = tuple(Job(path, output / name) for path, name in zip(sources, names, strict=True))
    replaced = [job.source for job in jobs if job.target.resolve() == job.source.resolve()]
    if replaced:
        raise OutputError(f"{shown(replaced[0])} would be replaced by its result: choose another folder or a suffix.")
    _check_writable(output)
    return FolderPlan(jobs, skipped)


def upscale_folder(
    plan: FolderPlan,
    *,
    upscaler: PictureUpscaler,
    quality: int = 95,
    track: Callable[[Sequence[Job]], Iterable[Job]] = iter,
) -> FolderReport:
    """Do all jobs and say what became of each; a file is complete or absent.

    A picture with transparency whose target is JPEG becomes a PNG, as upstream's.

    Args:
        plan: of `plan_folder`.
        upscaler: what magnifies.
        quality: of JPEG and WebP, 1 to 100.
        track: wraps the jobs to show progress, as `tqdm` does.
    """
    ok: list[Path] = []
    failed: list[tuple[Path, str]] = []
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
    width, height = upscaler.output_size(picture.rgb.shape[1::-1])
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


def _find_sources(source: Path, output: Path) -> tuple[Path, list[Path], tuple[Path, ...]]:
    """Return the folder that names are relative to, the pictures to magnify, and those of an earlier run."""
    if source.is_file():
        return source.parent, [source], ()
    if not source.is_dir():
        raise DataError(f"Expected a picture or a folder of pictures, but {shown(source)} does not exist.")
    if output.resolve() == source.resolve():
        raise OutputError(
            f"The output folder {shown(output)} is the input folder, so the next run would magnify the results again: "
            "choose another one."
        )
    found = list_images(source)
    skipped = tuple(path for path in found if _is_inside(output, source) and _is_inside(path, output))
    sources = [path for path in found if path not in skipped]
    if not sources:
        raise DataError(f"No picture found in {shown(source)} outside of the output folder {shown(output)}.")
    return source, sources, skipped


def _result_names(sources: Sequence[Path], *, suffix: str, ext: Extension) -> list[Path]:
    """Names below the output folder, all different (on file systems that ignore case, too), the same in every run."""
    tail = f"_{suffix}" if suffix else ""
    names = [path.with_name(path.stem + tail + _extension(path, ext)) for path in sources]
    uses = Counter(_key(name) for name in names)
    taken = set(uses)
    for index, (path, name) in enumerate(zip(sources, names, strict=True)):
        if uses[_key(name)] > 1:
            names[index] = _free_name(path, tail + name.suffix, taken)
            taken.add(_key(names[index]))
    return names


def _free_name(path: Path, ending: str, taken: set[str]) -> Path:
    """The name of `path` with its old extension in it, and with a number where that is taken too."""
    stem = f"{path.stem}_{path.suffix[1:]}"
    numbers = chain([""], (f"_{number}" for number in count(2)))
    candidates = (path.with_name(stem + number + ending) for number in numbers)
    return next(name for name in candidates if _key(name) not in taken)


def _extension(path: Path, ext: Extension) -> str:
    if ext != "auto":
        return f".{ext}"
    return path.suffix if path.suffix.lower() in _KEPT_SUFFIXES else ".png"


def _key(name: Path) -> str:
    return name.as_posix().casefold()


def _is_inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _check_writable(folder: Path) -> None:
    """Make `folder` and a file in it, now rather than after an hour of computing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(f"The output folder {shown(folder)} cannot be written: {error.strerror}.") from error
