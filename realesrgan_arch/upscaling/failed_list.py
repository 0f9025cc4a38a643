"""`failed.txt` in the folder of the results: the pictures that have none, a line each, to be tried again as a list."""

import os
from collections.abc import Collection, Sequence
from pathlib import Path

from realesrgan_arch import atomic
from realesrgan_arch.image_header import shown

FAILED = "failed.txt"


def failed_list_path(output: Path, *, shard: tuple[int, int] | None = None) -> Path:
    """Return the list of a run into `output`; each shard (number, number of shards) has a list of its own."""
    return output / (FAILED if shard is None else f"failed-{shard[0]}-of-{shard[1]}.txt")


def write_failed_list(path: Path, failed: Sequence[tuple[Path, str]], *, untried: Collection[Path]) -> bool:
    """Write a line for each of `failed`: its whole path, a tab, one sentence. Without any, the file goes.

    Lines of an earlier run stay for the pictures that this one has not come to, `untried`.

    Returns whether there is a list now. Raises `OSError`.
    """
    wanted = {_name(source) for source in untried}
    lines = [line for line in _read(path) if line.split(b"\t")[0] in wanted]
    lines += [_name(source) + b"\t" + " ".join(sentence.split()).encode() for source, sentence in failed]
    if lines:
        atomic.write_bytes(path, b"\n".join(lines) + b"\n")
    else:
        path.unlink(missing_ok=True)
    return bool(lines)


def _read(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines() if path.is_file() else []


def _name(source: Path) -> bytes:
    """Its bytes as they are on the disk; a name with a line end can only be shown."""
    name = os.fsencode(source.absolute())
    return name if len(name.splitlines()) == 1 else shown(source).encode()
