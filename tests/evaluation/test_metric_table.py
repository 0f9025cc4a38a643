"""The columns of a table: what each metric is told, and what a machine lacks is said and not fatal."""

import subprocess
import sys

import pytest
import torch

from realesrgan_arch.degradation.operators import usm_sharpen
from realesrgan_arch.evaluation import learned_metrics
from realesrgan_arch.evaluation.composite import counts
from realesrgan_arch.evaluation.evaluate import METRICS, ScoreRules, evaluate
from realesrgan_arch.evaluation.learned_metrics import load_like
from realesrgan_arch.evaluation.metric_table import available_metrics
from realesrgan_arch.evaluation.metrics import psnr, ssim
from realesrgan_arch.evaluation.pairs import EvaluationPair
from realesrgan_arch.losses.learned import BACKBONE_FILES, build_lpips
from realesrgan_arch.networks.distilled_vgg19 import DistilledVgg19

PLAIN = ("psnr", "ssim", "psnr_y", "ssim_y", "psnr_usm", "ssim_usm", "color", "edges")


def pair() -> EvaluationPair:
    coarse = torch.rand(1, 3, 12, 14, generator=torch.Generator().manual_seed(0))
    gt = torch.nn.functional.interpolate(coarse, scale_factor=8, mode="bicubic")[0].clamp(0, 1)
    return EvaluationPair("a", gt[:, ::2, ::2], gt)


def twice(lq: torch.Tensor) -> torch.Tensor:
    return lq.repeat_interleave(2, 1).repeat_interleave(2, 2)


def paler(lq: torch.Tensor) -> torch.Tensor:
    return twice(lq) * 0.9


def test_the_columns_stand_in_the_agreed_order_and_few_of_them_count_in_the_composite() -> None:
    assert list(METRICS) == [
        *("psnr", "ssim", "psnr_y", "ssim_y", "psnr_usm", "ssim_usm"),
        *("niqe", "lpips", "dists", "lpips_like", "color", "edges"),
    ]
    assert [name for name in METRICS if counts(name)] == ["psnr", "ssim", "psnr_y", "ssim_y", "niqe"]
    lower = [name for name, metric in METRICS.items() if metric.better == "lower"]
    assert lower == ["niqe", "lpips", "dists", "lpips_like", "color", "edges"]
    assert all((metric.compare is None) != (metric.judge is None) for metric in METRICS.values())


def test_each_method_gets_its_own_value_in_every_column() -> None:
    one = pair()
    scores = evaluate([one], methods={"twice": twice, "paler": paler}, rules=ScoreRules(PLAIN, border=2))
    values = {score.method: score.values for score in scores}
    sharp = usm_sharpen(one.gt[None])[0]
    for method, upscale in (("twice", twice), ("paler", paler)):
        sr, found = upscale(one.lq), values[method]
        assert found["psnr"] == psnr(sr, one.gt, border=2)
        assert found["psnr_y"] == psnr(sr, one.gt, border=2, y_channel=True) != found["psnr"]
        assert found["ssim_y"] == ssim(sr, one.gt, border=2, y_channel=True)
        assert found["psnr_usm"] == psnr(sr, sharp, border=2) != found["psnr"]
        assert found["ssim_usm"] == ssim(sr, sharp, border=2)
    assert values["paler"]["color"] > values["twice"]["color"]


def test_the_sharpened_column_follows_the_channel_of_the_table() -> None:
    one = pair()
    (score,) = evaluate([one], methods={"m": twice}, rules=ScoreRules(("psnr_usm",), border=2, y_channel=True))
    expected = psnr(twice(one.lq), usm_sharpen(one.gt[None])[0], border=2, y_channel=True)
    assert score.values == {"psnr_usm": expected}


def test_what_needs_nothing_is_available() -> None:
    assert available_metrics([*PLAIN, "niqe", "psnr"]) == ((*PLAIN, "niqe"), ())


