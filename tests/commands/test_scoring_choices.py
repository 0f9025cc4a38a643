"""The command line knows, before torch is there, what the modules behind it know; a mistake does not wait for torch."""

import subprocess
import sys
from pathlib import Path

import pytest

from realesrgan_arch.commands import scoring_choices as offered
from realesrgan_arch.evaluation.data_choice import MAX_SIZE
from realesrgan_arch.evaluation.evaluate import METRICS, ScoreRules
from realesrgan_arch.evaluation.evaluation_run import EvaluationRequest
from realesrgan_arch.evaluation.significance import fewest_to_claim
from realesrgan_arch.sweep.choose import RULES
from realesrgan_arch.sweep.session import ALPHAS, SweepRequest
from realesrgan_arch.upscaling.backends.choose import BACKENDS

ROOT = Path(__file__).parents[2]


def test_what_is_offered_is_what_there_is() -> None:
    steps = {name: f"{metric.step:g} {metric.unit}".strip() for name, metric in METRICS.items()}
    assert list(offered.METRIC_STEPS.items()) == list(steps.items())
    assert ScoreRules().metrics == offered.DEFAULT_METRICS
    assert fewest_to_claim(len(offered.DEFAULT_METRICS)) == offered.SCENES_TO_CLAIM
    assert offered.MAX_SIZE == MAX_SIZE == SweepRequest.max_size == EvaluationRequest.max_size
    assert (offered.BACKENDS, offered.ALPHAS, offered.RULES) == (BACKENDS, ALPHAS, RULES)
    assert offered.PRECISION == SweepRequest.precision == EvaluationRequest.precision


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["evaluate", "--help"], "usage: realesrgan-arch evaluate"),
        (["sweep", "--help"], "usage: realesrgan-arch sweep"),
        (["probe", "--help"], "usage: realesrgan-arch probe"),
        (["report", "--help"], "usage: realesrgan-arch report"),
        (["train", "--help"], "usage: train.py"),
        (["doctor", "--help"], "usage: realesrgan-arch doctor"),
        (["upscale", "--help"], "usage: realesrgan-arch upscale"),
        (["evaluate", "nosuch.pth", "--data", "x"], "error: weights nosuch.pth not found: "),
        (["sweep", "nosuch.pth", "realesr-general-x4v3", "--data", "x"], "error: weights nosuch.pth not found: "),
        (["sweep", "realesr-general-x4v3", "nosuch.pth", "--data", "x"], "error: weights nosuch.pth not found: "),
        (["evaluate", "realesr-general-x4v3", "nosuch.pth", "--data", "x"], "error: weights nosuch.pth not found: "),
        (["probe", "nosuch.yml", "--candidates", "all"], "error: nosuch.yml: no such file"),
        (["train", "-opt", "nosuch.yml"], "error: nosuch.yml: no such file"),
        (["report", "nosuch"], "error: expected the folder of a training or of results, found no folder nosuch"),
    ],
    ids=" ".join,
)
def test_help_and_a_missing_file_are_answered_without_torch(words: list[str], told: str, tmp_path: Path) -> None:
    code = (
        "import sys; from realesrgan_arch import cli, entry\n"
        "try: entry.run(cli.main, sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'torchvision', 'basicsr', 'numpy', 'scipy', 'cv2'} & sys.modules.keys()\n"
        "sys.exit(f'imported {sorted(heavy)}' if heavy else 0)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "COLUMNS": "100"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert (ran.stdout + ran.stderr).startswith(told)
