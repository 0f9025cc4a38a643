"""Which checkpoints of a run stay, and how one goes so that a kill in the middle leaves nothing half.

Only files that a manifest of the run names are ever deleted or moved. A checkpoint that goes is renamed first to
`ckpt_<step>.removed`, with which it does not count any more; the next start finishes what was begun.
"""

import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from realesrgan_arch.atomic import move_into_place
from realesrgan_arch.training import fault_points
from realesrgan_arch.training.checkpoint_manifest import (
    Bad,
    FileRecord,
    Manifest,
    ManifestError,
    is_whole,
    manifest_path,
    read_manifest,
    read_manifests,
    write_manifest,
)
from realesrgan_arch.training.run_folder import RunFolder

_REMOVED = ".removed"
_EARLIER = "-earlier"


def nothing_more() -> frozenset[int]:
    """Return no step: nothing but the last checkpoints stays."""
    return frozenset()


@dataclass(frozen=True)
class Retention:
    """Which checkpoints stay."""

    keep_last: int | None = None
    """So many of the newest; None for all."""
    steps_to_keep: Callable[[], Collection[int]] = nothing_more
    """The best, which stay however old they are: weights and state, since a guard may go back to them."""

    def superfluous(self, newest_first: Mapping[Path, Manifest]) -> dict[Path, Manifest]:
        """Return those that go, the oldest first: an older save of a step that was saved again, and all too old ones.

        The newest one never goes.
        """
        best, seen, stay = frozenset(self.steps_to_keep()), set[int](), set[Path]()
        for path, manifest in newest_first.items():
            is_recent = self.keep_last is None or len(seen) < max(self.keep_last, 1)
            if manifest.step not in seen and (is_recent or manifest.step in best):
                stay.add(path)
            seen.add(manifest.step)
        return {path: newest_first[path] for path in reversed(list(newest_first)) if path not in stay}


def remove_checkpoint(run_folder: RunFolder, path: Path) -> None:
    """Delete the checkpoint whose manifest is `path`; raises `OSError`."""
    removed = path.with_suffix(_REMOVED)
    fault_points.reached(f"save:before the removal of {path.name}")
    move_into_place(path, removed)
    fault_points.reached(f"save:removal of {path.name} begun")
    _finish_removal(run_folder, removed)


def finish_removals(run_folder: RunFolder) -> None:
    """Delete the files of checkpoints whose removal was begun by a process that was killed; raises `OSError`."""
    for removed in sorted(run_folder.states.glob(f"ckpt_*{_REMOVED}")):
        _finish_removal(run_folder, removed)


def move_checkpoint(run_folder: RunFolder, path: Path, manifest: Manifest, into: RunFolder) -> None:
    """Move a checkpoint into another folder of the same layout, its manifest last; raises `OSError`.

    A file that another checkpoint names, too, stays.
    """
    into.states.mkdir(parents=True, exist_ok=True)
    into.models.mkdir(parents=True, exist_ok=True)
    shared = _named(run_folder, but=path)
    for name in (record.name for record in manifest.files):
        fault_points.reached(f"save:before {name} is moved aside")
        if name not in shared and (run_folder.root / name).exists():
            move_into_place(run_folder.root / name, into.root / name)
    fault_points.reached(f"save:before {path.name} is moved aside")
    move_into_place(path, into.states / path.name)


def keep_earlier_save(run_folder: RunFolder, step: int) -> None:
    """Give a whole checkpoint of `step` other names, as its own are about to be those of a new one; raises `OSError`.

    Both cost the disk of one where it has hard links.
    """
    path = manifest_path(run_folder, step)
    manifest = read_manifests(run_folder).get(path)
    if manifest is None or not is_whole(run_folder, manifest):
        return
    files = tuple(_second_name(run_folder, record) for record in manifest.files)
    write_manifest(path.with_stem(path.stem + _EARLIER), replace(manifest, files=files))


def quarantine(run_folder: RunFolder, bad: Bad) -> Path:
    """Move a damaged checkpoint to `corrupt/`, and return where it is now; raises `OSError`."""
    label = f"ckpt_{bad.manifest.step}_{bad.manifest.sequence}" if bad.manifest else bad.path.stem
    into = RunFolder(run_folder.corrupt / label)
    if bad.manifest:
        move_checkpoint(run_folder, bad.path, bad.manifest, into)
    else:
        into.states.mkdir(parents=True, exist_ok=True)
        move_into_place(bad.path, into.states / bad.path.name)
    return into.root


def _second_name(run_folder: RunFolder, record: FileRecord) -> FileRecord:
    path = run_folder.root / record.name
    second = path.with_stem(path.stem + _EARLIER)
    second.unlink(missing_ok=True)
    try:
        second.hardlink_to(path)
    except OSError:  # a disk without hard links
        shutil.copyfile(path, second)
    fault_points.reached(f"save:second name for {path.name}")
    return replace(record, name=second.relative_to(run_folder.root).as_posix())


def _finish_removal(run_folder: RunFolder, removed: Path) -> None:
    still_used = _named(run_folder)
    try:
        manifest = read_manifest(removed)
    except ManifestError:
        # Damaged between two starts: its files are not known any more, and what is not known is not deleted.
        return
    for name in (record.name for record in manifest.files):
        if name not in still_used:
            (run_folder.root / name).unlink(missing_ok=True)
        fault_points.reached(f"save:{name} removed")
    removed.unlink(missing_ok=True)


def _named(run_folder: RunFolder, *, but: Path | None = None) -> set[str]:
    manifests = read_manifests(run_folder)
    return {record.name for path, manifest in manifests.items() if path != but for record in manifest.files}
