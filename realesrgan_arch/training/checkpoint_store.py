"""The checkpoints of a run: written, found and read again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from torch import Tensor

from realesrgan_arch.atomic import remove_partial_files
from realesrgan_arch.training import fault_points
from realesrgan_arch.training.checkpoint import NotSavedError, load_state, save_state, save_weights
from realesrgan_arch.training.checkpoint_manifest import (
    STATE,
    FileRecord,
    Manifest,
    check_files,
    current_versions,
    find_newest,
    hash_options,
    is_whole,
    lone_states,
    look_for_newest,
    manifest_path,
    read_manifests,
    renewed,
    write_manifest,
)
from realesrgan_arch.training.disk_rules import DiskRules, tensor_bytes
from realesrgan_arch.training.retention import (
    Retention,
    finish_removals,
    keep_earlier_save,
    move_checkpoint,
    quarantine,
    remove_checkpoint,
)
from realesrgan_arch.training.run_folder import RunFolder

ATTEMPTS = 3
"""A save that fails so often, for another reason than a full disk, ends the run."""
RETRY_SECONDS = 2.0
_OVERHEAD = 1.05
"""What a file is larger than its tensors."""

State = Mapping[str, object]
Weights = Mapping[str, Mapping[str, Tensor]]
"""`params` and, with an average, `params_ema`, by the name of each tensor."""


class Trained(Protocol):
    """What a checkpoint is of: a model that trains."""

    def weights(self) -> Mapping[str, Weights]:
        """Return the weights of each network, `net_g` and perhaps `net_d`, as other tools load them."""
        ...

    def state(self) -> dict[str, object]:
        """Return all that a resume needs, as plain tensors and numbers."""
        ...

    def resume_training(self, resume_state: State) -> None:
        """Take over a state."""
        ...


class Stateful(Protocol):
    """Something beside the model that a resume needs: a guard, a table of the best."""

    def state_dict(self) -> dict[str, object]:
        """Return plain numbers, strings, and lists and dicts of them."""
        ...

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Take over what `state_dict` returned."""
        ...


