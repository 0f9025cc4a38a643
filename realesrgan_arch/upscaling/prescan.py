"""What many pictures say about themselves, from their headers alone; no pixel is decoded."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from realesrgan_arch.image_header import parse_header, shown, sniff
from realesrgan_arch.images import ImageError, read_bytes, read_facts

_NUM_THREADS = 8
"""They wait for the disk: a network drive answers several questions at once."""


@dataclass(frozen=True)
class Scanned:
    """A picture as it was found, or one sentence why it cannot be read."""

    path: Path
    size: tuple[int, int] = (0, 0)
    """(width, height) of the upright picture."""
    has_alpha: bool = False
    num_bytes: int = 0
    mtime_ns: int = 0
    fault: str = ""


def scan(paths: Sequence[Path]) -> list[Scanned]:
    """Return the facts of each of `paths`, in their order; what cannot be read has a fault and stops nothing."""
    with ThreadPoolExecutor(_NUM_THREADS) as pool:
        return list(pool.map(_scan_one, paths))


def has_alpha(path: Path) -> bool:
    """Return whether a picture has transparency; False for what cannot be read."""
    return _scan_one(path).has_alpha


def _scan_one(path: Path) -> Scanned:
    try:
        header = read_facts(path)  # looks first whether it is a regular file: a pipe would block
        facts = path.stat()
    except ImageError as error:
        return Scanned(path, fault=_reason(path) or str(error))
    except OSError as error:  # vanished since
        return Scanned(path, fault=f"{shown(path)} cannot be read: {error.strerror}.")
    return Scanned(path, header.size, header.has_alpha, facts.st_size, facts.st_mtime_ns)


def _reason(path: Path) -> str:
    """What the whole of an image with a damaged header says, in the words of all commands: most are cut off."""
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            is_image = sniff(file.read(256)) is not None
        if is_image:
            parse_header(read_bytes(path), path)
    except ImageError as error:
        return str(error)
    except OSError:  # The first reason stands.
        return ""
    return ""