def test_what_this_machine_lacks_is_one_sentence_each_and_the_rest_goes_on(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("REALESRGAN_ARCH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.chdir(tmp_path)
    pytest.importorskip("lightning_utilities")
    usable, sentences = available_metrics(("psnr", "lpips", "dists", "lpips_like", "color"), weights=tmp_path)
    assert usable == ("psnr", "color")
    assert [sentence.split(":")[0] for sentence in sentences[:2]] == [
        "the metric lpips is left out",
        "the metric dists is left out",
    ]
    assert "weights get alexnet" in sentences[0] and "weights get vgg16" in sentences[1]
    assert "holds no vgg19_distilled_se5.pth" in sentences[2]


def test_learned_metrics_are_looked_for_in_a_process_that_has_imported_nothing() -> None:
    pytest.importorskip("lightning_utilities")
    # Beside a CPU-only torch, torchmetrics can only be imported after the shims of torchvision.
    asks = "from realesrgan_arch.evaluation.metric_table import available_metrics; available_metrics(('psnr', 'lpips'))"
    done = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_missing_torchmetrics_is_one_sentence(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    usable, (sentence,) = available_metrics(("ssim", "dists"))
    assert usable == ("ssim",)
    assert sentence.startswith("the metric dists needs torchmetrics") and "realesrgan-arch[perceptual]" in sentence


def test_lpips_like_asks_for_its_folder_and_takes_it_from_the_rules(tmp_path) -> None:
    _, (sentence,) = available_metrics(("lpips_like",))
    assert "--perceptual-weights" in sentence
    torch.manual_seed(0)
    torch.save({"model": DistilledVgg19().state_dict()}, tmp_path / "vgg19_distilled_se5.pth")
    (tmp_path / "lpips_v0.1").mkdir()
    widths = enumerate((64, 128, 256, 512, 512))
    linear = {f"lin{index}.model.1.weight": torch.rand(1, width, 1, 1) for index, width in widths}
    torch.save(linear, tmp_path / "lpips_v0.1" / "vgg.pth")
    one, rules = pair(), ScoreRules(("lpips_like",), border=4, perceptual_weights=str(tmp_path))
    (score,) = evaluate([one], methods={"m": twice}, rules=rules)
    inside = ((twice(one.lq) * 255).round() / 255, (one.gt * 255).round() / 255)
    image, truth = (picture[:, 4:-4, 4:-4] for picture in inside)
    assert score.values["lpips_like"] == pytest.approx(load_like(tmp_path).distances([image], truth)[0])


def test_lpips_measures_with_a_backbone_from_the_folder(tmp_path) -> None:
    pytest.importorskip("lightning_utilities")
    torch.manual_seed(0)
    drawn = build_lpips("alex")
    state = drawn.state_dict()
    backbone = {theirs: state[ours] for ours, theirs in drawn.backbone_names().items()}
    torch.save(backbone, tmp_path / BACKBONE_FILES[drawn.backbone])
    assert available_metrics(("lpips",), weights=tmp_path) == (("lpips",), ())
    one, rules = pair(), ScoreRules(("lpips",), border=4, perceptual_weights=str(tmp_path))
    (score,) = evaluate([one], methods={"m": twice}, rules=rules)
    written = [(picture * 255).round()[:, 4:-4, 4:-4][None] / 255 for picture in (twice(one.lq), one.gt)]
    expected = drawn(sr=written[0], gt=written[1], lq=written[1]).item()
    assert score.values["lpips"] == pytest.approx(expected, rel=1e-4)
    assert expected > 1e-6


def test_dists_is_built_as_dists_with_the_backbone_of_vgg16(tmp_path, monkeypatch) -> None:
    loaded = []
    monkeypatch.setattr(learned_metrics, "build_dists", lambda purpose: lambda sr, gt, lq: (sr - gt).abs().max())
    monkeypatch.setattr(learned_metrics, "load_backbone", lambda distance, path, device: loaded.append(path.name))
    (tmp_path / "vgg16-397923af.pth").touch()
    one, rules = pair(), ScoreRules(("dists",), border=4, perceptual_weights=str(tmp_path))
    (score,) = evaluate([one], methods={"m": twice}, rules=rules)
    assert loaded == ["vgg16-397923af.pth"]
    assert score.values["dists"] > 0


def test_large_pictures_are_measured_in_pieces_that_count_by_their_pixels(monkeypatch) -> None:
    seen: list[tuple[int, ...]] = []

    def distance(sr: torch.Tensor, gt: torch.Tensor, lq: torch.Tensor) -> torch.Tensor:
        assert torch.equal(gt, lq)
        seen.append(tuple(sr.shape[2:]))
        return (sr - gt).abs().mean()

    monkeypatch.setattr(learned_metrics, "load_learned", lambda name, weights: distance)
    monkeypatch.setattr(learned_metrics, "TILE", 50)
    one = pair()
    (found,) = learned_metrics.measure_learned("lpips", [twice(one.lq)], one.gt, border=0, weights=None)
    written = [(picture * 255).round() / 255 for picture in (twice(one.lq), one.gt)]
    assert found == pytest.approx((written[0] - written[1]).abs().mean().item(), rel=1e-5)
    assert seen == [(48, 38), (48, 37), (48, 37)] * 2
