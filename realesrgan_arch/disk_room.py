"""How much room a disk has."""

import shutil
from pathlib import Path


def existing_folder(place: Path) -> Path:
    """Return `place`, or the nearest folder above it that exists."""
    return next(path for path in (place, *place.absolute().parents) if path.exists())


def free_bytes(place: Path) -> int:
    """Return how many bytes are free on the disk of `place`, or of the nearest folder above it that exists."""
    return shutil.disk_usage(existing_folder(place)).free
