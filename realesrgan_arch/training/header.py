"""What a run says before its first step."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.cores import usable_cores
from realesrgan_arch.disk_room import free_bytes
from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.freezing import describe_trainable
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.plan import PRECISION_WORDS

_LABEL = 11


@dataclass(frozen=True)
class Start:
    """How a run begins."""

    data: Mapping[str, str]
    """What each set holds, with its hash, by name; the training set first."""
    num_workers: int
    archived: Path | None = None
    """Where an older run of this name was moved to."""
    resumed: str | None = None
    """The state that the run goes on from, in words."""


def run_header(options: Options, model: FineTuneModel, start: Start) -> str:
    """Return the lines that say what is trained, on what, and where it goes; `model` is ready to train."""
    root = model.run_folder.root
    rows = [("run", str(root))]
    if start.resumed:
        rows.append(("resumed", f"at step {model.step}, from {start.resumed}"))
    if start.archived:
        rows.append(("older run", f"moved to {start.archived}"))
    rows += [("data", f"{name}: {words}") for name, words in start.data.items()]
    rows += [
        ("batch", _batch(options, model.game.ranks.world_size)),
        ("steps", f"{require_train(options).total_iter:,}, seed {options.manual_seed}"),
    ]
    rows += [("trains", words) for words in _trainable(model)]
    workers = f"{start.num_workers} data worker{'s' * (start.num_workers != 1)} on {usable_cores()} cores"
    rows.append(("device", f"{model.device}, {PRECISION_WORDS[model.dtype]}, {workers}"))
    rows.append(("disk", f"{say_bytes(free_bytes(root))} free"))
    if options.logger.use_tb_logger:
        rows.append(("curves", f"tensorboard --logdir {model.run_folder.tensorboard}"))
    return "\n".join(_aligned(rows))


def _aligned(rows: Iterable[tuple[str, str]]) -> Iterable[str]:
    """Yield `label  text`; a label is written once for rows that share it, further lines are indented."""
    last = ""
    for label, text in rows:
        for index, line in enumerate(text.splitlines()):
            yield f"{'' if label == last or index else label:<{_LABEL}}{line}"
            last = label


def _batch(options: Options, num_ranks: int) -> str:
    section = options.datasets.train
    micro, parts = section.batch_size_per_gpu if section else 0, require_train(options).num_parts
    crop = f"of {options.crop_gt_size} x {options.crop_gt_size} pixels"
    # The micro-batches are parts of the batch that is loaded.
    words = f"{micro} {crop}" + (f", in {parts} parts of {micro // parts} that are added up" if parts > 1 else "")
    return f"{num_ranks * micro} of {num_ranks} ranks, each {words}" if num_ranks > 1 else words


def _trainable(model: FineTuneModel) -> Iterable[str]:
    yield describe_trainable(model.generator.network, model.generator.plan, title="network_g")
    if model.discriminator is not None:
        yield describe_trainable(model.discriminator.network, model.discriminator.plan, title="network_d")
