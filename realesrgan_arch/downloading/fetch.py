"""Fetch one file: resumed where it broke off, checked against what is published, then renamed into place."""

import hashlib
import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from http.client import HTTPResponse
from pathlib import Path

from tqdm import tqdm

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.disk_room import free_bytes
from realesrgan_arch.downloading.part import Part, Version
from realesrgan_arch.downloading.web import (
    DownloadError,
    InterruptedTransferError,
    RangeRefusedError,
    UnreachableError,
    check_address,
    is_number,
    open_url,
    read_chunk,
)
from realesrgan_arch.file_lock import file_lock
from realesrgan_arch.image_header import shown

MAX_TRIES = 5
"""Tries in a row that bring nothing new; a try that gets further than any before starts the count again."""
MAX_WAIT_SECONDS = 120.0
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")

Pause = Callable[[float], None]


@dataclass(frozen=True)
class RemoteFile:
    """A file that somebody publishes."""

    url: str
    size: int | None = None
    """In bytes; None where it is not known for certain."""
    checksum: str | None = None
    """`sha256:` or `md5:` and hexadecimal digits, or the leading ones where only those are published."""
    max_bytes: int = 1024**3
    """No more than this is taken where the size is not known."""
    redirect_hosts: tuple[str, ...] = ()
    """Hosts, with those below them, to which the address may redirect; its own host always may."""
    by_hand: str = ""
    """What to do when it cannot be had, without a full stop; empty for words that fit any file."""


def fetch(remote: RemoteFile, target: Path, *, pause: Pause = time.sleep) -> None:
    """Download `remote` to `target`, which appears only when it is whole and checked; an older file is replaced.

    What has arrived stays in `target.part` when the transfer ends early, and the next call continues there, provided
    that the file on the server is still the same. `pause` waits some seconds. Progress goes to standard error.

    Raises:
        DownloadError: one sentence for anything that a network, a server or a disk can do.
    """
    check_address(remote.url)
    with ExitStack() as held:
        try:
            held.enter_context(file_lock(target.with_name(f".{target.name}.lock")))
        except BlockingIOError as error:
            raise DownloadError(
                f"another process is downloading {shown(target)} now; wait for it and run the command again."
            ) from error
        except OSError as error:
            raise DownloadError(f"cannot write into {shown(target.parent)}: {error.strerror or error}.") from error
        try:
            part = Part(target, remote.url, is_checked_at_the_end=remote.checksum is not None)
            _transfer(remote, part, pause)
            _check_bytes(remote, part, pause)
            part.finish()
        except OSError as error:
            raise DownloadError(_disk_message(target, error)) from error


def check_file(remote: RemoteFile, path: Path) -> None:
    """Check a file that is here against what is published; passes where nothing is.

    Raises:
        DownloadError: another size or checksum, or it cannot be read.
    """
    try:
        size = path.stat().st_size
        digest = _digest(remote, path)
    except OSError as error:
        raise DownloadError(f"cannot read {shown(path)}: {error.strerror or error}.") from error
    if remote.size is not None and size != remote.size:
        raise DownloadError(f"{shown(path)} has {size:,} bytes, expected {remote.size:,}: remove it or get it again.")
    if digest is not None and not digest.startswith(_published(remote)[1]):
        raise DownloadError(f"{shown(path)} is not the published file ({_mismatch(remote, digest)}): remove it.")


def check_disk_space(folder: Path, num_bytes: int, purpose: str) -> None:
    """Check that `num_bytes` fit on the disk of `folder`, or of the nearest folder above it that exists.

    Raises:
        DownloadError: they do not.
    """
    free = free_bytes(folder)
    if num_bytes > free:
        raise DownloadError(
            f"{purpose} needs {say_bytes(num_bytes)} in {shown(folder)}, but {say_bytes(free)} are free: "
            "make room or choose another folder."
        )


def _transfer(remote: RemoteFile, part: Part, pause: Pause) -> None:
    """Bring the part to its full length, over as many connections as it takes."""
    num_tries, furthest, was_reached = 0, part.num_bytes, False
    while not part.is_complete:
        try:
            with open_url(
                remote.url,
                headers=part.request_headers(),
                redirect_hosts=remote.redirect_hosts,
                by_hand=_by_hand(remote, part),
            ) as response:
                was_reached = True
                _append(remote, part, response)
        except RangeRefusedError:
            part.discard()
        except InterruptedTransferError as error:
            was_reached = was_reached or not isinstance(error, UnreachableError)
            num_tries = 1 if part.num_bytes > furthest else num_tries + 1
            furthest = max(furthest, part.num_bytes)
            if not was_reached:
                or_else = f", or {remote.by_hand}" if remote.by_hand else ""
                raise DownloadError(
                    f"cannot download {remote.url} ({error}): check the network and try again{or_else}."
                ) from error
            wait_seconds = 2.0 ** (num_tries - 1) if error.wait_seconds is None else error.wait_seconds
            if num_tries == MAX_TRIES or wait_seconds > MAX_WAIT_SECONDS:
                raise DownloadError(_gave_up_message(remote, part, error)) from error
            pause(wait_seconds)


