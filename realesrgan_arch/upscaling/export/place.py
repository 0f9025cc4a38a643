"""The folder of an export: all at once or nothing, and only files of an earlier export are replaced there."""

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from realesrgan_arch import atomic
from realesrgan_arch.file_lock import file_lock, has_locks
from realesrgan_arch.image_header import shown
from realesrgan_arch.upscaling.export.source import ExportError

RECORD = "export.json"
WRITTEN = "written"
"""The entry of the record that lists all files of an export, itself, too."""
_STAGING = ".export-"
_LOCK = ".export.lock"


def check_free(folder: Path, targets: Sequence[str], *, sources: Sequence[Path], overwrite: bool) -> None:
    """Check that `targets` are names that nothing in `folder` has, or, with `overwrite`, files of an earlier export.

    Raises:
        ExportError: one is not, `folder` is a file, or one of `sources`, the weights that are exported, would go.
    """
    if folder.exists() and not folder.is_dir():
        raise ExportError(f"-o: expected a folder, got the file {shown(folder)}")
    there = [name for name in targets if os.path.lexists(folder / name)]
    if there and not overwrite:
        raise ExportError(
            f"{_first_of(folder, there)} there already; choose another folder with -o, another --name, or "
            "replace an earlier export with --overwrite"
        )
    earlier = read_earlier(folder)
    if any(source.resolve() == (folder / name).resolve() for source in sources for name in earlier):
        raise ExportError(
            f"{shown(folder)} is an earlier export, and --overwrite would remove the weights that are exported now; "
            "choose another folder with -o"
        )
    others = [name for name in there if name not in earlier]
    if others:
        raise ExportError(
            f"{_first_of(folder, others)} not listed in an {RECORD} there as of an earlier export, and --overwrite "
            "replaces nothing else; choose another folder with -o, or move the file away"
        )


def read_earlier(folder: Path) -> tuple[str, ...]:
    """Return the files of an earlier export that lie in `folder`, as its record lists them; none without a record."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    listed = record.get(WRITTEN) if isinstance(record, dict) else None
    names = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    return tuple(name for name in names if Path(name).name == name and (folder / name).is_file())


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """Yield a hidden folder inside `folder`, on its disk, that is gone afterwards; so is `folder` if it is empty.

    What killed exports have left is removed, unless another process is at work there.

    Raises:
        ExportError: it cannot be made, or the block raised an `OSError`.
    """
    existed = folder.exists()
    try:
        with _sole_exporter(folder) as is_alone:
            hidden = _make_hidden(folder, is_alone=is_alone)
            try:
                yield hidden
            finally:
                shutil.rmtree(hidden, ignore_errors=True)
    except OSError as error:
        full = "; free some room" if error.errno == errno.ENOSPC else ""
        raise ExportError(f"cannot write into {shown(folder)} ({error.strerror or error}){full}") from error
    finally:
        if not existed and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def publish(hidden: Path, folder: Path, targets: Sequence[str]) -> tuple[Path, ...]:
    """Move `targets`, the record last, from `hidden` to `folder`, and return what was removed of an earlier export.

    The record of the earlier export goes first: a folder with a record is whole.

    Raises:
        OSError: a file cannot be moved.
    """
    for name in targets:
        with (hidden / name).open("rb+") as file:
            os.fsync(file.fileno())  # the libraries that wrote it did not
    old = tuple(folder / name for name in read_earlier(folder) if name not in targets)
    (folder / RECORD).unlink(missing_ok=True)
    for path in old:
        path.unlink()
    for name in targets:
        atomic.move_into_place(hidden / name, folder / name)
    return old


@contextmanager
def _sole_exporter(folder: Path) -> Iterator[bool]:
    """Yield whether no other process exports into `folder`, as far as its drive can tell."""
    with ExitStack() as held:
        try:
            held.enter_context(file_lock(folder / _LOCK))
        except OSError:  # Another one does, or the drive knows no locks.
            yield False
            return
        yield has_locks()


def _make_hidden(folder: Path, *, is_alone: bool) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"{_STAGING}*") if is_alone else ():
            shutil.rmtree(left, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=_STAGING, dir=folder))
    except OSError as error:
        raise ExportError(f"{shown(folder)} cannot be written to ({error.strerror}); choose another with -o") from error


def _first_of(folder: Path, names: Sequence[str]) -> str:
    others = f" and {len(names) - 1} others are" if len(names) > 1 else " is"
    return f"{shown(folder / names[0])}{others}"
