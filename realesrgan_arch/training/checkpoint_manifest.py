"""The manifest of a checkpoint, `training_states/ckpt_<step>.json`: written last, it makes a step count.

It holds name, size and SHA-256 of each file. Of several checkpoints the one that was written or gone back to last is
the newest, whatever its step: `sequence` says so, and going back is a single rewrite of one manifest.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch

from realesrgan_arch import __version__
from realesrgan_arch.atomic import write_text
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.training import fault_points
from realesrgan_arch.training.checkpoint import CheckpointError, NotSavedError, Written
from realesrgan_arch.training.run_folder import RunFolder

FORMAT = 1
STATE = "state"
"""The role of the file that a resume reads; the others are named as their networks, `net_g` and `net_d`."""
_NAMES = re.compile(r"(models|training_states)/[\w-][\w.-]*", re.ASCII)
Plain = dict[str, object]


class ManifestError(CheckpointError):
    """A manifest that cannot be read, or files that are not those it names."""


@dataclass(frozen=True)
class FileRecord:
    """One file of a checkpoint."""

    role: str
    name: str
    """Below the run's folder, with forward slashes."""
    size: int
    """In bytes."""
    sha256: str

    @classmethod
    def of(cls, role: str, path: Path, written: Written, run_folder: RunFolder) -> "FileRecord":
        """Return the record of a file that has just been written."""
        return cls(role, path.relative_to(run_folder.root).as_posix(), written.size, written.sha256)


@dataclass(frozen=True)
class Manifest:
    """What makes the files of one step a checkpoint."""

    step: int
    sequence: int
    """Higher than that of every checkpoint before."""
    files: tuple[FileRecord, ...]
    extras: dict[str, Plain] = field(default_factory=dict)
    """What guards and tables of the best need for a resume, scores among it."""
    options: str = ""
    """SHA-256 of the run's `options.yml`."""
    versions: dict[str, str] = field(default_factory=dict)

    def file(self, role: str) -> FileRecord:
        """Return the file of that role.

        Raises:
            ManifestError: there is none.
        """
        found = next((record for record in self.files if record.role == role), None)
        if found is None:
            raise ManifestError(f"the checkpoint of step {self.step} has no {role}")
        return found

    @property
    def total_bytes(self) -> int:
        """The size of all files."""
        return sum(record.size for record in self.files)


@dataclass(frozen=True)
class Bad:
    """A checkpoint that does not count."""

    path: Path
    """Of its manifest."""
    reason: str
    manifest: Manifest | None
    """None where it cannot be read."""

    def words(self) -> str:
        """Say which it is, and why."""
        name = f"the checkpoint of step {self.manifest.step}" if self.manifest else self.path.name
        return f"{name} is damaged ({self.reason})"


@dataclass(frozen=True)
class Newest:
    """The newest checkpoint that is whole, if there is one, and those newer ones that are not."""

    path: Path | None
    manifest: Manifest | None
    bad: tuple[Bad, ...]


def current_versions() -> dict[str, str]:
    """Return the versions of this program and of torch."""
    return {"realesrgan_arch": __version__, "torch": torch.__version__}


def hash_options(run_folder: RunFolder) -> str:
    """Return the SHA-256 of the options that the run was started with; empty where they were not written."""
    path = run_folder.root / "options.yml"
    return hash_file(path) if path.exists() else ""


