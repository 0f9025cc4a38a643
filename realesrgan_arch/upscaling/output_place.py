"""The folder of the results: whether they can be written there, and whether something else would be lost."""

import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.errors import EXIT_NO_ROOM, UserError
from realesrgan_arch.image_formats import streams
from realesrgan_arch.image_header import shown
from realesrgan_arch.plural import count_of
from realesrgan_arch.upscaling.job import Job

_HOPELESS = 2
"""An estimate is a guess: only what is this many times the free space is refused."""

STREAMED_FROM_PIXELS = 100_000_000
"""Larger results go to the disk strip by strip where their format and the network's magnification allow it."""
_USUAL_NAME_BYTES = 255


class OutputError(UserError):
    """A place where results cannot be written."""


class NoRoomError(OutputError):
    """The disk has no room for the results."""

    exit_code = EXIT_NO_ROOM


def check_is_not_input(output: Path, source: Path) -> None:
    """Raise OutputError when the folder `output` is the folder `source`, by whatever name."""
    if os.path.realpath(output) == os.path.realpath(source):
        raise OutputError(
            f"The output folder {shown(output)} is the input folder, so the next run would magnify the results again: "
            "choose another one."
        )


def check_nothing_is_lost(
    jobs: Sequence[Job], *, sources: Iterable[Path], is_ours: Callable[[Path, Path], bool], overwrite: bool
) -> None:
    """Check that no result replaces one of `sources`, or, without `overwrite`, a file that was not made of its source.

    `is_ours`: of a result and its source; see `Manifest.is_ours`.

    Raises:
        OutputError: with the number of such files and the name of one.
    """
    present = [job for job in jobs if os.path.lexists(job.target)]
    precious = {os.path.realpath(path) for path in sources} if present else frozenset[str]()
    replaced = [job.target for job in present if os.path.realpath(job.target) in precious]
    if replaced:
        raise OutputError(f"{shown(replaced[0])} would be replaced by its result: choose another folder or a suffix.")
    strangers = [] if overwrite else [job.target for job in present if not is_ours(job.target, job.source)]
    if strangers:
        files = count_of(len(strangers), "file that is", "files that are")
        raise OutputError(
            f"The results would replace {files} no result of an earlier run, such as {shown(strangers[0])}: choose "
            "another folder or suffix, or say --overwrite."
        )


def is_streamed(target: Path, output_size: tuple[int, int], *, has_network_size: bool) -> bool:
    """Say whether a result goes to the disk strip by strip: a large one, in a format and of a size that allow it.

    `has_network_size`: it is the network's result as it is; others are resized whole.
    """
    width, height = output_size
    return width * height > STREAMED_FROM_PIXELS and has_network_size and streams(target)


def longest_name(folder: Path) -> int:
    """Return how many bytes a name in `folder`, which need not exist yet, may have."""
    place = next((path for path in (folder, *folder.absolute().parents) if path.is_dir()), Path())
    try:
        longest = os.pathconf(place, "PC_NAME_MAX") if hasattr(os, "pathconf") else -1
    except (OSError, ValueError):  # what the system does not tell
        longest = -1
    return longest if longest > 0 else _USUAL_NAME_BYTES


def check_name(name: Path, *, longest: int) -> None:
    """Raise OutputError when a part of the name of a result has more than `longest` bytes."""
    num_bytes = max(len(os.fsencode(part)) for part in name.parts)
    if num_bytes > longest:
        raise OutputError(
            f"{shown(name)} cannot be written: its name would have {num_bytes} bytes and the disk of the output "
            f"folder takes {longest}; shorten the picture's name or --suffix."
        )


def check_writable(folder: Path) -> None:
    """Make `folder` and a file in it, now rather than after an hour of computing.

    Raises:
        OutputError: that cannot be done.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(f"The output folder {shown(folder)} cannot be written: {error.strerror}.") from error


def check_room(folder: Path, *, needed: int, free: int) -> None:
    """Raise NoRoomError when the results need far more than is free; `needed` and `free` are in bytes."""
    if needed > _HOPELESS * free:
        raise NoRoomError(
            f"The results need about {say_bytes(needed)} and {shown(folder)} has {say_bytes(free)} free: choose "
            "another folder, or --ext jpg, a smaller magnification or --limit."
        )
