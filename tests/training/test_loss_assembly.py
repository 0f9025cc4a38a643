"""Further losses come from the options, with their weights, under their names in the log."""

import copy

import pytest
import torch

from realesrgan_arch.losses.learned import build_lpips
from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.distilled_vgg19 import NETWORK_FILE, DistilledVgg19
from realesrgan_arch.networks.spec import CompactSpec
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.training.assembly import assemble_model
from realesrgan_arch.training.loss_assembly import LossParts, assemble_losses
from realesrgan_arch.training.players import SharpenedTargets
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.weights.download import DownloadError
from realesrgan_arch.weights.table import FOLDER_VARIABLE, WeightsError
from tests.tiny_run import tiny_options
from tests.training.builders import run_steps

SQUEEZE = {"lpips_opt": {"net": "squeeze", "loss_weight": 0.5}}


def _options(tmp_path, *, gan: bool = True, **train):
    base = tmp_path / "base.pth"
    torch.manual_seed(5)
    torch.save(build_generator(CompactSpec(num_feat=8, num_conv=2)).state_dict(), base)
    mapping = tiny_options(tmp_path / "photos", tmp_path / "runs", gan=gan)
    mapping["path"]["pretrain_network_g"] = str(base)
    mapping["train"] |= train
    return parse_options(mapping)


def _write_squeezenet(folder) -> dict[str, torch.Tensor]:
    """A file as torchvision releases it, with random numbers."""
    torch.manual_seed(9)
    drawn = build_lpips("squeeze")
    state = {theirs: drawn.state_dict()[ours] for ours, theirs in drawn.backbone_names().items()}
    torch.save({**state, "classifier.1.bias": torch.zeros(1000)}, folder / "squeezenet1_1-b8a52dc0.pth")
    return state


