"""Get a known data set: what is missing is fetched, checked and unpacked; what is there is left alone."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from realesrgan_arch.atomic import atomic_file
from realesrgan_arch.data.files import DataError
from realesrgan_arch.downloading.fetch import Pause, RemoteFile, check_disk_space, check_file, fetch
from realesrgan_arch.file_lock import file_lock
from realesrgan_arch.image_header import shown
from realesrgan_arch.sources.kaggle import fetch_from_kaggle
from realesrgan_arch.sources.receipt import Amount, is_present, measure, read_receipt, write_receipt
from realesrgan_arch.sources.table import Source, SourceFile, choose_files
from realesrgan_arch.sources.unpack import unpack

ARCHIVES = "archives"
KAGGLE_PART = "all"

Tell = Callable[[str], None]


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
    unpacked, unless `keep_archives`. Where the receipt and the files agree, no request is made.

    Raises:
        DataError: an unknown part, an archive that is unsafe or damaged, files in the folder that are not of the set.
        DownloadError: anything that a network, a server or a disk can do.
        MissingExtraError: a set of Kaggle without kagglehub.
    """
    files = choose_files(source, parts)
    with ExitStack() as held:
        try:
            held.enter_context(file_lock(out / f".{source.name}.lock"))
            return _complete(source, files, out, keep_archives=keep_archives, tell=tell, pause=pause)
        except BlockingIOError as error:
            raise DataError(f"another process is fetching {source.name} into {shown(out)}; wait for it.") from error
        except OSError as error:
            raise DataError(
                f"cannot read or write {shown(Path(error.filename or out))}: {error.strerror or error}; mend that and "
                "run the command again."
            ) from error


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
        receipt[KAGGLE_PART] = fetch_from_kaggle(source, folder)
        write_receipt(folder, source, receipt)
    to_do = [file for file in files if file.part in missing]
    _check_room(to_do, out, keep_archives=keep_archives)
    for file in to_do:
        receipt[file.part] = _get_file(source, file, out, keep_archives=keep_archives, pause=pause)
        write_receipt(folder, source, receipt)
    return GotSource(source, folder, {part: receipt[part] for part in wanted}, missing)


def _announcement(
    source: Source, folder: Path, missing: Sequence[str], receipt: Mapping[str, tuple[Amount, ...]]
) -> list[str]:
    if not missing:
        return []
    broken = [part for part in missing if part in receipt]
    repair = [f"{shown(folder)} has lost files of {', '.join(broken)}: fetching that again"] if broken else []
    return [source.title, f"from {source.page}", f"licence: {source.licence} ({source.licence_url})", *repair]


def _get_file(source: Source, file: SourceFile, out: Path, *, keep_archives: bool, pause: Pause) -> tuple[Amount, ...]:
    """Download or find one file and put its contents into place."""
    folder, archive = out / source.name, out / ARCHIVES / file.name
    was_here = archive.exists()
    if was_here:
        check_file(file.remote, archive)
    else:
        fetch(_with_advice(source, file, archive), archive, pause=pause)
    if file.folders:
        unpack(archive, file.folders, folder)
    else:
        _copy(archive, folder / file.name)
    if not was_here and not keep_archives:
        archive.unlink()
        _remove_if_empty(archive.parent)
    return tuple(measure(folder, place) for place in ([each.to for each in file.folders] or [file.name]))


def _with_advice(source: Source, file: SourceFile, archive: Path) -> RemoteFile:
    """The remote file with a sentence for when a web page comes in its place."""
    first = file.remote.by_hand or f"open {source.page}, download {file.name} in the browser"
    return replace(file.remote, by_hand=f"{first}, put it into {shown(archive.parent)} and run the command again")


def _copy(path: Path, target: Path) -> None:
    with path.open("rb") as source, atomic_file(target) as file:
        shutil.copyfileobj(source, file)


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


def _remove_if_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()
