"""The option file is this run's, whatever kills the step, and says where things lie now."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from realesrgan_arch.dry_run_report import Cost
from realesrgan_arch.guided import step_rehearse
from realesrgan_arch.guided.chain import Work, run_chain
from realesrgan_arch.guided.journal import Entry, Journal
from realesrgan_arch.guided.request import GuidedError
from realesrgan_arch.guided.step_rehearse import REHEARSE
from realesrgan_arch.options.load import load_options
from realesrgan_arch.options.types import Options
from tests.guided.builders import build_work


class Killed(BaseException):
    """As if the process were gone."""


@pytest.fixture(autouse=True)
def rehearsals(monkeypatch) -> list[Options]:
    """Each rehearsal finds a machine of another speed; they are counted."""
    made: list[Options] = []

    def rehearse(options: Options) -> SimpleNamespace:
        made.append(options)
        return SimpleNamespace(cost=_cost(step_s=float(len(made))), all_problems=list)

    monkeypatch.setattr(step_rehearse, "dry_run", rehearse)
    return made


def _cost(*, step_s: float) -> Cost:
    return Cost(
        steps=8000, first_step_s=step_s, step_s=step_s, validations=8, pictures_per_scored=2.0, base_s=4.0,
        validation_s=5.0, saves=8, saving_s=2.0, kept=4, checkpoint_bytes=1, peak_bytes=1,
    )  # fmt: skip


def _work(root: Path, **changed) -> Work:
    work = build_work(root, [], **changed)
    parts = {"train": {"images": 8}}
    work.journal.add("split", Entry("", {"digest": "0" * 64, "parts": parts}))
    work.journal.add("freeze", Entry("", {"folder": "frozen-0"}))
    work.journal.add("plan", Entry("", {"patterns": ["all"], "accumulate": 1, "checkpointing": False}))
    return work


def _run(root: Path, **changed) -> Options:
    work = _work(root, **changed)
    run_chain([REHEARSE], work)
    return load_options(work.folder.options).options


def _steps(options: Options) -> int:
    assert options.train is not None
    return options.train.total_iter


def _begin_training(root: Path) -> None:
    run = build_work(root, []).folder.run
    run.states.mkdir(parents=True)
    run.state(10).write_bytes(b"")


def _kill(root: Path, monkeypatch: pytest.MonkeyPatch, *, after_writing: bool, **changed) -> None:
    """Kill before the option file is written, or before the step is noted."""
    work, add = _work(root, **changed), Journal.add

    def add_until(journal: Journal, step: str, entry: Entry) -> None:
        if after_writing and step == REHEARSE.name:
            raise Killed
        add(journal, step, entry)
        if not after_writing:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "add", add_until)
        with pytest.raises(Killed):
            run_chain([REHEARSE], work)


@pytest.mark.parametrize("after_writing", [True, False])
def test_killed_before_it_is_noted_the_same_command_goes_on(tmp_path, monkeypatch, after_writing) -> None:
    _kill(tmp_path, monkeypatch, after_writing=after_writing)
    assert build_work(tmp_path, []).folder.options.exists() == after_writing
    assert _steps(_run(tmp_path)) > 0


@pytest.mark.parametrize("after_writing", [True, False])
def test_killed_while_the_hours_change_either_command_goes_on(tmp_path, monkeypatch, after_writing) -> None:
    _run(tmp_path, steps=20)
    _kill(tmp_path, monkeypatch, after_writing=after_writing, steps=40)
    _kill(tmp_path, monkeypatch, after_writing=after_writing, steps=60)
    other = tmp_path / "other"
    shutil.copytree(tmp_path / "out", other / "out")
    assert _steps(_run(tmp_path, steps=60)) == 60
    shutil.rmtree(tmp_path / "out")
    shutil.move(other / "out", tmp_path / "out")
    assert _steps(_run(tmp_path, steps=20)) == 20


def test_a_file_that_was_changed_by_hand_is_used_but_not_overwritten(tmp_path) -> None:
    _run(tmp_path, steps=20)
    path = build_work(tmp_path, []).folder.options
    edited = path.read_text(encoding="utf-8").replace("total_iter: 20", "total_iter: 21")
    path.write_text(edited, encoding="utf-8")
    assert _steps(_run(tmp_path, steps=20)) == 21
    with pytest.raises(GuidedError, match="would be overwritten, but was changed by hand"):
        _run(tmp_path, steps=40)
    assert path.read_text(encoding="utf-8") == edited


@pytest.mark.parametrize("begun", [True, False])
def test_a_run_that_was_moved_names_its_new_place_and_keeps_the_schedule_it_trains_by(
    tmp_path, rehearsals, begun
) -> None:
    before = _run(tmp_path / "a")
    if begun:
        _begin_training(tmp_path / "a")
    shutil.move(tmp_path / "a", tmp_path / "b")
    after = _run(tmp_path / "b")
    assert (_steps(after) == _steps(before)) == begun
    assert len(rehearsals) == (1 if begun else 2)
    assert after.path.experiments_root == tmp_path / "b" / "out" / "mine" / "experiments"
    assert after.datasets.train is not None
    assert after.datasets.train.dataroot_gt == tmp_path / "b" / "photos"
    assert str(tmp_path / "a") not in build_work(tmp_path / "b", []).folder.options.read_text(encoding="utf-8")


def test_a_base_of_another_name_is_named_anew(tmp_path) -> None:
    _run(tmp_path)
    work = _work(tmp_path)
    run_chain([REHEARSE], replace(work, base=replace(work.base, source="elsewhere/base.pth")))
    assert load_options(work.folder.options).options.path.pretrain_network_g == "elsewhere/base.pth"


def test_other_hours_after_training_began_keep_the_average(tmp_path) -> None:
    before = _run(tmp_path, steps=20)
    _begin_training(tmp_path)
    after = _run(tmp_path, steps=4000)
    assert before.train is not None and after.train is not None
    assert (after.train.total_iter, after.train.ema_decay) == (4000, before.train.ema_decay)
