"""wandb and trackio get the numbers, and a run goes on without them."""

import io
import json
import sys
from types import SimpleNamespace

import pytest
import torch

from realesrgan_arch.options.load import parse_options
from realesrgan_arch.session import train
from realesrgan_arch.training.progress import Progress
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.trackers import open_tracker
from tests.tiny_run import tiny_options, write_pictures


class _Service(SimpleNamespace):
    """Stands in for the package."""

    def __init__(self, *, fails_at: int | None = None) -> None:
        super().__init__(calls=[], fails_at=fails_at)

    def init(self, **named: object) -> None:
        self.calls.append(("init", named))

    def log(self, values: dict, step: int) -> None:
        if step == self.fails_at:
            raise ConnectionError("no network")
        self.calls.append(("log", step, values))

    def finish(self) -> None:
        self.calls.append(("finish",))


def _progress(tmp_path, tracker, stream: io.StringIO) -> Progress:
    run_folder = RunFolder(tmp_path / "run")
    run_folder.prepare()
    return Progress(
        run_folder, first_step=0, total_steps=9, device=torch.device("cpu"), use_tensorboard=False,
        tracker=tracker, stream=stream,
    )  # fmt: skip


def _open(service: str, *, resume_id: str | None = None):
    return open_tracker(service, project="mine", name="run", resume_id=resume_id)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("name", ["wandb", "trackio"])
def test_it_gets_losses_and_scores_by_step(monkeypatch, tmp_path, name) -> None:
    service = _Service()
    monkeypatch.setitem(sys.modules, name, service)
    tracker, words = _open(name)
    assert words == ""
    progress = _progress(tmp_path, tracker, io.StringIO())
    progress.log_losses(1, {"l_g_pix": 0.5}, [1e-3])
    progress.log_scores(2, {"psnr": 20.0}, dataset="val")
    progress.close()
    assert service.calls == [
        ("init", {"project": "mine", "name": "run"}),
        ("log", 1, {"train/l_g_pix": 0.5, "train/lr": 1e-3}),
        ("log", 2, {"validation/val/psnr": 20.0}),
        ("finish",),
    ]


def test_a_failure_is_said_once_and_stops_nothing(monkeypatch, tmp_path) -> None:
    service, stream = _Service(fails_at=2), io.StringIO()
    monkeypatch.setitem(sys.modules, "wandb", service)
    progress = _progress(tmp_path, _open("wandb", resume_id="7")[0], stream)
    for step in (1, 2, 3):
        progress.log_losses(step, {"l": 0.5}, [1e-3])
    progress.close()
    assert stream.getvalue().count("warning: wandb gets nothing from here on") == 1
    assert service.calls[0] == ("init", {"project": "mine", "name": "run", "id": "7", "resume": "allow"})
    assert len(progress._run_folder.metrics.read_text().splitlines()) == 3


def test_a_missing_package_is_said_and_stops_nothing(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "trackio", None)
    tracker, words = _open("trackio")
    assert tracker is None
    assert "pip install 'realesrgan-arch[trackio]'" in words


def test_upstreams_project_chooses_wandb(monkeypatch, tmp_path) -> None:
    service = _Service()
    monkeypatch.setitem(sys.modules, "wandb", service)
    write_pictures(tmp_path / "photos")
    mapping = tiny_options(tmp_path / "photos", tmp_path)
    mapping["logger"]["wandb"] = {"project": "theirs", "resume_id": None}
    outcome = train(parse_options(mapping))
    assert service.calls[0] == ("init", {"project": "theirs", "name": "tiny"})
    assert service.calls[-1] == ("finish",)
    logged = [call[1] for call in service.calls if call[0] == "log"]
    assert logged == [json.loads(line)["step"] for line in outcome.run_folder.metrics.read_text().splitlines()]
