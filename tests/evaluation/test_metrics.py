"""PSNR, SSIM and NIQE: BasicSR's values, known values, and what is said of input that cannot be scored."""

import math
import warnings

import numpy as np
import pytest
import torch

import tests.shims  # noqa: F401

# isort: split
from basicsr.metrics import calculate_psnr, calculate_ssim
from basicsr.metrics.niqe import calculate_niqe

from realesrgan_arch.data.files import list_images
from realesrgan_arch.evaluation import niqe as niqe_module
from realesrgan_arch.evaluation.metrics import measure_niqe, niqe, psnr, ssim
from realesrgan_arch.evaluation.niqe import NiqeModelError, load_pristine_model
from realesrgan_arch.images import read_rgb, to_tensor

TOLERANCE = 1e-6


def _scene(*, height, width, seed=0):
    """A smooth random picture with edges and grain, RGB (3, H, W) on the 1/255 grid."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, height // 8 + 1, width // 8 + 1, generator=generator)
    image = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic")[0]
    image[:, :, width // 3 :] *= 0.6
    grainy = image + 0.03 * torch.randn(3, height, width, generator=generator)
    return (grainy.clamp(0, 1) * 255).round() / 255


def _basicsr(image):
    """Upstream's form: uint8 (H, W, 3), BGR."""
    return (image * 255).round().byte().permute(1, 2, 0).numpy()[:, :, ::-1].copy()


@pytest.fixture(scope="module")
def pair():
    truth = _scene(height=131, width=90)
    generator = torch.Generator().manual_seed(5)
    return (truth + 0.05 * torch.randn(truth.shape, generator=generator)).clamp(0, 1), truth


@pytest.mark.parametrize("y_channel", [False, True])
@pytest.mark.parametrize("border", [0, 4])
def test_psnr_and_ssim_equal_basicsr(pair, border, y_channel):
    image, truth = pair
    for ours, theirs in ((psnr, calculate_psnr), (ssim, calculate_ssim)):
        expected = theirs(_basicsr(image), _basicsr(truth), border, test_y_channel=y_channel)
        assert ours(image, truth, border=border, y_channel=y_channel) == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize(("size", "border"), [((192, 288), 0), ((250, 301), 4), ((96, 192), 0)])
def test_niqe_equals_basicsr(size, border):
    image = _scene(height=size[0], width=size[1], seed=7)
    assert niqe(image, border=border) == pytest.approx(calculate_niqe(_basicsr(image), border), abs=TOLERANCE)


def test_niqe_equals_basicsr_where_some_blocks_are_flat():
    image = _scene(height=192, width=384)
    image[:, :, :96] = 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # upstream's means of nothing
        expected = calculate_niqe(_basicsr(image), 0)
    assert math.isfinite(expected)
    assert niqe(image) == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize(("height", "width"), [(95, 400), (1, 1), (96, 96), (100, 191)])
def test_niqe_of_fewer_than_two_blocks_is_nan(height, width):
    assert math.isnan(niqe(torch.rand(3, height, width, generator=torch.Generator().manual_seed(1))))


def test_niqe_of_a_flat_picture_is_nan():
    assert math.isnan(niqe(torch.full((3, 200, 300), 0.4)))


def test_blocks_without_texture_are_counted_and_poison_nothing():
    image = _scene(height=192, width=384)
    image[:, :, :200] = 0.5  # two columns of blocks, and what the window sees beyond them
    measure = measure_niqe(image)
    assert (measure.blocks, measure.undefined_blocks) == (8, 4)
    assert math.isfinite(measure.value)
    flat = measure_niqe(torch.full((3, 200, 300), 0.4))
    assert (flat.blocks, flat.undefined_blocks) == (6, 6)
    assert measure_niqe(_scene(height=192, width=384)).undefined_blocks == 0


def test_the_shape_of_a_skewed_block_is_rounded_as_basicsr_rounds_it():
    # numpy's third power of an array and of a number differ in the last digit of one number in five.
    skews = np.random.default_rng(0).uniform(0.5, 2, 2000).astype(np.float32)
    ratios = np.full(2000, 0.6, np.float32)
    corrected = [niqe_module._corrected(*numbers) for numbers in zip(ratios, skews, strict=True)]
    assert corrected == [(r * (s**3 + 1) * (s + 1)) / ((s**2 + 1) ** 2) for r, s in zip(ratios, skews, strict=True)]


