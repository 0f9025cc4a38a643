"""What the system refuses while a study is written, as one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from realesrgan_arch.errors import EXIT_NO_ROOM
from realesrgan_arch.image_header import shown
from realesrgan_arch.layer_study.candidates import StudyError
from realesrgan_arch.upscaling.one_job import is_full


class NoRoomError(StudyError):
    """The disk is full, or has less room than is needed."""

    exit_code = EXIT_NO_ROOM


@contextmanager
def disk_faults(path: Path, *, mend: str = "mend that and run again") -> Iterator[None]:
    """Make a sentence of what the system refuses while `path` is written.

    Raises:
        NoRoomError: the disk is full.
        StudyError: anything else; it ends with `mend`.
    """
    try:
        yield
    except OSError as error:
        if is_full(error):
            full = "cannot be written: the disk is full; make room and run again, what is scored is kept"
            raise NoRoomError(f"{shown(path)} {full}") from error
        raise StudyError(f"{shown(path)} cannot be written ({error.strerror}); {mend}") from error
