"""Whole runs: what is resumed, how a signal ends one, how the folder is watched, and what the summary says."""

import errno
import json
import signal
from dataclasses import replace

import pytest
import torch

from realesrgan_arch.data.files import NoPicturesError
from realesrgan_arch.devices import choose_device
from realesrgan_arch.errors import UserError
from realesrgan_arch.networks.rrdbnet import RRDBNet
from realesrgan_arch.upscaling import session
from realesrgan_arch.upscaling.backends import choose
from realesrgan_arch.upscaling.backends.torch_backend import TorchBackend
from realesrgan_arch.upscaling.session import RequestError, upscale
from tests.upscaling.folder_run import files, photo

RESULTS = ["a.png", "b.png", "manifest.jsonl", "sub/c.png"]


def test_a_run_makes_all_results_and_says_how_fast_and_where(request_of_three, capfd):
    outcome = upscale(request_of_three)
    assert files(request_of_three.output) == RESULTS
    assert outcome.exit_code == 0
    first, second, third = outcome.summary().splitlines()
    assert first == f"3 pictures upscaled x2 with {request_of_three.model} (torch on cpu in fp32)"
    assert second == f"results  {request_of_three.output}"
    assert third.startswith("speed    0.0 MP in ")
    assert "MP/s; busy: network " in third
    said = capfd.readouterr().err.splitlines()
    assert said[0] == "torch on cpu in fp32: as asked."
    assert said[1].startswith("3 images; output about ")


def test_a_run_that_resumes_does_what_is_not_done_with_these_settings(request_of_three):
    upscale(request_of_three)
    (request_of_three.output / "b.png").unlink()
    outcome = upscale(replace(request_of_three, resume=True))
    assert [result.job.source.name for result in outcome.report.made] == ["b.png"]
    assert "done     2 pictures by an earlier run" in outcome.summary()
    again = upscale(replace(request_of_three, resume=True, outscale=3))
    assert len(again.report.made) == 3


def test_another_model_makes_everything_again(request_of_three, tmp_path):
    upscale(request_of_three)
    network = RRDBNet(scale=2, num_feat=4, num_block=1, num_grow_ch=2)
    torch.save({"params_ema": network.state_dict()}, tmp_path / "net_g.pth")
    assert len(upscale(replace(request_of_three, resume=True)).report.made) == 3


def test_failures_are_exit_code_3_and_the_list_is_the_next_command(request_of_three):
    bad = request_of_three.source / "b.png"
    bad.write_bytes(bad.read_bytes()[:-40])
    (request_of_three.source / "empty.png").write_bytes(b"")
    outcome = upscale(request_of_three)
    assert outcome.exit_code == 3
    listed = request_of_three.output / "failed.txt"
    assert outcome.summary().splitlines()[-1] == f"failed   2 pictures: try them again with --from-list {listed}"
    for path in (bad, request_of_three.source / "empty.png"):
        photo(path, size=(16, 16))
    again = upscale(replace(request_of_three, from_list=listed))
    assert again.exit_code == 0
    assert sorted(result.job.source.name for result in again.report.made) == ["b.png", "empty.png"]
    assert not listed.exists()


def _signalling(number, *, at_batch):
    """A backend that gets the signal in the middle of the batch `at_batch`."""
    real, batches = TorchBackend, []

    class Signalled(real):
        def run(self, batch):
            batches.append(1)
            if len(batches) == at_batch:
                signal.raise_signal(number)
            return super().run(batch)

    return Signalled


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_abandons_the_picture_writes_what_is_computed_and_says_how_to_go_on(
    request_of_three, monkeypatch, capfd, number, code
):
    before = signal.getsignal(number)
    monkeypatch.setattr(choose, "TorchBackend", _signalling(number, at_batch=2))
    outcome = upscale(replace(request_of_three, tile=0))
    assert outcome.exit_code == code
    assert files(request_of_three.output) == ["a.png", "manifest.jsonl"]
    assert outcome.summary().splitlines()[-1] == (
        "stopped  2 pictures are left: go on with the same command and --resume"
    )
    assert "stopping: what is computed is written; once more leaves at once" in capfd.readouterr().err
    assert signal.getsignal(number) is before
    monkeypatch.undo()
    assert len(upscale(replace(request_of_three, tile=0, resume=True)).report.made) == 2
    assert files(request_of_three.output) == RESULTS


