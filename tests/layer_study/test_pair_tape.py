"""All candidates see the same pairs in the same order, to the last bit; what goes wrong is said of the right place."""

import errno
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from realesrgan_arch.commands import probe as command
from realesrgan_arch.entry import run as run_verb
from realesrgan_arch.errors import EXIT_NO_ROOM
from realesrgan_arch.layer_study import pair_tape, probe
from realesrgan_arch.layer_study.disk import NoRoomError
from realesrgan_arch.layer_study.pair_tape import PairTape, record_pairs
from realesrgan_arch.layer_study.short_run import ShortRun, Stages
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.model import FineTuneModel
from tests.layer_study.probes import FIRST, SECOND, THIRD, probe_options, write_probe_options


def _go_on() -> None:
    """Asks for no stop."""


Batch = tuple[int, bytes]
"""The step, and the bytes of both sides of its pairs."""


def _bytes(batch: Mapping[str, Tensor]) -> bytes:
    return b"".join(batch[side].numpy().tobytes() for side in ("lq", "gt"))


@pytest.fixture
def seen(monkeypatch) -> dict[str, list[Batch]]:
    """Take down by the name of the run what each step of its training was fed."""
    found: dict[str, list[Batch]] = defaultdict(list)
    feed = FineTuneModel.feed_data

    def listen(self: FineTuneModel, data: Mapping[str, Tensor]) -> None:
        found[self.run_folder.root.name].append((self.step, _bytes(data)))
        feed(self, data)

    monkeypatch.setattr(FineTuneModel, "feed_data", listen)
    return found


def _probe(tmp_path: Path, *candidates: str) -> list[str]:
    path = tmp_path / "base.yml"
    given = path if path.exists() else write_probe_options(tmp_path)
    steps = ["--seeds", "2", "--steps", "4", "--stages", "2", "--crops", "1"]
    return [str(given), "--candidates", *candidates, *steps, "-o", str(tmp_path / "p")]


def _complete(batches: list[Batch]) -> bool:
    return [step for step, _ in batches] == [1, 2, 3, 4]


def test_candidates_of_one_seed_are_fed_the_same_in_the_same_order_and_another_seed_other_pairs(
    tmp_path, seen, monkeypatch
) -> None:
    monkeypatch.setattr(probe, "dominated", lambda *given: {})  # all go on to the last step
    assert run_verb(command.main, _probe(tmp_path, "body.2", "all")) == 0
    assert sorted(seen) == ["all_seed0", "all_seed1", "body.2_seed0", "body.2_seed1"]
    assert all(map(_complete, seen.values()))
    assert seen["body.2_seed0"] == seen["all_seed0"]
    assert seen["body.2_seed1"] == seen["all_seed1"]
    pairs = [fed for name in ("all_seed0", "all_seed1") for _, fed in seen[name]]
    assert len(set(pairs)) == len(pairs)


def test_a_probe_that_was_stopped_feeds_on_where_it_was_and_later_candidates_get_the_same(
    tmp_path, seen, monkeypatch
) -> None:
    monkeypatch.setattr(probe, "dominated", lambda *given: {})
    stops, check = [], probe._Stop.check

    def stop_in_the_second_stage(self: probe._Stop) -> None:
        if sum(map(len, seen.values())) == 9 and not stops:  # four runs of two steps, and one more
            stops.append(self)
            self.number = 15
        check(self)

    asked = _probe(tmp_path, "body.2", "all")
    monkeypatch.setattr(probe._Stop, "check", stop_in_the_second_stage)
    assert run_verb(command.main, asked) == 143
    assert run_verb(command.main, asked) == 0
    assert all(map(_complete, seen.values()))
    assert not (tmp_path / "p/pairs").exists()
    # The pairs are gone by now; for one that joins they are made again.
    assert run_verb(command.main, _probe(tmp_path, "body.2", "all", "body.6")) == 0
    for seed in (0, 1):
        assert seen[f"body.2_seed{seed}"] == seen[f"all_seed{seed}"] == seen[f"body.6_seed{seed}"]


def test_whichever_candidate_records_the_pairs_they_are_the_same_and_so_is_the_order(tmp_path) -> None:
    base = parse_options(probe_options(tmp_path))
    for place, candidate in enumerate((FIRST, SECOND, THIRD)):
        own = ShortRun(candidate, 1).options(base, Stages(4, 2), tmp_path)
        record_pairs(own, tmp_path / str(place), tell=print, check_stop=_go_on)
    tapes = [PairTape(tmp_path / str(place)) for place in range(3)]
    for step in range(1, 5):
        first, *others = (_bytes(tape.batch(step)) for tape in tapes)
        assert all(other == first for other in others)
    # A batch is a copy: what a run does to it, the next one does not see.
    tapes[0].batch(1)["gt"].zero_()
    assert torch.equal(tapes[0].batch(1)["gt"], tapes[1].batch(1)["gt"])


@pytest.fixture
def options(tmp_path) -> Options:
    return ShortRun(FIRST, 0).options(parse_options(probe_options(tmp_path)), Stages(2, 1), tmp_path)


def test_a_photograph_that_cannot_be_read_is_no_disk_without_room(tmp_path, options, monkeypatch) -> None:
    def break_off(*given: object) -> Iterator[dict]:
        del given
        raise OSError(errno.EIO, "Input/output error", "photo.png")
        yield {}

    monkeypatch.setattr(pair_tape, "_pairs", break_off)
    with pytest.raises(OSError, match=r"Input/output error: 'photo\.png'"):
        record_pairs(options, tmp_path / "tape", tell=print, check_stop=_go_on)
    assert not list(tmp_path.glob("*tape*"))


@pytest.mark.parametrize("part", ["open_memmap", "move_into_place"])
def test_a_disk_that_takes_nothing_is_one_sentence(tmp_path, options, monkeypatch, part) -> None:
    def refuse(*given: object, **named: object) -> None:
        del given, named
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pair_tape, part, refuse)
    with pytest.raises(NoRoomError, match="tape cannot be written: the disk is full; make room") as told:
        record_pairs(options, tmp_path / "tape", tell=print, check_stop=_go_on)
    assert told.value.exit_code == EXIT_NO_ROOM
    assert not list(tmp_path.glob("*tape*"))