def test_every_further_loss_is_in_the_log_and_moves_the_generator(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    _write_squeezenet(tmp_path)
    more = {"ldl_opt": {}, "amplitude_opt": {}, "low_frequency_opt": {}, "base_opt": {"loss_weight": 0.5}}
    options = _options(tmp_path, **SQUEEZE, **more)
    model = assemble_model(options, run_folder=RunFolder(tmp_path / "run"))
    before = copy.deepcopy(model.generator.network.state_dict())
    run_steps(model, 1, 2)
    log = model.get_current_log()
    assert {"l_g_pix", "l_g_ldl", "l_g_lpips", "l_g_base", "l_g_gan"} <= set(log)
    assert all(log[f"l_g_{name}"] > 0 for name in ("ldl", "lpips", "amplitude", "low_frequency", "base"))
    base = model.game.losses.more["l_g_base"].base.state_dict()
    assert all(torch.equal(value, before[name]) for name, value in base.items())
    assert model.game.losses.more["l_g_ldl"].average is model.ema.network


def test_numbers_of_the_options_reach_the_spectral_and_the_blurred_loss(tmp_path) -> None:
    options = _options(tmp_path, amplitude_opt={"loss_weight": 3}, low_frequency_opt={"loss_weight": 2, "sigma": "5"})
    parts = LossParts(build_generator(options.network_g), None, torch.device("cpu"))
    more = assemble_losses(options, parts).more
    assert more["l_g_amplitude"].weight == 3
    assert (more["l_g_low_frequency"].weight, more["l_g_low_frequency"].sigma) == (2, 5)


def test_the_feature_loss_gets_its_numbers_and_its_file_and_moves_the_generator(tmp_path) -> None:
    torch.manual_seed(2)
    released = DistilledVgg19().state_dict()
    torch.save({"model": released}, tmp_path / NETWORK_FILE)
    features = {"weights": str(tmp_path), "loss_weight": 0.5, "layer_weights": {"conv3_1": 2}}
    model = assemble_model(_options(tmp_path, feature_opt=features), run_folder=RunFolder(tmp_path / "run"))
    loss = model.game.losses.more["l_g_features"]
    assert (loss.weight, loss.layer_weights) == (0.5, {"conv3_1": 2})
    assert all(torch.equal(value, released[name]) for name, value in loss.network.state_dict().items())
    run_steps(model, 1, 1)
    assert model.get_current_log()["l_g_features"] > 0


def test_features_without_their_file_are_one_sentence(tmp_path) -> None:
    options = _options(tmp_path, feature_opt={"weights": str(tmp_path / "nowhere")})
    with pytest.raises(WeightsError, match=r"^weights .*nowhere not found: "):
        assemble_losses(options, LossParts(build_generator(options.network_g), None, torch.device("cpu")))


@pytest.mark.parametrize("sharpen", [True, False])
def test_spectrum_and_colours_are_compared_with_the_target_of_the_pixel_loss(tmp_path, sharpen: bool) -> None:
    """The sharper target has more of the high frequencies and the same colours."""
    options = _options(tmp_path, gan=False, amplitude_opt={}, low_frequency_opt={"sigma": 0.1}, total_iter=1)
    model = assemble_model(options, run_folder=RunFolder(tmp_path / "run"))
    model.sharpened = SharpenedTargets(pixel=sharpen, perceptual=not sharpen, adversarial=not sharpen)
    gt = torch.rand(2, 3, 32, 32)
    model.feed_data({"gt": gt, "lq": gt[..., ::4, ::4]})
    model.optimize_parameters(1)
    log = model.get_current_log()
    # A blur of a tenth of a pixel is none, so that this loss is the L1 that the pixel loss is.
    assert log["l_g_low_frequency"] == pytest.approx(log["l_g_pix"], rel=1e-5)


def test_a_pull_on_the_weights_keeps_them_nearer_to_the_base(tmp_path) -> None:
    pairs = {"gt": torch.rand(2, 3, 32, 32), "lq": torch.rand(2, 3, 8, 8)}
    moved = []
    for weight in (0.0, 100.0):
        options = _options(tmp_path, gan=False, base_opt={"on": "weights", "loss_weight": weight})
        model = assemble_model(options, run_folder=RunFolder(tmp_path / "run"))
        start = copy.deepcopy(model.generator.network.state_dict())
        for step in range(1, 9):
            model.feed_data(pairs)
            model.optimize_parameters(step)
        end = model.generator.network.state_dict()
        moved.append(sum(float((end[name] - start[name]).square().sum()) for name in start))
    assert moved[1] < 0.5 * moved[0]


def test_the_backbone_is_loaded_from_torchvisions_file(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    expected = _write_squeezenet(tmp_path)
    options = _options(tmp_path, **SQUEEZE)
    network = build_generator(options.network_g)
    torch.manual_seed(0)
    loss = assemble_losses(options, LossParts(network, None, torch.device("cpu"))).more["l_g_lpips"]
    found, linear = loss.state_dict(), build_lpips("squeeze").state_dict()
    assert all(torch.equal(found[ours], expected[theirs]) for ours, theirs in loss.backbone_names().items())
    assert all(torch.equal(found[name], value) for name, value in linear.items() if ".lin" in name)


def test_a_backbone_that_cannot_be_had_is_named_with_its_place(tmp_path, monkeypatch) -> None:
    def offline(*_: object, **__: object) -> None:
        raise DownloadError("no network")

    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr("realesrgan_arch.weights.download.fetch", offline)
    options = _options(tmp_path, **SQUEEZE)
    parts = LossParts(build_generator(options.network_g), None, torch.device("cpu"))
    with pytest.raises(WeightsError, match=r"put squeezenet1_1-b8a52dc0\.pth from https://.* into ") as caught:
        assemble_losses(options, parts)
    assert str(tmp_path) in str(caught.value)


def test_a_backbone_of_another_network_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "squeezenet1_1-b8a52dc0.pth")
    options = _options(tmp_path, **SQUEEZE)
    parts = LossParts(build_generator(options.network_g), None, torch.device("cpu"))
    with pytest.raises(WeightsError, match=r"squeezenet1_1-b8a52dc0\.pth"):
        assemble_losses(options, parts)
