"""Both notebooks run from top to bottom on the embedded sample, hold no logic, and lie in git without outputs."""

import ast
import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import nbclient
import nbformat
import pytest
import torch

from realesrgan_arch.networks.vgg19 import VGG19Features
from tests.notebook.warm_commands import warm_python

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ALLOWED = (ast.Expr, ast.Assign, ast.ImportFrom)
DEMO_BASE = files("realesrgan_arch") / "data" / "demo_base.safetensors"
SMALL = [
    "num_gpu=0",
    "gt_size=32",
    "datasets.train.crop_size=40",
    "datasets.train.batch_size_per_gpu=2",
    "datasets.train.num_worker_per_gpu=0",
    "datasets.val.max_size=64",
    "datasets.val.max_images=1",
    "datasets.test.max_size=64",
]
FINE_TUNING = [
    *SMALL,
    "queue_size=4",
    "datasets.test.max_images=2",
    "network_g.num_feat=32",
    "network_g.num_conv=8",
    f"path.pretrain_network_g={DEMO_BASE}",
    "train.feature_opt=null",
    "train.total_iter=4",
    "val.val_freq=2",
    "logger.save_checkpoint_freq=2",
]
FROM_NOTHING = [
    *SMALL,
    "datasets.test.max_images=1",
    "network_g.num_feat=8",
    "network_g.num_block=1",
    "train.total_iter=2",
    "val.val_freq=2",
]


def _code(path: Path) -> list[dict]:
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_lies_in_git_without_outputs(path: Path) -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in _code(path))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_cells_only_call_functions(path: Path) -> None:
    """No loops, conditions or definitions: whatever a cell does is tested in the package."""
    for cell in _code(path):
        text = "".join(cell["source"])
        if "install" not in cell["metadata"].get("tags", []):
            assert all(isinstance(statement, ALLOWED) for statement in ast.parse(text).body), text


@pytest.fixture(scope="module")
def python() -> Iterator[str]:
    """What stands for `sys.executable` in both notebooks."""
    with warm_python() as client:
        yield client


def _run(path: Path, folder: Path, parameters: str) -> str:
    """Run all cells but the installation, with other parameters; return everything that they showed."""
    (folder / "options").symlink_to(ROOT / "options")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if "install" not in cell.metadata.get("tags", [])]
    place = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    place.source += f"\n{parameters}\n"
    nbclient.NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": str(folder)}}).execute()
    return json.dumps([cell.outputs for cell in notebook.cells if cell.cell_type == "code"])


def _started_by(python: str) -> str:
    return f"import sys\nsys.executable = {python!r}"


@pytest.mark.slow
def test_the_fine_tuning_notebook_runs_on_the_sample_and_shows_pictures(python, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    path = ROOT / "notebooks" / "finetune_architecture_colab.ipynb"
    shown = _run(path, tmp_path, f"CHANGES = {FINE_TUNING}\n{_started_by(python)}")
    assert shown.count("<iframe") == 2, "the contact sheet and the preview"
    assert shown.count('type=\\"range\\"') == 2, "a slider for each test picture"
    assert "tuned" in shown and "PSNR" in shown
    assert (tmp_path / "mine" / "experiments" / "mine" / "models" / "net_g_best_composite.pth").exists()


@pytest.mark.slow
def test_the_notebook_of_srgan_and_esrgan_runs_on_the_sample(python, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    torch.manual_seed(0)
    torch.save(VGG19Features(["relu5_4"]).state_dict(), tmp_path / "vgg19.pth")
    parameters = (
        f"SMALL = {FROM_NOTHING}\nSMALL_ADVERSARY = ['network_d.num_feat=2', 'network_d.input_size=32']\n"
        f"SMALL_RRDB = ['network_g.num_grow_ch=4']\n"
        f"VGG = ['train.perceptual_opt.weights={tmp_path / 'vgg19.pth'}']\n{_started_by(python)}"
    )
    shown = _run(ROOT / "notebooks" / "train_srgan_esrgan.ipynb", tmp_path, parameters)
    assert shown.count('type=\\"range\\"') == 2
    for name in ("srresnet", "srgan", "rrdb_psnr", "esrgan"):
        assert (tmp_path / "srgan_esrgan" / "experiments" / name / "models" / "net_g_latest.pth").exists()
