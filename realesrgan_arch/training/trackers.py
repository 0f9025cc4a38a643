"""Curves on wandb or trackio: thin, optional, and never a reason for a run to stop.

Whatever such a service raises is caught here, said once and logged whole: its exceptions are its own and the network's,
no list of them holds, and a training of days must not end for a curve.
"""

import logging
from collections.abc import Mapping
from typing import Any, Literal, Protocol

from realesrgan_arch.extras import MissingExtraError, require_extra

logger = logging.getLogger(__name__)
Service = Literal["none", "wandb", "trackio"]


class Tracker(Protocol):
    """Where the numbers of a run go beside its own files."""

    def log(self, values: Mapping[str, float], step: int) -> str:
        """Send the values of a step, and return what the user should hear; mostly nothing."""
        ...

    def close(self) -> None:
        """Finish the run there."""
        ...


class OnlineTracker:
    """A run on wandb, or on trackio, whose Python interface is the same.

    Args:
        service: the package.
        project: there; the run's own name where there is none.
        name: of the run.
        resume_id: of wandb's run to go on with.
    """

    def __init__(self, service: str, *, project: str, name: str, resume_id: str | None = None) -> None:
        self._service = service
        more: dict[str, Any] = {"id": resume_id, "resume": "allow"} if resume_id else {}
        self._module: Any = require_extra(service, extra=service, purpose=f"logger.tracker: {service}")
        self._module.init(project=project, name=name, **more)

    def log(self, values: Mapping[str, float], step: int) -> str:
        """Send the values of a step; after the first failure nothing more is sent."""
        if self._module is None:
            return ""
        try:
            self._module.log(dict(values), step=step)
        except Exception as error:
            logger.info("%s failed", self._service, exc_info=True)
            self._module = None
            return off(self._service, error)
        return ""

    def close(self) -> None:
        """Finish the run there."""
        if self._module is not None:
            try:
                self._module.finish()
            except Exception:
                logger.info("%s failed at the end", self._service, exc_info=True)


def open_tracker(service: Service, *, project: str, name: str, resume_id: str | None) -> tuple[Tracker | None, str]:
    """Return the tracker, or None and why there is none in words; nothing at all for `none`."""
    if service == "none":
        return None, ""
    try:
        return OnlineTracker(service, project=project, name=name, resume_id=resume_id), ""
    except MissingExtraError as error:
        return None, off(service, error)
    except Exception as error:
        logger.info("%s failed to start", service, exc_info=True)
        return None, off(service, error)


def off(service: str, error: Exception) -> str:
    """Return one line that says that the service gets no more."""
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return f"{service} gets nothing from here on, the run goes on and its own files have it all ({reason})"
