"""Every path of a guided run: `<out>/<name>/` and what is below it."""

from dataclasses import dataclass
from pathlib import Path

from realesrgan_arch.training.run_folder import RunFolder


@dataclass(frozen=True)
class GuidedFolder:
    """Where a guided run keeps what it makes."""

    root: Path
    name: str

    @property
    def journal(self) -> Path:
        """Which steps are done, and from what."""
        return self.root / "guided.json"

    @property
    def audit(self) -> Path:
        """Contact sheet, findings and keep-list."""
        return self.root / "audit"

    @property
    def split(self) -> Path:
        """The manifests."""
        return self.root / "split"

    def frozen(self, digest: str) -> Path:
        """Return the folder of the frozen sets of the split with this digest: a frozen set never changes."""
        return self.root / f"frozen-{digest[:8]}"

    @property
    def options(self) -> Path:
        """The option file, which `train.py` takes, too."""
        return self.root / "options.yml"

    @property
    def experiments(self) -> Path:
        """`path.experiments_root` of the option file."""
        return self.root / "experiments"

    @property
    def run(self) -> RunFolder:
        """The training run."""
        return RunFolder(self.experiments / self.name)

    @property
    def results(self) -> Path:
        """Scores and pictures of the unseen scenes."""
        return self.root / "results"

    @property
    def export(self) -> Path:
        """The tuned weights for other tools."""
        return self.root / "export"

    @property
    def summary(self) -> Path:
        """What was done and what came of it."""
        return self.root / "summary.md"

    @property
    def report(self) -> Path:
        """The page with the verdict, the numbers and the pictures."""
        return self.root / "report.html"

    def has_training_begun(self) -> bool:
        """Say whether there is a checkpoint that a change of the data would make worthless."""
        return any(self.run.states.glob("*.state"))
