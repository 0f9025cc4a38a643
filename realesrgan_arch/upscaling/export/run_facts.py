"""What the folder of a run says about weights in it: steps, base, data, scores. What it does not say is not guessed.

No path of the machine is taken over: the facts are for publication.
"""

import csv
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path

from realesrgan_arch.data.apart import check_manifests_apart
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.manifest import read_manifest
from realesrgan_arch.errors import UserError
from realesrgan_arch.evaluation.evaluate import METRICS
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.image_header import shown
from realesrgan_arch.options.datasets import DatasetOptions, Datasets, ValDataset
from realesrgan_arch.options.load import load_options
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.checkpoint_manifest import read_manifests
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.run_ranks import read_num_ranks
from realesrgan_arch.weights.table import Verification, WeightsError, find_weights, verify


@dataclass(frozen=True)
class Score:
    """A mean over a validation set."""

    set_name: str
    set_hash: str
    """Of a frozen set; empty for others."""
    metric: str
    value: float
    base: float | None
    bicubic: float | None


@dataclass(frozen=True)
class BaseFacts:
    """The weights that a run began from."""

    name: str
    """Of the file."""
    sha256: str | None
    licence: str | None
    """Of a base that is, byte for byte, a released one."""


@dataclass(frozen=True)
class DataFacts:
    """What a run trained on."""

    name: str | None
    pictures: int | None
    split_sha256: str | None
    """Of the table that names the training pictures."""
    degradation: str
    is_synthetic: bool
    """Whether the small pictures are made while it trains."""
    batch_size: int
    gt_size: int
    is_apart: bool
    """Whether training and every validation set name their pictures, and share no scene and no picture."""


@dataclass(frozen=True)
class RunFacts:
    """Of a run and of one step of it; None and empty: not known."""

    name: str
    step: int | None = None
    base: BaseFacts | None = None
    data: DataFacts | None = None
    has_discriminator: bool | None = None
    scores: tuple[Score, ...] = ()
    notes: tuple[str, ...] = ()

    def of_a_part(self) -> "RunFacts":
        """Return what stays true where its weights are a part of a blend: no run made that one, or evaluated it."""
        return replace(self, step=None, scores=())


def find_run(weights: Path, *, sha256: str) -> RunFacts | None:
    """Return what is known of the run in whose `models` folder the file `weights` lies; None where it lies elsewhere.

    Files of a run that cannot be read become notes.
    """
    root = weights.resolve().parent.parent
    run_folder = RunFolder(root)
    if weights.resolve().parent != run_folder.models or not (root / "options.yml").is_file():
        return None
    step = _step(run_folder, weights.resolve(), sha256)
    scores, score_notes = _scores(run_folder, step)
    try:
        options = load_options(root / "options.yml").options
        ranks = read_num_ranks(root)
    except UserError as error:
        reason = str(error).replace(str(root), root.name)
        notes = (f"the options of the run cannot be read, so nothing is said of its data: {reason}",)
        return RunFacts(root.name, step, scores=scores, notes=(*notes, *score_notes))
    base, data = _base_facts(options), _data_facts(options, ranks)
    is_adversarial = options.network_d is not None
    return RunFacts(options.name, step, base, data, is_adversarial, scores, score_notes)


def _step(run_folder: RunFolder, weights: Path, sha256: str) -> int | None:
    """Look for the bytes among the checkpoints; then read the name, as older ones are deleted."""
    for manifest in read_manifests(run_folder).values():
        if any(record.role == "net_g" and record.sha256 == sha256 for record in manifest.files):
            return manifest.step
    numbered = re.fullmatch(r"net_g_(\d+)", weights.stem)
    return int(numbered[1]) if numbered else None


def _base_facts(options: Options) -> BaseFacts | None:
    base = options.path.pretrain_network_g
    if base is None:
        return None
    found = _verified(str(base))
    if found is None:
        return BaseFacts(Path(base).name, None, None)
    is_released = found.known is not None and found.status == "verified"
    return BaseFacts(Path(base).name, found.sha256, found.known.licence if found.known and is_released else None)


def _verified(base: str) -> Verification | None:
    try:
        return verify(find_weights(base))
    except WeightsError:
        return None  # it has moved since: its name is all that is known


def _data_facts(options: Options, ranks: int) -> DataFacts | None:
    section = options.datasets.train
    if section is None:
        return None
    root = section.dataroot_gt
    pictures, digest = _read_split(section.manifest)
    return DataFacts(
        name=Path(root).name if root else section.name,
        pictures=pictures,
        split_sha256=digest,
        degradation="pairs from files" if section.is_paired else section.degradation,
        is_synthetic=not section.is_paired,
        batch_size=section.batch_size_per_gpu * ranks,
        gt_size=options.crop_gt_size,
        is_apart=_is_apart(options.datasets),
    )


def _is_apart(datasets: Datasets) -> bool:
    validation = datasets.validation_sets().values()
    if datasets.train is None or not validation or not all(map(_names_pictures, (datasets.train, *validation))):
        return False
    try:
        check_manifests_apart(datasets)
    except DataError:
        return False
    return True


def _names_pictures(section: DatasetOptions) -> bool:
    if isinstance(section, ValDataset) and section.is_frozen:
        return section.dataroot_gt is not None and section.dataroot_gt.is_dir()
    return section.manifest is not None and section.manifest.is_file()


def _read_split(manifest: Path | None) -> tuple[int | None, str | None]:
    if manifest is None:
        return None, None
    try:
        return len(read_manifest(Path(manifest))), hash_file(Path(manifest))
    except (DataError, OSError):
        return None, None  # it has moved since


def _scores(run_folder: RunFolder, step: int | None) -> tuple[tuple[Score, ...], tuple[str, ...]]:
    """Return the scores of a step, and a note where the table of the run cannot be read."""
    if step is None or not run_folder.results.is_file():
        return (), ()
    try:
        with run_folder.results.open(encoding="utf-8", errors="replace", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row.get("step") == str(step) and row.get("set")]
        values = ((row, metric, _number(row, metric)) for row in rows for metric in METRICS)
        return tuple(_score(row, metric, value) for row, metric, value in values if value is not None), ()
    except (OSError, ValueError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error  # without the path of this machine
        return (), (f"{run_folder.results.name} of the run cannot be read, so nothing is said of its scores: {reason}",)


def _score(row: dict[str, str], metric: str, value: float) -> Score:
    base, bicubic = _number(row, f"{metric}_base"), _number(row, f"{metric}_bicubic")
    return Score(shown(Path(row["set"])), row.get("set_hash") or "", metric, value, base, bicubic)


def _number(row: dict[str, str], column: str) -> float | None:
    """Neither JSON nor the front matter of a card knows infinity, which is the PSNR of the same picture."""
    value = float(row.get(column) or "nan")
    return value if math.isfinite(value) else None
