"""What a run leaves, and what is said of it at its end."""

from dataclasses import dataclass, field
from pathlib import Path

from realesrgan_arch.training.outlook import QualityReport
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.timings import Timings
from realesrgan_arch.training.verdict import Verdict


@dataclass(frozen=True)
class Outcome:
    """What a run leaves."""

    run_folder: RunFolder
    weights: Path
    table: str
    """Base against tuned on each validation set; empty without one."""
    failed_files: str
    quality: QualityReport
    """Whether it became better than the base, and the best weights."""
    verdict: Verdict
    """Why the run ended."""
    next_step: str
    """A command."""
    timings: Timings = field(default_factory=Timings)
    """How long its parts took in this process."""
    is_new: bool = True
    """This process has trained; else the run was finished before."""

    @property
    def exit_code(self) -> int:
        """0, or 4 where the guard ended the run because it was worse than its base."""
        return self.verdict.exit_code

    def summary(self) -> str:
        """Return what was made, where it is and what to do next."""
        curves = self.run_folder.tensorboard
        lines = [self.table] if self.table else []
        if self.failed_files:
            lines.append(f"images that could not be read:\n{self.failed_files}")
        lines += self.quality.lines()
        if self.verdict.action == "finish":
            lines.append(f"ended    {self.verdict.reason}")
        lines += [
            f"weights  {self.weights}",
            f"run      {self.run_folder.root} (options.yml, metrics.jsonl, results.csv, models/, training_states/)",
            *([f"curves   tensorboard --logdir {curves}"] if curves.exists() else []),
            f"next     {self.next_step}",
        ]
        return "\n".join(lines)
