"""LPIPS-like: the formula by hand, tiles that make no difference, and files that are not there."""

import pytest
import torch
import torch.nn.functional as F

from realesrgan_arch.evaluation.lpips_like import REACH, LpipsLike, load_lpips_like
from realesrgan_arch.images import read_rgb, to_tensor
from realesrgan_arch.networks.distilled_vgg19 import DistilledVgg19
from realesrgan_arch.weights.table import WeightsError


@pytest.fixture(scope="module")
def drawn() -> LpipsLike:
    torch.manual_seed(0)
    network = DistilledVgg19()
    return LpipsLike(network, [torch.rand(1, channels, 1, 1) for channels in (64, 128, 256, 512, 512)])


def pictures(height: int, width: int, count: int = 2) -> list[torch.Tensor]:
    return list(torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1)))


def features_by_hand(network: DistilledVgg19, image: torch.Tensor) -> list[torch.Tensor]:
    state = network.state_dict()

    def convolve(name: str, x: torch.Tensor, *, pad: int) -> torch.Tensor:
        padded = F.pad(x, (pad,) * 4, mode="reflect") if pad else x
        return F.conv2d(padded, state[f"{name}.weight"], state[f"{name}.bias"])

    found, x = [], convolve("conv0", image[None], pad=0)
    for block, convolutions in ((1, 2), (2, 2), (3, 4), (4, 4), (5, 1)):
        for index in range(1, convolutions + 1):
            x = F.relu(convolve(f"conv{block}{index}", x, pad=1))
            if index == 1:
                found.append(F.relu(convolve(f"conv{block}1_aux", x, pad=0)))
        x = F.max_pool2d(x, 2)
    return found


def test_the_distance_is_the_weighted_sum_of_squares_of_unit_features(drawn) -> None:
    image, truth = pictures(50, 71)
    expected = 0.0
    maps = zip(features_by_hand(drawn.network, image), features_by_hand(drawn.network, truth), strict=True)
    for weight, (ours, theirs) in zip(drawn.linear, maps, strict=True):
        squares = (F.normalize(ours, dim=1, eps=1e-10) - F.normalize(theirs, dim=1, eps=1e-10)).square()
        expected += float((squares * weight.view(1, -1, 1, 1)).sum(1).mean())
    assert drawn.distances([image], truth)[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("height", "width"), [(300, 415), (415, 97)])
def test_tiles_change_nothing(drawn, height, width) -> None:
    image, truth = pictures(height, width)
    whole, tiled = (drawn.distances([image], truth, tile=side)[0] for side in (512, 128))
    assert tiled == pytest.approx(whole, rel=1e-6)


def test_nothing_beyond_the_reach_of_a_tile_counts_in_it(drawn) -> None:
    image = pictures(128 + REACH + 32, 64, 1)
    image[0][:, 128 + REACH :] = torch.nan
    for level, features in enumerate(drawn.network(image[0][None])):
        assert features[0, : 128 >> level].isfinite().all()
        assert not features.isfinite().all()


def test_equal_pictures_have_no_distance_and_each_image_has_its_own(drawn) -> None:
    first, second, truth = pictures(48, 64, 3)
    together = drawn.distances([first, truth, second], truth)
    assert together[1] == 0
    assert together[0] == pytest.approx(drawn.distances([first], truth)[0]) and together[0] > 0
    assert together[2] == pytest.approx(drawn.distances([second], truth)[0]) and together[2] != together[0]


def test_a_picture_that_the_network_cannot_halve_is_refused(drawn) -> None:
    with pytest.raises(ValueError, match="32 pixels each way"):
        drawn.distances(pictures(31, 64, 1), pictures(31, 64, 1)[0])


def test_a_folder_without_the_files_is_one_sentence(tmp_path) -> None:
    with pytest.raises(WeightsError, match=r"holds no vgg19_distilled_se5.pth; name the folder that holds both"):
        load_lpips_like(tmp_path)


def test_another_linear_file_is_refused(tmp_path) -> None:
    torch.save({"model": DistilledVgg19().state_dict()}, tmp_path / "vgg19_distilled_se5.pth")
    (tmp_path / "lpips_v0.1").mkdir()
    torch.save({"lin0.model.1.weight": torch.rand(1, 64, 1, 1)}, tmp_path / "lpips_v0.1" / "vgg.pth")
    with pytest.raises(WeightsError, match="five linear layers"):
        load_lpips_like(tmp_path)


@pytest.mark.shared_data
def test_the_real_weights_rank_blur_and_noise_by_their_strength(shared_data) -> None:
    distance = load_lpips_like(shared_data("weights/perceptual"))
    truth = to_tensor(read_rgb(shared_data("data/benchmarks/Set5/HR/img_003.png")))[:, :224, :224]
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    found = distance.distances([(truth + sigma * noise).clamp(0, 1) for sigma in (0.02, 0.05, 0.1)], truth)
    assert found == sorted(found)
    assert found[0] > 0.001 and found[2] < 1


def test_a_folder_whose_name_is_no_text_can_be_named(tmp_path) -> None:
    with pytest.raises(WeightsError) as caught:
        load_lpips_like(tmp_path / "a\udcff")
    assert rb"a\udcff holds no" in str(caught.value).encode("utf-8")
