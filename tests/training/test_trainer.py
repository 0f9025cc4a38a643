"""The loop does everything in its turn, and stops when too much of the data is broken."""

import io
import itertools
import json
import signal
import time

import pytest
import torch

from realesrgan_arch.data.files import DataError
from realesrgan_arch.training.checkpoint import CheckpointError
from realesrgan_arch.training.checkpoint_store import CheckpointStore
from realesrgan_arch.training.image_faults import ImageFaults
from realesrgan_arch.training.numbers_guard import NumbersGuard, TrainingError
from realesrgan_arch.training.progress import Progress, StepTimer
from realesrgan_arch.training.stopping import StoppedBySignal, StopRequest
from realesrgan_arch.training.trainer import Rhythm, Trainer, Watch
from realesrgan_arch.training.verdict import CONTINUE, Verdict
from tests.training.builders import batch, run_steps, small_model, tensors
from tests.training.test_numbers_guard import make_sick


@pytest.fixture
def model(tmp_path):
    model = small_model(tmp_path / "run", train_d=None)
    model.run_folder.prepare()
    return model


def _progress(model, stream: io.StringIO, total: int, *, tensorboard: bool = False) -> Progress:
    return Progress(
        model.run_folder,
        first_step=model.step,
        total_steps=total,
        device=model.device,
        use_tensorboard=tensorboard,
        stream=stream,
    )


class _Batches:
    """Batch `i` at step `i`, or those of a list."""

    def __init__(self, batches) -> None:
        self._batches = batches

    def open(self, first_step: int):
        yield from self._batches if self._batches is not None else map(batch, itertools.count(first_step))


class _Rounds:
    """Notes the steps that are validated; `verdicts` are given out once each."""

    rate_factor = 1.0

    def __init__(self, verdicts: dict[int, Verdict] | None = None, *, last_step: int = 0) -> None:
        self.last_step = last_step
        self.steps: list[int] = []
        self._verdicts = verdicts or {}

    def validate(self, step: int) -> Verdict:
        self.last_step = step
        self.steps.append(step)
        return self._verdicts.pop(step, CONTINUE)

    def go_back(self, step: int) -> None:
        self.last_step = step


def _fit(model, total: int, *, rounds: _Rounds | None = None, **rest) -> list[int]:
    rounds = rounds or _Rounds()
    _trainer(model, total, rounds=rounds, **rest).fit()
    return rounds.steps


def _trainer(
    model,
    total: int,
    *,
    stream: io.StringIO | None = None,
    batches=None,
    stop=None,
    rounds: _Rounds,
    numbers: NumbersGuard | None = None,
    **rhythm,
) -> Trainer:
    numbers = numbers or NumbersGuard()
    progress = _progress(model, stream or io.StringIO(), total)
    watch = Watch(progress, ImageFaults(100), numbers, rounds, stop or StopRequest())
    return Trainer(
        model,
        batches=_Batches(batches),
        rhythm=Rhythm(total_steps=total, **rhythm),
        store=CheckpointStore(model.run_folder, extras={"numbers": numbers}),
        watch=watch,
    )


def test_a_run_validates_and_saves_in_its_rhythm_and_at_the_end(model) -> None:
    assert _fit(model, 5, save_every=2, validate_every=3, print_every=0) == [3, 5]
    names = sorted(path.name for path in model.run_folder.models.iterdir())
    assert names == [*(f"net_g_{step}.pth" for step in (2, 3, 4, 5)), "net_g_latest.pth"]
    assert sorted(path.name for path in model.run_folder.states.glob("*.state")) == [
        "2.state", "3.state", "4.state", "5.state",
    ]  # fmt: skip


def test_a_validation_that_a_kill_prevented_is_made_up_for(model) -> None:
    run_steps(model, 1, 2)
    assert _fit(model, 4, save_every=2, validate_every=2, print_every=0) == [2, 4]


def test_a_validation_that_was_made_is_not_made_again(model) -> None:
    run_steps(model, 1, 2)
    rounds = _Rounds(last_step=2)
    assert _fit(model, 4, rounds=rounds, save_every=2, validate_every=2, print_every=0) == [4]


