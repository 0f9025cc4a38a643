"""Get released weights: to a temporary file, checked, then renamed, so that a file under its name is always whole."""

import hashlib
import logging
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from tqdm import tqdm

from realesrgan_arch.atomic import atomic_file
from realesrgan_arch.weights.table import (
    KnownWeights,
    WeightsError,
    download_folder,
    find_known,
    find_weights,
    present_file,
    sha256_of,
)

MAX_DOWNLOAD_BYTES = 1024**3
_log = logging.getLogger(__name__)
_CHUNK = 256 * 1024
_TIMEOUT_SECONDS = 30


def download(known: KnownWeights, folder: Path) -> Path:
    """Download `known` into `folder` and return the file; a file that is there and has the right checksum is kept.

    Progress goes to standard error. Where no checksum is known the file is accepted and a warning logged. Raises
    `WeightsError` (one sentence) for anything that a network or a disk can do.
    """
    target = folder / known.file_name
    if target.is_file() and known.sha256 and sha256_of(target).startswith(known.sha256):
        return target
    try:
        with atomic_file(target) as file:
            _check_digest(known, _fetch(known, file.write))
    except OSError as error:
        raise WeightsError(f"cannot write into {folder}: {error.strerror or error}.") from error
    if known.sha256 is None:
        _log.warning("%s was not verified: no checksum of %s is known for certain.", target, known.name)
    return target


def _fetch(known: KnownWeights, write: Callable[[bytes], object]) -> str:
    """Stream the file into `write` and return its SHA-256."""
    request = urllib.request.Request(known.url, headers={"User-Agent": "realesrgan-arch"})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
            return _copy(known, response, write)
    except urllib.error.HTTPError as error:
        raise WeightsError(f"{known.url} answered {error.code} {error.reason}: try later or get it by hand.") from error
    except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", None) or error
        raise WeightsError(f"cannot download {known.url} ({reason}): check the network and try again.") from error
    except OSError as error:
        raise WeightsError(f"cannot save {known.file_name}: {error.strerror or error}.") from error


def _copy(known: KnownWeights, response: HTTPResponse, write: Callable[[bytes], object]) -> str:
    if response.headers.get_content_type() == "text/html":
        raise WeightsError(f"{known.url} gave a web page instead of the file: get {known.file_name} by hand.")
    promised = response.headers.get("Content-Length")
    expected = int(promised) if promised and promised.isdigit() else known.size
    limit = known.size or MAX_DOWNLOAD_BYTES
    digest, received = hashlib.sha256(), 0
    with tqdm(total=expected, unit="B", unit_scale=True, desc=known.file_name, leave=False, disable=None) as bar:
        while chunk := response.read(_CHUNK):
            received += len(chunk)
            if received > limit:
                raise WeightsError(f"{known.url} sends more than the {limit:,} bytes expected: it is another file.")
            digest.update(chunk)
            write(chunk)
            bar.update(len(chunk))
    if expected is not None and received < expected:
        raise WeightsError(f"{known.url} broke off after {received:,} of {expected:,} bytes: try again.")
    return digest.hexdigest()


def _check_digest(known: KnownWeights, digest: str) -> None:
    if known.sha256 and not digest.startswith(known.sha256):
        raise WeightsError(
            f"{known.url} gave other bytes than the released file (SHA-256 {digest[:16]}..., expected "
            f"{known.sha256[:16]}...): nothing was kept."
        )


def find_or_download(name_or_path: str | Path) -> Path:
    """Return the file for a path or a known name; known weights that are absent are downloaded first.

    Raises:
        WeightsError: no such file; or absent and not to be had, with the place to put the file.
    """
    known = find_known(str(name_or_path))
    is_name = len(Path(name_or_path).parts) == 1 and not Path(name_or_path).is_file()
    if known is None or not is_name or present_file(known) is not None:
        return find_weights(name_or_path)
    try:
        return download(known, download_folder())
    except WeightsError as error:
        raise WeightsError(
            f"{known.name} is not on this machine and cannot be downloaded ({error}); "
            f"put {known.file_name} from {known.url} into {download_folder()}"
        ) from error
