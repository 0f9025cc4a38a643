"""Control rows: what is done to the base's pictures, and how often the base computes."""

import cv2
import numpy as np
import pytest
import torch

import tests.shims  # noqa: F401
from realesrgan_arch.evaluation.controls import RememberedMethod, build_controls
from realesrgan_arch.evaluation.evaluate import ScoreRules, evaluate
from realesrgan_arch.evaluation.metrics import psnr
from realesrgan_arch.evaluation.pairs import EvaluationPair
from realesrgan_arch.images import read_rgb, to_tensor
from realesrgan_arch.resampling import magnify_bicubic, resize_bicubic
from realesrgan_arch.upscaling.consistency import ConsistentBackend
from realesrgan_arch.upscaling.engine import Upscaler
from tests.upscaling.backends_for_tests import Chooser

NAMES = ["bicubic", "base + back-projection 0.5", "base + back-projection 1.0", "base + JPEG q75", "base + USM"]


def _lq(height: int = 24, width: int = 32, seed: int = 0) -> torch.Tensor:
    small = torch.rand(3, height // 4, width // 4, generator=torch.Generator().manual_seed(seed))
    return magnify_bicubic(small, scale=4)


class Base:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, lq: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        noise = torch.rand(3, 2 * lq.shape[1], 2 * lq.shape[2], generator=torch.Generator().manual_seed(7))
        return (magnify_bicubic(lq, scale=2) + 0.1 * (noise - 0.5)).clamp(0, 1)


def test_every_control_makes_a_picture_of_its_own_in_range() -> None:
    controls = build_controls(Base(), 2)
    lq = _lq()
    pictures = {name: method(lq) for name, method in controls.items()}
    assert list(pictures) == NAMES
    for name, picture in pictures.items():
        assert picture.shape == (3, 48, 64), name
        assert picture.min() >= 0, name
        assert picture.max() <= 1, name
    assert len({picture.sum().item() for picture in (*pictures.values(), Base()(lq))}) == 6


def test_the_base_computes_once_a_picture_with_its_own_row_too() -> None:
    base = Base()
    shared = RememberedMethod(base)
    pairs = [EvaluationPair(str(seed), _lq(seed=seed), magnify_bicubic(_lq(seed=seed), scale=2)) for seed in (1, 2, 3)]
    rules = ScoreRules(("psnr",), border=2)
    scores = evaluate(pairs, methods={"base": shared, **build_controls(shared, 2)}, rules=rules)
    assert base.calls == 3
    found = next(score for score in scores if (score.name, score.method) == ("3", "base"))
    assert found.values["psnr"] == psnr(Base()(pairs[2].lq), pairs[2].gt, border=2)


def test_equal_pictures_in_other_tensors_are_computed_anew() -> None:
    base = Base()
    shared, lq = RememberedMethod(base), _lq()
    first, again = shared(lq), shared(lq.clone())
    assert base.calls == 2
    assert torch.equal(first, again)


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_back_projection_is_that_of_the_upscaler(strength: float) -> None:
    lq = torch.rand(3, 20, 26, generator=torch.Generator().manual_seed(0))
    expected = Upscaler(ConsistentBackend(Chooser(2), strength), tile=0).upscale(lq)
    control = build_controls(Upscaler(Chooser(2), tile=0).upscale, 2)[f"base + back-projection {strength}"]
    torch.testing.assert_close(control(lq), expected, atol=1e-6, rtol=0)


def test_back_projection_mends_a_picture_with_noise_of_its_own() -> None:
    gt = magnify_bicubic(_lq(), scale=2)
    lq = resize_bicubic(gt, scale=0.5)
    controls = build_controls(Base(), 2)
    assert psnr(controls["base + back-projection 1.0"](lq), gt, border=2) > psnr(Base()(lq), gt, border=2) + 0.5


def test_jpeg_is_that_of_opencv_at_quality_75_with_half_the_colours() -> None:
    lq = _lq()
    rgb = (Base()(lq) * 255).round().byte().permute(1, 2, 0).numpy()
    parameters = [cv2.IMWRITE_JPEG_QUALITY, 75, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
    coded = cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), parameters)[1]
    decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    assert decoded is not None
    expected = to_tensor(np.ascontiguousarray(decoded[..., ::-1]))
    assert torch.equal(build_controls(Base(), 2)["base + JPEG q75"](lq), expected)


def test_usm_is_real_esrgans() -> None:
    from basicsr.utils.img_process_util import USMSharp

    lq = _lq(64, 64)
    found = build_controls(Base(), 2)["base + USM"](lq)
    expected = USMSharp()(Base()(lq)[None])[0].clamp(0, 1)
    # A difference on the threshold may fall to the other side of it.
    assert (found - expected).abs().mean() < 1e-3
    assert (found - Base()(lq)).abs().mean() > 0.005


@pytest.mark.shared_data
def test_controls_take_a_photograph(shared_data) -> None:
    path = sorted(shared_data("data/photos").rglob("*.jpg"))[0]
    lq = to_tensor(read_rgb(path)[:61, :47])
    for name, method in build_controls(Base(), 2).items():
        assert method(lq).shape == (3, 122, 94), name


def test_the_rows_of_a_lone_model_are_called_after_it() -> None:
    assert list(build_controls(Base(), 2, name="model"))[1:4:2] == ["model + back-projection 0.5", "model + JPEG q75"]
