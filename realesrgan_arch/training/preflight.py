"""Whether the disk has room for the checkpoints of a run: asked before hours of work."""

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.disk_room import existing_folder, free_bytes
from realesrgan_arch.training.checkpoint import NotSavedError
from realesrgan_arch.training.checkpoint_manifest import read_manifests
from realesrgan_arch.training.disk_rules import MARGIN_BYTES, tensor_bytes
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.run_folder import RunFolder

_FEWEST = 2
"""A new checkpoint is whole before an old one goes."""
_MOMENTS = 2
"""Tensors that Adam keeps for each parameter that trains."""


def checkpoint_bytes(model: FineTuneModel, *, gt_size: int, scale: int) -> int:
    """Return the size of a checkpoint of `model` once its optimisers have run and its pair pool is full."""
    return (
        tensor_bytes([model.weights(), model.state()]) + _moments_to_come(model) + _pool_to_come(model, gt_size, scale)
    )


def count_checkpoints(*, keep_last: int | None, saves: int, best: int = 0) -> int:
    """Return how many checkpoints a run that saves so often holds at once, at least two.

    Args:
        keep_last: so many of the newest stay; None for all.
        saves: of the whole run.
        best: how many stay beside them at most, as they scored best.
    """
    return max(_FEWEST, saves if keep_last is None else min(keep_last + 1 + best, saves))


def check_room(
    run_folder: RunFolder, *, checkpoint: int, count: int, goes_on: bool = True, free: int | None = None
) -> None:
    """Check that the disk of `run_folder` holds `count` checkpoints of so many bytes.

    Args:
        run_folder: may not be there yet.
        checkpoint: bytes of one.
        count: of checkpoints at once.
        goes_on: the checkpoints that are there are of this run and count; else they are moved aside, and stay.
        free: bytes on its disk, which is asked when absent.

    Raises:
        NotSavedError: it does not; with all sizes.
    """
    own = read_manifests(run_folder).values() if goes_on else ()
    there = sum(manifest.total_bytes for manifest in own)
    needed = max(count * checkpoint - there, _FEWEST * checkpoint) + MARGIN_BYTES
    free = free_bytes(run_folder.root) if free is None else free
    if free < needed:
        raise NotSavedError(
            f"expected {say_bytes(needed)} on the disk of {existing_folder(run_folder.root)} for {count} checkpoints "
            f"of {say_bytes(checkpoint)} at once and the logs, got {say_bytes(free)} free; free some, lower "
            "logger.keep_last, or choose another disk with path.experiments_root",
            is_full=True,
        )


def _moments_to_come(model: FineTuneModel) -> int:
    optimizers = [player.optimizer for player in model.game.players() if player.optimizer]
    fresh = [optimizer for optimizer in optimizers if not optimizer.state]
    return sum(_MOMENTS * tensor_bytes(group["params"]) for optimizer in fresh for group in optimizer.param_groups)


def _pool_to_come(model: FineTuneModel, gt_size: int, scale: int) -> int:
    pool = model.synthesis.pool if model.synthesis else None
    pair = 3 * (gt_size**2 + (gt_size // scale) ** 2)
    return (pool.capacity - len(pool)) * pair if pool is not None else 0
