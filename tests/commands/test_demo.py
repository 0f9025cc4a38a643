"""The demo runs from nothing, and never throws away what is not its own."""

from pathlib import Path

import pytest

from realesrgan_arch.commands import demo
from realesrgan_arch.errors import UserError


def _earlier_demo() -> None:
    demo._start_anew()
    (Path("demo/experiments/demo/models")).mkdir(parents=True)


def test_an_earlier_demo_makes_room(in_tmp_path) -> None:
    _earlier_demo()
    (Path("demo/sample")).mkdir()
    demo._start_anew()
    assert {path.name for path in Path("demo").iterdir()} == {"demo.yml", "base.safetensors"}
    assert [path.name for path in Path().iterdir()] == ["demo"]


@pytest.mark.parametrize("change", ["options", "run", "folder"])
def test_what_is_not_the_demos_is_kept(in_tmp_path, change: str) -> None:
    _earlier_demo()
    if change == "options":
        Path("demo/demo.yml").write_text("name: mine\n")
    elif change == "run":
        Path("demo/experiments/mine").mkdir()
    else:
        Path("demo/demo.yml").unlink()
    demo._start_anew()
    kept = [path for path in Path().iterdir() if path.name.startswith("demo_kept_")]
    assert len(kept) == 1
    assert (kept[0] / "experiments" / "demo").is_dir()


def test_no_steps_is_no_demo() -> None:
    with pytest.raises(UserError, match="--steps: expected a number of at least 1, got 0"):
        demo.main(["--steps", "0"])


@pytest.mark.slow
def test_the_demo_runs_from_nothing_to_pictures(in_tmp_path, capsys) -> None:
    assert demo.main(["--steps", "2"]) == 0
    text = capsys.readouterr().out
    for word in ("bicubic", "base", "tuned", "Done in", "next"):
        assert word in text
    assert len(list(Path("demo/results/drawn_test/visualization/panels").glob("*.png"))) >= 6
    assert len(list(Path("demo/upscaled").rglob("*.png"))) == 3
    assert Path("demo/experiments/demo/models/net_g_latest.pth").exists()
