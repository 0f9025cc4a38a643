"""The part of a file that has arrived: `name.part`, and `name.part.json` that says of which version it is a part."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from pydantic import TypeAdapter

from realesrgan_arch.atomic import move_into_place, write_text


@dataclass(frozen=True)
class Version:
    """What a server says about a file, to know it again; `total` is its length in bytes."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    total: int | None = None

    @property
    def validator(self) -> str | None:
        """What `If-Range` may hold: a strong ETag, else the date. Weak ETags are for equal meaning, not equal bytes."""
        return self._strong_etag or self.last_modified

    def can_be(self, other: "Version") -> bool:
        """True when nothing that `other` says contradicts this one; a strong ETag outweighs the date."""
        if other.total not in (None, self.total) and self.total is not None:
            return False
        if other.etag is not None and other.etag == self._strong_etag:
            return True
        return other.etag in (None, self.etag) and other.last_modified in (None, self.last_modified)

    @property
    def _strong_etag(self) -> str | None:
        return self.etag if self.etag and not self.etag.startswith("W/") else None


_CARD = TypeAdapter(Version)


class Part:
    """A file on its way to `target`; it outlives the process that began it."""

    def __init__(self, target: Path, url: str, *, is_checked_at_the_end: bool) -> None:
        self.target = target
        self.path = target.with_name(f"{target.name}.part")
        self._card = target.with_name(f"{target.name}.part.json")
        self._url = url
        self._is_checked = is_checked_at_the_end
        self.version = self._read_card()
        self.was_resumed = False
        if self.version is None:
            self.discard()

    @property
    def num_bytes(self) -> int:
        """How many bytes have arrived."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def is_complete(self) -> bool:
        """True when every byte has arrived; never for a file whose length nobody has told."""
        return self.version is not None and self.version.total is not None and self.num_bytes == self.version.total

    @property
    def can_continue(self) -> bool:
        """True when some bytes are here, and a change of the file on the server would be noticed."""
        return self.version is not None and self.num_bytes > 0 and self._is_guarded(self.version)

    def request_headers(self) -> dict[str, str]:
        """Return the headers that ask for the rest: of this version, where the server can tell versions apart."""
        if self.version is None or not self.can_continue:
            return {}
        condition = {"If-Range": self.version.validator} if self.version.validator else {}
        return {"Range": f"bytes={self.num_bytes}-", **condition}

    def begin(self, version: Version) -> None:
        """Start at the first byte of `version`."""
        self.discard()
        self.path.touch()
        self.note(version)

    def note(self, version: Version) -> None:
        """Remember of which version this is a part."""
        write_text(self._card, json.dumps(asdict(version)))
        self.version = version

    def open(self) -> BinaryIO:
        """Open at the end, for more."""
        return self.path.open("ab")

    def discard(self) -> None:
        """Forget what has arrived."""
        self.path.unlink(missing_ok=True)
        self._card.unlink(missing_ok=True)
        self.version = None

    def finish(self) -> None:
        """Flush to the disk and give the file its name."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        move_into_place(self.path, self.target)
        self._card.unlink(missing_ok=True)

    def _read_card(self) -> Version | None:
        """None when the part cannot be continued: no card, of another address, or nothing to know its version by."""
        try:
            version = _CARD.validate_json(self._card.read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        is_ours = version.url == self._url and self.path.exists() and self._fits(version.total)
        return version if is_ours and self._is_guarded(version) else None

    def _is_guarded(self, version: Version) -> bool:
        return version.validator is not None or self._is_checked

    def _fits(self, total: int | None) -> bool:
        return total is None or self.num_bytes <= total
