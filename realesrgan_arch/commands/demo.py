"""`realesrgan-arch demo`: the main job from end to end on an embedded sample, without anything from outside."""

import argparse
import shutil
import time
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path

from realesrgan_arch.entry import say, warn
from realesrgan_arch.errors import UserError

_SHIPPED = {"commands/demo.yml": "demo.yml", "data/demo_base.safetensors": "base.safetensors"}
_FOLDER = Path("demo")
"""`demo.yml` names paths below it."""


def main(arguments: Sequence[str]) -> int:
    """Draw the sample, split it, fine-tune, compare on unseen scenes, upscale a folder, and say where all of it is."""
    parser = argparse.ArgumentParser(prog="realesrgan-arch demo", description=main.__doc__)
    parser.add_argument("--steps", type=int, metavar="N", help="train for N steps instead of the file's")
    parsed = parser.parse_args(arguments)
    if parsed.steps is not None and parsed.steps < 1:
        raise UserError(f"--steps: expected a number of at least 1, got {parsed.steps}")
    started = time.monotonic()
    _start_anew()
    _prepare_data()
    tuned = _fine_tune([] if parsed.steps is None else [f"train.total_iter={parsed.steps}"])
    table, panels = _compare(tuned)
    upscaled = _FOLDER / "upscaled"
    code = _upscale(tuned, upscaled)
    say(_closing(table, panels=panels, tuned=tuned, upscaled=upscaled, seconds=time.monotonic() - started))
    return code


def _start_anew() -> None:
    if _FOLDER.exists() and _is_untouched():
        shutil.rmtree(_FOLDER)
    elif _FOLDER.exists():
        kept = Path(f"{_FOLDER}_kept_{time.strftime('%Y%m%d_%H%M%S')}")
        _FOLDER.rename(kept)
        warn(f"what was in {_FOLDER} is not only an earlier demo's: it is in {kept} now")
    _FOLDER.mkdir()
    for resource, name in _SHIPPED.items():
        with as_file(files("realesrgan_arch") / resource) as source:
            shutil.copyfile(source, _FOLDER / name)


def _is_untouched() -> bool:
    """Say whether the folder holds what a demo left, with its own options and no other run."""
    try:
        same = (_FOLDER / "demo.yml").read_bytes() == (files("realesrgan_arch") / "commands/demo.yml").read_bytes()
    except OSError:
        return False
    return same and {path.name for path in (_FOLDER / "experiments").glob("*")} <= {"demo"}


def _prepare_data() -> None:
    from realesrgan_arch.data.manifest import write_split
    from realesrgan_arch.data.sample import draw_sample
    from realesrgan_arch.data.split import split_by_folder

    warn("1/4 drawing twelve scenes and splitting them: no scene is in two parts")
    draw_sample(_FOLDER / "sample", seed=0)
    rows = split_by_folder(_FOLDER / "sample", seed=0, val_share=0.1, test_share=0.3)
    write_split(rows, _FOLDER / "split")


def _fine_tune(overrides: list[str]) -> Path:
    from realesrgan_arch.options.load import load_options
    from realesrgan_arch.session import train

    warn("2/4 fine-tuning a small network (demo/base.safetensors) on the training scenes")
    return train(load_options(_FOLDER / "demo.yml", overrides=overrides).options).weights


def _compare(tuned: Path) -> tuple[str, Path]:
    from realesrgan_arch.comparison import compare
    from realesrgan_arch.options.load import load_options

    warn("3/4 comparing bicubic, base and tuned on scenes that training never saw")
    overrides = [f"path.pretrain_network_g={tuned}", "path.base_network_g=demo/base.safetensors"]
    options = load_options(_FOLDER / "demo.yml", overrides=overrides).options
    comparison = compare(options, folder=_FOLDER / "results")[0]
    return comparison.table, comparison.folder / "visualization" / "panels"


def _upscale(tuned: Path, target: Path) -> int:
    from realesrgan_arch.inference import main as upscale

    warn("4/4 upscaling a folder with the tuned network")
    source = next(path for path in sorted((_FOLDER / "sample").iterdir()) if path.is_dir())
    return upscale(["-i", str(source), "-o", str(target), "--model_path", str(tuned)])


def _closing(table: str, *, panels: Path, tuned: Path, upscaled: Path, seconds: float) -> str:
    return f"""
{table}

Done in {seconds:.0f} s. What there is now:
  {panels}/    bicubic | base | tuned | ground truth, on unseen scenes: look at these
  {upscaled}/    a folder, upscaled by the tuned network
  {tuned}    the tuned weights, for this tool and for every one that loads Real-ESRGAN's
  {_FOLDER}/demo.yml    the options; change them and run: python realesrgan_arch/train.py -opt {_FOLDER}/demo.yml
Your own photographs next, one folder a scene (first: . .venv/bin/activate):
  python realesrgan_arch/finetune.py --data photos/
  or step by step, as the README says, with a file of your own that extends options/finetune_x4v3_architecture.yml"""
