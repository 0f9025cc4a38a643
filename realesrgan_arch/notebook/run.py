"""From an option file of the project to one for the pictures of a notebook, and to the weights that came out."""

import json
from collections.abc import Sequence
from pathlib import Path

import yaml

from realesrgan_arch.atomic import write_text
from realesrgan_arch.evaluation.composite import COMPOSITE
from realesrgan_arch.options.load import OptionsError, load_options
from realesrgan_arch.training.run_folder import RunFolder

_HEADER = "# Made by a notebook from {source}; train.py and test.py read it as it is.\n"


def make_options(
    template: str | Path, work: Path, *, photos: Path, split: Path, name: str, changes: Sequence[str] = ()
) -> Path:
    """Write `<work>/<name>.yml`: `template` on `photos`, with a test set, and everything it makes below `work`.

    Args:
        template: an option file with `datasets.train` and `datasets.val`.
        work: folder of the notebook.
        photos: folder of the photographs.
        split: folder of `train.csv`, `val.csv` and `test.csv`.
        name: of the run.
        changes: further ones, as of `--set`; the last of two for one key counts.

    Raises:
        OptionsError: they do not fit.
    """
    overrides = [
        f"name={name}",
        f"path.experiments_root={work / 'experiments'}",
        "datasets.test.type=SyntheticPairs",
        "datasets.test.name=test",
    ]
    for part in ("train", "val", "test"):
        overrides += [f"datasets.{part}.dataroot_gt={photos}", f"datasets.{part}.manifest={split / part}.csv"]
    validation = load_options(Path(template)).options.datasets.validation_sets()
    if "val" not in validation:
        raise OptionsError(str(template), ["datasets.val: this section is required in a notebook; expected type, ..."])
    overrides.append(f"datasets.test.degradation={validation['val'].degradation}")
    options = load_options(Path(template), overrides=[*overrides, *changes]).options
    values = options.model_dump(mode="json", exclude_unset=True)
    target = work / f"{name}.yml"
    write_text(target, _HEADER.format(source=Path(template).name) + yaml.safe_dump(values, sort_keys=False))
    return target


def best_weights(work: Path, name: str, metric: str = COMPOSITE) -> Path:
    """Return the best weights of run `name` by `metric`, or its latest where a run kept no best ones."""
    run_folder = RunFolder(work / "experiments" / name)
    try:
        files = json.loads(run_folder.best.read_text(encoding="utf-8"))["files"]
    except FileNotFoundError:
        files = {}
    return run_folder.weights("net_g", f"best_{metric}" if metric in files else None)


def base_weights(options: str | Path) -> str:
    """Return the weights that the run of an option file starts from, as the file names them.

    Raises:
        OptionsError: it starts from none.
    """
    base = load_options(Path(options)).options.path.pretrain_network_g
    if base is None:
        raise OptionsError(str(options), ["path.pretrain_network_g: expected the weights to compare with, got none"])
    return base