def test_psnr_of_one_level_everywhere_is_48_13_db():
    black = torch.zeros(3, 8, 8)
    assert psnr(black, black + 1 / 255) == pytest.approx(20 * math.log10(255))


def test_psnr_of_equal_pictures_is_infinite_and_ssim_one(pair):
    _, truth = pair
    assert psnr(truth, truth) == math.inf
    assert ssim(truth, truth) == pytest.approx(1)


def test_pictures_are_scored_as_the_8_bit_files_that_they_become(pair):
    image, truth = pair
    written = (image * 255).round() / 255
    assert not torch.equal(image, written)
    assert psnr(image, truth) == psnr(written, truth)
    assert psnr(torch.full((3, 16, 16), 1.5), torch.ones(3, 16, 16)) == math.inf


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_different_shapes_are_refused_with_both(metric):
    with pytest.raises(ValueError, match=r"one shape, got \(3, 16, 16\) and \(3, 16, 17\)"):
        metric(torch.rand(3, 16, 16), torch.rand(3, 16, 17))


@pytest.mark.parametrize("metric", [lambda image: psnr(image, image), niqe])
@pytest.mark.parametrize("image", [torch.rand(1, 16, 16), torch.rand(1, 3, 16, 16), torch.zeros(3, 8, 8).byte()])
def test_anything_but_an_rgb_float_picture_is_refused(metric, image):
    with pytest.raises(ValueError, match=r"RGB float picture \(3, H, W\), got torch"):
        metric(image)


def test_a_border_that_leaves_nothing_is_refused():
    with pytest.raises(ValueError, match="border of 8 pixels leaves nothing of a picture of 16x30"):
        psnr(torch.rand(3, 16, 30), torch.rand(3, 16, 30), border=8)


def test_ssim_needs_a_whole_window():
    with pytest.raises(ValueError, match="11 pixels each way"):
        ssim(torch.rand(3, 14, 30), torch.rand(3, 14, 30), border=2)


def test_a_missing_pristine_model_is_explained(tmp_path):
    with pytest.raises(NiqeModelError, match="niqe_pris_params.npz of basicsr 1.4.2"):
        load_pristine_model(tmp_path / "absent.npz")


def test_a_missing_pristine_model_in_a_folder_that_is_no_text_can_be_named(tmp_path):
    with pytest.raises(NiqeModelError) as caught:
        load_pristine_model(tmp_path / "a\udcff" / "absent.npz")
    assert rb"a\udcff/absent.npz' cannot be used (No such file" in str(caught.value).encode("utf-8")


def test_a_missing_basicsr_is_explained(monkeypatch):
    monkeypatch.setattr(niqe_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NiqeModelError, match="basicsr is not installed"):
        niqe_module._installed_model_path()


def test_another_model_can_be_passed():
    model = load_pristine_model()
    nearer = type(model)(model.mean + 1, model.covariance, model.window)
    image = _scene(height=192, width=192)
    assert niqe(image, model=nearer) != niqe(image, model=model)


@pytest.mark.shared_data
@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_niqe_of_photographs_equals_basicsr(shared_data, noise):
    generator = torch.Generator().manual_seed(3)
    for path in list_images(shared_data("data/photos/facades"))[::40][:5]:
        photo = to_tensor(read_rgb(path))[:, :480, :640]
        image = (photo + noise * torch.randn(photo.shape, generator=generator)).clamp(0, 1)
        assert niqe(image, border=4) == pytest.approx(calculate_niqe(_basicsr(image), 4), abs=TOLERANCE), path.name


@pytest.mark.shared_data
def test_niqe_of_the_baboon_of_set14_is_that_of_matlab(shared_data):
    path = shared_data("data/benchmarks/Set14/HR/img_001.png")
    # MATLAB R2021a, as BasicSR's docstring reports it.
    assert niqe(to_tensor(read_rgb(path))) == pytest.approx(5.72957338, abs=TOLERANCE)
