"""Every path of a run, in BasicSR's layout: `experiments/<name>/{models,training_states,visualization}`."""

import json
import math
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from realesrgan_arch.atomic import try_writing
from realesrgan_arch.disk_room import existing_folder
from realesrgan_arch.errors import UserError
from realesrgan_arch.file_lock import file_lock


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
        """What a resume needs: `<step>.state`, and `ckpt_<step>.json`, without which a step does not count."""
        return self.root / "training_states"

    @property
    def corrupt(self) -> Path:
        """Checkpoints that were found damaged; never deleted."""
        return self.root / "corrupt"

    @property
    def superseded(self) -> Path:
        """Checkpoints after the one that the run went back to; deleted only where the disk is full."""
        return self.root / "superseded"

    @property
    def visualization(self) -> Path:
        """Pictures of validation."""
        return self.root / "visualization"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard's event files, so that one folder holds the whole run."""
        return self.root / "tb_logger"

    @property
    def crash(self) -> Path:
        """What a run leaves when it breaks off; no resume looks there by itself."""
        return self.root / "crash"

    @property
    def metrics(self) -> Path:
        """One JSON object a line: losses and validation scores."""
        return self.root / "metrics.jsonl"

    @property
    def results(self) -> Path:
        """One row a validation and set: see `results_table.py`."""
        return self.root / "results.csv"

    def check_place(self) -> None:
        """Check that the folder can be made, without making it.

        Raises:
            RunFolderError: a file stands where a folder should, or the folder above may not be written to.
        """
        above = existing_folder(self.root)
        if not above.is_dir() or not os.access(above, os.W_OK):
            raise RunFolderError(_not_writable(self.root, f"{above} is no folder that this user can write to"))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep the run's name for this process; the system lets go of it when the process ends, however it does.

        Raises:
            RunFolderError: another process is training under this name, or the place cannot be written to.
        """
        with ExitStack() as held:
            try:
                held.enter_context(file_lock(self.root.with_name(f".{self.root.name}.lock")))
            except BlockingIOError as error:
                raise RunFolderError(
                    f"another process is training as {self.root} now; wait for it, or give this run another name"
                ) from error
            except OSError as error:
                raise RunFolderError(_not_writable(self.root, error.strerror or str(error))) from error
            yield

    def move_older_run_aside(self) -> Path | None:
        """Rename a run that is here to `<name>_archived_<time>`, as BasicSR does, and return its new place.

        A folder without checkpoints and metrics is no run and stays.

        Raises:
            RunFolderError: it cannot be renamed.
        """
        if not self.metrics.exists() and not any(self.models.glob("*.pth")):
            return None
        stamp = time.strftime("%Y%m%d_%H%M%S")
        names = (f"{self.root.name}_archived_{stamp}{extra}" for extra in ("", *(f"_{n}" for n in range(1, 100))))
        target = next(path for path in map(self.root.with_name, names) if not path.exists())
        try:
            return self.root.rename(target)
        except OSError as error:
            raise RunFolderError(_not_writable(self.root, error.strerror or str(error))) from error

    def prepare(self) -> None:
        """Make the folders and prove that they can be written to, before any training starts.

        Raises:
            RunFolderError: the place is not writable.
        """
        try:
            for folder in (self.models, self.states, self.visualization):
                folder.mkdir(parents=True, exist_ok=True)
            try_writing(self.root)
        except OSError as error:
            raise RunFolderError(_not_writable(self.root, error.strerror or str(error))) from error

    @property
    def best(self) -> Path:
        """The best step of each metric, and which file in `models` holds its weights."""
        return self.root / "best.json"

    @property
    def base_scores(self) -> Path:
        """The scores of the base, so that a resumed run need not score it anew."""
        return self.root / "base_scores.json"

    def weights(self, network: str, step: int | str | None) -> Path:
        """Return the file for `network` (`net_g`, `net_d`) at `step`, of a name (`best_psnr`), or the latest."""
        return self.models / f"{network}_{'latest' if step is None else step}.pth"

    def state(self, step: int) -> Path:
        """Return the file of the training state of `step`."""
        return self.states / f"{step}.state"

    def append_metrics(self, record: dict[str, object]) -> None:
        """Add one line to `metrics.jsonl`; a number that is not finite becomes null, as JSON has no such numbers."""
        line = json.dumps({key: _finite_or_null(value) for key, value in record.items()}, allow_nan=False)
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def _finite_or_null(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _not_writable(folder: Path, reason: str) -> str:
    return (
        f"expected a folder that can be written to, got {folder} ({reason}); choose another with "
        "path.experiments_root, or mend its permissions"
    )