def manifest_path(run_folder: RunFolder, step: int) -> Path:
    """Return where the manifest of `step` is."""
    return run_folder.states / f"ckpt_{step}.json"


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write it, with a hash of its own.

    Raises:
        NotSavedError: the disk does not take it, or does not give it back.
    """
    # As JSON has it: keys are texts and tuples lists, or the hash would be of something that is never read again.
    content = json.loads(json.dumps({"format": FORMAT, **asdict(manifest)}))
    fault_points.reached(f"save:before {path.name}")
    try:
        write_text(path, json.dumps({**content, "sha256": _hash_content(content)}, indent=1))
        is_back = read_manifest(path).sequence == manifest.sequence
    except (OSError, ManifestError) as error:
        raise NotSavedError(f"cannot write {path} ({error}); what was saved before is whole") from error
    if not is_back:
        raise NotSavedError(f"cannot write {path} (the disk gives back an older one)")
    fault_points.reached(f"save:after {path.name}")


def read_manifest(path: Path) -> Manifest:
    """Read one.

    Raises:
        ManifestError: damaged, or not one of ours.
        OSError: it cannot be read.
    """
    try:
        content = json.loads(path.read_bytes())
        said = content.pop("sha256")
        is_ours = content.pop("format") == FORMAT and said == _hash_content({"format": FORMAT, **content})
        files = tuple(FileRecord(**record) for record in content.pop("files"))
        manifest = Manifest(files=files, **content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ManifestError(f"{path.name} cannot be read") from error
    if not is_ours or not all(_NAMES.fullmatch(record.name) for record in manifest.files):
        raise ManifestError(f"{path.name} is not as it was written")
    return manifest


def read_manifests(run_folder: RunFolder) -> dict[Path, Manifest]:
    """Return every manifest that can be read, the newest first; their files are not looked at."""
    found, _ = _read_all(run_folder)
    return found


def check_files(run_folder: RunFolder, manifest: Manifest) -> None:
    """Check that every file of a checkpoint is there, byte for byte.

    Raises:
        ManifestError: with the first file that is not.
        CheckpointError: the disk cannot be read.
    """
    for record in manifest.files:
        path = run_folder.root / record.name
        try:
            if path.stat().st_size != record.size:
                raise ManifestError(f"{record.name} has {path.stat().st_size} bytes, not {record.size}")
            if hash_file(path) != record.sha256:
                raise ManifestError(f"{record.name} has other bytes than were saved")
        except FileNotFoundError as error:
            raise ManifestError(f"{record.name} is missing") from error
        except OSError as error:
            raise CheckpointError(f"cannot read {path} ({error.strerror}); mend the disk or its permissions") from error


def is_whole(run_folder: RunFolder, manifest: Manifest) -> bool:
    """Return whether every file of a checkpoint is there, byte for byte."""
    try:
        check_files(run_folder, manifest)
    except ManifestError:
        return False
    return True


def look_for_newest(run_folder: RunFolder) -> Newest:
    """Return the newest whole checkpoint of a run, if there is one, and the damaged ones before it; changes nothing."""
    found, bad = _read_all(run_folder)
    for path, manifest in found.items():
        try:
            check_files(run_folder, manifest)
        except ManifestError as error:
            bad.append(Bad(path, str(error), manifest))
        else:
            return Newest(path, manifest, tuple(bad))
    return Newest(None, None, tuple(bad))


def find_newest(run_folder: RunFolder) -> Newest:
    """Return the newest whole checkpoint of a run; nothing is changed.

    Raises:
        CheckpointError: there are checkpoints, and none is whole; or the disk cannot be read.
    """
    newest = look_for_newest(run_folder)
    if newest.manifest is None and newest.bad:
        raise CheckpointError(
            f"no checkpoint of {run_folder.root} is whole: {'; '.join(one.words() for one in newest.bad)}; start the "
            "run anew with --resume none (this folder is then moved aside, not deleted)"
        )
    return newest


def lone_states(run_folder: RunFolder) -> list[Path]:
    """Return the training states that no manifest names."""
    named = {record.name for manifest in read_manifests(run_folder).values() for record in manifest.files}
    states = sorted(run_folder.states.glob("*.state"))
    return [path for path in states if path.relative_to(run_folder.root).as_posix() not in named]


def renewed(manifest: Manifest, *, sequence: int | None = None, extras: Mapping[str, Plain] | None = None) -> Manifest:
    """Return `manifest` with another place in the sequence, or with other extras."""
    return replace(
        manifest,
        sequence=manifest.sequence if sequence is None else sequence,
        extras=manifest.extras if extras is None else dict(extras),
    )


def _read_all(run_folder: RunFolder) -> tuple[dict[Path, Manifest], list[Bad]]:
    found: dict[Path, Manifest] = {}
    bad: list[Bad] = []
    for path in sorted(run_folder.states.glob("ckpt_*.json")):
        try:
            found[path] = read_manifest(path)
        except ManifestError as error:
            bad.append(Bad(path, str(error), None))
        except OSError as error:
            raise CheckpointError(f"cannot read {path} ({error.strerror}); mend the disk or its permissions") from error
    newest_first = sorted(found.items(), key=lambda item: item[1].sequence, reverse=True)
    return dict(newest_first), bad


def _hash_content(content: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
