"""Pairs are made on a stream of their own without a word lost between the streams; on a CPU nothing changes."""

from contextlib import contextmanager

import torch

from realesrgan_arch.training.side_stream import InLine, SideStream, work_beside


class FakeStreams:
    """Stands in for `torch.cuda` and writes down what it is told."""

    def __init__(self) -> None:
        self.events: list[object] = []
        self._main = FakeStream("main", self.events)

    def Stream(self, device: torch.device) -> "FakeStream":  # noqa: N802 - as in torch.cuda
        self.events.append(f"new on {device}")
        return FakeStream("side", self.events)

    def current_stream(self, device: torch.device) -> "FakeStream":
        del device
        return self._main

    @contextmanager
    def stream(self, stream: "FakeStream"):
        self.events.append(f"enter {stream.name}")
        yield
        self.events.append(f"leave {stream.name}")


class FakeStream:
    def __init__(self, name: str, events: list[object]) -> None:
        self.name = name
        self._events = events

    def wait_stream(self, other: "FakeStream") -> None:
        self._events.append(f"{self.name} waits for {other.name}")


class FakeTensor(torch.Tensor):
    is_cuda = True

    @staticmethod
    def __new__(cls, name: str, events: list[object]):
        del name, events
        return torch.Tensor._make_subclass(cls, torch.empty(0))

    def __init__(self, name: str, events: list[object]) -> None:
        self._name = name
        self._events = events

    def record_stream(self, stream: FakeStream) -> None:
        self._events.append(f"{stream.name} reads {self._name}")


def test_the_main_stream_waits_for_the_pairs_and_keeps_their_memory() -> None:
    streams = FakeStreams()
    beside = SideStream(streams, torch.device("cuda:1"))
    pair = FakeTensor("lq", streams.events), FakeTensor("gt", streams.events)

    def make():
        streams.events.append("make")
        return pair

    for _ in range(2):
        assert beside.run(make, inputs=[torch.zeros(1), ["a.png"]]) is pair
    step = ["enter side", "make", "leave side", "main waits for side", "main reads lq", "main reads gt"]
    assert streams.events == ["new on cuda:1", *step, *step]  # one stream for all steps: the pool lives on it


def test_inputs_that_are_on_the_device_are_waited_for_and_keep_their_memory() -> None:
    streams = FakeStreams()
    beside = SideStream(streams, torch.device("cuda:1"))
    pair = FakeTensor("lq", streams.events), FakeTensor("gt", streams.events)
    beside.run(lambda: pair, inputs=[FakeTensor("crops", streams.events), ["a.png"]])
    assert streams.events[1:5] == ["side waits for main", "enter side", "leave side", "side reads crops"]
    assert streams.events[5] == "main waits for side"


def test_a_cpu_makes_its_pairs_in_line() -> None:
    beside = work_beside(torch.device("cpu"))
    assert isinstance(beside, InLine)
    pair = torch.zeros(1), torch.ones(1)
    assert beside.run(lambda: pair, inputs=[]) is pair
