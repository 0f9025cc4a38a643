"""What a run says before its first step."""

from pathlib import Path

from realesrgan_arch.options.load import require_train
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.freezing import describe_trainable
from realesrgan_arch.training.model import FineTuneModel


def run_header(
    options: Options, model: FineTuneModel, *, num_images: int, archived: Path | None, resumed: str | None
) -> str:
    """Return the lines that say what is trained, on what, and where it goes.

    Args:
        options: of the run.
        model: ready to train.
        num_images: of the training set.
        archived: where an older run of this name was moved to.
        resumed: the state that the run goes on from, in words.
    """
    lines = [
        f"run {model.run_folder.root}",
        f"device {model.device}, precision {str(model.dtype).removeprefix('torch.')}, seed {options.manual_seed}",
        f"{num_images} training images, {require_train(options).total_iter} steps",
        describe_trainable(model.generator.network, model.generator.plan, title="network_g"),
    ]
    if model.discriminator is not None:
        lines.append(describe_trainable(model.discriminator.network, model.discriminator.plan, title="network_d"))
    ranks, data = model.game.ranks, options.datasets.train
    if ranks.are_many and data is not None:
        size = data.batch_size_per_gpu
        lines.append(f"{ranks.world_size} ranks of {size} images each: the batch is {ranks.world_size * size}")
    if archived:
        lines.append(f"an older run of this name was moved to {archived}")
    if resumed:
        lines.append(f"resumed from {resumed} at step {model.step}")
    return "\n".join(lines)