def test_a_rollback_goes_back_to_the_checkpoint_and_trains_on_from_there(model) -> None:
    rounds, stream = _Rounds({4: Verdict("rollback", "worse than the base", step=2)}), io.StringIO()
    assert _fit(model, 6, rounds=rounds, stream=stream, save_every=2, validate_every=2, print_every=0) == [2, 4, 4, 6]
    assert "worse than the base: going back to step 2" in stream.getvalue()
    undisturbed = small_model(model.run_folder.root.parent / "other", train_d=None)
    run_steps(undisturbed, 1, 6)
    assert all(map(torch.equal, tensors(model).values(), tensors(undisturbed).values()))


@pytest.mark.parametrize("damage", ["absent", "not whole"])
def test_a_rollback_to_a_checkpoint_that_is_gone_takes_the_newest_whole_one(model, damage: str) -> None:
    class Damaging(_Rounds):
        def validate(self, step: int) -> Verdict:
            if damage == "not whole" and step == 4:
                model.run_folder.state(2).write_bytes(b"torn")
            return super().validate(step)

    rounds = Damaging({4: Verdict("rollback", "worse than the base", step=1 if damage == "absent" else 2)})
    stream = io.StringIO()
    assert _fit(model, 6, rounds=rounds, stream=stream, save_every=2, validate_every=2, print_every=0) == [2, 4, 6]
    said = stream.getvalue()
    assert "is not there, or not whole any more" in said
    assert "worse than the base: from here on with half the learning rate" in said
    assert "going back" not in said


def test_a_rollback_to_the_last_step_of_the_run_is_its_end(model) -> None:
    rounds = _Rounds({4: Verdict("rollback", "worse than the base", step=4, exit_code=4)})
    stream = io.StringIO()
    trainer = _trainer(model, 4, rounds=rounds, stream=stream, save_every=2, validate_every=2, print_every=0)
    verdict = trainer.fit()
    assert (verdict.action, verdict.exit_code) == ("finish", 4)
    assert verdict.reason == "worse than the base: the run ends, as its last step is the one to go back to"
    assert "half the learning rate" not in stream.getvalue()
    assert model.run_folder.weights("net_g", None).exists()


@pytest.mark.parametrize(("begun", "after"), [(0, 0), (1, 1), (3, 2)])
def test_a_rollback_keeps_where_the_run_let_its_schedule_begin(model, begun: int, after: int) -> None:
    class Restarting(_Rounds):
        def validate(self, step: int) -> Verdict:
            model.schedule_start = begun if step == 4 else model.schedule_start
            return super().validate(step)

    rounds = Restarting({4: Verdict("rollback", "worse", step=2)})
    seen: list[int] = []
    update = model.update_learning_rate
    model.update_learning_rate = lambda step: (seen.append(model.schedule_start), update(step))
    _fit(model, 5, rounds=rounds, save_every=2, validate_every=4, print_every=0)
    assert seen[4:6] == [after] * 2


def test_what_watches_the_numbers_goes_back_too(model, monkeypatch) -> None:
    numbers, gone_back = NumbersGuard(), []
    monkeypatch.setattr(numbers, "go_back", gone_back.append)
    rounds = _Rounds({4: Verdict("rollback", "worse", step=2)})
    _fit(model, 4, rounds=rounds, numbers=numbers, save_every=2, validate_every=4, print_every=0)
    assert gone_back == [2]


def test_bad_steps_before_the_first_checkpoint_go_back_to_the_start(model, monkeypatch) -> None:
    make_sick(model, {2, 3}, monkeypatch)
    stream, optimize, steps = io.StringIO(), model.optimize_parameters, []

    def noted(step: int) -> None:
        optimize(step)
        steps.append(step)
        if len(steps) == 3:
            model.game.losses.pixel.steps = set()

    monkeypatch.setattr(model, "optimize_parameters", noted)
    _fit(model, 5, numbers=NumbersGuard(bad_steps=2), stream=stream, print_every=0, save_every=5)
    assert steps == [1, 2, 3, 1, 2, 3, 4, 5]
    assert "up to step 3, are not finite: going back to step 0 with half the learning rate" in stream.getvalue()
    undisturbed = small_model(model.run_folder.root.parent / "other", train_d=None)
    undisturbed.rate_factor = 0.5
    run_steps(undisturbed, 1, 5)
    assert all(map(torch.equal, tensors(model).values(), tensors(undisturbed).values()))


