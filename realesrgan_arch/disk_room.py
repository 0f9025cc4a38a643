"""How much room a disk has."""

import shutil
from pathlib import Path


def free_bytes(place: Path) -> int:
    """Return how many bytes are free on the disk of `place`, or of the nearest folder above it that exists."""
    above = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    return shutil.disk_usage(above).free
