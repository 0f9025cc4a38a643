"""The batch of a step, made again, is the very one that a run trained on."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from realesrgan_arch.commands import data
from realesrgan_arch.data.files import DataError
from realesrgan_arch.images import read_rgb
from realesrgan_arch.options.load import load_options
from realesrgan_arch.session import train
from realesrgan_arch.training.model import FineTuneModel
from tests.data.pictures import write_truncated
from tests.tiny_run import tiny_options, write_options, write_pictures

STEPS = 5


def _record(monkeypatch) -> dict[int, tuple[torch.Tensor, torch.Tensor]]:
    """Keep the pairs (LQ, GT) that each step of a run trains on, as uint8 (B, H, W, 3)."""
    seen: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
    optimize = FineTuneModel.optimize_parameters

    def spied(self, step):
        visuals = self.get_current_visuals()
        seen[step] = tuple(
            visuals[name].mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy() for name in ("lq", "gt")
        )
        optimize(self, step)

    monkeypatch.setattr(FineTuneModel, "optimize_parameters", spied)
    return seen


def _options(folder: Path, *, workers: int = 0, **changes) -> Path:
    mapping = tiny_options(folder / "photos", folder, steps=STEPS) | changes
    del mapping["val"]
    mapping["logger"] = {"print_freq": STEPS, "save_checkpoint_freq": 100, "use_tb_logger": False}
    mapping["datasets"]["train"]["num_worker_per_gpu"] = workers
    return write_options(folder / "x.yml", mapping)


def _pictures(folder: Path, kind: str) -> tuple[np.ndarray, np.ndarray]:
    return tuple(
        np.stack([read_rgb(path) for path in sorted(folder.glob(f"{kind}_*_{what}.png"))]) for what in ("lq", "gt")
    )


@pytest.mark.parametrize("workers", [0, 2])
def test_the_pairs_are_those_of_the_run_bit_for_bit_also_through_the_pool(in_tmp_path, monkeypatch, workers) -> None:
    write_pictures(in_tmp_path / "photos")
    file = _options(in_tmp_path, workers=workers)
    seen = _record(monkeypatch)
    train(load_options(file).options)
    for step in (1, STEPS):
        assert data.main(["replay", str(step), "--run", "experiments/tiny", "--trained"]) == 0
    first = _pictures(Path("replay/tiny-1"), "made")
    assert all(np.array_equal(found, expected) for found, expected in zip(first, seen[1], strict=True))
    facts = json.loads(Path(f"replay/tiny-{STEPS}/replay.json").read_text())
    assert facts["exchanged_with_the_pool"]
    dealt = _pictures(Path(f"replay/tiny-{STEPS}"), "trained")
    assert all(np.array_equal(found, expected) for found, expected in zip(dealt, seen[STEPS], strict=True))
    assert not np.array_equal(_pictures(Path(f"replay/tiny-{STEPS}"), "made")[0], seen[STEPS][0])


def test_behind_a_gate_the_batch_is_that_of_the_run_and_names_its_branch(in_tmp_path, monkeypatch) -> None:
    write_pictures(in_tmp_path / "photos")
    file = _options(in_tmp_path, queue_size=0, gate={"mild": 0.5, "two_orders": 0.5})
    seen = _record(monkeypatch)
    train(load_options(file).options)
    endings = set()
    for step in range(1, STEPS + 1):
        assert data.main(["replay", str(step), "--run", "experiments/tiny"]) == 0
        facts = json.loads(Path(f"replay/tiny-{step}/replay.json").read_text())
        endings |= {sample["recipe"]["ending"].partition("gate ")[2] for sample in facts["batch"]}
        pairs = _pictures(Path(f"replay/tiny-{step}"), "made")
        assert all(np.array_equal(found, expected) for found, expected in zip(pairs, seen[step], strict=True))
    assert endings == {"mild", "two_orders"}


def test_without_a_pool_what_is_made_is_what_is_trained_on(in_tmp_path, monkeypatch, capsys) -> None:
    write_pictures(in_tmp_path / "photos")
    file = _options(in_tmp_path, queue_size=0)
    seen = _record(monkeypatch)
    train(load_options(file).options)
    assert data.main(["replay", "4", "-opt", str(file), "--out", "again"]) == 0
    made = _pictures(Path("again"), "made")
    assert all(np.array_equal(found, expected) for found, expected in zip(made, seen[4], strict=True))
    assert "exchanged" not in capsys.readouterr().out


def test_the_facts_name_files_crops_flips_and_recipes(in_tmp_path, capsys) -> None:
    write_pictures(in_tmp_path / "photos")
    file = _options(in_tmp_path)
    assert data.main(["replay", "3", "-opt", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    facts = json.loads(Path("replay/tiny-3/replay.json").read_text())
    assert told["batch"] == facts["batch"]
    assert len(facts["trained_on"]) == 2
    for sample, number in zip(facts["batch"], ("01", "02"), strict=True):
        crop = sample["crop"]
        assert (crop["bottom"] - crop["top"], crop["right"] - crop["left"]) == (48, 48)
        assert set(sample["recipe"]) == {"blur", "resize", "noise", "JPEG", "ending"}
        # The GT of the pair lies inside of the crop that the facts name, laid as they say.
        part = read_rgb(Path(sample["file"]))[crop["top"] : crop["bottom"], crop["left"] : crop["right"]]
        part = part[:, ::-1] if "left to right" in sample["flips"] else part
        part = part[::-1] if "top to bottom" in sample["flips"] else part
        part = part.swapaxes(0, 1) if "rows and columns exchanged" in sample["flips"] else part
        share, gt = sample["pair_starts_at_share"], read_rgb(Path(f"replay/tiny-3/made_{number}_gt.png"))
        top, left = (4 * int(share[side] * 5) for side in ("top", "left"))
        assert np.array_equal(part[top : top + 32, left : left + 32], gt)
    assert "step 3, place 1 of the batch" in Path("replay/tiny-3/replay.html").read_text()


def test_an_exchange_with_the_pool_is_said(in_tmp_path, capsys) -> None:
    write_pictures(in_tmp_path / "photos")
    assert data.main(["replay", str(STEPS), "-opt", str(_options(in_tmp_path))]) == 0
    out = capsys.readouterr().out
    assert f"the pool had exchanged them: step {STEPS} trained on place" in out
    assert "queue_size, batch_size_per_gpu, manual_seed and ranks have stayed the same since step 1" in out


def test_a_file_that_cannot_be_read_is_named_with_the_exit_code_for_it(in_tmp_path, capsys) -> None:
    pictures = write_pictures(in_tmp_path / "photos")
    for path in pictures[:-2]:
        write_truncated(path.with_suffix(".jpg"))
        path.unlink()
    assert data.main(["replay", "1", "-opt", str(_options(in_tmp_path))]) == 3
    assert "another image stands in for it" in capsys.readouterr().out


def test_a_folder_that_is_there_is_left_alone(in_tmp_path) -> None:
    write_pictures(in_tmp_path / "photos")
    (in_tmp_path / "mine").mkdir()
    with pytest.raises(DataError, match="new folder, but mine exists"):
        data.main(["replay", "1", "-opt", str(_options(in_tmp_path)), "--out", "mine"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [([], "-opt FILE or --run"), (["--run", "experiments/none"], "options.yml in --run experiments/none")],
)
def test_a_replay_without_options_is_refused(in_tmp_path, arguments, sentence) -> None:
    with pytest.raises(DataError, match=sentence):
        data.main(["replay", "1", *arguments])


def test_the_script_is_the_same_command() -> None:
    script = Path(__file__).parents[2] / "scripts/replay_batch.py"
    done = subprocess.run([sys.executable, script, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "step of training, from 1" in done.stdout


def test_blurred_bicubic_pairs_are_those_of_the_run_and_their_sigmas_are_told(in_tmp_path, monkeypatch) -> None:
    write_pictures(in_tmp_path / "photos")
    file = _options(in_tmp_path, model_type="SRModel")
    seen = _record(monkeypatch)
    changes = ["datasets.train.degradation=blur_bicubic", "datasets.train.blur_sigma=[1, 2]"]
    train(load_options(file, overrides=changes).options)
    assert data.main(["replay", "4", "--run", "experiments/tiny"]) == 0
    made = _pictures(Path("replay/tiny-4"), "made")
    assert all(np.array_equal(found, expected) for found, expected in zip(made, seen[4], strict=True))
    facts = json.loads(Path("replay/tiny-4/replay.json").read_text())
    assert not facts["exchanged_with_the_pool"]
    endings = [sample["recipe"]["ending"] for sample in facts["batch"]]
    assert len(set(endings)) == 2 and all(words.startswith("Gaussian blur of sigma 1.") for words in endings)
