"""What goes wrong while pairs are recorded is said of the right place."""

import errno
from collections.abc import Iterator

import pytest

from realesrgan_arch.layer_study import pair_tape
from realesrgan_arch.layer_study.candidates import StudyError
from realesrgan_arch.layer_study.pair_tape import record_pairs
from realesrgan_arch.layer_study.short_run import ShortRun, Stages
from realesrgan_arch.options.load import parse_options
from realesrgan_arch.options.types import Options
from tests.layer_study.probes import FIRST, probe_options


def _go_on() -> None:
    """Asks for no stop."""


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
    with pytest.raises(StudyError, match=r"tape cannot be written \(No space left on device\); make room"):
        record_pairs(options, tmp_path / "tape", tell=print, check_stop=_go_on)
    assert not list(tmp_path.glob("*tape*"))
