"""Two states of a run, compared number by number."""

import json
from collections.abc import Iterator
from pathlib import Path

import torch

from realesrgan_arch.training.checkpoint_manifest import read_manifests
from realesrgan_arch.training.run_folder import RunFolder

_NOT_OF_THE_RUN = ("record",)
"""Where the run is."""


def differing(expected: object, found: object, place: str = "state") -> Iterator[str]:
    """Yield the place of every value that is not the very same."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in expected.keys() | found.keys():
            if key not in _NOT_OF_THE_RUN:
                yield from differing(expected.get(key), found.get(key), f"{place}.{key}")
    elif isinstance(expected, list | tuple) and isinstance(found, list | tuple) and len(expected) == len(found):
        for index, pair in enumerate(zip(expected, found, strict=True)):
            yield from differing(*pair, f"{place}.{index}")
    elif isinstance(expected, torch.Tensor) and isinstance(found, torch.Tensor):
        if not torch.equal(expected, found):
            yield place
    elif type(expected) is not type(found) or expected != found:
        yield f"{place}: {expected!r} and {found!r}"


def differing_runs(expected: Path, found: Path, step: int) -> list[str]:
    """Return what two run folders differ in at their last step: states, what is beside them, weights and metrics."""
    return [
        *_differing_files(expected, found, f"training_states/{step}.state"),
        *_differing_files(expected, found, "models/net_g_latest.pth"),
        *differing(_extras(expected, step), _extras(found, step), "extras"),
        *differing(_metrics(expected), _metrics(found), "metrics"),
    ]


def _differing_files(expected: Path, found: Path, name: str) -> list[str]:
    states = [torch.load(folder / name, weights_only=True) for folder in (expected, found)]
    return list(differing(*states, name))


def _extras(folder: Path, step: int) -> object:
    manifests = read_manifests(RunFolder(folder)).values()
    return next(manifest.extras for manifest in manifests if manifest.step == step)


def _metrics(folder: Path) -> list[object]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
