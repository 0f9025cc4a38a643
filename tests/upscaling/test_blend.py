"""Two sets of weights mixed into one."""

import pytest
import torch

from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import CompactSpec, SRResNetSpec
from realesrgan_arch.upscaling.blend import blend_into
from realesrgan_arch.weights.table import WeightsError


def test_counters_of_batch_norm_stay_and_all_else_is_mixed():
    one, other = (build_generator(SRResNetSpec(num_feat=4, num_block=1)) for _ in range(2))
    for network, value in ((one, 1.0), (other, 5.0)):
        for tensor in network.state_dict().values():
            tensor.fill_(value)
    blend_into(one, other, share=0.25, name="other")
    for key, value in one.state_dict().items():
        expected = 1 if key.endswith("num_batches_tracked") else 2
        assert (value == expected).all(), key


def test_another_network_is_refused_and_the_first_stays_as_it_was():
    one, other = (build_generator(CompactSpec(num_feat=width, num_conv=2)) for width in (4, 8))
    before = {key: value.clone() for key, value in one.state_dict().items()}
    with pytest.raises(WeightsError, match="weights other do not fit the network"):
        blend_into(one, other, share=0.5, name="other")
    assert all(torch.equal(value, before[key]) for key, value in one.state_dict().items())
