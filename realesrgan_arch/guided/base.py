"""The model that a guided run starts from: chosen, had, and looked into."""

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import torch

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.guided.request import GuidedError, Request
from realesrgan_arch.guided.talk import Talk
from realesrgan_arch.networks.spec import GeneratorSpec
from realesrgan_arch.options.types import Options
from realesrgan_arch.weights.download import find_or_download
from realesrgan_arch.weights.load import load_generator
from realesrgan_arch.weights.table import KnownWeights, find_known, find_weights, present_file

ON_A_GPU, ON_A_CPU = "RealESRGAN_x4plus", "realesr-general-x4v3"
VGG = "vgg19"
_SCALES = get_args(Options.model_fields["scale"].annotation)


@dataclass(frozen=True)
class Base:
    """The weights to start from."""

    source: str
    """A known name or a file, as it stands in the options."""
    sha256: str
    spec: GeneratorSpec
    discriminator: str | None
    """Known weights to judge with; None trains without a discriminator: nobody has one for this base, or no GPU."""


def choose_base(request: Request, device: torch.device, talk: Talk) -> Base:
    """Return the base of the request, or the one that suits the device; weights that are absent are downloaded.

    Raises:
        DeclinedError: they may not be.
        WeightsError: unknown or damaged weights, none of a generator, or a download that fails.
        GuidedError: a generator of a scale that cannot be trained here.
    """
    source = request.base or (ON_A_CPU if device.type == "cpu" else ON_A_GPU)
    if device.type == "cpu":
        talk.say(_words_without_gpu(source, was_given=request.base is not None))
    known = find_known(source) if _is_name(source) else None
    judge = find_known(f"{known.name}_netD") if known is not None and device.type != "cpu" else None
    _confirm_downloads([known, *((judge, find_known(VGG)) if judge else ())], talk)
    path = find_or_download(source) if known else find_weights(source)
    _, spec = load_generator(path)
    if spec.scale not in _SCALES:
        scales = ", ".join(map(str, _SCALES))
        raise GuidedError(
            f"--base: expected a generator that magnifies by one of {scales}, got {source} ({spec.scale})"
        )
    return Base(source, hash_file(path), spec, judge.name if judge else None)


def _words_without_gpu(source: str, *, was_given: bool) -> str:
    chosen = f"{source}, as asked for" if was_given else f"{source}, the small model: choose another with --base"
    return f"no GPU here: the CPU trains {chosen}; the rehearsal in step 5 says how long that takes"


def _is_name(source: str) -> bool:
    return len(Path(source).parts) == 1 and not Path(source).is_file()


def _confirm_downloads(wanted: list[KnownWeights | None], talk: Talk) -> None:
    absent = [known for known in wanted if known is not None and present_file(known) is None]
    if absent:
        sizes = (say_bytes(known.size) if known.size else "size unknown" for known in absent)
        names = ", ".join(f"{known.name} ({size})" for known, size in zip(absent, sizes, strict=True))
        talk.confirm(f"not on this machine: {names}; download?")
