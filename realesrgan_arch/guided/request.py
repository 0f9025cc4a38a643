"""What is asked of a guided run, and what can be known to be wrong with it before anything is made."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from realesrgan_arch.byte_count import read_bytes
from realesrgan_arch.data.derived import check_apart
from realesrgan_arch.data.files import list_images
from realesrgan_arch.errors import UserError
from realesrgan_arch.image_header import shown
from realesrgan_arch.options.fields import FolderName

AUTO = "auto"
SceneChoice = Literal["auto", "folder", "stem", "cluster"]


class GuidedError(UserError):
    """A guided run that cannot be done as it was asked for."""


@dataclass(frozen=True)
class Request:
    """The arguments of `finetune.py --data ...`."""

    data: Path
    """Folder of the photographs."""
    name: str
    out: Path
    """Folder of all guided runs; this one has `out / name`."""
    hours: float
    """Of training, its validations included."""
    base: str | None = None
    """A known name or a file; None chooses by the device."""
    budget: str = AUTO
    """Memory of a training step: `8GB`, or `auto` for what is free."""
    steps: int | None = None
    """So many steps, however long they take; None goes by `hours`."""
    by: SceneChoice = AUTO
    """What makes a scene."""


def check_request(request: Request) -> None:
    """Check what needs neither weights nor a look at the photographs; writes nothing.

    Raises:
        GuidedError: a name that no folder can have, or paths that no option file can hold.
        UserError: no such folder, no photograph in it, results among them, or no amount of memory.
    """
    try:
        TypeAdapter(FolderName).validate_python(request.name)
    except ValidationError as error:
        raise GuidedError(f"--name: expected a name that a folder can have, got {request.name!r}") from error
    if not (math.isfinite(request.hours) and request.hours > 0):
        raise GuidedError(f"--hours: expected a number above 0, got {request.hours}")
    list_images(request.data)
    check_apart(request.out / request.name, request.data)
    for flag, path in (("--data", request.data), ("--out", request.out / request.name)):
        _check_writable_in_yaml(flag, path)
    if request.budget != AUTO:
        read_bytes(request.budget)


def _check_writable_in_yaml(flag: str, path: Path) -> None:
    if shown(path) != str(path):
        raise GuidedError(
            f"{flag}: expected a path that can be written into an option file, got {shown(path)}; rename the folder, "
            "or give it by a link with a plain name"
        )
