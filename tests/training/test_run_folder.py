"""The files of a run."""

import json
import math

from realesrgan_arch.training.run_folder import RunFolder


def test_numbers_that_json_does_not_have_become_null(tmp_path) -> None:
    folder = RunFolder(tmp_path)
    folder.append_metrics({"kind": "validation", "niqe": math.nan, "psnr": math.inf, "ssim": 0.5})
    record = json.loads(folder.metrics.read_text(), parse_constant=lambda name: f"{name} is not JSON")
    assert record == {"kind": "validation", "niqe": None, "psnr": None, "ssim": 0.5}
