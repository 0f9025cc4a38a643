"""The weights of the best steps under names that stay, `models/net_g_best_<metric>.pth`, and `best.json` about them."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from realesrgan_arch.atomic import atomic_file, move_into_place, write_text
from realesrgan_arch.training.best import Best, BestTable
from realesrgan_arch.training.checkpoint import CheckpointError
from realesrgan_arch.training.run_folder import RunFolder

SaveWeights = Callable[[Path], None]


class BestWeights:
    """Keeps the files of a run as its `BestTable` says.

    The table that counts is that of the first validation set. A file is a hard link to the checkpoint's, or a copy
    where the disk knows no links, so that removing old checkpoints takes nothing from it. `best.json` names a file only
    while it is whole and of the step that stands beside it.

    Args:
        run_folder: of the run.
        deciding: the first validation set.
    """

    def __init__(self, run_folder: RunFolder, deciding: str) -> None:
        self._run_folder = run_folder
        self._deciding = deciding

    def path(self, metric: str) -> Path:
        """Return the file of the best weights by `metric`, which is absent before there are any."""
        return self._run_folder.weights("net_g", f"best_{metric}")

    def refresh(self, table: BestTable, *, step: int, save: SaveWeights) -> list[str]:
        """Bring files and `best.json` in line with `table` and return the metrics whose weights are not there any more.

        Args:
            table: of the run.
            step: of the weights that `save` writes.
            save: writes the weights of the model now, for a run that keeps no checkpoints.

        Raises:
            CheckpointError: a file cannot be written.
        """
        best = table.best(self._deciding)
        files = self._files_on_disk()
        stale = [metric for metric, entry in best.items() if files.get(metric) != (entry.step, entry.value)]
        try:
            if stale:
                self._write_record(table, {metric: step for metric, (step, _) in files.items() if metric not in stale})
            lost = [metric for metric in stale if not self._place(metric, best[metric], step=step, save=save)]
            here = {metric: entry.step for metric, entry in best.items() if metric not in lost}
            self._write_record(table, here)
        except OSError as error:
            raise CheckpointError(
                f"cannot write the best weights into {self._run_folder.models} ({error.strerror or error}); mend the "
                "disk and go on with --resume auto"
            ) from error
        return lost

    def _place(self, metric: str, best: Best, *, step: int, save: SaveWeights) -> bool:
        source, target = self._run_folder.weights("net_g", best.step), self.path(metric)
        if source.exists() and not best.discarded:
            _link_or_copy(source, target)
        elif best.step == step and not best.discarded:
            save(target)
        else:
            return False
        return True

    def _files_on_disk(self) -> dict[str, tuple[int, float]]:
        """Return step and score of each best file that `best.json` vouches for.

        The step alone does not say which weights they are: a run that went back makes steps again.
        """
        try:
            record = json.loads(self._run_folder.best.read_text(encoding="utf-8"))
            scores = record["sets"][record["deciding_set"]]
            files = {metric: (int(step), float(scores[metric]["value"])) for metric, step in record["files"].items()}
            return {metric: file for metric, file in files.items() if self.path(metric).exists()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def _write_record(self, table: BestTable, files: Mapping[str, int]) -> None:
        sets = {
            name: {metric: {"step": best.step, "value": best.value} for metric, best in table.best(name).items()}
            for name in table.names()
        }
        front = [{"step": point.step, **table.scores_of(point)} for point in table.front()]
        record = {"deciding_set": self._deciding, "files": dict(files), "sets": sets, "pareto": front}
        write_text(self._run_folder.best, json.dumps(record, indent=1, allow_nan=False) + "\n")


def _link_or_copy(source: Path, target: Path) -> None:
    """Give the content of `source` the name `target` too; at any moment `target` is the old file or the new one."""
    beside = target.with_name(f".{target.name}.partial")
    beside.unlink(missing_ok=True)
    try:
        os.link(source, beside)
    except OSError:
        with source.open("rb") as whole, atomic_file(target) as copy:
            shutil.copyfileobj(whole, copy)
        return
    move_into_place(beside, target)
    # Where both names are one file already, a rename does nothing and leaves the first name.
    beside.unlink(missing_ok=True)
