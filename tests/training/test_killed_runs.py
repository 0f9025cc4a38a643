"""A run may be killed at any moment: it goes on from a state that it had, and ends as if nothing had happened."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny_run import tiny_options, write_options, write_pictures

ROOT = Path(__file__).parents[2]
KILLS = 20


@pytest.mark.slow
def test_twenty_kills_at_random_moments_change_nothing(tmp_path) -> None:
    write_pictures(tmp_path / "photos", scenes=3, views=1, size=(48, 48))
    mapping = tiny_options(tmp_path / "photos", tmp_path, gan=True, steps=8)
    mapping |= {"queue_size": 8, "gt_size": 16}
    mapping["network_d"] = {"type": "PatchDiscriminatorSN", "num_feat": 4, "depth": 1, "unshuffle": 2}
    mapping["datasets"]["train"]["crop_size"] = 32
    mapping["datasets"]["val"] |= {"max_size": 24, "max_images": 1}
    mapping["val"]["val_freq"] = 3
    mapping["logger"] |= {"save_checkpoint_freq": 1, "use_tb_logger": False, "keep_last": "all"}
    options = write_options(tmp_path / "tiny.yml", mapping)
    command = [sys.executable, "-m", "tests.training.killed_runs", str(options), str(KILLS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["faults"] == []
    assert seen["killed"] == KILLS
    assert len(set(seen["chosen"])) > 3, "the kills did not spread over the run"
