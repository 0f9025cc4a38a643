"""`failed.txt` in the folder of the results: the pictures that have none, a line each, to be tried again as a list."""

import os
from collections.abc import Collection, Sequence
from pathlib import Path

from realesrgan_arch import atomic
from realesrgan_arch.image_header import shown
from realesrgan_arch.upscaling.output_place import OutputError

FAILED = "failed.txt"


def failed_list_path(output: Path, *, shard: tuple[int, int] | None = None) -> Path:
    """Return the list of a run into `output`; each shard (number, number of shards) has a list of its own."""
    return output / (FAILED if shard is None else f"failed-{shard[0]}-of-{shard[1]}.txt")


def check_failed_list(path: Path) -> None:
    """Check, before hours of work, that `path` is free for the list or holds one.

    Raises:
        OutputError: a folder or somebody else's file has that name, or the list cannot be read.
    """
    try:
        is_ours = all(_picture_of(line) for line in _read(path))
    except OSError as error:
        raise OutputError(f"The list of failures {shown(path)} cannot be read: {error.strerror}.") from error
    if not is_ours:
        raise OutputError(
            f"{shown(path)} is the name of the list of failures, but what is there is none (a path, a tab and a reason "
            "a line): give it another name, or choose another output folder."
        )


def write_failed_list(path: Path, failed: Sequence[tuple[Path, str]], *, made: Collection[Path]) -> bool:
    """Write a line for each of `failed`: its whole path, a tab, one sentence. Without any, the file goes.

    Lines of earlier runs stay until their picture is among `made`, fails again or is gone. What is no line of ours
    stays, too.

    Returns whether there is a list now. Raises `OSError`.
    """
    ended = {_name(source) for source in (*made, *(source for source, _ in failed))}
    lines = [line for line in _read(path) if _stays(_picture_of(line), ended)]
    lines += [_name(source) + b"\t" + " ".join(sentence.split()).encode() for source, sentence in failed]
    if lines:
        atomic.write_bytes(path, b"\n".join(lines) + b"\n")
    else:
        path.unlink(missing_ok=True)
    return bool(lines)


def _read(path: Path) -> list[bytes]:
    try:
        return [line for line in path.read_bytes().splitlines() if line.strip()]
    except FileNotFoundError:
        return []


def _picture_of(line: bytes) -> bytes:
    """The path in a line of ours; empty for another one. A name may hold tabs, a reason has none."""
    path, _, reason = line.rpartition(b"\t")
    is_ours = reason.strip() and b"\0" not in path and Path(os.fsdecode(path)).is_absolute()
    return path if is_ours else b""


def _stays(picture: bytes, ended: Collection[bytes]) -> bool:
    return not picture or (picture not in ended and os.path.lexists(picture))


def _name(source: Path) -> bytes:
    """Its bytes as they are on the disk; a name with a line end can only be shown."""
    name = os.fsencode(source.absolute())
    return name if len(name.splitlines()) == 1 else shown(source.absolute()).encode()
