"""Killed at random moments: no half file is seen, and the next run completes the set to the same bytes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from realesrgan_arch.images import write_image
from realesrgan_arch.networks.rrdbnet import RRDBNet

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked")
def test_killed_runs_show_no_half_file_and_resume_to_the_bytes_of_a_run_without_kills(tmp_path):
    torch.manual_seed(0)
    network = RRDBNet(scale=2, num_feat=8, num_block=1, num_grow_ch=4)
    torch.save({"params_ema": network.state_dict()}, tmp_path / "net_g.pth")
    (tmp_path / "photos/sub").mkdir(parents=True)
    for name in ("1.png", "2.jpg", "3.png", "sub/4.png", "sub/5.tif", "sub/6.png"):
        pixels = np.random.default_rng(len(name)).integers(0, 255, (30, 44, 3), dtype=np.uint8)
        write_image(tmp_path / "photos" / name, pixels)
    command = [sys.executable, "-m", "tests.upscaling.killed_upscaling"]
    places = [tmp_path / "photos", tmp_path / "net_g.pth", tmp_path / "runs"]
    done = subprocess.run([*command, *map(str, places), "6"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["files"] == 6
    assert seen["killed"] >= 6
    assert (seen["half"], seen["wrong"], seen["partials"]) == ([], [], [])
    assert any(0 < count < 6 for count in seen["done_before"]), "no kill fell into the middle of the set"
