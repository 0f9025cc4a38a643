"""The lines of a killed part do not stand beside those of the resumed one."""

import json

from realesrgan_arch.training.metrics_log import cut_after


def _line(step: int, kind: str = "train") -> str:
    return json.dumps({"kind": kind, "step": step, "lr": 1e-3}) + "\n"


def test_lines_of_later_steps_and_half_a_line_go(tmp_path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(_line(0, "validation") + _line(1) + _line(2) + _line(3) + '{"kind": "tra')
    assert cut_after(path, 2) == {("validation", 0, None), ("train", 1, None), ("train", 2, None)}
    assert path.read_text() == _line(0, "validation") + _line(1) + _line(2)


def test_a_file_in_which_nothing_goes_is_left_alone(tmp_path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert cut_after(path, 2) == set()
    path.write_text(_line(1))
    before = path.stat()
    assert cut_after(path, 1) == {("train", 1, None)}
    assert path.stat().st_ino == before.st_ino