def _append(remote: RemoteFile, part: Part, response: HTTPResponse) -> None:
    """Write what one answer brings behind what is there, or begin anew when it starts at the first byte."""
    if response.headers.get_content_type() == "text/html":
        by_hand = _by_hand(remote, part)
        raise DownloadError(f"{remote.url} gave a web page instead of the file: {by_hand}.")
    if response.status == 206:
        _check_continues(remote, part, response)
    else:
        length = response.headers.get("Content-Length", "")
        total = int(length) if is_number(length) else remote.size
        _check_total(remote, total)
        part.begin(_version(remote, response, total))
    total = part.version.total if part.version else None
    check_disk_space(part.path.parent, (total or 0) - part.num_bytes, f"downloading {part.target.name}")
    _copy(remote, part, response, total)
    if total is None:
        part.note(Version(remote.url, total=part.num_bytes))
    elif part.num_bytes < total:
        raise InterruptedTransferError(f"broke off after {part.num_bytes:,} of {total:,} bytes")


def _version(remote: RemoteFile, response: HTTPResponse, total: int | None) -> Version:
    return Version(remote.url, response.headers.get("ETag"), response.headers.get("Last-Modified"), total)


def _check_continues(remote: RemoteFile, part: Part, response: HTTPResponse) -> None:
    """Check that a partial answer starts where the part ends, and is of the same version."""
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    old, start = part.version, part.num_bytes
    total = int(match[3]) if match and match[3] != "*" else None
    if old is None or not match or int(match[1]) != start or not old.can_be(_version(remote, response, total)):
        part.discard()
        raise InterruptedTransferError("sent another part than the one that was asked for")
    part.was_resumed = True
    if old.total is None and total is not None:
        part.note(replace(old, total=total))


def _check_total(remote: RemoteFile, total: int | None) -> None:
    if remote.size is not None and total != remote.size:
        raise DownloadError(
            f"{remote.url} sends {'more' if total and total > remote.size else 'less'} than the {remote.size:,} bytes "
            f"expected ({total:,}): it is another file."
        )
    if total is not None and remote.size is None and total > remote.max_bytes:
        raise DownloadError(_too_much(remote))


def _copy(remote: RemoteFile, part: Part, response: HTTPResponse, total: int | None) -> None:
    limit = remote.max_bytes if total is None else total
    bar = tqdm(
        total=total,
        initial=part.num_bytes,
        unit="B",
        unit_scale=True,
        desc=part.target.name,
        leave=False,
        disable=None,
    )
    num_bytes = part.num_bytes
    with bar, part.open() as file:
        while chunk := read_chunk(response):
            num_bytes += len(chunk)
            if num_bytes > limit:
                part.discard()
                raise DownloadError(_too_much(remote))
            file.write(chunk)
            bar.update(len(chunk))


def _check_bytes(remote: RemoteFile, part: Part, pause: Pause) -> None:
    """Compare with the published checksum; a part that was continued gets a second chance from its first byte."""
    digest = _digest(remote, part.path)
    if digest is None or digest.startswith(_published(remote)[1]):
        return
    was_resumed = part.was_resumed
    part.discard()
    if not was_resumed:
        raise DownloadError(
            f"{remote.url} gave other bytes than the released file ({_mismatch(remote, digest)}): nothing was kept."
        )
    part.was_resumed = False
    _transfer(remote, part, pause)
    _check_bytes(remote, part, pause)


def _digest(remote: RemoteFile, path: Path) -> str | None:
    if remote.checksum is None:
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(_published(remote)[0], usedforsecurity=False)).hexdigest()


def _published(remote: RemoteFile) -> tuple[str, str]:
    algorithm, _, digits = (remote.checksum or "").partition(":")
    return algorithm, digits


def _mismatch(remote: RemoteFile, digest: str) -> str:
    algorithm, digits = _published(remote)
    name = {"sha256": "SHA-256", "md5": "MD5"}.get(algorithm, algorithm)
    return f"{name} {digest[:16]}..., expected {digits[:16]}..."


def _too_much(remote: RemoteFile) -> str:
    limit = remote.max_bytes if remote.size is None else remote.size
    return f"{remote.url} sends more than the {limit:,} bytes expected: it is another file."


def _by_hand(remote: RemoteFile, part: Part) -> str:
    return remote.by_hand or f"get {part.target.name} by hand and put it into {shown(part.target.parent)}"


def _gave_up_message(remote: RemoteFile, part: Part, error: InterruptedTransferError) -> str:
    wait = f" and asks to wait {error.wait_seconds:,.0f} seconds" if error.wait_seconds else ""
    return f"{remote.url} {error}{wait}: try again later{_kept(part)}."


def _disk_message(target: Path, error: OSError) -> str:
    part = target.with_name(f"{target.name}.part")
    kept = f"; the {part.stat().st_size:,} bytes that have arrived stay in {shown(part)}" if part.exists() else ""
    return f"cannot save {target.name}: {error.strerror or error}{kept}; mend that and run the command again."


def _kept(part: Part) -> str:
    return f"; it goes on after the {part.num_bytes:,} bytes that are here" if part.can_continue else ""
