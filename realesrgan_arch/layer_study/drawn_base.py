"""One base for all runs of a study whose options name none."""

from pathlib import Path

from realesrgan_arch.options.types import Options
from realesrgan_arch.training.assembly import load_base_generator
from realesrgan_arch.training.checkpoint import plain_state, save_weights


def with_one_base(options: Options, folder: Path) -> Options:
    """Return `options` with weights to start from: what one seed draws, another would draw otherwise.

    Weights that are drawn are written to `drawn_base.pth` in `folder`; options that name some are returned as they are.

    Raises:
        UserError: the folder cannot be written to.
    """
    if options.path.pretrain_network_g is not None:
        return options
    weights = folder / "drawn_base.pth"
    save_weights(weights, params=plain_state(load_base_generator(options)))
    path = options.path.model_copy(update={"pretrain_network_g": str(weights), "param_key_g": None})
    return options.model_copy(update={"path": path})
