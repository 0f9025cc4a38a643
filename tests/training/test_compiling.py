"""`train.compile` changes how a network runs and nothing that is saved."""

import shutil

import pytest
import torch

from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import CompactSpec
from realesrgan_arch.options.load import OptionsError, parse_options
from realesrgan_arch.training.compiling import compile_networks
from realesrgan_arch.training.ema import Ema
from tests.tiny_run import tiny_options

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler here")


@pytest.mark.parametrize(
    ("value", "mode"),
    [(False, "none"), (True, "default"), ("max-autotune-no-cudagraphs", "max-autotune-no-cudagraphs")],
)
def test_the_option_takes_a_mode_or_a_truth_value(tmp_path, value, mode) -> None:
    mapping = tiny_options(tmp_path, tmp_path)
    mapping["train"]["compile"] = value
    train = parse_options(mapping).train
    assert train is not None and train.compile == mode


@pytest.mark.parametrize("value", ["fast", "reduce-overhead", "max-autotune"])
def test_an_unknown_mode_and_those_with_cuda_graphs_are_refused(tmp_path, value) -> None:
    mapping = tiny_options(tmp_path, tmp_path)
    mapping["train"]["compile"] = value
    with pytest.raises(OptionsError, match="max-autotune-no-cudagraphs"):
        parse_options(mapping)


def test_names_and_the_average_stay_as_they_are() -> None:
    network = build_generator(CompactSpec(num_feat=4, num_conv=1))
    names = list(network.state_dict())
    compile_networks([network], mode="default")
    average = Ema(network, trainable=dict(network.named_parameters()), decay=0.9)
    assert list(network.state_dict()) == names == list(average.network.state_dict())
    assert type(network).__name__ == type(average.network).__name__ == "SRVGGNetCompact"


@pytest.mark.slow
@needs_compiler
def test_a_compiled_network_gives_the_gradients_of_the_plain_one() -> None:
    torch.manual_seed(0)
    plain, compiled = (build_generator(CompactSpec(num_feat=4, num_conv=1)) for _ in range(2))
    compiled.load_state_dict(plain.state_dict())
    compile_networks([compiled], mode="default")
    image = torch.rand(1, 3, 8, 8)
    outputs = [network(image) for network in (plain, compiled)]
    for output in outputs:
        output.square().mean().backward()
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-5, atol=1e-6)
    for a, b in zip(plain.parameters(), compiled.parameters(), strict=True):
        assert a.grad is not None and b.grad is not None
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-6)