def test_left_over_files_of_a_killed_run_go_and_those_beside_a_shard_stay(request_of_three):
    (request_of_three.output / "sub").mkdir(parents=True)
    partials = [request_of_three.output / ".killed_1.partial", request_of_three.output / "sub/.killed_2.partial"]
    for partial in partials:
        partial.write_bytes(b"half")
    upscale(replace(request_of_three, shard=(1, 1)))
    assert all(partial.exists() for partial in partials)
    upscale(request_of_three)
    assert files(request_of_three.output) == RESULTS


def test_an_empty_folder_is_exit_code_4_and_a_wish_that_cannot_be_had_is_said_before_the_model_is_loaded(
    request_of_three, tmp_path, monkeypatch
):
    monkeypatch.setattr(session, "load_model", lambda *given, **named: pytest.fail("the model was loaded in vain"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoPicturesError) as caught:
        upscale(replace(request_of_three, source=tmp_path / "empty"))
    assert caught.value.exit_code == 4
    with pytest.raises(RequestError, match="give a folder"):
        upscale(replace(request_of_three, source=request_of_three.source / "a.png", watch=True))
    with pytest.raises(UserError, match="device must be auto"):
        upscale(replace(request_of_three, device="tpu"))
    assert choose_device("cpu").type == "cpu"


def test_nothing_to_do_is_said_as_such(request_of_three):
    upscale(request_of_three)
    outcome = upscale(replace(request_of_three, resume=True))
    assert outcome.summary() == "nothing to do: 3 pictures done by an earlier run"
    assert outcome.exit_code == 0


def test_a_list_of_failures_that_cannot_be_ours_is_refused_before_the_model_is_loaded(request_of_three, monkeypatch):
    monkeypatch.setattr(session, "load_model", lambda *given, **named: pytest.fail("the model was loaded in vain"))
    (request_of_three.output / "failed.txt").mkdir(parents=True)
    with pytest.raises(UserError, match="failed.txt cannot be read: Is a directory"):
        upscale(request_of_three)


def test_a_part_of_the_list_tried_again_keeps_the_rest_of_it(request_of_three):
    for name in ("a.png", "b.png", "sub/c.png"):
        (request_of_three.source / name).write_bytes(b"")
    listed = request_of_three.output / "failed.txt"
    assert len(upscale(request_of_three).report.failed) == 3
    photo(request_of_three.source / "b.png", size=(16, 16))
    only_b = replace(request_of_three, from_list=listed, limit=1)
    upscale(only_b)
    assert [line.split("\t")[0][-5:] for line in sorted(listed.read_text().splitlines())] == ["a.png", "c.png"]


def test_the_precision_that_was_chosen_is_a_setting_of_the_result(request_of_three, monkeypatch):
    monkeypatch.setattr(choose, "_is_installed", lambda backend: backend == "torch")
    upscale(replace(request_of_three, precision="auto", backend="auto"))
    *_, line = (request_of_three.output / "manifest.jsonl").read_text().splitlines()
    settings = json.loads(line)["settings"]
    assert settings["backend"] == "torch"
    assert settings["dtype"] in ("float32", "bfloat16")


def test_only_a_long_run_without_a_known_speed_is_timed_first(request_of_three, monkeypatch, capfd):
    timed = []
    monkeypatch.setattr(session, "estimated_rate", lambda plan, backend: timed.append(plan) or 1e-5)
    upscale(request_of_three)
    assert timed == []
    monkeypatch.setattr(session, "_WORTH_MEASURING_MEGAPIXELS", 0)
    upscale(request_of_three)
    assert timed == []
    upscale(replace(request_of_three, output=request_of_three.output.with_name("elsewhere")))
    assert len(timed) == 1
    assert "; about 5 min" in capfd.readouterr().err


def test_a_record_that_cannot_be_written_is_exit_code_3(request_of_three, monkeypatch):
    def record(manifest, result):
        raise OSError(errno.EIO, "the drive is gone")

    monkeypatch.setattr(session.Manifest, "record", record)
    outcome = upscale(request_of_three)
    assert outcome.exit_code == 3
