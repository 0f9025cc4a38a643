"""Whether the disk has room for a checkpoint, and what happens while it has none."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import Tensor

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.disk_room import free_bytes
from realesrgan_arch.training.checkpoint import NotSavedError

MARGIN_BYTES = 64 * 10**6
"""For what grows beside the checkpoints: metrics, TensorBoard, pictures."""
WAIT_SECONDS = 10.0
logger = logging.getLogger(__name__)


def tensor_bytes(content: object) -> int:
    """Return the size of all tensors in nested mappings and lists; what is not a tensor counts nothing."""
    if isinstance(content, Tensor):
        return content.numel() * content.element_size()
    if isinstance(content, Mapping):
        return sum(map(tensor_bytes, content.values()))
    return sum(map(tensor_bytes, content)) if isinstance(content, list | tuple) else 0


def nobody_asks() -> None:
    """Return, as nobody asks to stop."""


@dataclass(frozen=True)
class DiskRules:
    """What to do about a full disk."""

    when_full: Literal["pause", "stop"] = "stop"
    write: Callable[[str], object] = logger.warning
    """Tells the user."""
    check_stop: Callable[[], None] = nobody_asks
    """Called while the run waits; raises where a signal asked it to end."""
    free: Callable[[Path], int] = free_bytes
    sleep: Callable[[float], None] = time.sleep

    def wait_for_room(self, folder: Path, needed: int, *, make_room: Callable[[], bool]) -> None:
        """Return when the disk of `folder` has `needed` bytes; `make_room` removes something, or returns False.

        Raises:
            NotSavedError: it has not, and the rules say to stop.
            StoppedBySignal: from `check_stop`.
        """
        is_said = False
        while (free := self.free(folder)) < needed:
            if make_room():
                continue
            sentence = f"expected {say_bytes(needed)} for a checkpoint on the disk of {folder}, got {say_bytes(free)}"
            self.give_up_or_wait(f"{sentence} free", is_said=is_said)
            is_said = True

    def give_up_or_wait(self, sentence: str, *, is_said: bool) -> None:
        """Wait a while for a full disk.

        Raises:
            NotSavedError: the rules say to stop.
            StoppedBySignal: from `check_stop`.
        """
        if self.when_full == "stop":
            raise NotSavedError(
                f"{sentence}; free some, or lower logger.keep_last, and go on from the last checkpoint with "
                "--resume auto",
                is_full=True,
            )
        self.check_stop()
        if not is_said:
            self.write(f"{sentence}; training waits until there is room (logger.on_disk_full: pause)")
        self.sleep(WAIT_SECONDS)
