"""Get a known data set: what is missing is fetched, checked and unpacked; what is there is left alone."""

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from realesrgan_arch.data.files import DataError
from realesrgan_arch.downloading.fetch import Pause, RemoteFile, check_disk_space, check_file, fetch
from realesrgan_arch.file_lock import file_lock
from realesrgan_arch.image_header import shown
from realesrgan_arch.sources.kaggle import fetch_from_kaggle
from realesrgan_arch.sources.place import UNPACKING, Tell, check_place, install
from realesrgan_arch.sources.receipt import Amount, is_present, measure, read_receipt, write_receipt
from realesrgan_arch.sources.table import Source, SourceFile, choose_files
from realesrgan_arch.sources.unpack import unpack

ARCHIVES = "archives"
KAGGLE_PART = "all"


@dataclass(frozen=True)
class GotSource:
    """A data set that is on this machine; `parts` are those that were asked for."""

    source: Source
    folder: Path
    parts: Mapping[str, tuple[Amount, ...]]
    new_parts: tuple[str, ...]
    """The parts that were missing or incomplete; none when there was nothing to do."""


def get_source(
    source: Source,
    out: Path,
    *,
    parts: tuple[str, ...] = (),
    keep_archives: bool = False,
    tell: Tell,
    pause: Pause = time.sleep,
) -> GotSource:
    """Bring `source`, or some of its parts, into `out/<name>`; `tell` is given the licence before anything is fetched.

    An archive that lies in `out/archives` is checked and used, and kept; one that was downloaded is removed when it is
    unpacked, unless `keep_archives`. Where the receipt and the files agree, no request is made. Where they do not, what
    was changed in the folder is moved to another one beside it before it is replaced, and `tell` is told.

    Raises:
        DataError: an unknown part, an archive that is unsafe or damaged, files in the folder that are not of the set.
        DownloadError: anything that a network, a server or a disk can do.
        MissingExtraError: a set of Kaggle without kagglehub.
    """
    files = choose_files(source, parts)
    try:
        with _alone(source.name, out):
            return _complete(source, files, out, keep_archives=keep_archives, tell=tell, pause=pause)
    except OSError as error:
        raise DataError(
            f"cannot read or write {shown(Path(error.filename or out))}: {error.strerror or error}; mend that and "
            "run the command again."
        ) from error


@contextmanager
def _alone(name: str, out: Path) -> Iterator[None]:
    """Keep other processes from the set or the archive called `name`."""
    with ExitStack() as held:
        try:
            held.enter_context(file_lock(out / f".{name}.lock"))
        except BlockingIOError as error:
            raise DataError(f"another process is fetching {name} into {shown(out)}; wait for it.") from error
        yield


def _complete(
    source: Source, files: Sequence[SourceFile], out: Path, *, keep_archives: bool, tell: Tell, pause: Pause
) -> GotSource:
    """Fetch what is missing of `files`, or of a set of Kaggle, and keep the receipt."""
    folder = out / source.name
    receipt = dict(read_receipt(folder))
    wanted = [file.part for file in files] or [KAGGLE_PART]
    missing = tuple(part for part in wanted if not is_present(folder, receipt.get(part, ())))
    for line in _announcement(source, folder, missing, receipt):
        tell(line)
    if source.kaggle_handle and missing:
        receipt[KAGGLE_PART] = fetch_from_kaggle(source, folder, tell)
        write_receipt(folder, source, receipt)
    to_do = [file for file in files if file.part in missing]
    _check_room(to_do, out, keep_archives=keep_archives)
    for file in to_do:
        # By the archive too: two sets may come out of one.
        with _alone(file.name, out):
            archive = out / ARCHIVES / file.name
            is_kept = keep_archives or archive.exists()
            _bring(source, file, archive, pause)
            receipt[file.part] = _put_into_place(file, archive, folder, tell)
            write_receipt(folder, source, receipt)
            if not is_kept:
                _remove(archive)
    return GotSource(source, folder, {part: receipt[part] for part in wanted}, missing)


def _announcement(
    source: Source, folder: Path, missing: Sequence[str], receipt: Mapping[str, tuple[Amount, ...]]
) -> list[str]:
    if not missing:
        return []
    broken = [part for part in missing if part in receipt]
    repair = [f"{shown(folder)} has lost files of {', '.join(broken)}: fetching that again"] if broken else []
    return [source.title, f"from {source.page}", f"licence: {source.licence} ({source.licence_url})", *repair]


def _bring(source: Source, file: SourceFile, archive: Path, pause: Pause) -> None:
    """Download the archive, or check the one that is here."""
    if archive.exists():
        check_file(file.remote, archive)
    else:
        fetch(_with_advice(source, file, archive), archive, pause=pause)


def _put_into_place(file: SourceFile, archive: Path, folder: Path, tell: Tell) -> tuple[Amount, ...]:
    if file.folders:
        unpack(archive, file.folders, folder, tell=tell)
    else:
        _copy(archive, folder, tell)
    return tuple(measure(folder, place) for place in ([each.to for each in file.folders] or [file.name]))


def _with_advice(source: Source, file: SourceFile, archive: Path) -> RemoteFile:
    """The remote file with a sentence for when a web page comes in its place."""
    first = file.remote.by_hand or f"open {source.page}, download {file.name} in the browser"
    return replace(file.remote, by_hand=f"{first}, put it into {shown(archive.parent)} and run the command again")


def _copy(archive: Path, folder: Path, tell: Tell) -> None:
    """Put a file that is no archive into the folder as it is."""
    check_place(folder / archive.name, ())
    work = folder / UNPACKING
    shutil.rmtree(work, ignore_errors=True)
    try:
        (work / "new").mkdir(parents=True)
        shutil.copyfile(archive, work / "new" / archive.name)
        install([archive.name], folder, tell)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _check_room(files: Sequence[SourceFile], out: Path, *, keep_archives: bool) -> None:
    """Check once, before hours of downloading, that the archives and what they unpack to (as much again) have room."""
    sizes = [file.remote.size or 0 for file in files]
    to_fetch = [_num_bytes_to_fetch(file, out) for file in files]
    if sizes:
        most = sum(to_fetch) if keep_archives else max(to_fetch)
        check_disk_space(out, sum(sizes) + most, "fetching and unpacking")


def _num_bytes_to_fetch(file: SourceFile, out: Path) -> int:
    here = [out / ARCHIVES / name for name in (file.name, f"{file.name}.part")]
    return max(0, (file.remote.size or 0) - sum(path.stat().st_size for path in here if path.exists()))


def _remove(archive: Path) -> None:
    archive.unlink()
    with suppress(OSError):  # Another archive is in the folder, or arrives there now.
        archive.parent.rmdir()
