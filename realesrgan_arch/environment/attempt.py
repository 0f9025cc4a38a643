"""Nothing that `doctor` looks at needs to work: what is absent or broken becomes a fact too."""

import importlib
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any


def attempt(probe: Callable[[], Any]) -> tuple[Any, str | None]:
    """Return (result, None), or (None, what went wrong) whatever the probe raises."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return probe(), None
    except Exception as error:  # noqa: BLE001 - a broken package may raise anything when it is imported
        return None, f"{type(error).__name__}: {error}".splitlines()[0]


def module_or_none(name: str) -> ModuleType | None:
    """Import a module; None where it cannot be imported, whatever the reason."""
    return attempt(lambda: importlib.import_module(name))[0]
