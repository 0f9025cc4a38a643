"""Which files a folder or a list holds: images in a stable order, without the junk that cameras and systems add."""

import errno
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from realesrgan_arch.errors import EXIT_NOTHING_TO_DO, UserError
from realesrgan_arch.image_header import shown
from realesrgan_arch.plural import count_of

IMAGE_SUFFIXES = frozenset({
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".heic", ".heif", ".avif",
    ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".rw2", ".orf",
})  # fmt: skip
"""What counts as an image file. HEIC, AVIF and RAW cannot be read; they are listed so that they fail by name."""

NumBytes = Callable[[Path], int | None]
"""The size of an image, None when it does not exist."""

_JUNK_FOLDERS = frozenset({"__macosx", "@eadir", "$recycle.bin"})
_JUNK_FILES = frozenset({"thumbs.db", "desktop.ini"})
_SIZE_COLUMN = re.compile(r"\s*\(\d+,\s*\d+(,\s*\d+)?\)(\s+\d+)?$")
_DIGITS = re.compile(r"(\d+)")
_SHOWN_NAMES = 3
_LEADS_NOWHERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG}


class DataError(UserError):
    """A data set cannot be used: a folder, list, manifest or pair is not what it should be."""


class NoPicturesError(DataError):
    """There is a folder, but no picture in it."""

    exit_code = EXIT_NOTHING_TO_DO


@dataclass(frozen=True)
class FolderListing:
    """Everything below a folder, in natural order. Nothing is lost: what is no image is counted or named."""

    images: tuple[Path, ...]
    others: tuple[Path, ...]
    """Regular files that are not named like images; junk of systems and cameras is not among them."""
    unreadable: tuple[tuple[Path, str], ...]
    """Folders that cannot be read, and why."""
    num_ignored: int
    """Hidden files, AppleDouble files, thumbnails' folders, pipes, devices, links to nowhere, folders seen before."""


def list_folder(folder: Path) -> FolderListing:
    """Return what is below `folder`; a sub-folder that cannot be read is reported and does not stop the walk.

    Raises:
        DataError: no such folder, or the folder itself cannot be read.
    """
    check_folder(folder)
    walk = _Walk()
    images: list[Path] = []
    others: list[Path] = []
    num_ignored = 0
    for path in walk.files_below(folder):
        if _is_junk_name(path) or not walk.is_regular(path):
            num_ignored += 1
        else:
            (images if path.suffix.lower() in IMAGE_SUFFIXES else others).append(path)
    if folder in walk.unreadable:
        raise DataError(f"The folder {shown(folder)} cannot be read: {walk.unreadable[folder]}.")

    def in_order(paths: list[Path]) -> tuple[Path, ...]:
        return tuple(sorted(paths, key=lambda path: natural_key(path.relative_to(folder))))

    return FolderListing(in_order(images), in_order(others), tuple(walk.unreadable.items()), num_ignored)


def list_images(folder: Path) -> list[Path]:
    """Return all image files below `folder`, in natural order (`2.png` before `10.png`), the same on every machine.

    Hidden files and folders, AppleDouble `._x.jpg`, thumbnails of NAS boxes, folders that are named like images, pipes
    and devices are left out. Linked folders are followed once.

    Raises:
        NoPicturesError: no image in it.
        DataError: no such folder, or a sub-folder cannot be read.
    """
    listing = list_folder(folder)
    if listing.unreadable:
        path, reason = listing.unreadable[0]
        raise DataError(f"The folder {shown(path)} cannot be read: {reason}.")
    if not listing.images:
        raise NoPicturesError(
            f"No image found in {shown(folder)} or below it (looked for {', '.join(sorted(IMAGE_SUFFIXES))})."
        )
    return list(listing.images)


def check_folder(folder: Path) -> None:
    """Check that `folder` is one.

    Raises:
        DataError: it is a file, or absent, or lies in a folder that may not be entered.
    """
    try:
        is_folder, exists = folder.is_dir(), folder.exists()
    except OSError as error:
        raise DataError(f"The folder {shown(folder)} cannot be read: {error.strerror}.") from error
    if not is_folder:
        what = "is a file" if exists else "does not exist"
        raise DataError(f"Expected a folder of images, but {shown(folder)} {what}.")


def is_below_root(name: str) -> bool:
    """Whether a name with forward slashes stays below the folder that it is joined to, on this machine and on Windows.

    A backslash and a colon are legal in names on Linux; what is refused is `..` between any slashes, and what is
    absolute anywhere: `/a`, `\\a`, `C:/a`; on Windows also `C:a`.
    """
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    is_absolute = posix.is_absolute() or bool(windows.root) or bool(Path(name).drive)
    return "\0" not in name and not is_absolute and ".." not in {*posix.parts, *windows.parts}


def name_of(folder: Path) -> str:
    """Return the name by which the user knows a folder: a link has its own, `.` that of the folder it stands for."""
    return folder.name if folder.name not in ("", "..") else folder.resolve().name


def natural_key(path: Path) -> tuple[object, ...]:
    """Return a sort key that compares numbers by value, ignores case, and never ties for two different paths."""
    parts = [_DIGITS.split(part.casefold()) for part in path.parts]
    # `split` with a group alternates text and digits, so that equal positions hold equal types.
    keys = tuple(tuple(int(s) if s.isdecimal() else s for s in part) for part in parts)
    return (keys, path.as_posix())