def test_without_any_way_back_the_run_ends_with_a_sentence_that_promises_none(model) -> None:
    run_steps(model, 1, 1)
    rounds = _Rounds({2: Verdict("rollback", "worse than the base")})
    with pytest.raises(CheckpointError, match="^worse than the base; there is no checkpoint to go back to$"):
        _fit(model, 4, rounds=rounds, save_every=0, validate_every=2, print_every=0)


def test_a_finish_ends_the_run_in_good_order(model) -> None:
    rounds = _Rounds({2: Verdict("finish", "nothing gets better")})
    assert _fit(model, 6, rounds=rounds, save_every=2, validate_every=2, print_every=0) == [2]
    assert model.step == 2
    assert model.run_folder.weights("net_g", None).exists()


def test_zero_means_never(model) -> None:
    assert _fit(model, 3, save_every=0, validate_every=0, print_every=0) == []
    assert [path.name for path in model.run_folder.models.iterdir()] == ["net_g_latest.pth"]


def test_plain_lines_and_json_lines_tell_the_losses(model) -> None:
    stream = io.StringIO()
    _fit(model, 4, stream=stream, print_every=2)
    lines = stream.getvalue().splitlines()
    assert [line.split()[1] for line in lines] == ["2/4", "4/4"]
    assert all(word in lines[0] for word in ("g_pix", "it/s", "data", "ETA", "GiB"))
    records = [json.loads(line) for line in model.run_folder.metrics.read_text().splitlines()]
    assert [(record["kind"], record["step"]) for record in records] == [("train", 2), ("train", 4)]
    assert records[0]["lr"] == 1e-3


def test_tensorboard_gets_scalars_and_pictures(model) -> None:
    import torch
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    progress = _progress(model, io.StringIO(), 2, tensorboard=True)
    progress.log_losses(1, {"l_g_pix": 0.5}, [1e-3])
    progress.log_images(1, "grid", torch.rand(3, 8, 8))
    progress.close()
    events = EventAccumulator(str(model.run_folder.tensorboard)).Reload()
    assert events.Scalars("train/l_g_pix")[0].value == 0.5
    assert events.Tags()["images"] == ["grid"]


def _broken(step: int, path: str) -> dict[str, object]:
    return {**batch(step), "failed_path": ["", path]}


def test_an_unreadable_image_is_said_once(model) -> None:
    stream = io.StringIO()
    _fit(model, 3, stream=stream, batches=[_broken(step, "a.jpg") for step in (1, 2, 3)], print_every=0)
    assert stream.getvalue().count("a.jpg") == 1


def test_more_than_five_percent_unreadable_images_stop_the_run(model) -> None:
    batches = [_broken(step, f"{step}.jpg") for step in range(1, 9)]
    with pytest.raises(DataError, match="at most 5%.* got 6 of 100.*1.jpg"):
        _fit(model, 8, batches=batches, print_every=0)
    assert model.step == 5


def test_a_single_bad_image_in_a_small_set_does_not_stop_the_run() -> None:
    faults = ImageFaults(4)
    assert "a.jpg" in faults.note({"failed_path": ["", "a.jpg"]})[0]
    with pytest.raises(DataError):
        faults.note({"failed_path": ["b.jpg"]})
    assert faults.listing() == "  a.jpg\n  b.jpg"


def test_padded_images_are_said_once() -> None:
    faults = ImageFaults(4)
    assert faults.note({"padded": torch.tensor([False, False])}) == []
    assert "padded by reflection" in faults.note({"padded": torch.tensor([False, True])})[0]
    assert faults.note({"padded": torch.tensor([True, True])}) == []


