"""The feature loss by hand, picture by picture, and with the real weights."""

import pytest
import torch

from realesrgan_arch.images import read_rgb, to_tensor
from realesrgan_arch.losses.backbone import find_distilled, load_distilled
from realesrgan_arch.losses.features import FeatureLoss, relative_l1
from realesrgan_arch.networks.distilled_vgg19 import LAYERS, NETWORK_FILE, DistilledVgg19
from realesrgan_arch.weights.table import FOLDER_VARIABLE, WeightsError

WEIGHTS = {"conv1_1": 0.1, "conv2_1": 0.1, "conv3_1": 1.0, "conv4_1": 1.0, "conv5_1": 1.0}
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def drawn() -> DistilledVgg19:
    torch.manual_seed(0)
    return DistilledVgg19()


def pictures(count: int, side: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(count, 3, side, side, generator=generator), torch.rand(count, 3, side, side, generator=generator)


def test_a_distance_is_relative_to_the_targets_by_hand() -> None:
    features, targets = torch.tensor([[1.0, 5.0], [0.0, 0.0]]), torch.tensor([[2.0, 4.0], [0.5, 0.5]])
    # 2 / 6 and 1 / 1, and their mean.
    assert relative_l1(features, targets).item() == pytest.approx((1 / 3 + 1) / 2)
    assert relative_l1(10 * features, 10 * targets).item() == pytest.approx((1 / 3 + 1) / 2)


def test_it_is_the_weighted_sum_over_the_narrow_maps(drawn) -> None:
    sr, gt = pictures(2)
    expected = 0.0
    for level, maps in enumerate(zip(drawn(sr), drawn(gt), strict=True)):
        ours, theirs = (one.detach() for one in maps)
        shares = (ours - theirs).abs().mean((1, 2, 3)) / theirs.abs().mean((1, 2, 3))
        expected += WEIGHTS[LAYERS[level]] * float(shares.mean())
    found = FeatureLoss(drawn, layer_weights=WEIGHTS, weight=0.5)(sr=sr, gt=gt, lq=gt)
    assert found.item() == pytest.approx(0.5 * expected, rel=1e-5)


def test_a_batch_that_is_cut_has_the_mean_of_its_parts(drawn) -> None:
    sr, gt = pictures(2)
    gt[1] *= 0.01
    loss = FeatureLoss(drawn, layer_weights=WEIGHTS)
    parts = [loss(sr=sr[i : i + 1], gt=gt[i : i + 1], lq=gt).item() for i in range(2)]
    assert loss(sr=sr, gt=gt, lq=gt).item() == pytest.approx(sum(parts) / 2, rel=1e-5)


def test_layers_that_are_not_named_do_not_count_and_nothing_lies_beyond_the_deepest(drawn) -> None:
    sr, gt = pictures(1, side=4)  # conv3_1 would have one pixel, which has no mirror image
    found = FeatureLoss(drawn, layer_weights={"conv2_1": 2.0})(sr=sr, gt=gt, lq=gt)
    ours, theirs = ([*zip((0, 1), drawn(one), strict=False)][1][1] for one in (sr, gt))
    assert found.item() == pytest.approx(2 * float((ours - theirs).abs().mean() / theirs.abs().mean()), rel=1e-5)


def test_only_the_result_has_a_gradient_and_a_step_down_it_brings_it_nearer(drawn) -> None:
    sr, gt = pictures(1)
    sr.requires_grad_()
    gt.requires_grad_()
    loss = FeatureLoss(drawn, layer_weights=WEIGHTS)
    before = loss(sr=sr, gt=gt, lq=gt)
    before.backward()
    assert sr.grad is not None and sr.grad.isfinite().all()
    assert gt.grad is None and all(parameter.grad is None for parameter in drawn.parameters())
    after = loss(sr=sr.detach() - 0.05 * sr.grad / sr.grad.abs().max(), gt=gt, lq=gt)
    assert after < before


def test_the_convolutions_have_the_precision_of_the_step_and_the_sum_is_fp32(drawn) -> None:
    sr, gt = pictures(1)
    loss = FeatureLoss(drawn, layer_weights=WEIGHTS)
    with torch.autocast("cpu", torch.bfloat16):
        found = loss(sr=sr, gt=gt, lq=gt)
    exact = loss(sr=sr, gt=gt, lq=gt)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(exact.item(), rel=0.02)
    assert found.item() != exact.item()


@pytest.mark.parametrize("named", ["folder", "file"])
def test_weights_come_from_the_file_or_from_its_folder(tmp_path, named: str) -> None:
    torch.manual_seed(3)
    released = DistilledVgg19().state_dict()
    torch.save({"model": released}, tmp_path / NETWORK_FILE)
    loss = FeatureLoss(DistilledVgg19(), layer_weights=WEIGHTS)
    load_distilled(loss, tmp_path if named == "folder" else tmp_path / NETWORK_FILE, CPU)
    assert all(torch.equal(value, released[name]) for name, value in loss.network.state_dict().items())


@pytest.mark.parametrize("name", ["folder", "nowhere.pth", "a\udcff"])
def test_weights_that_are_absent_are_one_sentence(tmp_path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    loss = FeatureLoss(DistilledVgg19(), layer_weights=WEIGHTS)
    with pytest.raises(WeightsError, match=r"^weights .* not found: ") as caught:
        load_distilled(loss, tmp_path / name, CPU)
    assert (f"as {NETWORK_FILE}." in str(caught.value)) == (name == "folder")


def test_without_a_name_it_is_the_released_file_from_where_weights_are_looked_for(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    torch.save(DistilledVgg19().state_dict(), tmp_path / NETWORK_FILE)
    assert find_distilled(None) == tmp_path / NETWORK_FILE


def test_weights_of_another_network_are_refused(tmp_path) -> None:
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / NETWORK_FILE)
    with pytest.raises(WeightsError, match=NETWORK_FILE):
        load_distilled(FeatureLoss(DistilledVgg19(), layer_weights=WEIGHTS), tmp_path, CPU)


@pytest.mark.shared_data
def test_the_real_features_are_of_one_size_and_rank_blurs_by_their_strength(shared_data) -> None:
    loss = FeatureLoss(DistilledVgg19(), layer_weights=WEIGHTS)
    load_distilled(loss, shared_data("weights/perceptual"), CPU)
    truth = to_tensor(read_rgb(shared_data("data/benchmarks/Set5/HR/img_003.png")))[None, :, 64:192, 64:192]
    means = [float(loss.network.widen(i, one).mean()) for i, one in enumerate(loss.network(truth))]
    assert means == pytest.approx([1.33, 1.62, 1.96, 1.59, 1.15], abs=0.01)
    blurred = [torch.nn.functional.avg_pool2d(truth, side, 1, side // 2) for side in (3, 5, 7)]
    found = [loss(sr=one, gt=truth, lq=truth).item() for one in (truth, *blurred)]
    assert found[0] == 0 and found == sorted(found) and len(set(found)) == 4
