"""What is scored: a method under its name, with the weights that it computes with."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import torch

from realesrgan_arch import __version__
from realesrgan_arch.devices import choose_device, describe_device
from realesrgan_arch.evaluation.evaluate import EvaluationError, Method
from realesrgan_arch.evaluation.proof import Kind, MethodFacts
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.image_header import shown
from realesrgan_arch.resampling import magnify_bicubic
from realesrgan_arch.upscaling.backends.choose import build_backend
from realesrgan_arch.upscaling.engine import Upscaler
from realesrgan_arch.weights.download import find_or_download
from realesrgan_arch.weights.load import load_generator

BASE, TUNED, MODEL, BICUBIC = "base", "tuned", "model", "bicubic"
TILE, TILE_PAD = 512, 16


@dataclass(frozen=True)
class Contender:
    """A method and what is known about it."""

    facts: MethodFacts
    upscale: Method


@dataclass(frozen=True)
class LoadedContender:
    """A contender of a weights file."""

    contender: Contender
    scale: int
    computed: str
    """The backend with its device and precision."""


@dataclass(frozen=True)
class Machine:
    """What computes the networks; see `build_backend`."""

    device: torch.device
    backend: str = "auto"
    precision: str = "auto"

    def load(self, source: str, *, name: str, kind: Kind, key: str | None = None) -> LoadedContender:
        """Load the generator in `source`, a file or a known name, as a method of the name.

        Raises:
            UserError: weights that are absent or damaged, or a backend that cannot compute them.
        """
        path = find_or_download(source)
        network, spec = load_generator(path, key)
        chosen = build_backend(
            network, scale=spec.scale, device=self.device, backend=self.backend, precision=self.precision
        )
        upscale = Upscaler(chosen.backend, tile=TILE, tile_pad=TILE_PAD).upscale
        facts = MethodFacts(name, kind, source=shown(Path(Path(source).name)), sha256=hash_file(path))
        return LoadedContender(Contender(facts, upscale), spec.scale, chosen.name)

    def facts(self, computed: str) -> dict[str, str]:
        """Return when, with what and on what is computed, for a proof; `computed` is that of a loaded contender."""
        return {
            "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "computed by": computed,
            "device": describe_device(self.device),
            "realesrgan_arch": __version__,
            "torch": torch.__version__,
        }


def name_of_weights(source: str) -> str:
    """Return what results of weights are called by: `my-run_net_g_latest` of `experiments/my-run/models/...`."""
    path = Path(source).absolute()
    is_of_a_run = path.parent.name == "models" and path.parent.parent.name
    return f"{path.parent.parent.name}_{path.stem}" if is_of_a_run else path.stem


def folder_name(text: str) -> str:
    """Return text as the name of a folder: letters of all scripts stay, and what a name cannot hold becomes `-`."""
    return re.sub(r"[^\w.-]+", "-", text).strip("-.") or "evaluation"


def choose_machine(device: str, *, backend: str = "auto", precision: str = "auto") -> Machine:
    """Return the machine by the names that the command line has.

    Raises:
        DeviceError: no such device.
    """
    return Machine(choose_device(device), backend, precision)


def bicubic(scale: int) -> Contender:
    """Return MATLAB's bicubic, which every network must beat."""
    return Contender(MethodFacts(BICUBIC, "control"), partial(magnify_bicubic, scale=scale))


def as_controls(methods: Mapping[str, Method]) -> list[Contender]:
    """Return methods by name as controls."""
    return [Contender(MethodFacts(name, "control"), upscale) for name, upscale in methods.items()]


def check_scales(loaded: Iterable[LoadedContender]) -> int:
    """Return the scale that all have.

    Raises:
        EvaluationError: they differ.
    """
    scales = [(one.contender.facts.source, one.scale) for one in loaded]
    if len({scale for _, scale in scales}) > 1:
        told = ", ".join(f"{source} x{scale}" for source, scale in scales)
        raise EvaluationError(f"expected weights of one scale, got {told}; compare models that magnify alike")
    return scales[0][1]
