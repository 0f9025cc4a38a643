"""Sets of Kaggle, through kagglehub: it knows the user's credentials, continues a broken download and keeps a cache."""

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from realesrgan_arch.data.files import DataError, list_folder
from realesrgan_arch.downloading.fetch import check_disk_space
from realesrgan_arch.extras import require_extra
from realesrgan_arch.image_header import shown
from realesrgan_arch.plural import count_of
from realesrgan_arch.sources.archive import ARCHIVE_FAULTS
from realesrgan_arch.sources.place import UNPACKING, Tell, check_place, install
from realesrgan_arch.sources.receipt import Amount, measure
from realesrgan_arch.sources.table import Source

_NO_RANGES = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP})
"""What systems and file systems say that cannot copy by themselves."""


def fetch_from_kaggle(source: Source, root: Path, tell: Tell) -> tuple[Amount, ...]:
    """Download the set into kagglehub's cache and copy its files into `root`.

    The cache and not `output_dir`: only there does kagglehub (0.3 to 1.0) continue a download that broke off.
    Copies and not hard links: a picture that is edited in `root` must not change in the cache.

    Raises:
        MissingExtraError: kagglehub is not installed.
        DataError: no credentials or no consent, no network, a link among the files, too few images, files in `root`
            that are not of the set.
        DownloadError: no room for copies.
    """
    cached = _download(source)
    _check_no_links(source, cached)
    listing = list_folder(cached)
    if len(listing.images) < source.min_images:
        raise DataError(
            f"expected at least {count_of(source.min_images, 'image')} from {source.page}, got {len(listing.images):,} "
            f"in {shown(cached)}: remove that folder and run the command again."
        )
    files = [path.relative_to(cached) for path in (*listing.images, *listing.others)]
    try:
        return _bring_over(cached, files, root, tell)
    except OSError as error:
        raise DataError(
            f"cannot bring {source.name} from {shown(cached)} into {shown(root)}: {error.strerror or error}; "
            "mend that and run the command again, nothing is downloaded twice."
        ) from error
    finally:
        shutil.rmtree(root / UNPACKING, ignore_errors=True)


def _download(source: Source) -> Path:
    purpose = f"fetching {source.name} from Kaggle"
    kagglehub = require_extra("kagglehub", extra="kaggle", purpose=purpose)
    module = require_extra("kagglehub.exceptions", extra="kaggle", purpose=purpose)
    faults = tuple(kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Exception))
    try:
        return Path(kagglehub.dataset_download(source.kaggle_handle))
    except (*faults, *ARCHIVE_FAULTS, OSError, ValueError) as error:
        raise DataError(_sentence(source, error)) from error


def _sentence(source: Source, error: Exception) -> str:
    reason = " ".join(str(error).split()) or type(error).__name__
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403) or type(error).__name__ in ("UnauthenticatedError", "CredentialError"):
        return (
            f"Kaggle gives {source.name} only to those it knows: log in at {source.page} and accept its terms, make an "
            f"API token in your Kaggle settings (~/.kaggle/kaggle.json), then run the command again ({reason})."
        )
    return (
        f"cannot fetch {source.kaggle_handle} from Kaggle ({reason}): check the network and {source.page}, then run "
        "the command again; it goes on where it stopped."
    )


def _check_no_links(source: Source, cached: Path) -> None:
    """Refuse links: what a stranger packed may not name files of this machine."""
    link = next((path for path in cached.rglob("*") if path.is_symlink()), None)
    if link is not None:
        raise DataError(
            f"expected plain files from {source.page}, got the link {shown(link)}: nothing was taken from there."
        )


def _bring_over(cached: Path, files: Sequence[Path], root: Path, tell: Tell) -> tuple[Amount, ...]:
    by_top: dict[str, set[str]] = {}
    for file in files:
        by_top.setdefault(file.parts[0], set()).update({"/".join(file.parts[1:])} - {""})
    for top, names in by_top.items():
        check_place(root / top, names)
    check_disk_space(root, sum((cached / file).stat().st_size for file in files), "copying from the cache")
    work = root / UNPACKING
    shutil.rmtree(work, ignore_errors=True)
    for file in tqdm(files, desc="copying", unit="file", leave=False, disable=None):
        (work / "new" / file).parent.mkdir(parents=True, exist_ok=True)
        _copy(cached / file, work / "new" / file)
    install(list(by_top), root, tell)
    return tuple(measure(root, top) for top in by_top)


def _copy(path: Path, target: Path) -> None:
    """Copy the bytes; file systems that can share blocks (Btrfs, XFS) then take no room twice."""
    with path.open("rb") as source, target.open("xb") as file:
        try:
            while hasattr(os, "copy_file_range") and os.copy_file_range(source.fileno(), file.fileno(), 2**30):
                pass
        except OSError as error:
            if error.errno not in _NO_RANGES:
                raise
    if target.stat().st_size != path.stat().st_size:
        shutil.copyfile(path, target)
