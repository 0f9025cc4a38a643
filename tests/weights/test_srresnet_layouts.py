"""Public SRResNets and SRGANs load with the same output, or a sentence says what they are."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from realesrgan_arch.networks.build import build_network
from realesrgan_arch.networks.spec import (
    CompactSpec,
    SRGANDiscriminatorSpec,
    SRResNetSpec,
    VGGStyleDiscriminatorSpec,
)
from realesrgan_arch.upscaling.backends.torch_backend import TorchBackend
from realesrgan_arch.upscaling.engine import Upscaler
from realesrgan_arch.upscaling.loading import load_model
from realesrgan_arch.weights.detect import detect_spec
from realesrgan_arch.weights.load import load_generator, load_into, load_weights
from realesrgan_arch.weights.table import WeightsError


def _picture() -> torch.Tensor:
    return torch.rand(1, 3, 12, 10, generator=torch.Generator().manual_seed(1))


def _saved(state, folder):
    torch.save(dict(state), folder / "w.pth")
    return folder / "w.pth"


def _used(network: nn.Module) -> nn.Module:
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -0.2, 0.2)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
    return network.eval()


@pytest.mark.parametrize(
    "spec",
    [
        SRResNetSpec(num_feat=8, num_block=3),
        SRResNetSpec(num_feat=4, num_block=1, upscale=2, final="tanh"),
        SRResNetSpec(num_feat=4, num_block=2, upscale=1, body_end="prelu"),
        SRGANDiscriminatorSpec(num_feat=4, input_size=96),
        SRGANDiscriminatorSpec(num_feat=2, input_size=32),
        VGGStyleDiscriminatorSpec(num_feat=4, input_size=128),
        VGGStyleDiscriminatorSpec(num_feat=4, input_size=256),
    ],
)
def test_every_architecture_is_found_in_its_own_state(tmp_path, spec) -> None:
    loaded = load_weights(_saved(build_network(spec).state_dict(), tmp_path))
    assert loaded.spec == spec
    load_into(build_network(spec), loaded, name="w")


def _leftthomas(state) -> dict[str, torch.Tensor]:
    """The formula of leftthomas/SRGAN, straight from the tensors of its file."""

    def conv(name: str, x: torch.Tensor) -> torch.Tensor:
        weight = state[f"{name}.weight"]
        return F.conv2d(x, weight, state[f"{name}.bias"], padding=weight.shape[-1] // 2)

    def norm(name: str, x: torch.Tensor) -> torch.Tensor:
        parts = (state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, *parts)

    first = x = F.prelu(conv("block1.0", _picture()), state["block1.1.weight"])
    for place in (f"block{number}" for number in range(2, 7)):
        inside = F.prelu(norm(f"{place}.bn1", conv(f"{place}.conv1", x)), state[f"{place}.prelu.weight"])
        x = x + norm(f"{place}.bn2", conv(f"{place}.conv2", inside))
    end = conv("block7.0", x)
    x = first + (norm("block7.1", end) if "block7.1.bias" in state else F.prelu(end, state["block7.1.weight"]))
    for place in ("block8.0", "block8.1"):
        x = F.prelu(F.pixel_shuffle(conv(f"{place}.conv", x), 2), state[f"{place}.prelu.weight"])
    return (conv("block8.2", x).tanh() + 1) / 2


@pytest.mark.shared_data
def test_the_public_srgan_gives_what_its_own_formula_gives(shared_data, tmp_path) -> None:
    path = shared_data("weights/generators/srgan_leftthomas_x4.pth")
    loaded = load_model(str(path))
    network, spec = loaded.network, loaded.spec
    assert spec == SRResNetSpec(num_block=5, body_end="prelu", final="tanh")
    expected = _leftthomas(torch.load(path, map_location="cpu", weights_only=True))
    torch.testing.assert_close(network.eval()(_picture()), expected, atol=1e-5, rtol=0)
    tiled = Upscaler(TorchBackend(network, scale=4, device=torch.device("cpu"))).upscale(_picture()[0])
    torch.testing.assert_close(tiled, expected[0], atol=1e-5, rtol=0)
    again, spec_again = load_generator(_saved(network.state_dict(), tmp_path))
    assert spec_again == spec
    assert torch.equal(again.eval()(_picture()), network(_picture()))


@pytest.mark.shared_data
def test_the_public_compact_network_of_photographs_is_recognised(shared_data) -> None:
    path = shared_data("weights/generators/4xLSDIRCompactC3.pth")
    network, spec = load_generator(path)
    assert spec == CompactSpec(num_conv=16)
    assert network(_picture()).shape == (1, 3, 48, 40)


def test_the_later_srgan_of_leftthomas_ends_its_body_with_batch_norm(tmp_path) -> None:
    ours = _used(build_network(SRResNetSpec(num_feat=8, num_block=5, final="tanh")))
    theirs = {}
    for name, value in ours.state_dict().items():
        new = name.replace("conv_first", "block1.0").replace("act_first", "block1.1").replace("conv_body", "block7.0")
        new = new.replace("bn_body", "block7.1").replace("conv_last", "block8.2").replace("up.", "block8.")
        if name.startswith("body."):
            place, _, rest = name.removeprefix("body.").partition(".")
            new = f"block{int(place) + 2}.{rest}"
        theirs[new.replace(".act.", ".prelu.")] = value
    del theirs["final.tanh"]
    network, spec = load_generator(_saved(theirs, tmp_path))
    assert spec == SRResNetSpec(num_feat=8, num_block=5, final="tanh")
    torch.testing.assert_close(network.eval()(_picture()), _leftthomas(theirs), atol=1e-5, rtol=0)


def _bare(channels: int, wide: int, side: int) -> nn.Conv2d:
    return nn.Conv2d(channels, wide, side, padding=side // 2, bias=False)


class _Lornatang(nn.Module):
    """Its names and layers at 4 features, two blocks and scale 4."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv2d(3, 4, 9, padding=4), nn.PReLU())
        self.trunk = nn.Sequential(*(nn.Module() for _ in range(2)))
        for block in self.trunk:
            norms = nn.BatchNorm2d(4), nn.BatchNorm2d(4)
            block.rcb = nn.Sequential(_bare(4, 4, 3), norms[0], nn.PReLU(), _bare(4, 4, 3), norms[1])
        self.conv2 = nn.Sequential(_bare(4, 4, 3), nn.BatchNorm2d(4))
        self.upsampling = nn.Sequential(*(nn.Module() for _ in range(2)))
        for step in self.upsampling:
            step.upsample_block = nn.Sequential(nn.Conv2d(4, 16, 3, padding=1), nn.PixelShuffle(2), nn.PReLU())
        self.conv3 = nn.Conv2d(4, 3, 9, padding=4)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        first = x = self.conv1(image)
        for block in self.trunk:
            x = x + block.rcb(x)
        x = first + self.conv2(x)
        for step in self.upsampling:
            x = step.upsample_block(x)
        return self.conv3(x)