class CheckpointStore:
    """Writes and reads the checkpoints of one run.

    A save writes each file beside its target, flushes it, reads it again and renames it; last comes the manifest,
    without which a step does not count. So a run that is killed anywhere finds what it had. Writing needs the run's
    lock; reading does not, and changes nothing.

    Args:
        run_folder: where they are.
        extras: what is saved beside the model, by name.
        retention: which older ones stay; all without.
        disk: what happens where the disk is full.
    """

    def __init__(
        self,
        run_folder: RunFolder,
        *,
        extras: Mapping[str, Stateful] | None = None,
        retention: Retention | None = None,
        disk: DiskRules | None = None,
    ) -> None:
        self._run_folder = run_folder
        self._extras = dict(extras or {})
        self._retention = retention or Retention()
        self._disk = disk or DiskRules()

    def save(self, model: Trained, step: int) -> None:
        """Write weights, state and extras of `step`, and then remove the checkpoints that are too old.

        Raises:
            CheckpointError: weights that are not finite; older files stay.
            NotSavedError: a disk that does not take them, after several attempts; older checkpoints stay whole.
        """
        weights, state = model.weights(), model.state()
        self._attempt(lambda: self._save_step(weights, state, step), tensor_bytes([*weights.values(), state]))
        self._prune()

    def save_extras(self, step: int) -> None:
        """Write what has changed beside the model since `save`, such as the scores of `step`."""
        found = self._find(step)
        if found is not None:
            path, manifest = found
            self._attempt(lambda: write_manifest(path, renewed(manifest, extras=self._extras_now())), 0)

    def save_latest(self, model: Trained) -> None:
        """Write the weights of the end of a run, `net_g_latest.pth`.

        Raises:
            CheckpointError: as `save`.
        """
        weights = model.weights()
        self._attempt(lambda: self._save_weights(weights, None, []), tensor_bytes(weights))

    def newest_step(self) -> int | None:
        """Return the step of the newest checkpoint that is whole, or None where there is none at all.

        Raises:
            CheckpointError: there are some, and none is whole.
        """
        manifest = find_newest(self._run_folder).manifest
        return manifest.step if manifest else None

    def load(self, step: int) -> dict[str, object]:
        """Return the state of the model at `step`.

        Raises:
            CheckpointError: it cannot be used.
        """
        found = self._find(step)
        if found is None:
            return load_state(self._run_folder.state(step))
        check_files(self._run_folder, found[1])
        return load_state(self._run_folder.root / found[1].file(STATE).name)

    def restore_extras(self, step: int) -> None:
        """Give what was saved beside the model at `step`, or last before it, to those that it is of."""
        earlier = [one.step for one in read_manifests(self._run_folder).values() if one.step <= step]
        found = self._find(max(earlier, default=step))
        saved = found[1].extras if found else {}
        for name, extra in self._extras.items():
            if name in saved:
                extra.load_state_dict(saved[name])

    def discard_after(self, step: int) -> None:
        """Make `step` the newest checkpoint, and move those after it to `superseded/`.

        The first is one rewrite of a manifest: killed before it, a run finds the newer checkpoint, killed after it
        this one; `tidy` moves the rest.

        Raises:
            NotSavedError: a disk that does not take it.
        """
        found = self._find(step)
        if found is not None:
            fault_points.reached("save:before going back")
            path, manifest = found
            self._attempt(lambda: write_manifest(path, renewed(manifest, sequence=self._next_sequence())), 0)
            fault_points.reached("save:gone back")
        with _as_not_saved(self._run_folder.superseded):
            moved = self._move_aside_after(step)
        if moved:
            self._disk.write(
                f"the checkpoints of steps {', '.join(map(str, moved))} are in {self._run_folder.superseded}"
            )

    def tidy(self) -> list[str]:
        """Finish what a killed process began, and move damaged checkpoints to `corrupt/`; return words for the user.

        Raises:
            CheckpointError: the disk does not allow it.
        """
        folder, words = self._run_folder, []
        with _as_not_saved(folder.root):
            for place in (folder.models, folder.states):
                remove_partial_files(place)
            finish_removals(folder)
            newest = look_for_newest(folder)
            for bad in newest.bad:
                words.append(f"{bad.words()}; it is kept in {quarantine(folder, bad)}")
            if newest.manifest is not None:
                self._move_aside_after(newest.manifest.step)
                words += [f"the newest whole checkpoint is of step {newest.manifest.step}"] if newest.bad else []
        return [*words, *map(_words_on_lone, lone_states(folder))]

    def _save_step(self, weights: Mapping[str, Weights], state: State, step: int) -> None:
        fault_points.reached("save:before writing")
        with _as_not_saved(self._run_folder.states):
            keep_earlier_save(self._run_folder, step)
        files: list[FileRecord] = []
        try:
            self._save_weights(weights, step, files)
            path = self._run_folder.state(step)
            files.append(FileRecord.of(STATE, path, save_state(path, state), self._run_folder))
            write_manifest(manifest_path(self._run_folder, step), self._describe(step, files))
        except NotSavedError:
            # Without a manifest they are nothing, and the disk may be full of them.
            for record in files:
                (self._run_folder.root / record.name).unlink(missing_ok=True)
            raise

    def _describe(self, step: int, files: Sequence[FileRecord]) -> Manifest:
        return Manifest(
            step=step,
            sequence=self._next_sequence(),
            files=tuple(files),
            extras=self._extras_now(),
            options=hash_options(self._run_folder),
            versions=current_versions(),
        )

    def _save_weights(self, weights: Mapping[str, Weights], step: int | None, files: list[FileRecord]) -> None:
        for network, values in weights.items():
            path = self._run_folder.weights(network, step)
            files.append(FileRecord.of(network, path, save_weights(path, **values), self._run_folder))

    def _attempt(self, write: Callable[[], object], needed: int) -> None:
        """Call `write` when there is room for `needed` bytes; where it fails, again, and again."""
        is_said, failures = False, 0
        while True:
            self._disk.wait_for_room(self._run_folder.root, int(needed * _OVERHEAD), make_room=self._make_room)
            try:
                write()
            except NotSavedError as error:
                if error.is_full and not self._make_room():
                    self._disk.give_up_or_wait(str(error), is_said=is_said)
                    is_said = True
                elif not error.is_full:
                    failures += 1
                    if failures == ATTEMPTS:
                        raise
                    self._disk.write(f"{error}; trying again")
                    self._disk.sleep(RETRY_SECONDS)
            else:
                return

    def _make_room(self) -> bool:
        """Remove one checkpoint that the run does not need; return False where there is none."""
        for folder in (self._run_folder, *map(RunFolder, sorted(self._run_folder.superseded.glob("*")))):
            manifests = read_manifests(folder)
            superfluous = self._retention.superfluous(manifests) if folder == self._run_folder else manifests
            for path in superfluous:
                with _as_not_saved(path):
                    remove_checkpoint(folder, path)
                return True
        return False

    def _prune(self) -> None:
        with _as_not_saved(self._run_folder.root):
            for path in self._retention.superfluous(read_manifests(self._run_folder)):
                remove_checkpoint(self._run_folder, path)

    def _move_aside_after(self, step: int) -> list[int]:
        newer = {path: one for path, one in read_manifests(self._run_folder).items() if one.step > step}
        for path, manifest in newer.items():
            into = RunFolder(self._run_folder.superseded / f"ckpt_{manifest.step}_{manifest.sequence}")
            move_checkpoint(self._run_folder, path, manifest, into)
        return sorted(manifest.step for manifest in newer.values())

    def _find(self, step: int) -> tuple[Path, Manifest] | None:
        """Return the newest manifest of `step` whose files are all there; of two, one may be a save that was killed."""
        found = [item for item in read_manifests(self._run_folder).items() if item[1].step == step]
        return next((item for item in found if is_whole(self._run_folder, item[1])), found[0] if found else None)

    def _next_sequence(self) -> int:
        return 1 + max((manifest.sequence for manifest in read_manifests(self._run_folder).values()), default=0)

    def _extras_now(self) -> dict[str, dict[str, object]]:
        return {name: extra.state_dict() for name, extra in self._extras.items()}


def _words_on_lone(state: Path) -> str:
    return f"{state} has no manifest (its save was killed, or is of an older version): only path.resume_state uses it"


@contextmanager
def _as_not_saved(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotSavedError(f"cannot write to {path} ({error}); no checkpoint is lost: mend the disk") from error
