"""Lists of pictures: a path a line, as `failed.txt` is written."""

import os
from pathlib import Path

from realesrgan_arch.data.files import DataError, is_below_root
from realesrgan_arch.image_header import shown

_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_list(file: Path, root: Path) -> list[Path]:
    """Return the pictures that `file` lists, below `root`, each once and in its order; they need not exist.

    A line is a path, relative to `root`, or absolute and below it. A tab and a reason may follow, as in `failed.txt`.
    Names need not be UTF-8. Empty lines do not count.

    Raises:
        DataError: no such file, an empty one, one in UTF-16, or a path that leaves `root`.
    """
    lines = [line.rstrip(b"\r") for line in _read(file).split(b"\n")]
    paths = [_below(os.fsdecode(line), root, file) for line in lines if line.strip()]
    if not paths:
        raise DataError(f"The list {shown(file)} is empty; it needs the path of one picture a line.")
    return list(dict.fromkeys(paths))


def _read(file: Path) -> bytes:
    if not os.path.isfile(file):  # noqa: PTH113 - unlike `Path.is_file`, False for what may not be looked at
        raise DataError(f"Expected a list of pictures, but {shown(file)} is no file.")
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DataError(f"The list {shown(file)} cannot be read: {error.strerror}.") from error
    if data.startswith(_UTF16_MARKS):
        raise DataError(f"The list {shown(file)} is written in UTF-16; save it as UTF-8.")
    return data.removeprefix(_UTF8_MARK)


def _below(line: str, root: Path, file: Path) -> Path:
    """The path of a line. A name may hold a tab itself: the longest beginning of the line that exists is the path."""
    parts = line.split("\t")
    names = ["\t".join(parts[:length]) for length in range(len(parts), 0, -1)]
    inside = [_relative(name, root) for name in names]
    existing = (name for name in inside if name is not None and os.path.lexists(root / name))
    name = next(existing, inside[-1])
    if name is None:
        raise DataError(
            f"{shown(file)} names '{shown(Path(parts[0]))}'; names must stay below {shown(root)}, without '..'."
        )
    return root / name


def _relative(name: str, root: Path) -> str | None:
    """`name` relative to `root`; None where it does not stay below it."""
    if Path(name).is_absolute() and Path(name).is_relative_to(root.absolute()):
        name = str(Path(name).relative_to(root.absolute()))
    return name if is_below_root(name) else None
