"""A step is done once; again where its inputs changed or its files are gone; never half."""

from dataclasses import replace

import pytest

from realesrgan_arch.guided.chain import Step, StoppedInStepError, run_chain
from realesrgan_arch.guided.journal import Journal
from realesrgan_arch.guided.request import GuidedError
from tests.guided.builders import build_work


class Steps:
    """Two steps that count how often they were done."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.inputs = {"first": 1, "second": 1}
        self.whole = True
        self.fault: BaseException | None = None

    def chain(self, **changed) -> list[Step]:
        return [self._step(name, **changed) for name in ("first", "second")]

    def _step(self, name: str, **changed) -> Step:
        step = Step(
            name=name,
            depends="the photographs have",
            inputs=lambda _: self.inputs[name],
            aim=lambda _: f"doing {name}",
            make=lambda _: self._make(name),
            told=lambda facts: f"{facts['made']} made",
            holds=lambda _, __: self.whole,
        )
        return replace(step, **changed)

    def _make(self, name: str) -> dict:
        if name == "second" and self.fault is not None:
            raise self.fault
        self.done.append(name)
        return {"made": name}


def test_each_step_says_a_line_before_and_after(tmp_path) -> None:
    lines: list[str] = []
    run_chain(Steps().chain(), build_work(tmp_path, lines))
    assert lines == [
        "1/2 first: doing first",
        "1/2 first: first made",
        "2/2 second: doing second",
        "2/2 second: second made",
    ]


def test_what_is_done_is_not_done_again(tmp_path) -> None:
    steps, lines = Steps(), []
    run_chain(steps.chain(), build_work(tmp_path, []))
    run_chain(steps.chain(), build_work(tmp_path, lines))
    assert steps.done == ["first", "second"]
    assert lines == ["1/2 first: as before: first made", "2/2 second: as before: second made"]


def test_a_chain_that_broke_between_two_steps_goes_on_there(tmp_path) -> None:
    steps = Steps()
    steps.fault = GuidedError("no disk")
    with pytest.raises(GuidedError):
        run_chain(steps.chain(), build_work(tmp_path, []))
    steps.fault = None
    run_chain(steps.chain(), build_work(tmp_path, []))
    assert steps.done == ["first", "second"]


def test_changed_inputs_are_said_and_only_that_step_is_done_again(tmp_path) -> None:
    steps, lines = Steps(), []
    run_chain(steps.chain(), build_work(tmp_path, []))
    steps.inputs["second"] = 2
    run_chain(steps.chain(), build_work(tmp_path, lines))
    assert steps.done == ["first", "second", "second"]
    assert lines[1] == "2/2 second: the photographs have changed: again: doing second"


def test_a_step_whose_files_are_gone_is_done_again(tmp_path) -> None:
    steps, lines = Steps(), []
    run_chain(steps.chain(), build_work(tmp_path, []))
    steps.whole = False
    run_chain(steps.chain(), build_work(tmp_path, lines))
    assert steps.done == ["first", "second"] * 2
    assert lines[0] == "1/2 first: its files are gone: again: doing first"


@pytest.mark.parametrize(("exit_code", "expected"), [(None, 130), (143, 143)])
def test_a_signal_inside_a_step_says_how_to_go_on(tmp_path, exit_code, expected) -> None:
    steps = Steps()
    steps.fault = KeyboardInterrupt("stopped at step 3 and saved")
    if exit_code:
        steps.fault.exit_code = exit_code
    with pytest.raises(StoppedInStepError) as stopped:
        run_chain(steps.chain(), build_work(tmp_path, []))
    assert str(stopped.value) == "stopped in step 2/2 second; run the same command again to go on from there"
    assert stopped.value.exit_code == expected
    assert Journal(build_work(tmp_path, []).folder.journal).entry("second") is None


@pytest.mark.parametrize("begun", [True, False])
def test_what_training_rests_on_does_not_change_once_it_has_begun(tmp_path, begun) -> None:
    steps, work = Steps(), build_work(tmp_path, [])
    run_chain(steps.chain(is_settled=True), work)
    if begun:
        work.folder.run.states.mkdir(parents=True)
        work.folder.run.state(10).write_bytes(b"")
    steps.inputs["second"] = 2
    if begun:
        with pytest.raises(GuidedError, match="the photographs have changed since .*mine began to train.*--name"):
            run_chain(steps.chain(is_settled=True), build_work(tmp_path, []))
    else:
        run_chain(steps.chain(is_settled=True), build_work(tmp_path, []))
    assert steps.done == ["first", "second"] + ([] if begun else ["second"])


def test_a_run_that_trained_from_nobody_knows_what_is_refused(tmp_path) -> None:
    """Chosen anew, the plan or the average could be others: the resume would be of another run."""
    steps, work = Steps(), build_work(tmp_path, [])
    run_chain(steps.chain(is_settled=True), work)
    work.folder.run.states.mkdir(parents=True)
    work.folder.run.state(10).write_bytes(b"")
    work.folder.journal.unlink()
    words = r"mine has begun to train, but .*guided\.json does not say from what \(first\); .* choose another --name$"
    with pytest.raises(GuidedError, match=words):
        run_chain(steps.chain(is_settled=True), build_work(tmp_path, []))
    assert steps.done == ["first", "second"]