def bytes_on_disk(path: Path) -> int | None:
    """Return the size of a file, None when it is none or absent."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_size if stat.S_ISREG(facts.st_mode) else None


def read_meta_info(file: Path, root: Path, *, num_bytes: NumBytes = bytes_on_disk) -> list[Path]:
    """Return the images that an upstream `meta_info` file lists, below `root`.

    A line is `name.png` or `name.png (480,480,3)`; of a paired line `gt.png, lq.png` the first is taken. Names may hold
    spaces. `num_bytes` tells which images exist.

    Raises:
        DataError: missing or empty list, a name that leaves `root`, images that do not exist.
    """
    paths = [_inside(_paired_names(line)[0], root, file) for line in _lines(file)]
    _check_exist(paths, file, num_bytes)
    return paths


def read_paired_meta_info(
    file: Path, *, gt_root: Path, lq_root: Path, num_bytes: NumBytes = bytes_on_disk
) -> list[tuple[Path, Path]]:
    """Return the (gt, lq) images of an upstream paired `meta_info` file: lines of `gt.png, lq.png`.

    Raises:
        DataError: as `read_meta_info`, or a line without a second name.
    """
    pairs: list[tuple[Path, Path]] = []
    for line in _lines(file):
        gt, lq = _paired_names(line)
        if lq is None:
            raise DataError(f"Expected 'gt.png, lq.png' in {shown(file)}, got '{line}'.")
        pairs.append((_inside(gt, gt_root, file), _inside(lq, lq_root, file)))
    _check_exist([path for pair in pairs for path in pair], file, num_bytes)
    return pairs


def some_names(names: list[str]) -> str:
    """Return the first three names and how many more there are, for a sentence."""
    more = len(names) - _SHOWN_NAMES
    return ", ".join(names[:_SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")


class _Walk:
    """Goes through a folder in an order that does not depend on the disk; real folders first, then linked ones."""

    def __init__(self) -> None:
        self.unreadable: dict[Path, str] = {}
        """Folders that cannot be read, and links that lead into such, each with the reason."""
        self._seen: set[tuple[int, int]] = set()

    def files_below(self, folder: Path) -> Iterator[Path]:
        """Yield every file, each folder's once."""
        waiting = [folder]
        while waiting:
            start = waiting.pop(0)
            if not self._is_new(start):
                continue
            for parent, folder_names, names in os.walk(start, onerror=self._note):
                here = Path(parent)
                folders = [here / name for name in sorted(folder_names) if not _is_junk_folder(name)]
                waiting += [path for path in folders if _is_link(path)]
                # What stays in this list is what `os.walk` goes into.
                folder_names[:] = [path.name for path in folders if not _is_link(path) and self._is_new(path)]
                yield from (here / name for name in names)

    def is_regular(self, path: Path) -> bool:
        """Whether it is a file with content. Where that cannot be found out, its folder is unreadable."""
        try:
            return stat.S_ISREG(path.stat().st_mode)
        except OSError as error:
            if error.errno not in _LEADS_NOWHERE:
                self._note_hidden(path, error)
            return False

    def _is_new(self, folder: Path) -> bool:
        """False for a folder that was walked already (links may form a loop), or that cannot be looked at."""
        try:
            facts = folder.stat()
        except OSError as error:
            self._note_hidden(folder, error)
            return False
        identity = (facts.st_dev, facts.st_ino)
        is_new = identity not in self._seen
        self._seen.add(identity)
        return is_new

    def _note(self, error: OSError) -> None:
        self.unreadable.setdefault(Path(error.filename), error.strerror or type(error).__name__)

    def _note_hidden(self, path: Path, error: OSError) -> None:
        """The folder of `path` may be listed but not entered; of a link, it is what lies behind."""
        is_behind = error.errno in _LEADS_NOWHERE or _is_link(path)
        self.unreadable.setdefault(path if is_behind else path.parent, error.strerror or type(error).__name__)


def _is_link(path: Path) -> bool:
    """Unlike `Path.is_symlink`, False where it may not be looked at."""
    try:
        return stat.S_ISLNK(path.lstat().st_mode)
    except OSError:
        return False


def _is_junk_folder(name: str) -> bool:
    return name.startswith(".") or name.casefold() in _JUNK_FOLDERS


def _is_junk_name(path: Path) -> bool:
    return path.name.startswith(".") or path.name.casefold() in _JUNK_FILES


def _lines(file: Path) -> list[str]:
    try:
        text = file.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise DataError(f"The image list {shown(file)} cannot be read: {error.strerror}.") from error
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if not lines:
        raise DataError(f"The image list {shown(file)} is empty; it needs one image name a line.")
    return lines


def _paired_names(line: str) -> tuple[str, str | None]:
    """`gt.png, lq.png` -> both names; `villa, north.png (480,480,3)` -> (`villa, north.png`, None)."""
    line = _SIZE_COLUMN.sub("", line)
    for comma in re.finditer(", ", line):
        first, second = line[: comma.start()], line[comma.end() :]
        if _has_image_suffix(first) and _has_image_suffix(second):
            return first, second
    return line, None


def _has_image_suffix(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES


def _inside(name: str, root: Path, file: Path) -> Path:
    if not is_below_root(name):
        raise DataError(
            f"{shown(file)} names '{shown(Path(name))}', which lies outside of {shown(root)}; names must stay below it."
        )
    return root / name


def _check_exist(paths: list[Path], file: Path, num_bytes: NumBytes) -> None:
    missing = [shown(path) for path in paths if num_bytes(path) is None]
    if missing:
        raise DataError(
            f"{len(missing)} of {count_of(len(paths), 'image')} of {shown(file)} do not exist: {some_names(missing)}."
        )
