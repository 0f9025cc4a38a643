"""What comes after a training: to prove it on pictures that neither it nor a validation has seen."""

import shlex
from collections.abc import Iterator
from pathlib import Path

from realesrgan_arch.data.frozen_card import CARD as FROZEN_CARD
from realesrgan_arch.data.split_folder import CARD as SPLIT_CARD
from realesrgan_arch.image_header import printable
from realesrgan_arch.options.datasets import Datasets
from realesrgan_arch.options.types import Options

_UNKNOWN_SET = "TEST_SET"
_PART = "test"


def proof_command(options: Options, weights: Path) -> str:
    """Return the command that judges `weights` against what their training started from, on the test part of its data.

    Weights that were trained from nothing are judged alone; a test part that is not there is called TEST_SET.
    """
    base = options.path.pretrain_network_g
    models = [str(base), str(weights)] if base else [str(weights)]
    data = next(_test_parts(options.datasets), _UNKNOWN_SET)
    return printable(shlex.join(["realesrgan-arch", "evaluate", *models, "--data", str(data)]))


def _test_parts(datasets: Datasets) -> Iterator[Path]:
    """Yield the test parts that lie beside those which trained or validated: of a frozen set, then of a split."""
    judged = [*datasets.test_sets().values(), *datasets.validation_sets().values()]
    for section in judged:
        if section.is_frozen and section.dataroot_gt is not None:
            frozen = Path(section.dataroot_gt)
            part = (frozen if frozen.name else frozen.resolve()).parent / _PART
            if (part / FROZEN_CARD).is_file():
                yield part
    for section in (*judged, datasets.train):
        if section is not None and section.manifest is not None:
            part = Path(section.manifest).with_name(_PART)
            if part.with_suffix(".csv").is_file() and part.with_name(SPLIT_CARD).is_file():
                yield part
