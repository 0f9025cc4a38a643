"""From a spec to a network: one table per kind of network."""

from collections.abc import Callable, Mapping
from dataclasses import fields

import torch
from torch import nn

from realesrgan_arch.networks.compact import SRVGGNetCompact
from realesrgan_arch.networks.layers import NetworkError
from realesrgan_arch.networks.patch_discriminator import PatchDiscriminatorSN
from realesrgan_arch.networks.rrdbnet import RRDBNet
from realesrgan_arch.networks.spec import (
    CompactSpec,
    DiscriminatorSpec,
    GeneratorSpec,
    PatchDiscriminatorSpec,
    RRDBNetSpec,
    SRGANDiscriminatorSpec,
    SRResNetSpec,
    UNetDiscriminatorSpec,
    VGGStyleDiscriminatorSpec,
)
from realesrgan_arch.networks.srresnet import SRResNet
from realesrgan_arch.networks.unet_discriminator import UNetDiscriminatorSN
from realesrgan_arch.networks.vgg_discriminators import SRGANDiscriminator, VGGStyleDiscriminator

GENERATORS: dict[type, Callable[..., nn.Module]] = {
    RRDBNetSpec: RRDBNet,
    CompactSpec: SRVGGNetCompact,
    SRResNetSpec: SRResNet,
}
DISCRIMINATORS: dict[type, Callable[..., nn.Module]] = {
    UNetDiscriminatorSpec: UNetDiscriminatorSN,
    PatchDiscriminatorSpec: PatchDiscriminatorSN,
    SRGANDiscriminatorSpec: SRGANDiscriminator,
    VGGStyleDiscriminatorSpec: VGGStyleDiscriminator,
}


def build_generator(spec: GeneratorSpec) -> nn.Module:
    """Build the generator (float32, CPU, freshly initialised) that `spec` describes.

    Raises `NetworkError` for values that the network does not know.
    """
    return _build(GENERATORS, spec)


def build_discriminator(spec: DiscriminatorSpec) -> nn.Module:
    """Build the discriminator (float32, CPU, freshly initialised) that `spec` describes."""
    return _build(DISCRIMINATORS, spec)


def build_network(spec: GeneratorSpec | DiscriminatorSpec) -> nn.Module:
    """Build whichever network `spec` describes."""
    return _build(GENERATORS | DISCRIMINATORS, spec)


def lower_precision(network: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Prepare `network` for fast inference in `dtype`, in place: no gradients, eval mode, channels last.

    Layers that the network names in `full_precision_layers` stay float32. Images still go in and come out as float32.
    """
    kept = set(getattr(network, "full_precision_layers", ()))
    for layer in network.modules():
        is_leaf = next(layer.children(), None) is None
        if is_leaf and layer not in kept:
            layer.to(dtype)
    network.eval().requires_grad_(False)
    return network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def _build(table: Mapping[type, Callable[..., nn.Module]], spec: GeneratorSpec | DiscriminatorSpec) -> nn.Module:
    """The fields of a spec are the arguments of its network; `type` is its name in option files."""
    if type(spec) not in table:
        names = ", ".join(known.__name__ for known in table)
        raise NetworkError(f"expected a network spec ({names}), got {type(spec).__name__}.")
    return table[type(spec)](
        **{field.name: getattr(spec, field.name) for field in fields(spec) if field.name != "type"}
    )
