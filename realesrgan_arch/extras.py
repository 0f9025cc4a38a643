"""Packages that only some need: imported where they are used, with one sentence where they are absent."""

import sys
from importlib import import_module
from types import ModuleType

from realesrgan_arch.errors import UserError

_REPORTERS = {"openvino": "openvino_telemetry"}
"""What would tell a package's makers of its use; each does without it."""


class MissingExtraError(UserError):
    """An optional package is not installed; the sentence says how to install it."""


def require_extra(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import the optional package `module`, which `purpose` needs; it is kept from reporting its use to anybody.

    Raises:
        MissingExtraError: it is not installed.
    """
    if module in _REPORTERS:
        sys.modules.setdefault(_REPORTERS[module], None)  # pyright: ignore[reportArgumentType] (None: not to be had)
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise MissingExtraError(
            f"{purpose} needs {module}, which is not installed; run pip install 'realesrgan-arch[{extra}]'."
        ) from error
