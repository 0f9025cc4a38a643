"""Runs on two nodes of a Ray cluster in this machine: what a run without Ray makes, whatever dies meanwhile."""

import json
import os
import shutil
import signal
from dataclasses import replace

import pytest
import torch

from realesrgan_arch.networks.rrdbnet import RRDBNet
from realesrgan_arch.upscaling import session
from realesrgan_arch.upscaling.cluster_devices import ClusterError
from realesrgan_arch.upscaling.manifest import Manifest
from realesrgan_arch.upscaling.session import RequestError, UpscaleRequest, upscale
from tests.upscaling import cluster_run
from tests.upscaling.folder_run import files, photo

pytestmark = pytest.mark.slow
NAMES = ["a.png", "b.png", "c.png", "d.png", "sub/e.png", "sub/f.png"]
WIDE = "c.png"


@pytest.fixture(scope="module")
def two_nodes():
    pytest.importorskip("ray")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node, connect=True)
    cluster.add_node(**node)
    yield cluster
    import ray

    ray.shutdown()
    cluster.shutdown()


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    torch.manual_seed(0)
    network = RRDBNet(scale=2, num_feat=4, num_block=1, num_grow_ch=2)
    torch.save({"params_ema": network.state_dict()}, folder / "net_g.pth")
    for name in NAMES:
        photo(folder / "photos" / name, size=(16, cluster_run.DEADLY_WIDTH if name == WIDE else 16))
    return folder


@pytest.fixture(scope="module")
def request_of_six(inputs):
    return UpscaleRequest(
        inputs / "photos", inputs / "local", str(inputs / "net_g.pth"), suffix="", tile=0, device="cpu",
        precision="fp32", backend="torch",
    )  # fmt: skip


@pytest.fixture(scope="module")
def results(request_of_six):
    """The bytes that a run without Ray makes."""
    upscale(request_of_six)
    return _bytes_of(request_of_six.output)


@pytest.fixture
def on_ray(request_of_six, two_nodes, tmp_path):
    return replace(request_of_six, engine="ray", output=tmp_path / "out")


def _bytes_of(output):
    return {name: (output / name).read_bytes() for name in files(output) if name.endswith(".png")}


def _recorded(output):
    lines = [json.loads(line) for line in (output / "manifest.jsonl").read_text().splitlines()]
    return sorted(line["source"] for line in lines if "target" in line)


def _facts(output):
    """What each line of the manifest says of its picture, time and the machine that made it apart."""
    lines = [json.loads(line) for line in (output / "manifest.jsonl").read_text().splitlines()]
    apart = ("seconds", "time", "output_mtime_ns", "settings", "settings_sha256")
    finished = [line for line in lines if "target" in line]
    return sorted(({name: value for name, value in line.items() if name not in apart} for line in finished), key=str)


def test_two_nodes_make_the_same_bytes_and_the_same_manifest_as_no_cluster(
    on_ray, results, request_of_six, monkeypatch
):
    monkeypatch.setattr(session, "build_upscaler", cluster_run.works_beside_another)
    outcome = upscale(on_ray)
    assert outcome.exit_code == 0
    assert _bytes_of(on_ray.output) == results
    assert _facts(on_ray.output) == _facts(request_of_six.output)
    first, _, speed = outcome.summary().splitlines()
    assert first.endswith("(Ray: 2 x torch on cpu in fp32)")
    assert "busy: devices " in speed
    (on_ray.output / "b.png").unlink()
    monkeypatch.undo()
    again = upscale(replace(on_ray, resume=True))
    assert [result.job.source.name for result in again.report.made] == ["b.png"]


def test_nothing_is_lost_when_a_worker_is_killed_in_its_picture(on_ray, results, monkeypatch, capfd):
    monkeypatch.setattr(session, "build_upscaler", cluster_run.dies_once)
    outcome = upscale(on_ray)
    assert (on_ray.output / ".died").exists()
    assert outcome.exit_code == 0
    assert _bytes_of(on_ray.output) == results
    assert _recorded(on_ray.output) == NAMES
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("a process died over ") == 1


def test_a_broken_picture_and_one_that_kills_every_worker_three_times_fail_alone_and_are_listed(
    on_ray, results, inputs, tmp_path, monkeypatch
):
    monkeypatch.setattr(session, "build_upscaler", cluster_run.dies_of_one_picture)
    photos = shutil.copytree(inputs / "photos", tmp_path / "photos")
    (photos / "b.png").write_bytes((photos / "b.png").read_bytes()[:-40])
    outcome = upscale(replace(on_ray, source=photos))
    assert outcome.exit_code == 3
    failed = dict(outcome.report.failed)
    assert sorted(failed) == [photos / "b.png", photos / WIDE]
    assert "died 3 times over it" in failed[photos / WIDE]
    listed = dict(line.split("\t") for line in (on_ray.output / "failed.txt").read_text().splitlines())
    assert listed == {str(path): sentence for path, sentence in failed.items()}
    made = {name: data for name, data in results.items() if photos / name not in failed}
    assert _bytes_of(on_ray.output) == made
    assert _recorded(on_ray.output) == sorted(made)


def test_ctrl_c_is_130_abandons_what_is_computed_and_all_that_is_done_is_recorded(on_ray, results, monkeypatch):
    record = Manifest.record

    def record_and_stop(self, result):
        record(self, result)
        if len(_recorded(on_ray.output)) == 1:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Manifest, "record", record_and_stop)
    monkeypatch.setattr(session, "build_upscaler", cluster_run.first_waits_for_the_stop)
    outcome = upscale(on_ray)
    assert outcome.exit_code == 130
    assert outcome.report.left
    assert not outcome.report.failed
    assert sorted(path.relative_to(on_ray.output).as_posix() for path in outcome.report.ok) == _recorded(on_ray.output)
    assert set(_bytes_of(on_ray.output).items()) <= set(results.items())
    monkeypatch.undo()
    again = upscale(replace(on_ray, resume=True))
    assert {result.job.source for result in again.report.made} == set(outcome.report.left)


def test_a_full_disk_is_exit_code_5_and_ends_the_run(on_ray, monkeypatch):
    monkeypatch.setattr(session, "build_upscaler", cluster_run.finds_no_room)
    outcome = upscale(on_ray)
    assert outcome.exit_code == 5
    assert outcome.report.full_disk == "there is no room"
    assert 4 <= len(outcome.report.left) < 6


def test_a_machine_with_other_weights_is_left_out_and_without_any_machine_the_run_ends(on_ray, monkeypatch, capfd):
    load = session.load_model
    monkeypatch.setattr(session, "load_model", lambda *given, **named: replace(load(*given, **named), sha256="00"))
    with pytest.raises(ClusterError, match=r"No device .* can go on\. .*net_g\.pth has other weights there"):
        upscale(replace(on_ray, limit=1))
    assert capfd.readouterr().err.count("a device is left out: ") == 1


def test_what_ray_cannot_do_is_refused(request_of_six, monkeypatch):
    monkeypatch.setattr(session, "connected", lambda: pytest.fail("it went to Ray"))
    for wish in ({"watch": True}, {"shard": (1, 2)}):
        with pytest.raises(RequestError, match="leave out --watch and --shard"):
            upscale(replace(request_of_six, engine="ray", **wish))
