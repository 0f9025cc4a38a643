"""Three stages at once. They wait for each other by events here: where one blocked another, no test would end."""

import threading
import time

import pytest

from realesrgan_arch.upscaling.pipeline import AbandonedError, Bounds, Load, Pipeline, Stages, usual_bounds

SECONDS = 10
"""How long a stage waits for another one that never comes."""


class OwnFaultError(Exception):
    pass


def _same(value):
    return value


def _finished(result, seconds):
    return result


def _pipeline(
    *,
    decode=_same,
    compute=_same,
    encode=_same,
    finish=_finished,
    weigh=lambda item: 1,
    items=8,
    num_bytes=100,
    threads=2,
    **more,
):
    stages = Stages(decode, compute, encode, finish, weigh=weigh, faults=(OwnFaultError,))
    return Pipeline(stages, Bounds(threads, threads, items, num_bytes), **more)


def _meet(event):
    assert event.wait(SECONDS), "the other stage never came"


def test_what_comes_out_is_in_the_order_of_what_went_in_whatever_takes_longest():
    last_is_done = threading.Event()

    def encode(item):
        if item == 0:
            _meet(last_is_done)
        if item == 3:
            last_is_done.set()
        return item * 10

    outcomes = list(_pipeline(decode=lambda item: item + 1, compute=lambda item: item - 1, encode=encode).run(range(4)))
    assert [(outcome.item, outcome.result) for outcome in outcomes] == [(0, 0), (1, 10), (2, 20), (3, 30)]


def test_the_network_does_not_wait_for_an_encoder():
    computed = [threading.Event() for _ in range(4)]

    def encode(item):
        if item == 0:
            _meet(computed[3])  # One thread encodes: it holds the first picture until the last one is computed.
        return item

    def compute(item):
        computed[item].set()
        return item

    pipeline = _pipeline(compute=compute, encode=encode, threads=1)
    assert [outcome.result for outcome in pipeline.run(range(4))] == [0, 1, 2, 3]


def test_the_next_picture_is_decoded_while_one_is_computed():
    decoded = [threading.Event() for _ in range(3)]

    def decode(item):
        decoded[item].set()
        return item

    def compute(item):
        if item < 2:
            _meet(decoded[item + 1])
        return item

    assert len(list(_pipeline(decode=decode, compute=compute, threads=1).run(range(3)))) == 3


def test_the_network_runs_in_the_callers_thread_and_the_others_do_not():
    names = {}

    def note(stage):
        return lambda item: names.setdefault(stage, threading.current_thread().name)

    list(_pipeline(decode=note("decode"), compute=note("compute"), encode=note("encode")).run([1]))
    assert names["compute"] == threading.current_thread().name
    assert names["decode"].startswith("decode")
    assert names["encode"].startswith("encode")


class Counter:
    """Most weight that was ever between the start of `decode` and the end of `encode`."""

    def __init__(self):
        self.now = self.most = 0
        self._lock = threading.Lock()

    def add(self, weight):
        with self._lock:
            self.now += weight
            self.most = max(self.most, self.now)

    def decode(self, item):
        self.add(item)
        return item

    def encode(self, item):
        self.add(-item)
        return item


@pytest.mark.parametrize(
    ("weights", "items", "num_bytes", "most"),
    [([1] * 20, 3, 100, 3), ([4, 4, 4, 4, 4], 8, 9, 8), ([2, 50, 2, 2], 8, 10, 50), ([2] * 6, 8, 1, 2)],
)
def test_what_is_in_flight_is_bounded_by_count_and_by_bytes_but_one_may_always_go(weights, items, num_bytes, most):
    counter = Counter()
    pipeline = _pipeline(
        decode=counter.decode, encode=counter.encode, weigh=_same, items=items, num_bytes=num_bytes, threads=4
    )
    assert [outcome.result for outcome in pipeline.run(weights)] == weights
    assert counter.most <= most


@pytest.mark.parametrize("stage", ["decode", "compute", "encode"])
def test_a_fault_in_a_stage_is_that_items_and_the_rest_goes_on(stage):
    def fragile(item):
        if item == 1:
            raise OwnFaultError("bad")
        return item

    outcomes = list(_pipeline(**{stage: fragile}).run(range(4)))
    assert [outcome.result for outcome in outcomes] == [0, None, 2, 3]
    assert [str(outcome.fault) for outcome in outcomes] == ["None", "bad", "None", "None"]


