"""A proof, the scores behind it, and the folder that holds both."""

from dataclasses import dataclass
from pathlib import Path

from realesrgan_arch.evaluation.proof import Proof
from realesrgan_arch.evaluation.scoring_run import ScoredSet
from realesrgan_arch.evaluation.table import with_hash


@dataclass(frozen=True)
class Proved:
    """A proof, what it is made of, and where."""

    proof: Proof
    scored: ScoredSet
    table: str
    folder: Path

    @property
    def heading(self) -> str:
        """The title with the hash of a frozen set."""
        return with_hash(self.proof.title, self.proof.set_hash)
