"""One picture from its file to the file of its result, in three stages; pools and bars are none of its business.

`do_job` does all three one after the other, for whoever has many machines instead of many threads.
"""

import errno
import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from realesrgan_arch import atomic
from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.disk_room import free_bytes
from realesrgan_arch.errors import EXIT_NO_ROOM, UserError
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.image_header import shown
from realesrgan_arch.images import ImageError, Picture, Pixels, check_writable_size, holds_alpha, read_bytes
from realesrgan_arch.upscaling import picture_files
from realesrgan_arch.upscaling.job import Job, JobResult
from realesrgan_arch.upscaling.output_place import is_streamed
from realesrgan_arch.upscaling.picture_files import WriteOptions

FAULTS_OF_ONE_FILE = (MemoryError, UserError, OSError, RuntimeError)
"""What the device or the memory refuses for one picture may work for the next."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_MOMENT_SECONDS = 2.0
"""Other programs may make room."""
_STRIPS_AHEAD = 1


class PlaceError(UserError):
    """A result that cannot get its name."""


class FullDiskError(UserError):
    """The disk took a part of a result, or nothing; all later ones would fail as well."""

    exit_code = EXIT_NO_ROOM


class Begin(Protocol):
    """Called with each file just before it gets its name, and with the hash of its bytes where that is known.

    The next run knows the file for ours by it, if this one is killed then.
    """

    def __call__(self, target: Path, source: Path, /, *, sha256: str | None = None) -> None: ...


def begin_silently(target: Path, source: Path, *, sha256: str | None = None) -> None:
    """Keep no record of what is begun: see `Begin`."""


class Magnifier(Protocol):
    """What the middle stage needs; a `PictureUpscaler`."""

    def output_size(self, size: tuple[int, int], /) -> tuple[int, int]: ...

    def upscale(self, picture: Picture, /) -> Picture: ...

    def can_stream(self, picture: Picture, /) -> bool: ...

    def upscale_strips(self, picture: Picture, /) -> Iterator[Pixels]: ...


@dataclass(frozen=True)
class Loaded:
    """A picture in memory; `is_streamed`: its result goes into its file strip by strip."""

    job: Job
    picture: Picture
    input_sha256: str
    output_size: tuple[int, int]
    is_streamed: bool


@dataclass(frozen=True)
class Magnified:
    """A result in memory; or in its file already, then `picture` is None. `notes`: of what was left out there."""

    loaded: Loaded
    picture: Picture | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PictureWork:
    """The three stages. `pause`: how the moment before a second try passes."""

    upscaler: Magnifier
    options: WriteOptions
    begin: Begin = begin_silently
    pause: Callable[[float], None] = time.sleep

    def load(self, job: Job) -> Loaded:
        """Read and decode a picture, and hash its bytes.

        Raises:
            ImageError: it cannot be read, or its result would not fit its format.
            PlaceError: its result cannot have the name that was planned.
        """
        data = read_bytes(job.source)
        picture = picture_files.decode(data, job.source, self.options)
        _check_alpha(job, picture)
        height, width = picture.rgb.shape[:2]
        size = self.upscaler.output_size((width, height))
        streamed = is_streamed(job.target, size, has_network_size=self.upscaler.can_stream(picture))
        check_writable_size(job.target, width=size[0], height=size[1], streamed=streamed)
        return Loaded(job, picture, hashlib.sha256(data).hexdigest(), size, streamed)

    def magnify(self, loaded: Loaded) -> Magnified:
        """Compute the result; a huge one goes into its file meanwhile.

        Raises:
            UpscaleError: see `PictureUpscaler.upscale`.
            FullDiskError: see its words.
        """
        if not loaded.is_streamed:
            return Magnified(loaded, self.upscaler.upscale(loaded.picture))
        with _faults_of_disk(loaded.job.target):
            return Magnified(loaded, None, self._stream(loaded))

    def save(self, magnified: Magnified) -> JobResult:
        """Encode and write the result; a file is complete or absent.

        Raises:
            ImageError: it cannot be encoded or written.
            FullDiskError: after a second try.
        """
        loaded, notes = magnified.loaded, magnified.notes
        job = loaded.job
        if magnified.picture is None:
            digest, num_bytes = hash_file(job.target), job.target.stat().st_size
        else:
            encoded = picture_files.encode(magnified.picture, job.target, self.options)
            digest, num_bytes, notes = hashlib.sha256(encoded.data).hexdigest(), len(encoded.data), encoded.notes
            self._write(job, encoded.data, digest)
        return JobResult(
            job, job.target, input_sha256=loaded.input_sha256, output_sha256=digest, output_bytes=num_bytes,
            warnings=tuple(f"{shown(job.source)}: {note}" for note in (*job.notes, *loaded.picture.notes, *notes)),
        )  # fmt: skip

    def _stream(self, loaded: Loaded) -> tuple[str, ...]:
        """Write strips in a thread, so that the next one is computed meanwhile; return the notes of the writer."""
        loaded.job.target.parent.mkdir(parents=True, exist_ok=True)
        self.begin(loaded.job.target, loaded.job.source)
        with (
            picture_files.open_strips(loaded.job.target, loaded.picture, loaded.output_size, self.options) as writer,
            ThreadPoolExecutor(1, thread_name_prefix="strips") as pool,
        ):
            _drain(pool, writer.write, self.upscaler.upscale_strips(loaded.picture))
        return writer.notes

    def _write(self, job: Job, data: bytes, sha256: str) -> None:
        try:
            self._write_once(job, data, sha256)
        except FullDiskError:
            self.pause(_MOMENT_SECONDS)
            self._write_once(job, data, sha256)

    def _write_once(self, job: Job, data: bytes, sha256: str) -> None:
        with _faults_of_disk(job.target, needed=len(data)):
            job.target.parent.mkdir(parents=True, exist_ok=True)
            self.begin(job.target, job.source, sha256=sha256)
            atomic.write_bytes(job.target, data)


def do_job(job: Job, upscaler: Magnifier, options: WriteOptions, *, begin: Begin = begin_silently) -> JobResult:
    """Do one job from beginning to end, and say what became of it; a fault of the picture is the result's `error`.

    Raises:
        FullDiskError: no later job would succeed on this disk.
    """
    began = time.perf_counter()
    work = PictureWork(upscaler, options, begin=begin)
    try:
        result = work.save(work.magnify(work.load(job)))
    except FullDiskError:
        raise
    except FAULTS_OF_ONE_FILE as fault:
        result = JobResult(job, error=reason(job, fault))
    return replace(result, seconds=time.perf_counter() - began)


def reason(job: Job, fault: Exception) -> str:
    """Return the one sentence that says why there is no result."""
    if isinstance(fault, MemoryError):
        return f"{shown(job.source)} needs more memory than there is."
    return str(fault) if isinstance(fault, (ImageError, FullDiskError)) else f"{shown(job.source)}: {fault}"


def _check_alpha(job: Job, picture: Picture) -> None:
    """Refuse a picture whose transparency was seen in its pixels only: the plan gave it a name that cannot hold it.

    A name found now could be that of another picture, of another job or of another machine's.
    """
    if picture.alpha is not None and not holds_alpha(job.target):
        raise PlaceError("it has transparency, which JPEG cannot hold and its header does not tell: choose --ext png.")


def _drain(pool: ThreadPoolExecutor, write: Callable[[Pixels], None], strips: Iterable[Pixels]) -> None:
    """Hand each strip to `write` in `pool`, at most one of them ahead of it."""
    writing: deque[Future[None]] = deque()
    for strip in strips:
        if len(writing) >= _STRIPS_AHEAD:
            writing.popleft().result()
        writing.append(pool.submit(write, strip))
    for future in writing:
        future.result()


@contextmanager
def _faults_of_disk(target: Path, *, needed: int | None = None) -> Iterator[None]:
    """Turn what a disk without room raises, in its own words or in an ImageError's, into a FullDiskError."""
    try:
        yield
    except (OSError, ImageError) as error:
        if is_full(error):
            raise FullDiskError(_no_room(target, needed)) from error
        if isinstance(error, OSError):
            raise ImageError(f"{shown(target)} cannot be written: {error.strerror}.") from error
        raise


def _no_room(target: Path, needed: int | None) -> str:
    free = f"{say_bytes(free_bytes(target.parent))} free"
    room = free if needed is None else f"{say_bytes(needed)} needed, {free}"
    return f"{shown(target)} cannot be written: the disk is full ({room}); make room and go on with --resume."


def is_full(error: BaseException | None) -> bool:
    """Return whether `error`, or what caused it, means that a disk takes no more."""
    if isinstance(error, OSError):
        return error.errno in _FULL
    return error is not None and is_full(error.__cause__)
