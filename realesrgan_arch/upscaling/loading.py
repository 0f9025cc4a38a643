"""From the name or file of a model to a network that can be used; its architecture is read from the weights."""

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from realesrgan_arch.errors import UserError
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.networks.spec import GeneratorSpec
from realesrgan_arch.upscaling.blend import blend_into
from realesrgan_arch.weights.download import find_or_download
from realesrgan_arch.weights.load import load_generator

_DENOISING, _KEEPING_NOISE = "realesr-general-x4v3", "realesr-general-wdn-x4v3"
_UPSTREAM_STRENGTH = 0.5


class ModelError(UserError):
    """A model that cannot be used as asked."""


@dataclass(frozen=True)
class LoadedModel:
    """A generator and where it comes from; `sha256` is that of its file, or of both, with a plus, of a mixture."""

    network: nn.Module
    spec: GeneratorSpec
    sha256: str


def load_model(model: str, *, denoise_strength: float | None = None) -> LoadedModel:
    """Load the generator `model`, a file or the name of known weights (which are downloaded where they are absent).

    Args:
        model: file or name.
        denoise_strength: only for the name `realesr-general-x4v3`: 0 keeps noise, 1 removes it, between them the
            weights of both models are mixed (Wang et al., "Deep network interpolation", CVPR 2019). None: 0.5 for that
            name, as upstream.

    Raises:
        WeightsError: no such model, or a file that holds no generator.
        ModelError: a strength outside [0, 1] or for another model.
    """
    if denoise_strength is not None and not 0 <= denoise_strength <= 1:
        raise ModelError(f"the denoise strength must be between 0 and 1, got {denoise_strength:g}")
    if denoise_strength is not None and model != _DENOISING:
        raise ModelError(f"the denoise strength is for -n {_DENOISING} only, got the model {model}: leave it out")
    loaded = _load(find_or_download(model))
    strength = _UPSTREAM_STRENGTH if denoise_strength is None else denoise_strength
    if model != _DENOISING or strength == 1:
        return loaded
    other = _load(find_or_download(_KEEPING_NOISE))
    blend_into(loaded.network, other.network, share=1 - strength, name=_KEEPING_NOISE)
    return LoadedModel(loaded.network, loaded.spec, f"{loaded.sha256}+{other.sha256}")


def _load(path: Path) -> LoadedModel:
    network, spec = load_generator(path)
    return LoadedModel(network, spec, hash_file(path))