@pytest.mark.parametrize("stage", ["decode", "compute", "encode"])
def test_an_error_that_is_no_items_fault_is_the_callers_and_what_is_computed_is_still_put_away(stage):
    put_away = []

    def encode(item):
        if stage == "encode" and item == 2:
            raise ZeroDivisionError
        put_away.append(item)

    def wrong(item):
        if item == 2:
            raise ZeroDivisionError
        return item

    stages = {"decode": _same, "compute": _same, "encode": encode} | ({} if stage == "encode" else {stage: wrong})
    with pytest.raises(ZeroDivisionError):
        list(_pipeline(**stages, threads=1).run(range(3)))
    assert put_away == [0, 1]


def test_a_stop_puts_away_what_is_computed_and_begins_no_more():
    begun, computed, stop = [], [], threading.Event()
    is_stopped = threading.Event()

    def compute(item):
        computed.append(item)
        if item == 1:
            stop.set()
            is_stopped.set()
        return item

    def encode(item):
        _meet(is_stopped)
        return item

    def decode(item):
        begun.append(item)
        return item

    pipeline = _pipeline(decode=decode, compute=compute, encode=encode, items=4, should_stop=stop.is_set)
    assert [outcome.result for outcome in pipeline.run(range(9))] == [0, 1]
    assert computed == [0, 1]
    assert len(begun) <= 4


def test_an_item_that_is_abandoned_is_left_out_and_no_other_one_is_begun():
    computed = []

    def compute(item):
        computed.append(item)
        if item == 2:
            raise AbandonedError
        return item

    assert [outcome.result for outcome in _pipeline(compute=compute).run(range(9))] == [0, 1]
    assert computed == [0, 1, 2]


def test_ctrl_c_in_the_network_puts_away_what_is_computed():
    put_away, is_interrupted = [], threading.Event()

    def compute(item):
        if item == 3:
            is_interrupted.set()
            raise KeyboardInterrupt
        return item

    def encode(item):
        _meet(is_interrupted)  # All three wait for the one thread when the interrupt comes.
        time.sleep(0.02)
        put_away.append(item)

    with pytest.raises(KeyboardInterrupt):
        list(_pipeline(compute=compute, encode=encode, threads=1).run(range(9)))
    assert put_away == [0, 1, 2]


class Clock:
    """A second passes when a stage says so."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def work(self, seconds):
        def stage(item):
            self.now += seconds
            return item

        return stage


def test_the_busy_share_is_computing_by_wall_time_and_an_items_seconds_are_without_waiting():
    clock = Clock()
    stages = {"decode": clock.work(1), "compute": clock.work(6), "encode": clock.work(3)}
    pipeline = _pipeline(**stages, items=1, threads=1, clock=clock)
    outcomes = list(pipeline.run(range(2)))
    assert [outcome.seconds for outcome in outcomes] == [10, 10]
    assert pipeline.load.wall_seconds == 20
    shares = {stage: pipeline.load.share(stage) for stage in ("decode", "compute", "encode")}
    assert shares == pytest.approx({"decode": 0.1, "compute": 0.6, "encode": 0.3})


def test_the_share_of_a_stage_with_two_threads_is_of_both():
    clock = Clock()
    pipeline = _pipeline(encode=clock.work(3), compute=clock.work(3), items=1, threads=2, clock=clock)
    list(pipeline.run(range(2)))
    assert pipeline.load.share("encode") == pytest.approx(0.25)


def test_without_items_nothing_happens_and_no_share_divides_by_nothing():
    pipeline = _pipeline()
    assert list(pipeline.run([])) == []
    assert 0 <= pipeline.load.share("compute") <= 1


def test_a_result_is_finished_in_its_own_thread_while_an_earlier_one_is_still_encoded():
    second_is_finished = threading.Event()

    def encode(item):
        if item == 0:
            _meet(second_is_finished)
        return item

    def finish(result, seconds):
        if result == 1:
            second_is_finished.set()
        return result * 10

    outcomes = _pipeline(encode=encode, finish=finish).run(range(2))
    assert [outcome.result for outcome in outcomes] == [0, 10]


def test_the_loads_of_two_runs_make_one():
    first = Load({"decode": 2, "compute": 1, "encode": 2}, 10.0, {"decode": 4.0, "compute": 10.0, "encode": 2.0})
    second = Load({"decode": 2, "compute": 1, "encode": 2}, 30.0, {"decode": 4.0, "compute": 10.0, "encode": 2.0})
    both = first.followed_by(second)
    assert both.wall_seconds == 40
    assert [both.share(stage) for stage in ("decode", "compute", "encode")] == [0.1, 0.5, 0.05]


def test_the_usual_bounds_count_the_cores_this_process_may_use(monkeypatch):
    monkeypatch.setattr("realesrgan_arch.upscaling.pipeline.usable_cores", lambda: 1)
    assert usual_bounds(num_bytes=5) == Bounds(decode_threads=1, encode_threads=1, items=4, num_bytes=5)