def test_the_srresnet_of_lornatang_has_no_biases_before_batch_norm(tmp_path) -> None:
    torch.manual_seed(0)
    theirs = _used(_Lornatang())
    network, spec = load_generator(_saved(theirs.state_dict(), tmp_path))
    assert spec == SRResNetSpec(num_feat=4, num_block=2)
    torch.testing.assert_close(network.eval()(_picture()), theirs(_picture()), atol=1e-6, rtol=0)


def test_the_discriminator_of_lornatang_is_that_of_the_paper(tmp_path) -> None:
    ours = build_network(SRGANDiscriminatorSpec(num_feat=4))
    theirs = {
        name.replace("linear1", "classifier.0").replace("linear2", "classifier.2"): value
        for name, value in ours.state_dict().items()
    }
    loaded = load_weights(_saved(theirs, tmp_path))
    assert loaded.spec == SRGANDiscriminatorSpec(num_feat=4)
    assert list(loaded.state) == list(ours.state_dict())


class _Twtygqyy(nn.Module):
    """Its names and layers at 4 features and two blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_input, self.conv_mid, self.conv_output = _bare(3, 4, 9), _bare(4, 4, 3), _bare(4, 3, 9)
        self.bn_mid = nn.BatchNorm2d(4)
        self.residual = nn.Sequential(*(nn.Module() for _ in range(2)))
        for block in self.residual:
            block.conv1, block.bn1 = _bare(4, 4, 3), nn.BatchNorm2d(4)
            block.conv2, block.bn2 = _bare(4, 4, 3), nn.BatchNorm2d(4)
        double = [_bare(4, 16, 3), nn.PixelShuffle(2), nn.LeakyReLU(0.2)]
        self.upscale4x = nn.Sequential(*double, _bare(4, 16, 3), *double[1:])

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        first = x = F.leaky_relu(self.conv_input(image), 0.2)
        for block in self.residual:
            x = x + block.bn2(block.conv2(F.leaky_relu(block.bn1(block.conv1(x)), 0.2)))
        return self.conv_output(self.upscale4x(first + self.bn_mid(self.conv_mid(x))))


def test_the_leaky_srresnet_of_twtygqyy_is_one_with_slopes_of_a_fifth(tmp_path) -> None:
    torch.manual_seed(0)
    theirs = _used(_Twtygqyy())
    network, spec = load_generator(_saved(theirs.state_dict(), tmp_path))
    assert spec == SRResNetSpec(num_feat=4, num_block=2)
    torch.testing.assert_close(network.eval()(_picture()), theirs(_picture()), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ("conv_first body.0.conv1 upconv1 conv_hr", "it is an SRResNet without batch norm"),
        ("conv_first recon_trunk.0.conv1 HRconv", "it is an SRResNet without batch norm"),
        ("generator.conv_first generator.trunk_net.0.conv1", "it is an SRResNet without batch norm"),
        ("conv_input residual.0.in1 upscale4x.0", "it is an SRResNet with instance norm"),
        (
            "conv_block1.conv_block.0 residual_blocks.0.conv_block1.conv_block.0",
            "takes pictures normalised by ImageNet's mean and deviation and gives them in [-1, 1]",
        ),
    ],
)
def test_what_cannot_load_is_named_with_what_differs(tmp_path, names, sentence) -> None:
    path = _saved({f"{name}.weight": torch.rand(4, 4, 3, 3) for name in names.split()}, tmp_path)
    with pytest.raises(WeightsError) as caught:
        load_generator(path)
    assert sentence in str(caught.value)
    assert "(RRDBNet, SRVGGNetCompact, SRResNet)" in str(caught.value)


def test_an_srresnet_of_scale_8_is_named(tmp_path) -> None:
    state = build_network(SRResNetSpec(num_feat=4, num_block=1)).state_dict()
    state["up.2.conv.weight"] = state["up.1.conv.weight"]
    with pytest.raises(WeightsError, match="it is an SRResNet of more than scale 4"):
        load_generator(_saved(state, tmp_path))


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        (SRResNetSpec(num_feat=4, num_block=1), "conv_first.weight"),
        (SRGANDiscriminatorSpec(num_feat=4), "features.0.weight"),
        (SRGANDiscriminatorSpec(num_feat=4), "linear1.weight"),
        (VGGStyleDiscriminatorSpec(num_feat=4), "conv0_0.weight"),
    ],
)
def test_a_wrong_shape_under_a_right_name_is_no_network(spec, name) -> None:
    state = build_network(spec).state_dict() | {name: torch.zeros(5)}
    assert detect_spec(state) is None
