"""Where a run can go back to: which of its checkpoints are whole, and which of them are good."""

from realesrgan_arch.training.checkpoint_manifest import Manifest, is_whole, read_manifests
from realesrgan_arch.training.run_folder import RunFolder


def find_way_back(run_folder: RunFolder, *, wanted: int | None = None) -> int | None:
    """Return the step of a checkpoint that is whole: that of `wanted`, or the newest good one, or the newest.

    One that was saved in the middle of skipped steps is whole, but not good: what was wrong then may be in it.

    Raises:
        CheckpointError: the disk cannot be read.
    """
    newest_first = list(read_manifests(run_folder).values())
    chosen = [manifest for manifest in newest_first if manifest.step == wanted]
    good = [manifest for manifest in newest_first if not _is_among_skipped(manifest)]
    return next((manifest.step for manifest in (*chosen, *good, *newest_first) if is_whole(run_folder, manifest)), None)


def _is_among_skipped(manifest: Manifest) -> bool:
    """Return what the guard of the numbers said when it was saved."""
    return bool(manifest.extras.get("numbers", {}).get("in_a_row"))
