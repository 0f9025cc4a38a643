"""Step 8: the tuned weights as other tools take them, read again and compared."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from realesrgan_arch import atomic
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.guided.chain import Step, Work
from realesrgan_arch.guided.journal import Facts
from realesrgan_arch.guided.request import GuidedError
from realesrgan_arch.guided.step_train import weights_of
from realesrgan_arch.image_header import shown
from realesrgan_arch.training.checkpoint import save_weights
from realesrgan_arch.weights.load import LoadedWeights, load_generator, load_weights

NAME = "export"
PARAMS, AVERAGE = "params", "params_ema"


def export_weights(source: Path, folder: Path, name: str) -> list[Path]:
    """Write `<name>.pth` (BasicSR: `params`, and `params_ema` where there is an average) and `<name>.safetensors`.

    The second file is flat and holds the averaged weights where there are some. Both are read again, built into a
    network and compared with the source, bit by bit.

    Raises:
        WeightsError: the source cannot be read.
        NotSavedError, GuidedError: a file that cannot be written, or is not what was written.
    """
    loaded = load_weights(source)
    states = {key: load_weights(source, key=key).state for key in (PARAMS, AVERAGE) if key in loaded.keys}
    pth, flat = folder / f"{name}.pth", folder / f"{name}.safetensors"
    save_weights(pth, params=states[PARAMS], params_ema=states.get(AVERAGE))
    data = save({key: value.contiguous() for key, value in loaded.state.items()}, metadata={"format": "pt"})
    try:
        atomic.write_bytes(flat, data)
    except OSError as error:
        raise GuidedError(f"{shown(flat)} cannot be written: {error.strerror}") from error
    for key, state in states.items():
        _check_same(state, load_weights(pth, key=key), pth)
    _check_same(loaded.state, load_weights(flat), flat)
    for path in (pth, flat):
        load_generator(path)
    return [pth, flat]


def _check_same(wanted: Mapping[str, Tensor], found: LoadedWeights, path: Path) -> None:
    same = wanted.keys() == found.state.keys() and all(
        torch.equal(value, found.state[name]) for name, value in wanted.items()
    )
    if not same:
        raise GuidedError(f"{shown(path)} does not hold what was written into it; look at the disk and run this again")


def _make(work: Work) -> Facts:
    paths = export_weights(weights_of(work), work.folder.export, work.request.name)
    return {"files": {path.relative_to(work.folder.root).as_posix(): hash_file(path) for path in paths}}


def _holds(work: Work, facts: Facts) -> bool:
    files = ((work.folder.root / name, digest) for name, digest in facts["files"].items())
    return all(path.is_file() and hash_file(path) == digest for path, digest in files)


EXPORT = Step(
    name=NAME,
    depends="the tuned weights have",
    inputs=lambda work: {"weights": work.facts("train")["sha256"], "name": work.request.name},
    aim=lambda _: "the best weights as .pth and .safetensors, read again and compared",
    make=_make,
    told=lambda facts: f"{' and '.join(facts['files'])}: the same to the last bit",
    holds=_holds,
)
