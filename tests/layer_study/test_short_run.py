"""What one short run leaves when it is stopped or breaks."""

from pathlib import Path

import pytest

from realesrgan_arch.layer_study.pair_tape import PairTape, record_pairs
from realesrgan_arch.layer_study.short_run import ShortRun, Stages, train_to
from realesrgan_arch.layer_study.study import InterruptedStudy
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.model import FineTuneModel
from realesrgan_arch.training.retention import Retention
from realesrgan_arch.training.run_folder import RunFolder
from tests.layer_study.probes import FIRST, probe_options


def _go_on() -> None:
    """Asks for no stop."""


@pytest.fixture
def run(tmp_path) -> tuple[Options, PairTape]:
    options = ShortRun(FIRST, 0).options(parse_options(probe_options(tmp_path)), Stages(4, 1), tmp_path)
    record_pairs(options, tmp_path / "tape", tell=print, check_stop=_go_on)
    return options, PairTape(tmp_path / "tape")


def _newest(folder: Path) -> int | None:
    return CheckpointStore(RunFolder(folder), retention=Retention(keep_last=1)).newest_step()


def test_a_step_that_breaks_in_the_middle_leaves_no_state_and_says_its_own_cause(run, monkeypatch) -> None:
    options, tape = run
    train_to(options, tape, until=1, check_stop=_go_on)
    whole = FineTuneModel.optimize_parameters

    def break_in_the_third(self: FineTuneModel, current_iter: int) -> None:
        if current_iter == 3:
            # The weights have moved, the average has not.
            self.game.play(self._lq, self._targets(), step=current_iter)
            raise MemoryError("the cause")
        whole(self, current_iter)

    monkeypatch.setattr(FineTuneModel, "optimize_parameters", break_in_the_third)
    with pytest.raises(MemoryError, match="the cause"):
        train_to(options, tape, until=4, check_stop=_go_on)
    assert _newest(options.run_path) == 1


def test_a_stop_between_two_steps_saves_the_last_whole_one(run) -> None:
    options, tape = run
    calls = iter(range(9))

    def stop_before_the_third() -> None:
        if next(calls) == 2:
            raise InterruptedStudy(130)

    with pytest.raises(InterruptedStudy):
        train_to(options, tape, until=4, check_stop=stop_before_the_third)
    assert _newest(options.run_path) == 2
