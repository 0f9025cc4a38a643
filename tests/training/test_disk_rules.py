"""A full or failing disk loses nothing, and is said: before the run, before a save and in the middle of one."""

import errno
import os
import resource
import shutil
import signal
import subprocess
from types import SimpleNamespace

import pytest

from realesrgan_arch.options.load import parse_options
from realesrgan_arch.training import fault_points
from realesrgan_arch.training.best import BestTable
from realesrgan_arch.training.checkpoint import NotSavedError
from realesrgan_arch.training.checkpoint_manifest import read_manifests
from realesrgan_arch.training.checkpoint_store import ATTEMPTS, CheckpointStore
from realesrgan_arch.training.disk_rules import MARGIN_BYTES, DiskRules, tensor_bytes
from realesrgan_arch.training.opening import count_saves, most_checkpoints, open_store
from realesrgan_arch.training.pareto import CAP
from realesrgan_arch.training.preflight import check_room, checkpoint_bytes, count_checkpoints
from realesrgan_arch.training.ranks import Ranks
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.training.stopping import StoppedBySignal, StopRequest
from tests.tiny_run import tiny_options
from tests.training.builders import GT_SIZE, run_steps, small_model
from tests.training.stored import Note, StepNumber, all_files, save_steps, saved_steps


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.prepare()
    return folder


def test_a_failing_disk_is_tried_again_and_then_an_error_with_code_5(folder, monkeypatch) -> None:
    said, slept, tries = [], [], []

    def fail(name: str) -> None:
        if name.startswith("save:opened"):
            tries.append(name)
            raise OSError(errno.EIO, "broken disk")

    store = save_steps(folder, 1, disk=DiskRules(write=said.append, sleep=slept.append))
    monkeypatch.setattr(fault_points, "reached", fail)
    with pytest.raises(NotSavedError, match="broken disk") as caught:
        store.save(StepNumber(2), 2)
    assert caught.value.exit_code == 5
    assert (len(tries), len(slept)) == (ATTEMPTS, ATTEMPTS - 1)
    assert store.newest_step() == 1


def test_a_disk_without_room_stops_the_run_before_it_writes(folder) -> None:
    store = save_steps(folder, 1, disk=DiskRules("stop", free=lambda path: 10**9))
    full = CheckpointStore(folder, disk=DiskRules("stop", free=lambda path: 50))
    before = all_files(folder)
    with pytest.raises(
        NotSavedError, match=r"expected .* for a checkpoint on the disk of .*got 50 bytes free"
    ) as caught:
        full.save(StepNumber(2), 2)
    assert caught.value.exit_code == 5
    assert all_files(folder) == before
    assert store.newest_step() == 1


def test_a_full_disk_pauses_the_run_until_there_is_room_and_says_so_once(folder) -> None:
    room, said = iter([50, 50, 50, 10**9, 10**9]), []
    slept: list[float] = []
    disk = DiskRules("pause", write=said.append, free=lambda path: next(room), sleep=slept.append)
    save_steps(folder, 1, disk=disk)
    assert len(slept) == 3
    assert len([text for text in said if "training waits until there is room" in text]) == 1
    assert saved_steps(folder) == [1]


def test_a_signal_ends_the_waiting(folder) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        assert len(slept) < 2, "waits on"
        slept.append(seconds)

    def check_stop() -> None:
        if len(slept) == 2:
            raise StoppedBySignal(7, signal.SIGTERM, disk_is_full=True)

    disk = DiskRules("pause", lambda text: None, check_stop, free=lambda path: 0, sleep=sleep)
    with pytest.raises(
        StoppedBySignal, match="nothing was saved of this step; the last checkpoint is of step 7"
    ) as end:
        save_steps(folder, 1, disk=disk)
    assert end.value.exit_code == 143


def _opened_store(folder: RunFolder, ranks: Ranks, said: list[str], stop: StopRequest):
    model = SimpleNamespace(run_folder=folder, game=SimpleNamespace(ranks=ranks))
    rounds, progress = SimpleNamespace(table=BestTable()), SimpleNamespace(write=said.append)
    options = parse_options(tiny_options(folder.root, folder.root))
    return open_store(options, model, numbers=Note(), rounds=rounds, progress=progress, stop=stop)  # pyright: ignore


def test_a_signal_while_the_run_waits_for_room_tells_the_last_checkpoint(folder) -> None:
    save_steps(folder, 1, 2)
    stop = StopRequest()
    store = _opened_store(folder, Ranks.single(), [], stop)
    stop.number = signal.SIGINT
    with pytest.raises(StoppedBySignal, match="of step 2: go on with") as end:
        store._disk.give_up_or_wait("full", is_said=True)  # pyright: ignore
    assert end.value.exit_code == 130


