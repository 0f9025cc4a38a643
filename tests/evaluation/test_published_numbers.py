"""Scores on Set5 and Set14 are those that papers print, and those of docs/systems.md."""

from functools import partial
from pathlib import Path

import pytest
import torch

from realesrgan_arch.evaluation.evaluate import Method, ScoreRules, evaluate, mean_of_defined
from realesrgan_arch.evaluation.pairs import EvaluationPair
from realesrgan_arch.images import read_rgb, to_tensor
from realesrgan_arch.resampling import magnify_bicubic
from realesrgan_arch.upscaling.backends.torch_backend import TorchBackend
from realesrgan_arch.upscaling.engine import Upscaler
from realesrgan_arch.weights.load import load_generator

pytestmark = pytest.mark.shared_data
AS_IN_PAPERS = ScoreRules(metrics=("psnr", "ssim"), border=4, y_channel=True)


def pairs(folder: Path) -> list[EvaluationPair]:
    names = sorted(path.name for path in (folder / "HR").glob("*.png"))
    parts = ((folder / "LR_bicubic_x4" / name, folder / "HR" / name) for name in names)
    return [EvaluationPair(gt.name, to_tensor(read_rgb(lq)), to_tensor(read_rgb(gt))) for lq, gt in parts]


def mean_scores(folder: Path, method: Method) -> tuple[float, float]:
    scores = evaluate(pairs(folder), methods={"it": method}, rules=AS_IN_PAPERS)
    psnr, ssim = (mean_of_defined(score.values[name] for score in scores) for name in ("psnr", "ssim"))
    return psnr, ssim


@pytest.mark.parametrize(("name", "psnr", "ssim"), [("Set5", 28.432, 0.8113), ("Set14", 26.093, 0.7049)])
def test_bicubic_has_the_published_numbers(shared_data, name, psnr, ssim) -> None:
    found = mean_scores(shared_data(f"data/benchmarks/{name}"), partial(magnify_bicubic, scale=4))
    # Papers print 28.42 / 0.8104 and 26.00 / 0.7027; the difference is that of the resizing.
    assert found == pytest.approx((psnr, ssim), abs=0.005)
    assert found[1] == pytest.approx(ssim, abs=0.0002)


def test_the_public_srgan_has_the_numbers_of_the_documentation(shared_data) -> None:
    network, spec = load_generator(shared_data("weights/generators/srgan_leftthomas_x4.pth"))
    upscaler = Upscaler(TorchBackend(network, scale=spec.scale, device=torch.device("cpu")))
    found = mean_scores(shared_data("data/benchmarks/Set5"), upscaler.upscale)
    assert found[0] == pytest.approx(30.66, abs=0.01) and found[1] == pytest.approx(0.8642, abs=0.0005)
