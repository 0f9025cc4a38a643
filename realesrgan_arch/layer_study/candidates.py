"""The layers that a study compares."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from realesrgan_arch.errors import UserError
from realesrgan_arch.networks.spec import CompactSpec, GeneratorSpec, RRDBNetSpec

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_DEPTH_OF_EARLY = 3 / 23
"""How deep the ancestor's `body.2` lies among the 23 blocks of its network."""


class StudyError(UserError):
    """A study that cannot be made as asked."""


@dataclass(frozen=True)
class Candidate:
    """What trains, all else frozen."""

    patterns: tuple[str, ...]
    """See `training.freezing.plan_freezing`."""
    name: str = ""
    """Of patterns that were drawn: `random:8`."""

    @property
    def label(self) -> str:
        """The patterns in a word, as the command line takes them, or the name."""
        return self.name or ",".join(self.patterns)

    @property
    def slug(self) -> str:
        """The label as part of a folder's name; no two labels have the same."""
        plain = _UNSAFE.sub("-", self.label)
        return plain if plain == self.label else f"{plain}-{hashlib.sha256(self.label.encode()).hexdigest()[:6]}"


def read_candidates(texts: Sequence[str], spec: GeneratorSpec) -> tuple[Candidate, ...]:
    """Return the candidates that `texts` name, patterns of one joined by commas; without any, those of `spec`.

    Raises:
        StudyError: fewer than two, or one twice.
    """
    labels = list(texts) or list(default_labels(spec))
    found = tuple(Candidate(tuple(part for part in label.split(",") if part)) for label in labels)
    if len(found) < 2 or len(set(found)) < len(found) or not all(one.patterns for one in found):
        raise StudyError(f"--candidates: expected two or more different ones to compare, got {' '.join(labels)}")
    return found


def default_labels(spec: GeneratorSpec) -> tuple[str, str]:
    """Return an early layer and the last one: the ancestor's for RRDBNet, those in their place for other networks."""
    if isinstance(spec, RRDBNetSpec):
        return (f"body.{min(2, spec.num_block - 1)}.rdb3.conv5", "conv_last")
    if isinstance(spec, CompactSpec):
        # In `body` each convolution is followed by its activation; there are `num_conv` of them between first and last.
        return (f"body.{2 * max(1, round(_DEPTH_OF_EARLY * spec.num_conv))}", f"body.{2 * spec.num_conv + 2}")
    return (f"body.{max(1, round(_DEPTH_OF_EARLY * spec.num_block)) - 1}.conv2", "conv_last")
