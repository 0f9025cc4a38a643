"""From a spec to a network: one table per kind of network."""

from collections.abc import Callable

import torch
from torch import nn

from realesrgan_arch.networks.compact import SRVGGNetCompact
from realesrgan_arch.networks.layers import NetworkError
from realesrgan_arch.networks.rrdbnet import RRDBNet
from realesrgan_arch.networks.spec import (
    CompactSpec,
    DiscriminatorSpec,
    GeneratorSpec,
    RRDBNetSpec,
    SRGANDiscriminatorSpec,
    SRResNetSpec,
    UNetDiscriminatorSpec,
    VGGStyleDiscriminatorSpec,
)
from realesrgan_arch.networks.srresnet import SRResNet
from realesrgan_arch.networks.unet_discriminator import UNetDiscriminatorSN
from realesrgan_arch.networks.vgg_discriminators import SRGANDiscriminator, VGGStyleDiscriminator


def _build_rrdbnet(spec: RRDBNetSpec) -> nn.Module:
    return RRDBNet(
        num_in_ch=spec.num_in_ch,
        num_out_ch=spec.num_out_ch,
        scale=spec.scale,
        num_feat=spec.num_feat,
        num_block=spec.num_block,
        num_grow_ch=spec.num_grow_ch,
        checkpointing=spec.checkpointing,
    )


def _build_compact(spec: CompactSpec) -> nn.Module:
    return SRVGGNetCompact(
        num_in_ch=spec.num_in_ch,
        num_out_ch=spec.num_out_ch,
        num_feat=spec.num_feat,
        num_conv=spec.num_conv,
        upscale=spec.upscale,
        act_type=spec.act_type,
    )


def _build_unet_discriminator(spec: UNetDiscriminatorSpec) -> nn.Module:
    return UNetDiscriminatorSN(num_in_ch=spec.num_in_ch, num_feat=spec.num_feat, skip_connection=spec.skip_connection)


def _build_srresnet(spec: SRResNetSpec) -> nn.Module:
    return SRResNet(
        num_in_ch=spec.num_in_ch,
        num_out_ch=spec.num_out_ch,
        num_feat=spec.num_feat,
        num_block=spec.num_block,
        upscale=spec.upscale,
        body_end=spec.body_end,
        final=spec.final,
    )


def _build_srgan_discriminator(spec: SRGANDiscriminatorSpec) -> nn.Module:
    return SRGANDiscriminator(num_in_ch=spec.num_in_ch, num_feat=spec.num_feat, input_size=spec.input_size)


def _build_vgg_style_discriminator(spec: VGGStyleDiscriminatorSpec) -> nn.Module:
    return VGGStyleDiscriminator(num_in_ch=spec.num_in_ch, num_feat=spec.num_feat, input_size=spec.input_size)


GENERATORS: dict[type, Callable[..., nn.Module]] = {
    RRDBNetSpec: _build_rrdbnet,
    CompactSpec: _build_compact,
    SRResNetSpec: _build_srresnet,
}
DISCRIMINATORS: dict[type, Callable[..., nn.Module]] = {
    UNetDiscriminatorSpec: _build_unet_discriminator,
    SRGANDiscriminatorSpec: _build_srgan_discriminator,
    VGGStyleDiscriminatorSpec: _build_vgg_style_discriminator,
}


def build_generator(spec: GeneratorSpec) -> nn.Module:
    """Build the generator (float32, CPU, freshly initialised) that `spec` describes.

    Raises `NetworkError` for values that the network does not know.
    """
    return _table_entry(GENERATORS, spec)(spec)


def build_discriminator(spec: DiscriminatorSpec) -> nn.Module:
    """Build the discriminator (float32, CPU, freshly initialised) that `spec` describes."""
    return _table_entry(DISCRIMINATORS, spec)(spec)


def build_network(spec: GeneratorSpec | DiscriminatorSpec) -> nn.Module:
    """Build whichever network `spec` describes."""
    return _table_entry(GENERATORS | DISCRIMINATORS, spec)(spec)


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


def _table_entry(table: dict[type, Callable[..., nn.Module]], spec: object) -> Callable[..., nn.Module]:
    if type(spec) not in table:
        names = ", ".join(known.__name__ for known in table)
        raise NetworkError(f"expected a network spec ({names}), got {type(spec).__name__}.")
    return table[type(spec)]
