"""One request: which hosts may answer, and which answers mean "wait and try again".

`urllib` and not `requests`, which is installed for basicsr's sake: it is in every Python, hands over the bytes as they
are on the wire (so that ranges and lengths agree), and its redirects can be refused one by one.
"""

import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import IO
from urllib.parse import urlsplit

from realesrgan_arch.errors import UserError

CHUNK_BYTES = 256 * 1024
_TIMEOUT_SECONDS = 30
_TRY_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_RANGE_REFUSED = 416
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class DownloadError(UserError):
    """A file that cannot be downloaded; the sentence says what came instead and what to do."""


class InterruptedTransferError(Exception):
    """Worth another try, after `wait_seconds` where the server says so; the text completes "the address ..."."""

    def __init__(self, text: str, wait_seconds: float | None = None) -> None:
        super().__init__(text)
        self.wait_seconds = wait_seconds


class UnreachableError(InterruptedTransferError):
    """No connection at all: no such host, refused, no network."""


class RangeRefusedError(Exception):
    """The server has no bytes after those that were got before (status 416)."""


def open_url(url: str, *, headers: Mapping[str, str], redirect_hosts: Sequence[str], by_hand: str) -> HTTPResponse:
    """Send a GET request and return the answer, with status 200 or 206; redirects to other hosts must be allowed.

    `redirect_hosts` stand for themselves and for the hosts below them. Plain http is for this machine only. `by_hand`
    ends the sentence of an answer that is final.

    Raises:
        DownloadError: an address or redirect that is not allowed, or an answer that no second try would change.
        InterruptedTransferError: an answer or a fault that may pass.
        RangeRefusedError: status 416 to a request for a range.
    """
    check_address(url)
    ours = {"User-Agent": "realesrgan-arch", "Accept-Encoding": "identity", **headers}
    opener = urllib.request.build_opener(_Redirects(url, redirect_hosts))
    try:
        response = opener.open(urllib.request.Request(url, headers=ours), timeout=_TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        with error:
            raise _fault_of_status(url, error, by_hand, is_range="Range" in headers) from error
    except urllib.error.URLError as error:
        raise UnreachableError(str(error.reason)) from error
    except (HTTPException, TimeoutError, ConnectionError) as error:
        raise InterruptedTransferError(f"did not answer ({error or type(error).__name__})") from error
    if response.status not in (200, 206):
        raise DownloadError(f"{url} answered {response.status}: expected 200; {by_hand}.")
    return response


def read_chunk(response: HTTPResponse) -> bytes:
    """Return the next bytes of an answer, none at its end.

    Raises:
        InterruptedTransferError: the connection broke off.
    """
    try:
        return response.read(CHUNK_BYTES)
    except (HTTPException, OSError) as error:
        raise InterruptedTransferError(f"broke off ({error or type(error).__name__})") from error


def is_number(text: str) -> bool:
    """True for the digits 0 to 9 only; `str.isdigit` takes "²" too, which `int` does not."""
    return text.isascii() and text.isdecimal()


def check_address(url: str) -> None:
    """Check that an address is https, or of this machine.

    Raises:
        DownloadError: it is neither.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise DownloadError(f"expected an https address, got {url}: nothing was downloaded.")


class _Redirects(urllib.request.HTTPRedirectHandler):
    def __init__(self, url: str, hosts: Sequence[str]) -> None:
        self._start = url
        self._hosts = (urlsplit(url).hostname or "", *hosts)

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        host = urlsplit(newurl).hostname or ""
        check_address(newurl)
        if not any(host == allowed or host.endswith(f".{allowed}") for allowed in self._hosts):
            raise DownloadError(
                f"{self._start} leads to another host, {host}; expected {' or '.join(self._hosts)}: "
                "nothing was downloaded from there."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _fault_of_status(url: str, error: urllib.error.HTTPError, by_hand: str, *, is_range: bool) -> Exception:
    answered = f"answered {error.code} {error.reason}"
    if error.code == _RANGE_REFUSED and is_range:
        return RangeRefusedError(answered)
    if error.code in _TRY_AGAIN:
        return InterruptedTransferError(answered, _retry_after(error.headers.get("Retry-After")))
    return DownloadError(f"{url} {answered}: try later, or {by_hand}.")


def _retry_after(text: str | None) -> float | None:
    """Seconds, from a number or a date; None where it is neither."""
    if text is None:
        return None
    if is_number(text.strip()):
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    now = datetime.now(UTC) if when.tzinfo else datetime.now(UTC).replace(tzinfo=None)
    return max(0.0, (when - now).total_seconds())