def test_training_that_diverges_from_its_start_ends_with_the_step(model) -> None:
    with torch.no_grad():
        model.generator.network.body[0].weight.fill_(float("nan"))
    with pytest.raises(TrainingError, match="weights of step 4 are not finite any more.*rate was halved before"):
        _fit(model, 4, print_every=2)
    assert not list(model.run_folder.models.glob("*.pth"))
    lines = [json.loads(line) for line in model.run_folder.metrics.read_text().splitlines()]
    assert [line["l_g_pix"] for line in lines] == [None, None]


def test_a_bad_step_is_skipped_and_the_run_ends_well(model, monkeypatch) -> None:
    make_sick(model, {2}, monkeypatch)
    numbers = NumbersGuard()
    _fit(model, 4, numbers=numbers, print_every=0, save_every=2)
    assert numbers.skipped == 1
    assert torch.isfinite(model.generator.network.body[0].weight).all()


def test_bad_steps_in_a_row_go_back_to_the_checkpoint_with_half_the_rate_and_resume_keeps_it(
    model, monkeypatch
) -> None:
    make_sick(model, {3, 4}, monkeypatch)
    numbers, stream = NumbersGuard(bad_steps=2), io.StringIO()
    steps: list[tuple[int, float]] = []
    update = model.update_learning_rate

    def noted(step: int) -> None:
        update(step)
        steps.append((step, model.get_current_learning_rate()[0]))
        if len(steps) == 5:  # the second time the batches of 3 and 4 do no harm
            model.game.losses.pixel.steps = set()

    monkeypatch.setattr(model, "update_learning_rate", noted)
    _fit(model, 6, numbers=numbers, stream=stream, print_every=0, save_every=2)
    assert steps == [*((n, 1e-3) for n in (1, 2, 3, 4)), *((n, 5e-4) for n in (3, 4, 5, 6))]
    assert "2 steps in a row, up to step 4, are not finite: going back to step 2 with half the learning rate" in (
        stream.getvalue()
    )
    resumed = NumbersGuard()
    CheckpointStore(model.run_folder, extras={"numbers": resumed}).restore_extras(6)
    assert resumed.rate_factor == 0.5


def test_bad_steps_that_come_again_end_the_run(model, monkeypatch) -> None:
    make_sick(model, {3, 4, 5, 6}, monkeypatch)
    with pytest.raises(TrainingError, match="up to step 4, are not finite, although the learning rate was halved"):
        _fit(model, 6, numbers=NumbersGuard(bad_steps=2), print_every=0, save_every=2)


def test_a_weight_that_is_not_finite_is_never_saved_and_sends_the_run_back(model, monkeypatch) -> None:
    """A hand, a kernel or a bit has poisoned it in a step whose losses were finite."""
    optimize, poisoned = model.optimize_parameters, []

    def poison(step: int) -> None:
        optimize(step)
        if step == 4 and not poisoned:
            poisoned.append(step)
            with torch.no_grad():
                model.ema.network.body[0].weight[0, 0, 0, 0] = float("inf")

    monkeypatch.setattr(model, "optimize_parameters", poison)
    stream = io.StringIO()
    _fit(model, 6, stream=stream, print_every=0, save_every=2)
    assert "weights of step 4 are not finite any more (average of network_g body.0.weight)" in stream.getvalue()
    for path in model.run_folder.models.glob("*.pth"):
        weights = torch.load(path, weights_only=True)
        assert all(torch.isfinite(value).all() for part in weights.values() for value in part.values())


def test_a_device_without_memory_is_told_what_to_lower(model, monkeypatch) -> None:
    def no_memory(step: int) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(model, "optimize_parameters", no_memory)
    with pytest.raises(TrainingError, match="no memory for step 1; lower .*_per_gpu.* `realesrgan-arch plan FILE`"):
        _fit(model, 2)


def test_pauses_do_not_count_as_time_of_steps() -> None:
    timer = StepTimer(started=time.monotonic() - 10.0, paused_seconds=8.0, data_seconds=1.0, steps=4)
    assert timer.steps_per_second() == pytest.approx(2.0, rel=0.05)
    assert timer.data_share() == pytest.approx(0.5, rel=0.05)


