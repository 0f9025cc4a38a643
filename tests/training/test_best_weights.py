"""The files of the best weights stay what `best.json` says, whatever happens to the checkpoints."""

import json
from pathlib import Path

import pytest

from realesrgan_arch.atomic import write_text
from realesrgan_arch.training.best import BestTable
from realesrgan_arch.training.best_weights import BestWeights
from realesrgan_arch.training.run_folder import RunFolder


class Run:
    """Checkpoints that hold their step as text."""

    def __init__(self, root: Path) -> None:
        self.folder = RunFolder(root)
        self.folder.prepare()
        self.table = BestTable("val")
        self.weights = BestWeights(self.folder, "val")

    def step(self, step: int, *, checkpoint: bool = True, **scores: float) -> list[str]:
        if checkpoint:
            self.folder.weights("net_g", step).write_text(str(step))
        self.table.add("val", step, scores)
        return self.refresh(step)

    def refresh(self, step: int) -> list[str]:
        return self.weights.refresh(self.table, step=step, save=lambda path: write_text(path, f"saved {step}"))

    def content(self, metric: str) -> str:
        return self.weights.path(metric).read_text()

    def record(self) -> dict:
        return json.loads(self.folder.best.read_text())


@pytest.fixture
def run(tmp_path) -> Run:
    return Run(tmp_path / "run")


def test_each_metric_has_the_weights_of_its_best_step(run) -> None:
    for step, psnr, niqe in ((1, 24.0, 4.0), (2, 25.0, 5.0), (3, 24.5, 6.0)):
        run.step(step, psnr=psnr, niqe=niqe)
    assert (run.content("psnr"), run.content("niqe")) == ("2", "1")
    assert run.record()["files"] == {"psnr": 2, "niqe": 1}
    assert [point["step"] for point in run.record()["pareto"]] == [1, 2]
    assert run.weights.path("psnr").name == "net_g_best_psnr.pth"
    assert not [path for path in run.folder.models.iterdir() if path.name.startswith(".")]


def test_the_best_weights_outlive_their_checkpoint(run) -> None:
    run.step(1, psnr=24.0)
    run.folder.weights("net_g", 1).unlink()
    assert run.step(2, psnr=23.0) == []
    assert run.content("psnr") == "1"


def test_a_run_without_checkpoints_writes_the_weights_itself(run) -> None:
    run.step(1, checkpoint=False, psnr=24.0)
    assert run.content("psnr") == "saved 1"


def test_a_disk_without_links_gets_copies(run, monkeypatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr("os.link", no_links)
    run.step(1, psnr=24.0)
    assert run.content("psnr") == "1"
    assert run.weights.path("psnr").stat().st_nlink == 1


def test_a_record_that_does_not_vouch_for_a_file_has_it_made_anew(run) -> None:
    run.step(1, psnr=24.0)
    run.weights.path("psnr").unlink()
    run.weights.path("psnr").write_text("of a later step, written before a kill")
    run.folder.best.write_text("{")
    run.refresh(2)
    assert run.content("psnr") == "1"


def test_weights_that_are_gone_are_named_and_no_other_takes_their_place(run) -> None:
    run.step(1, psnr=24.0)
    run.folder.weights("net_g", 1).unlink()
    run.weights.path("psnr").unlink()
    assert run.refresh(2) == ["psnr"]
    assert run.record()["files"] == {}


def test_a_discarded_step_is_not_taken_from_a_checkpoint_of_that_number(run) -> None:
    run.step(4, psnr=24.0)
    run.table.go_back(2)
    run.folder.weights("net_g", 4).unlink()
    run.folder.weights("net_g", 4).write_text("another 4")
    run.folder.best.unlink()
    assert run.refresh(6) == ["psnr"]
    assert run.content("psnr") == "4"


def test_a_step_that_is_made_again_and_better_brings_its_own_weights(run) -> None:
    run.step(2, psnr=23.0)
    run.step(4, psnr=24.0)
    run.table.go_back(2)
    run.folder.weights("net_g", 4).unlink()
    run.folder.weights("net_g", 4).write_text("another 4")
    run.table.add("val", 4, {"psnr": 25.0})
    assert run.refresh(4) == []
    assert run.content("psnr") == "another 4"
    assert run.record()["sets"]["val"]["psnr"] == {"step": 4, "value": 25.0}
