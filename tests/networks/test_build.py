"""From a spec to a network, and to lower precision."""

import pytest
import torch

from realesrgan_arch.networks.build import build_discriminator, build_generator, build_network, lower_precision
from realesrgan_arch.networks.compact import SRVGGNetCompact
from realesrgan_arch.networks.layers import NetworkError
from realesrgan_arch.networks.rrdbnet import RRDBNet
from realesrgan_arch.networks.spec import CompactSpec, RRDBNetSpec, UNetDiscriminatorSpec
from realesrgan_arch.networks.unet_discriminator import UNetDiscriminatorSN


def test_every_field_of_a_spec_reaches_the_network():
    rrdbnet = build_generator(
        RRDBNetSpec(num_in_ch=1, num_out_ch=2, scale=2, num_feat=8, num_block=3, num_grow_ch=4, checkpointing=True)
    )
    assert isinstance(rrdbnet, RRDBNet)
    assert rrdbnet.checkpointing
    assert len(rrdbnet.body) == 3
    assert rrdbnet.body[0].rdb1.conv1.weight.shape == (4, 8, 3, 3)
    assert rrdbnet(torch.rand(1, 1, 4, 6)).shape == (1, 2, 8, 12)
    compact = build_generator(CompactSpec(num_feat=8, num_conv=2, upscale=2, act_type="relu"))
    assert isinstance(compact, SRVGGNetCompact)
    assert isinstance(compact.body[1], torch.nn.ReLU)
    assert compact(torch.rand(1, 3, 4, 6)).shape == (1, 3, 8, 12)
    discriminator = build_discriminator(UNetDiscriminatorSpec(num_in_ch=1, num_feat=4, skip_connection=False))
    assert isinstance(discriminator, UNetDiscriminatorSN)
    assert not discriminator.skip_connection
    assert discriminator.conv0.weight.shape == (4, 1, 3, 3)
    assert isinstance(build_network(UNetDiscriminatorSpec(num_feat=4)), UNetDiscriminatorSN)


def test_a_discriminator_spec_is_no_generator():
    with pytest.raises(NetworkError, match=r"RRDBNetSpec, CompactSpec.*got UNetDiscriminatorSpec"):
        build_generator(UNetDiscriminatorSpec())


def test_lower_precision_spares_the_last_layer_without_rounding_its_weights():
    network = build_generator(RRDBNetSpec(num_feat=8, num_block=1, num_grow_ch=4))
    last = network.conv_last.weight.clone()
    lower_precision(network, torch.bfloat16)
    assert torch.equal(network.conv_last.weight, last)
    assert network.conv_hr.weight.dtype == torch.bfloat16
    assert network.conv_hr.weight.is_contiguous(memory_format=torch.channels_last)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
