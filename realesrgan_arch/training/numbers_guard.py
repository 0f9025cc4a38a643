"""Watches the numbers of a run: losses and gradients that are not finite."""

import math
from collections.abc import Mapping

from realesrgan_arch.errors import UserError
from realesrgan_arch.training.verdict import CONTINUE, Verdict

Plain = dict[str, object]


class TrainingError(UserError):
    """Training that cannot go on."""


class NumbersGuard:
    """Says after each step whether the run goes on."""

    def after_step(self, step: int, batch: Mapping[str, object]) -> Verdict:
        """Return what to do after `step`, which trained on `batch`."""
        del step, batch
        return CONTINUE

    def check_log(self, log: dict[str, float], step: int) -> dict[str, float]:
        """Return `log`.

        Raises:
            TrainingError: a loss is not finite.
        """
        broken = [name for name, value in log.items() if not math.isfinite(value)]
        if broken:
            raise TrainingError(
                f"training has diverged by step {step} ({', '.join(broken)} not finite); go on from the last good "
                "state with --auto_resume and a lower train.optim_g.lr"
            )
        return log

    def state_dict(self) -> Plain:
        """Return what a resume needs."""
        return {}

    def load_state_dict(self, state: Plain) -> None:
        """Take over what `state_dict` returned."""
        del state
