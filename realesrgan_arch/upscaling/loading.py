"""From the name or file of a model to a network that can be used; its architecture is read from the weights."""

from torch import nn

from realesrgan_arch.errors import UserError
from realesrgan_arch.networks.spec import GeneratorSpec
from realesrgan_arch.upscaling.blend import blend_into
from realesrgan_arch.weights.download import find_or_download
from realesrgan_arch.weights.load import load_generator

_DENOISING, _KEEPING_NOISE = "realesr-general-x4v3", "realesr-general-wdn-x4v3"
_UPSTREAM_STRENGTH = 0.5


class ModelError(UserError):
    """A model that cannot be used as asked."""


def load_network(model: str, *, denoise_strength: float | None = None) -> tuple[nn.Module, GeneratorSpec]:
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
    network, spec = load_generator(find_or_download(model))
    strength = _UPSTREAM_STRENGTH if denoise_strength is None else denoise_strength
    if model == _DENOISING and strength < 1:
        other = load_generator(find_or_download(_KEEPING_NOISE))[0]
        blend_into(network, other, share=1 - strength, name=_KEEPING_NOISE)
    return network, spec
