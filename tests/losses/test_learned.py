"""LPIPS and DISTS as losses: the published weights, the formula by hand, and no surprises for who trains with them."""

import sys

import pytest
import torch

from realesrgan_arch.extras import MissingExtraError
from realesrgan_arch.losses.learned import build_dists, build_lpips


def _pictures() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    gt = torch.rand(2, 3, 32, 32, generator=generator)
    return gt, gt + 0.2 * torch.randn(gt.shape, generator=generator)


@pytest.fixture(scope="module")
def lpips():
    pytest.importorskip("lightning_utilities")
    torch.manual_seed(0)
    return build_lpips("squeeze", weight=2.0)


@pytest.fixture(scope="module")
def dists():
    pytest.importorskip("lightning_utilities")
    torch.manual_seed(0)
    return build_dists(weight=2.0)


def test_lpips_is_the_weighted_sum_of_squares_of_unit_features(lpips) -> None:
    gt, sr = _pictures()
    network, expected = lpips.network, torch.zeros(2)
    shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
    maps = [network.net(((2 * image - 1) - shift.view(3, 1, 1)) / scale.view(3, 1, 1)) for image in (sr, gt)]
    for index, pair in enumerate(zip(*maps, strict=True)):
        ours, theirs = (torch.nn.functional.normalize(features, dim=1) for features in pair)
        weights = lpips.state_dict()[f"network.lin{index}.model.1.weight"].view(-1, 1, 1)
        expected += (weights * (ours - theirs) ** 2).sum(1).mean((1, 2))
    found = lpips(sr=sr, gt=gt, lq=gt)
    assert found.item() == pytest.approx(2 * expected.mean().item(), rel=1e-3)


@pytest.mark.parametrize("name", ["lpips", "dists"])
def test_equal_pictures_have_no_distance_and_other_ones_have(name: str, request) -> None:
    loss, (gt, sr) = request.getfixturevalue(name), _pictures()
    assert loss(sr=gt, gt=gt, lq=gt).item() == pytest.approx(0, abs=1e-5)
    assert loss(sr=sr, gt=gt, lq=gt).item() > 1e-4


@pytest.mark.parametrize("name", ["lpips", "dists"])
def test_the_gradient_reaches_the_result_and_nothing_else(name: str, request) -> None:
    loss, (gt, sr) = request.getfixturevalue(name), _pictures()
    gt.requires_grad_()
    sr.requires_grad_()
    loss(sr=sr, gt=gt, lq=gt).backward()
    assert sr.grad is not None and sr.grad.isfinite().all() and sr.grad.abs().sum() > 0
    assert gt.grad is None
    assert not any(parameter.requires_grad for parameter in loss.parameters())


@pytest.mark.parametrize("name", ["lpips", "dists"])
def test_neither_sixteen_bits_around_it_nor_training_mode_change_anything(name: str, request) -> None:
    loss, (gt, sr) = request.getfixturevalue(name), _pictures()
    expected = loss(sr=sr, gt=gt, lq=gt)
    loss.train()
    with torch.autocast("cpu", torch.bfloat16):
        found = loss(sr=sr, gt=gt, lq=gt)
    assert torch.equal(found, expected)


def test_dists_keeps_its_learned_weights_and_builds_without_the_network(dists) -> None:
    # The published ones sum to 1 together; drawn ones would sum to 295.
    alpha, beta = dists.network.alpha.sum().item(), dists.network.beta.sum().item()
    assert (alpha, beta) == (pytest.approx(0.876, abs=1e-3), pytest.approx(0.124, abs=1e-3))


def test_every_tensor_of_a_backbone_has_torchvisions_name(lpips, dists) -> None:
    names = lpips.backbone_names()
    assert names["network.net.slices.0.0.weight"] == "features.0.weight"
    assert names["network.net.slices.1.3.squeeze.bias"] == "features.3.squeeze.bias"
    assert len(names) == 2 * (1 + 8 * 3)
    assert dists.backbone_names()["network.stage5.28.bias"] == "features.28.bias"
    assert len(dists.backbone_names()) == 2 * 13


def test_without_torchmetrics_a_sentence_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    with pytest.raises(MissingExtraError, match=r"train\.lpips_opt needs torchmetrics, .* 'realesrgan-arch\[percept"):
        build_lpips("squeeze")
    with pytest.raises(MissingExtraError, match=r"train\.dists_opt needs torchmetrics"):
        build_dists()


@pytest.mark.shared_data
@pytest.mark.parametrize("net", ["squeeze", "alex"])
def test_the_linear_layers_are_those_that_the_authors_published(net: str, shared_data) -> None:
    path = shared_data(f"weights/perceptual/lpips_v0.1/{net}.pth")
    published = torch.load(path, map_location="cpu", weights_only=True)
    ours = build_lpips(net).network.state_dict()
    assert published
    assert all(torch.equal(ours[name], value) for name, value in published.items())
