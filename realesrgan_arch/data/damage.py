"""The sentence about a file of ours that is not what we write."""

from pathlib import Path

from pydantic import ValidationError

from realesrgan_arch.data.files import DataError
from realesrgan_arch.image_header import shown


def damaged(path: Path, error: Exception, verb: str) -> DataError:
    """Return what to raise about the file at `path`, which `data VERB` wrote and can write again.

    `error` says what is wrong; of one of pydantic's, the first fault with its place is told.
    """
    fault = str(error)
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        fault = f"{'.'.join(map(str, first['loc'])) or 'JSON'}: {first['msg']}"
    return DataError(f"{shown(path)} is damaged ({fault}); run `data {verb}` again.")
