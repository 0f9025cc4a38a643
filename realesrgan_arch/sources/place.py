"""The place of a data set: what is put there is whole, and what a user changed there is never deleted."""

import filecmp
import os
import shutil
import time
from collections.abc import Callable, Collection, Sequence
from itertools import count
from pathlib import Path

from realesrgan_arch.atomic import move_into_place
from realesrgan_arch.data.files import DataError, some_names
from realesrgan_arch.image_header import shown
from realesrgan_arch.plural import count_of
from realesrgan_arch.sources.archive import is_junk

UNPACKING = ".unpacking"
"""Hidden, so that nothing takes a half-unpacked set for a set."""

Tell = Callable[[str], None]


def check_place(place: Path, known: Collection[str]) -> None:
    """Check that nothing lies at `place` but files called as in `known` (paths below it); none known means a file.

    Raises:
        DataError: something else is there.
    """
    names = [path.relative_to(place).as_posix() for path in _files_below(place)]
    strangers = sorted(name for name in names if name not in known and not is_junk(name))
    if strangers or (os.path.lexists(place) and place.is_dir() != bool(known)):
        raise DataError(
            f"{shown(place)} holds what is not of the set ({shown(Path(some_names(strangers or [place.name])))}); "
            "move it away and run the command again."
        )


def install(places: Sequence[str], root: Path, tell: Tell) -> None:
    """Move the `places` (files or folders, paths below `root`) from `root/.unpacking/new` to where they belong.

    A file that is there and differs from the one that takes its place goes to a folder beside `root`, which `tell` is
    told of.
    """
    work = root / UNPACKING
    if hasattr(os, "sync"):
        os.sync()  # Once for all: the files may be hundreds of thousands.
    _move_changed_aside(places, root, tell)
    for place in places:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        if (root / place).exists():
            (work / "old" / place).parent.mkdir(parents=True, exist_ok=True)
            (root / place).rename(work / "old" / place)
        move_into_place(work / "new" / place, root / place)


def _move_changed_aside(places: Sequence[str], root: Path, tell: Tell) -> None:
    changed = [path for place in places for path in _changed_files(root / UNPACKING / "new" / place, root / place)]
    if not changed:
        return
    aside = _unused_name(root)
    tell(f"{count_of(len(changed), 'file')} in {shown(root)} not as published, moved to {shown(aside)}")
    for path in changed:
        target = aside / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        # A place may be a link to another disk, where a rename ends.
        shutil.move(path, target)


def _changed_files(new: Path, place: Path) -> list[Path]:
    """Return what lies at `place` and has other bytes than `new` has there."""
    files = _files_below(place) if place.is_dir() else [place] if os.path.lexists(place) else []
    names = [path.relative_to(place) for path in files]
    return [place / name for name in names if not is_junk(name.as_posix()) and not _is_same(place / name, new / name)]


def _is_same(path: Path, new: Path) -> bool:
    return path.is_file() and filecmp.cmp(path, new, shallow=False)


def _unused_name(root: Path) -> Path:
    name = f"{root.name}.replaced-{time.strftime('%Y%m%d-%H%M%S')}"
    names = (root.with_name(f"{name}-{number}" if number else name) for number in count())
    return next(path for path in names if not path.exists())


def _files_below(folder: Path) -> list[Path]:
    """Return every file below `folder`, hidden ones too, links not followed; nothing when it is absent."""
    return [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
