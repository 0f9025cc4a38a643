"""What a guard decides after a step or a validation."""

from dataclasses import dataclass
from typing import Literal

from realesrgan_arch.errors import EXIT_OK


@dataclass(frozen=True)
class Verdict:
    """Go on, end in good order, or go back to an older state; `reason` is one sentence for the user."""

    action: Literal["continue", "finish", "rollback"]
    reason: str = ""
    step: int | None = None
    """The checkpoint to go back to; the newest good one when it is absent, or not whole."""
    exit_code: int = EXIT_OK
    """Of a run that ends with this verdict, a rollback that has nowhere to go back to among them."""


CONTINUE = Verdict("continue")
RATE_AFTER_ROLLBACK = 0.5
"""What the learning rates are multiplied by when a run goes back."""
