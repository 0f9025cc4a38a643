"""A guided run on a part of the embedded sample: from photographs to an export, killed and gone on with."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from realesrgan_arch.data.freeze import Freezer
from realesrgan_arch.data.sample import draw_sample
from realesrgan_arch.errors import UserError
from realesrgan_arch.file_lock import file_lock
from realesrgan_arch.guided import step_freeze
from realesrgan_arch.guided.journal import Entry, Journal
from realesrgan_arch.guided.request import GuidedError, Request
from realesrgan_arch.guided.run import STEPS, run_guided
from realesrgan_arch.guided.talk import Talk
from realesrgan_arch.options.load import load_options
from realesrgan_arch.session import train
from realesrgan_arch.weights.load import load_weights
from tests.guided.builders import DEMO_BASE

NAMES = ["audit", "split", "freeze", "plan", "rehearse", "train", "evaluate", "export", "report"]
STEPS_OF_TRAINING = 20
"""Two validations: the first checkpoint is at step 10."""


class Killed(BaseException):
    """As if the process were gone."""


def _request(root: Path, **changed) -> Request:
    values = {
        "data": root / "photos",
        "name": "mine",
        "out": root / "out",
        "hours": 1.0,
        "steps": STEPS_OF_TRAINING,
        "base": str(DEMO_BASE),
        "budget": "2GB",
    }
    return Request(**{**values, **changed})


def _killed_at(words: str) -> Talk:
    def say(line: str) -> None:
        if words in line:
            raise Killed(words)

    return Talk(say)


def _run(root: Path, **changed) -> list[str]:
    lines: list[str] = []
    outcome = run_guided(_request(root, **changed), Talk(lines.append))
    assert outcome.exit_code == 0
    assert "tuned against" in outcome.summary
    return lines


def _as_before(lines: list[str]) -> list[str]:
    return [line.split()[1].rstrip(":") for line in lines if ": as before: " in line]


def _weights(path: Path) -> dict:
    return load_weights(path, key="params").state


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """In all processes: sums of floats depend on the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """One picture of each of the sample's scenes, and its four floor plans (`view_4.png`)."""
    whole = tmp_path_factory.mktemp("sample") / "whole"
    draw_sample(whole, seed=0)
    for path in [*whole.rglob("view_2.png"), *whole.rglob("view_3.png")]:
        path.unlink()
    return whole


def _copy(photos: Path, root: Path) -> Path:
    shutil.copytree(photos, root / "photos")
    return root


@pytest.fixture(scope="module")
def finished(photos, tmp_path_factory) -> tuple[Path, list[str]]:
    root = _copy(photos, tmp_path_factory.mktemp("finished"))
    return root, _run(root)


@pytest.mark.slow
def test_every_step_says_a_line_before_and_after(finished) -> None:
    _, lines = finished
    for number, name in enumerate(NAMES, start=1):
        assert len([line for line in lines if line.startswith(f"{number}/9 {name}: ")]) == 2


@pytest.mark.slow
def test_the_folder_holds_what_the_summary_names(finished) -> None:
    folder = finished[0] / "out" / "mine"
    summary = (folder / "summary.md").read_text()
    for word in ("composite", "bicubic", "**export**", "train.py -opt", "![", "[95 % interval over"):
        assert word in summary
    shown = [line.split("](")[1].rstrip(")") for line in summary.splitlines() if line.startswith("![")]
    assert shown and all((folder / name).is_file() for name in shown)
    best = folder / "experiments" / "mine" / "models" / "net_g_best_composite.pth"
    exported = _weights(folder / "export" / "mine.pth")
    assert all(torch.equal(value, exported[name]) for name, value in _weights(best).items())


@pytest.mark.slow
def test_the_sample_leaves_its_floor_plans_out_and_judges_on_two_scenes_or_more(finished) -> None:
    _, lines = finished
    assert any("12 kept, 4 left out" in line for line in lines)
    [split] = [line for line in lines if line.startswith("2/9 split: train")]
    scenes = [int(part.split(" of ")[1].split()[0]) for part in split.split(",")]
    assert sum(scenes) == 12
    assert min(scenes[1:]) >= 2


@pytest.mark.slow
def test_the_same_command_again_does_nothing_again(finished) -> None:
    root, _ = finished
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    assert _as_before(_run(root)) == NAMES
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()} == before


