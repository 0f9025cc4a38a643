"""Every path of a run, in BasicSR's layout: `experiments/<name>/{models,training_states,visualization}`."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

from realesrgan_arch.atomic import write_text
from realesrgan_arch.errors import UserError


class RunFolderError(UserError):
    """A run folder that cannot be used."""


@dataclass(frozen=True)
class RunFolder:
    """Where a run keeps its files."""

    root: Path

    @property
    def models(self) -> Path:
        """Weights for other tools: `net_g_<step>.pth`, `net_g_latest.pth`."""
        return self.root / "models"

    @property
    def states(self) -> Path:
        """What a resume needs: `<step>.state`."""
        return self.root / "training_states"

    @property
    def visualization(self) -> Path:
        """Pictures of validation."""
        return self.root / "visualization"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard's event files, so that one folder holds the whole run."""
        return self.root / "tb_logger"

    @property
    def metrics(self) -> Path:
        """One JSON object a line: losses and validation scores."""
        return self.root / "metrics.jsonl"

    def prepare(self) -> None:
        """Make the folders and prove that they can be written to, before any training starts.

        Raises:
            RunFolderError: the place is not writable.
        """
        try:
            for folder in (self.models, self.states, self.visualization):
                folder.mkdir(parents=True, exist_ok=True)
            probe = self.root / ".write-probe"
            write_text(probe, "")
            probe.unlink()
        except OSError as error:
            raise RunFolderError(
                f"expected a folder that can be written to, got {self.root} ({error.strerror}); choose another with "
                "path.experiments_root, or mend its permissions"
            ) from error

    def weights(self, network: str, step: int | None) -> Path:
        """Return the file for `network` (`net_g`, `net_d`) at `step`, or the latest for `None`."""
        return self.models / f"{network}_{'latest' if step is None else step}.pth"

    def state(self, step: int) -> Path:
        """Return the file of the training state of `step`."""
        return self.states / f"{step}.state"

    def newest_state(self) -> Path | None:
        """Return the training state with the highest step, or `None`."""
        found = [path for path in self.states.glob("*.state") if path.stem.isdigit()]
        return max(found, key=lambda path: int(path.stem), default=None)

    def append_metrics(self, record: dict[str, object]) -> None:
        """Add one line to `metrics.jsonl`; a number that is not finite becomes null, as JSON has no such numbers."""
        line = json.dumps({key: _finite_or_null(value) for key, value in record.items()}, allow_nan=False)
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def _finite_or_null(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