def test_a_frozen_tensor_that_moved_is_found_at_the_end_of_the_run(tmp_path) -> None:
    model = small_model(tmp_path / "run", train_g=["last:1"], train_d=None)
    model.run_folder.prepare()

    def batches():
        yield batch(1)
        with torch.no_grad():
            model.generator.network.body[0].bias.add_(1e-3)
        yield batch(2)

    with pytest.raises(RuntimeError, match="frozen tensors of network_g changed"):
        _fit(model, 2, batches=batches(), print_every=0)
    assert not (model.run_folder.models / "net_g_latest.pth").exists()


def test_a_stop_ends_the_run_after_the_step_with_a_state(model) -> None:
    stop = StopRequest()
    stop.number = signal.SIGTERM
    with pytest.raises(StoppedBySignal, match="stopped at step 1 and saved") as stopped:
        _fit(model, 3, stop=stop, print_every=0, save_every=0)
    assert stopped.value.exit_code == 143
    assert model.run_folder.state(1).exists()


def test_a_stop_in_the_last_step_lets_the_run_finish(model) -> None:
    stop = StopRequest()
    stop.number = signal.SIGINT
    _fit(model, 1, stop=stop, print_every=0, save_every=0)
    assert model.run_folder.weights("net_g", None).exists()


class _Clock:
    """Ten seconds a step."""

    def __init__(self) -> None:
        self.seconds = 1e6

    def __call__(self) -> float:
        return self.seconds


def test_speed_and_time_left_are_those_of_this_process_whatever_the_time_of_day_does(model, monkeypatch) -> None:
    clock, stream = _Clock(), io.StringIO()
    progress = Progress(
        model.run_folder, first_step=900, total_steps=1000, device=model.device, use_tensorboard=False, stream=stream,
        clock=clock,
    )  # fmt: skip
    clock.seconds += 5000  # scoring the base
    progress.restart_clock()
    for _ in range(10):
        clock.seconds += 10
        progress.count_step(data_seconds=1.0)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    with progress.pause():
        clock.seconds += 700
    progress.log_losses(910, {"l_g_pix": 0.5}, [1e-3])
    line = stream.getvalue()
    assert "step 910/1000" in line
    assert "0.10 it/s" in line
    assert "data 10%" in line
    assert "ETA 15:00" in line


def test_going_back_cuts_the_lines_of_the_steps_that_are_made_again(model) -> None:
    progress = _progress(model, io.StringIO(), 9)
    for step in (1, 2, 3, 2, 3):
        if step == 2 and model.run_folder.metrics.read_text().count('"step": 3'):
            progress.go_back(1)
        progress.log_losses(step, {"l_g_pix": 0.5}, [1e-3])
    records = [json.loads(line) for line in model.run_folder.metrics.read_text().splitlines()]
    assert [record["step"] for record in records] == [1, 2, 3]


def test_tensorboard_forgets_all_steps_of_a_run_that_goes_back_to_its_start(model) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    progress = _progress(model, io.StringIO(), 9, tensorboard=True)
    for step in (1, 2, 3):
        progress.log_losses(step, {"l_g_pix": 0.1}, [1e-3])
    progress.go_back(0)
    progress.log_losses(1, {"l_g_pix": 0.9}, [1e-3])
    progress.close()
    events = EventAccumulator(str(model.run_folder.tensorboard)).Reload().Scalars("train/l_g_pix")
    assert [(event.step, round(event.value, 3)) for event in events] == [(1, 0.9)]


def test_tensorboard_forgets_what_came_after_the_resumed_step(model) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    killed = _progress(model, io.StringIO(), 9, tensorboard=True)
    for step in (1, 2, 3):
        killed.log_losses(step, {"l_g_pix": 0.1 * step}, [1e-3])
    killed.close()
    model.step = 2
    resumed = _progress(model, io.StringIO(), 9, tensorboard=True)
    resumed.log_losses(3, {"l_g_pix": 0.9}, [1e-3])
    resumed.close()
    events = EventAccumulator(str(model.run_folder.tensorboard)).Reload().Scalars("train/l_g_pix")
    assert [(event.step, round(event.value, 3)) for event in events] == [(1, 0.1), (2, 0.2), (3, 0.9)]
