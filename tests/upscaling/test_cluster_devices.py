"""Which cluster a run talks to, how it leaves the process, and which devices it takes."""

import signal
import sys
from types import SimpleNamespace

import pytest

from realesrgan_arch.extras import MissingExtraError
from realesrgan_arch.upscaling import cluster_devices
from realesrgan_arch.upscaling.cluster_devices import ClusterError, Place, connected, find_places


def _node(name, *, alive=True, **resources):
    return {"NodeID": name, "Alive": alive, "Resources": {key.upper(): float(n) for key, n in resources.items()}}


CPU_NODES = [_node("a", cpu=8), _node("b", cpu=4), _node("gone", alive=False, cpu=64), _node("head", cpu=0)]
GPU_NODES = [_node("a", cpu=8), _node("b", cpu=16, gpu=2)]


def test_a_place_is_all_cores_of_a_node_and_where_there_are_gpus_each_of_them():
    assert find_places(CPU_NODES, "auto") == (Place(0, "a", 8, 0), Place(1, "b", 4, 0))
    assert find_places(GPU_NODES, "auto") == (Place(0, "b", 1, 1), Place(1, "b", 1, 1))
    assert find_places(GPU_NODES, "cuda") == find_places(GPU_NODES, "auto")
    assert find_places(GPU_NODES, "cpu") == (Place(0, "a", 8, 0), Place(1, "b", 16, 0))


def test_a_device_that_no_node_has_or_a_certain_gpu_is_one_sentence():
    with pytest.raises(ClusterError, match="nothing for --device cuda"):
        find_places(CPU_NODES, "cuda")
    with pytest.raises(ClusterError, match="use --device cuda, got cuda:1"):
        find_places(GPU_NODES, "cuda:1")


class _Ray(SimpleNamespace):
    """Notes what it is asked for, takes SIGTERM as Ray does, and prints."""

    def __init__(self, *, is_up=False, fault=None):
        super().__init__(calls=[], is_initialized=lambda: is_up, fault=fault)

    def init(self, **how):
        self.calls.append(how)
        signal.signal(signal.SIGTERM, lambda number, frame: None)
        sys.stdout.write("(raylet) noise\n")
        if self.fault:
            raise self.fault

    def shutdown(self):
        self.calls.append("shutdown")


@pytest.fixture
def ray_is(monkeypatch):
    """Put another Ray into place."""

    def put(ray):
        monkeypatch.setattr(cluster_devices, "require_extra", lambda *given, **named: ray)
        return ray

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    return put


def test_without_an_address_a_cluster_is_started_here_and_ended_and_nothing_is_printed(ray_is, capsys):
    ray, before = ray_is(_Ray()), signal.getsignal(signal.SIGTERM)
    with connected() as given:
        assert given is ray
        assert signal.getsignal(signal.SIGTERM) is before
        assert len(ray.calls) == 1
    assert ray.calls[0]["address"] == "local"
    assert not ray.calls[0]["include_dashboard"]
    assert not ray.calls[0]["log_to_driver"]
    assert ray.calls[1:] == ["shutdown"]
    assert capsys.readouterr().out == ""


def test_an_address_is_connected_to_and_a_connection_that_is_there_stays(ray_is, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    ray = ray_is(_Ray())
    with connected():
        assert ray.calls[0]["address"] == "head:6379"
        assert "object_store_memory" not in ray.calls[0]  # Ray refuses it there.
    ray = ray_is(_Ray(is_up=True))
    with connected():
        pass
    assert ray.calls == []


def test_no_cluster_at_the_address_and_no_ray_are_one_sentence_each(ray_is, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    ray_is(_Ray(fault=ConnectionError("nobody\n answers")))
    with (
        pytest.raises(ClusterError, match="no Ray cluster at RAY_ADDRESS=head:6379: nobody answers"),
        connected(),
    ):
        pass
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"--engine ray needs ray, .*realesrgan-arch\[cluster\]"), connected():
        pass
