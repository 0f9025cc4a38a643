"""BasicSR finds our parts in its registries, and its own runner trains our YAML."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from realesrgan_arch.basicsr_bridge import SUFFIX, build_model, from_basicsr, register, to_basicsr
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.run_folder import RunFolder
from tests.tiny_run import tiny_options, write_options, write_pictures

ROOT = Path(__file__).parents[1]


@pytest.fixture
def pictures(tmp_path) -> Path:
    write_pictures(tmp_path / "photos")
    return tmp_path / "photos"


def test_registries_hold_our_model_networks_datasets_and_losses() -> None:
    register()
    from basicsr.utils import registry

    for name in ("FineTuneModel", "RealESRGANModel", "RealESRNetModel"):
        assert name in registry.MODEL_REGISTRY
    for name in ("RRDBNet", "UNetDiscriminatorSN", "PatchDiscriminatorSN", "SRVGGNetCompact"):
        assert f"{name}_{SUFFIX}" in registry.ARCH_REGISTRY
    for name in ("RealESRGANDataset", "RealESRGANPairedDataset", "GtDataset", "PairedDataset", "SyntheticPairs"):
        assert name in registry.DATASET_REGISTRY
    for name in ("PixelLoss", "PerceptualLoss", "AdversarialLoss"):
        assert f"{name}_{SUFFIX}" in registry.LOSS_REGISTRY


def test_registering_twice_and_after_realesrgan_gives_our_model() -> None:
    register()
    import realesrgan.models  # noqa: F401  registers its own RealESRGANModel, or finds the name taken

    register()
    from basicsr.utils import registry

    assert registry.MODEL_REGISTRY.get("RealESRGANModel").__module__ == "realesrgan_arch.basicsr_bridge"


@pytest.mark.parametrize("model_type", ["RealESRGANModel", "FineTuneModel", "SRGANModel"])
def test_options_survive_the_way_through_basicsr(pictures, tmp_path, model_type) -> None:
    options = parse_options({**tiny_options(pictures, tmp_path, gan=True), "model_type": model_type})
    folder = RunFolder(tmp_path / "run")
    mapping = to_basicsr(options, run_folder=folder)
    back = from_basicsr(mapping)
    assert back.model_dump(exclude={"path"}) == options.model_dump(exclude={"path"})
    assert back.usm() == options.usm()
    assert Path(mapping["path"]["experiments_root"]) == folder.root


def test_the_model_comes_out_of_basicsr_as_ours(pictures, tmp_path) -> None:
    options = parse_options(tiny_options(pictures, tmp_path, gan=True))
    model = build_model(options, run_folder=RunFolder(tmp_path / "run"))
    assert isinstance(model, FineTuneModel)
    assert model.discriminator is not None
    assert len(model.get_current_learning_rate()) == 2


RUNNER = """
import sys
from realesrgan_arch.basicsr_bridge import register
register()
from basicsr.train import train_pipeline
train_pipeline(sys.argv.pop(1))
"""


@pytest.mark.slow
@pytest.mark.parametrize("gan", [False, True])
def test_basicsr_train_pipeline_trains_two_steps_of_our_yaml_on_the_cpu(pictures, tmp_path, gan) -> None:
    mapping = tiny_options(pictures, tmp_path, gan=gan)
    del mapping["path"]["experiments_root"]
    mapping["path"]["resume_state"] = None
    options = write_options(tmp_path / "tiny.yml", mapping)
    command = [sys.executable, "-c", RUNNER, str(tmp_path), "-opt", str(options)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "experiments" / "tiny"
    names = {path.name for path in (run / "models").iterdir()}
    assert names >= {"net_g_1.pth", "net_g_2.pth", "net_g_latest.pth"}
    assert "l_g_pix" in done.stderr + done.stdout
    states = [torch.load(run / "models" / f"net_g_{step}.pth", weights_only=True)["params"] for step in (1, 2)]
    assert any(not torch.equal(states[0][name], states[1][name]) for name in states[0])