@pytest.mark.slow
def test_a_run_and_its_photographs_that_were_copied_go_on_in_the_new_place(finished, tmp_path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(finished[0], root)
    weights = root / "out/mine/experiments/mine/models/net_g_latest.pth"
    weights.unlink()  # so that there is something to train
    original = {path: path.stat().st_mtime_ns for path in finished[0].rglob("*") if path.is_file()}
    assert _as_before(_run(root)) == [name for name in NAMES if name not in ("rehearse", "train", "report")]
    assert weights.is_file()
    texts = [(root / "out" / "mine" / name).read_text() for name in ("options.yml", "summary.md")]
    assert not any(f"{finished[0]}/out/mine/options.yml" in text for text in texts)
    assert f"{finished[0]}/" not in texts[0]
    assert {path: path.stat().st_mtime_ns for path in finished[0].rglob("*") if path.is_file()} == original


@pytest.mark.slow
def test_a_second_test_set_in_the_option_file_is_scored_besides(finished, tmp_path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(finished[0], root)
    _run(root)
    folder = root / "out" / "mine"
    scores = (folder / "results" / "test" / "scores.csv").read_text().replace(str(finished[0]), str(root))
    text = (folder / "options.yml").read_text()
    section = f'type: SyntheticPairs, dataroot_gt: "{root}/photos", manifest: "{folder}/split/test.csv", max_size: 64'
    more = f"  test_1: {{name: others, {section}}}\n"
    (folder / "options.yml").write_text(text.replace("\nnetwork_g:\n", f"{more}\nnetwork_g:\n", 1))
    shutil.rmtree(folder / "results")
    assert "evaluate" not in _as_before(_run(root))
    assert (folder / "results" / "test" / "scores.csv").read_text() == scores
    assert (folder / "results" / "others" / "scores.csv").is_file()


@pytest.mark.slow
def test_new_photographs_or_another_base_after_training_are_noticed(finished, tmp_path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(finished[0], root)
    extra = root / "photos" / "another" / "1.png"
    extra.parent.mkdir()
    shutil.copy(next((root / "photos").rglob("*.png")), extra)
    with pytest.raises(GuidedError, match="the photographs have changed since .* began to train"):
        run_guided(_request(root), Talk(lambda _: None))
    extra.unlink()
    base = torch.load(finished[0] / "out/mine/export/mine.pth", weights_only=True)
    torch.save(base, root / "other.pth")
    with pytest.raises(GuidedError, match="the base, the budget, the device or the split has changed since"):
        run_guided(_request(root, base=str(root / "other.pth")), Talk(lambda _: None))


@pytest.mark.slow
def test_killed_between_and_inside_steps_it_ends_as_an_undisturbed_run(photos, finished, tmp_path, monkeypatch) -> None:
    root = _copy(photos, tmp_path)
    with pytest.raises(Killed):
        run_guided(_request(root), _killed_at("2/9 split: train"))
    _kill_while_freezing(root, monkeypatch)
    _kill_before_noting(root, "rehearse", monkeypatch)
    assert (root / "out" / "mine" / "options.yml").is_file()
    _kill_while_training(root)
    lines = _run(root)
    assert _as_before(lines) == NAMES[:5]
    assert any("6/9 train: " in line and "going on from the newest checkpoint" in line for line in lines)
    hashes = [
        next(line for line in said if line.startswith("3/9 freeze: ") and "hash" in line).split("hash")[1:]
        for said in (lines, finished[1])
    ]
    assert hashes[0] == hashes[1]
    _check_equal_to_train_py(root, tmp_path)


def _kill_while_freezing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    make = Freezer._make

    def once(self: Freezer, picture):
        if made:
            raise Killed("freezing")
        made.append(picture)
        return make(self, picture)

    with monkeypatch.context() as patch:
        patch.setattr(Freezer, "_make", once)
        with pytest.raises(Killed):
            run_guided(_request(root), Talk(lambda _: None))
    assert len(list((root / "out" / "mine").glob(f"frozen-*/{step_freeze.VAL}/lq/**/*.png"))) == 1


def _kill_before_noting(root: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    add = Journal.add

    def add_until(journal: Journal, step: str, entry: Entry) -> None:
        if step == name:
            raise Killed(name)
        add(journal, step, entry)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "add", add_until)
        with pytest.raises(Killed):
            run_guided(_request(root), Talk(lambda _: None))


def _kill_while_training(root: Path) -> None:
    """SIGKILL after the first checkpoint."""
    code = (
        "import sys; from realesrgan_arch.finetune import main; from realesrgan_arch.entry import run; "
        "sys.exit(run(main, sys.argv[1:]))"
    )
    words = ["--data", root / "photos", "--out", root / "out", "--name", "mine", "--base", DEMO_BASE, "--budget", "2GB"]
    command = [sys.executable, "-c", code, *map(str, words), "--steps", str(STEPS_OF_TRAINING), "--yes"]
    with (root / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"})
        manifest = root / "out/mine/experiments/mine/training_states/ckpt_10.json"
        while process.poll() is None and not manifest.exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, (root / "log").read_text()[-2000:]
    assert not list((root / "out/mine/experiments/mine/models").glob(f"net_g_{STEPS_OF_TRAINING}.pth"))


def _check_equal_to_train_py(root: Path, elsewhere: Path) -> None:
    """The option file alone, trained in one piece, gives the same weights to the last bit."""
    folder = root / "out" / "mine"
    options = load_options(folder / "options.yml", overrides=[f"path.experiments_root={elsewhere / 'whole'}"]).options
    whole = _weights(train(options, listens=False).weights)
    resumed = _weights(folder / "experiments" / "mine" / "models" / "net_g_latest.pth")
    assert all(torch.equal(value, whole[name]) for name, value in resumed.items())


@pytest.mark.slow
def test_no_to_the_audit_keeps_what_is_done_and_makes_no_split(photos, tmp_path) -> None:
    root, lines = _copy(photos, tmp_path), []
    outcome = run_guided(_request(root), Talk(lines.append, lambda: "n\n"))
    assert (outcome.summary, outcome.exit_code) == ("", 0)
    assert lines[-1] == "stopped, as you said; what is done is kept, and the same command goes on from here"
    folder = root / "out" / "mine"
    assert (folder / "audit" / "keep.csv").is_file()
    assert not (folder / "split").exists()


def test_the_steps_have_the_names_that_the_help_gives() -> None:
    assert [step.name for step in STEPS] == NAMES


def test_bad_input_leaves_nothing(tmp_path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(UserError, match="No image found"):
        run_guided(_request(tmp_path), Talk(lambda _: None))
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_two_processes_do_not_work_in_one_folder(photos, tmp_path) -> None:
    root = _copy(photos, tmp_path)
    with (
        file_lock(root / "out" / "mine" / ".guided.lock"),
        pytest.raises(GuidedError, match="another process is at work in .*mine"),
    ):
        run_guided(_request(root), Talk(lambda _: None))
