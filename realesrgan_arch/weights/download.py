"""Get released weights: checked, then renamed, so that a file under its name is always whole."""

import logging
import time
from pathlib import Path

from realesrgan_arch.downloading.fetch import Pause, RemoteFile, fetch
from realesrgan_arch.downloading.web import DownloadError
from realesrgan_arch.image_header import shown
from realesrgan_arch.weights.table import (
    FOLDER_VARIABLE,
    KnownWeights,
    WeightsError,
    download_folder,
    find_known,
    find_weights,
    present_file,
    sha256_of,
)

REDIRECT_HOSTS = ("githubusercontent.com",)
"""Where GitHub keeps the files of its releases and repositories."""
_log = logging.getLogger(__name__)


def download(known: KnownWeights, folder: Path, *, pause: Pause = time.sleep) -> Path:
    """Download `known` into `folder` and return the file; a file that is there and has the right checksum is kept.

    Progress goes to standard error. Where no checksum is known the file is accepted and a warning logged. Raises
    `WeightsError` (one sentence) for anything that a network or a disk can do; what has arrived is kept and continued.
    """
    target = folder / known.file_name
    if target.is_file() and known.sha256 and sha256_of(target).startswith(known.sha256):
        return target
    checksum = f"sha256:{known.sha256}" if known.sha256 else None
    try:
        fetch(RemoteFile(known.url, known.size, checksum, redirect_hosts=REDIRECT_HOSTS), target, pause=pause)
    except DownloadError as error:
        place = f"put {known.file_name} from {known.url} into {shown(folder)}"
        raise WeightsError(f"{error}; or {place}") from error
    if known.sha256 is None:
        _log.warning("%s was not verified: no checksum of %s is known for certain.", target, known.name)
    return target


def find_or_download(name_or_path: str | Path) -> Path:
    """Return the file for a path or a known name; known weights that are absent are downloaded first.

    Raises:
        WeightsError: no such file; or absent and not to be had, with the place to put the file.
    """
    known = find_known(str(name_or_path))
    is_name = known is not None and len(Path(name_or_path).parts) == 1 and not Path(name_or_path).is_file()
    if known is None or not is_name or present_file(known) is not None:
        return find_weights(name_or_path)
    try:
        return download(known, download_folder())
    except WeightsError as error:
        raise WeightsError(
            f"{known.name} is not on this machine and cannot be downloaded: {error} or into a folder that "
            f"${FOLDER_VARIABLE} names"
        ) from error
