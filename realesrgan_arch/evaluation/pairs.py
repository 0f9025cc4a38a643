"""Pairs to score: read once, kept small, named so that no file of one overwrites another's."""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, overload

from torch import Tensor

from realesrgan_arch.data.dataset import PairSample
from realesrgan_arch.plural import count_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EvaluationPair:
    """A degraded picture and its truth, RGB float in [0, 1]: `lq` (3, H, W), `gt` (3, H * scale, W * scale)."""

    name: str
    """The file of the LQ, which is the truth's own where the LQ was made from it."""
    lq: Tensor
    gt: Tensor

    @classmethod
    def from_sample(cls, sample: PairSample) -> Self:
        """Take a sample of a data set of whole images, whose pictures are uint8."""
        return cls(sample["lq_path"], sample["lq"].float() / 255, sample["gt"].float() / 255)


class ReadableSamples:
    """Iterates over the samples that could be read; the others are warned of and listed in `left_out`."""

    def __init__(self, samples: Iterable[PairSample]) -> None:
        self._samples = samples
        self.left_out: list[str] = []
        """Files so far."""

    def __iter__(self) -> Iterator[PairSample]:
        for sample in self._samples:
            if not sample["failed_path"]:
                yield sample
                continue
            self.left_out.append(sample["failed_path"])
            _log.warning("%s cannot be read and is not scored.", sample["failed_path"])

    def note(self) -> str:
        """Return a line for the end of a table; empty where every file could be read."""
        if not self.left_out:
            return ""
        return f"{count_of(len(self.left_out), 'picture')} could not be read, not scored: {', '.join(self.left_out)}"


class KeptPairs(Sequence[EvaluationPair]):
    """Pairs in memory as uint8; each becomes float when it is asked for, as floats of all would fill the memory."""

    def __init__(self, samples: Iterable[PairSample]) -> None:
        readable = ReadableSamples(samples)
        self._samples = tuple(readable)
        self.note = readable.note()
        """Which files were left out, see `ReadableSamples.note`."""

    def __len__(self) -> int:
        return len(self._samples)

    @overload
    def __getitem__(self, index: int) -> EvaluationPair: ...
    @overload
    def __getitem__(self, index: slice) -> list[EvaluationPair]: ...
    def __getitem__(self, index: int | slice) -> EvaluationPair | list[EvaluationPair]:
        """Return the pair in float."""
        if isinstance(index, slice):
            return [EvaluationPair.from_sample(sample) for sample in self._samples[index]]
        return EvaluationPair.from_sample(self._samples[index])

    @property
    def names(self) -> list[str]:
        """The pairs' names."""
        return [sample["lq_path"] for sample in self._samples]

    def scenes(self, by_truth: Mapping[str, str]) -> dict[str, str]:
        """Return the scene of each pair by its name; `by_truth` has them by the file of the GT."""
        rows = ((sample["lq_path"], by_truth.get(sample.get("gt_path", ""))) for sample in self._samples)
        return {name: scene for name, scene in rows if scene is not None}


def picture_names(paths: Sequence[str]) -> dict[str, str]:
    """Return for each path a file name without suffix that no other path has.

    It is made of the folders below the folder that all paths have in common: `villa/north/1.jpg` -> `villa_north_1`.
    Where two are still the same (`1.jpg` beside `1.png`), the later ones are numbered.
    """
    parents = [os.path.dirname(path) for path in paths]  # noqa: PTH120  of text, which is all that BasicSR has
    common = Path(os.path.commonpath(parents)) if parents and all(parents) else Path()
    plain = {path: "_".join(Path(path).relative_to(common).with_suffix("").parts) for path in paths}
    reserved = set(plain.values())
    taken: set[str] = set()
    names: dict[str, str] = {}
    for path, stem in plain.items():
        name, number = stem, 2
        while name in taken or (name != stem and name in reserved):
            name, number = f"{stem}_{number}", number + 1
        taken.add(name)
        names[path] = name
    return names
