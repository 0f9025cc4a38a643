"""A file about steps that were not finite: numbers, pictures, crops, recipes, and the command that shows them."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from realesrgan_arch.atomic import write_text
from realesrgan_arch.errors import UserError
from realesrgan_arch.image_header import shown
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.numbers_guard import BadStep
from realesrgan_arch.training.replay import BatchRecords, Fact, TracedPair, replay_command


class FaultReports:
    """Writes `crash/report_<step>.json` into the run folder.

    Args:
        options: of the run.
        model: whose learning rates stand in the report.
    """

    def __init__(self, options: Options, model: FineTuneModel) -> None:
        self._options = options
        self._model = model

    def __call__(self, steps: Sequence[BadStep], reason: str) -> Path:
        """Write what is known about `steps`, of which the last one names the file; return its place.

        Several ranks meet here: each tells of its own part of the batches, and the first one writes.

        Raises:
            OSError: it cannot be written.
        """
        last, ranks = steps[-1].step, self._model.game.ranks
        run_folder = self._model.run_folder
        path = run_folder.crash / f"report_{last}.json"
        everyone = ranks.gather_on_first(self._describe_all(steps))
        if not ranks.is_first:
            return path
        report = {
            "step": last,
            "reason": reason,
            "learning_rates": list(self._model.get_current_learning_rate()),
            "replay": replay_command(last, run_folder.root),
            "steps": [of_rank for of_step in zip(*everyone, strict=True) for of_rank in of_step],
        }
        write_text(path, json.dumps(report, indent=2, allow_nan=False))
        return path

    def _describe_all(self, steps: Sequence[BadStep]) -> list[Fact]:
        ranks = self._model.game.ranks
        whose: dict[str, Fact] = {"rank": ranks.rank}
        try:
            records = BatchRecords(self._options, rank=ranks.rank, world_size=ranks.world_size)
        except UserError as error:  # the data have gone meanwhile; the numbers are still worth a report
            return [{**whose, **_numbers(bad), "batch": str(error)} for bad in steps]
        return [{**whose, **_numbers(bad), **_batch(records, bad)} for bad in steps]


def _numbers(bad: BadStep) -> dict[str, Fact]:
    return {
        "step": bad.step,
        "losses": _as_json(bad.losses),
        "gradient_norms": _as_json(bad.norms),
        "files": [shown(Path(path)) for path in bad.files],
        "unreadable": [shown(Path(path)) for path in bad.failed_files],
    }


def _batch(records: BatchRecords, bad: BadStep) -> dict[str, Fact]:
    if len(bad.files) != records.batch_size:
        return {}
    pairs = records.trace(bad.step)
    facts: dict[str, Fact] = {"batch": records.describe(bad.step, bad.files), "trained_on": describe_trace(pairs)}
    return facts


def describe_trace(pairs: Sequence[TracedPair]) -> list[Fact]:
    """Return where each trained pair comes from, as plain facts; places count from 1."""
    return [{"rank": pair.rank, "made_in_step": pair.step, "place": pair.place + 1} for pair in pairs]


def _as_json(values: Mapping[str, float]) -> dict[str, Fact]:
    """JSON has no numbers that are not finite, and these are what the report is about."""
    return {name: value if math.isfinite(value) else str(value) for name, value in values.items()}