def test_several_ranks_do_not_wait_for_one_that_has_no_room_and_say_so_at_the_start(folder) -> None:
    said: list[str] = []
    store = _opened_store(folder, Ranks(rank=0, world_size=2), said, StopRequest())
    assert ["a full disk ends the run" in words for words in said] == [True]
    assert store._store._disk.when_full == "stop"  # pyright: ignore


def test_superseded_checkpoints_make_room(folder) -> None:
    store = save_steps(folder, 1, 2, 3)
    store.discard_after(1)
    free = lambda path: 50 if list(folder.superseded.rglob("ckpt_*.json")) else 10**9  # noqa: E731
    save_steps(folder, 2, disk=DiskRules("stop", free=free))
    assert not list(folder.superseded.rglob("*.pth"))
    assert saved_steps(folder) == [1, 2]


@pytest.fixture
def small_disk(tmp_path):
    """One megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    if not shutil.which("mount") or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("this container may not mount")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_disk_that_fills_while_a_file_is_written_keeps_the_older_checkpoint_and_no_partial_file(small_disk) -> None:
    folder = RunFolder(small_disk / "run")
    folder.prepare()
    blind = DiskRules("stop", free=lambda path: 10**9)
    store = CheckpointStore(folder, disk=blind)
    store.save(StepNumber(1, values=20_000), 1)
    before = all_files(folder)
    with pytest.raises(NotSavedError, match="No space left on device") as caught:
        store.save(StepNumber(2, values=90_000), 2)
    assert caught.value.is_full
    assert caught.value.exit_code == 5
    assert store.newest_step() == 1
    assert all_files(folder) == before


def test_a_limit_on_the_size_of_files_is_an_error_and_leaves_no_partial_file(folder) -> None:
    store = save_steps(folder, 1, disk=DiskRules("pause", write=lambda text: None, sleep=lambda seconds: None))
    before = all_files(folder)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
        with pytest.raises(NotSavedError, match="File too large"):
            store.save(StepNumber(2, values=50_000), 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert all_files(folder) == before


def test_room_for_all_that_the_run_holds_at_once_is_asked_before_it_starts(folder) -> None:
    assert count_checkpoints(keep_last=3, saves=80) == 4
    assert count_checkpoints(keep_last=None, saves=80) == 80
    assert count_checkpoints(keep_last=1, saves=1) == 2
    assert count_checkpoints(keep_last=3, saves=80, best=5) == 9
    assert count_checkpoints(keep_last=3, saves=7, best=5) == 7
    check_room(folder, checkpoint=10**9, count=4, free=4 * 10**9 + MARGIN_BYTES)
    with pytest.raises(NotSavedError, match=r"4 checkpoints of 1,000.0 MB at once and the logs, got 3.8 GiB free"):
        check_room(folder, checkpoint=10**9, count=4, free=4 * 10**9 + MARGIN_BYTES - 1)


def test_the_size_of_a_checkpoint_is_known_before_the_first_step(tmp_path) -> None:
    model = small_model(tmp_path / "run", pool=4)
    predicted = checkpoint_bytes(model, gt_size=GT_SIZE, scale=4)
    run_steps(model, 1, 3)
    assert predicted == pytest.approx(tensor_bytes([model.weights(), model.state()]), rel=0.01)


def test_an_older_run_that_is_only_moved_aside_makes_no_room(folder) -> None:
    save_steps(folder, 1)
    one = sum(manifest.total_bytes for manifest in read_manifests(folder).values())
    room = 3 * one + MARGIN_BYTES
    check_room(folder, checkpoint=one, count=4, goes_on=True, free=room)
    with pytest.raises(NotSavedError):
        check_room(folder, checkpoint=one, count=4, goes_on=False, free=room)


@pytest.mark.parametrize(("metrics", "best"), [(["psnr"], 2), (["psnr", "niqe"], 3 + CAP), (["psnr", "ssim"], 3)])
def test_the_best_of_each_metric_the_composite_and_the_front_may_stay_beside_the_last(tmp_path, metrics, best) -> None:
    mapping = tiny_options(tmp_path, tmp_path, steps=100)
    mapping["val"]["metrics"] = {name: {"type": f"calculate_{name}"} for name in metrics}
    mapping["logger"] |= {"save_checkpoint_freq": 3}
    mapping["val"]["val_freq"] = 4
    assert count_saves(parse_options(mapping)) == 50  # 33 and 25, 8 of them the same
    assert count_saves(parse_options(mapping), after=90) == 5  # 92, 93, 96, 99, 100
    assert most_checkpoints(parse_options(mapping), saves=50) == 3 + 1 + best
    mapping["logger"]["keep_best"] = False
    assert most_checkpoints(parse_options(mapping), saves=50) == 3 + 1
