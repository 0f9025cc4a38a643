"""Killed at any named point of a save, a run goes on from a state that it really had, and ends bit for bit as ever."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def matrix(tmp_path_factory) -> dict:
    """What the runner found: one process, many forks."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.training.kill_runner", str(tmp_path_factory.mktemp("kills"))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_every_kind_of_point_is_killed_at(matrix) -> None:
    kinds = {re.sub(r"\d+", "N", kill["point"]) for part in matrix.values() for kill in part["kills"]}
    assert kinds == {
        "save:before writing",
        *(
            f"save:{place} {name}"
            for place in ("opened", "inside", "whole but unnamed", "before the rename of", "renamed")
            for name in ("net_g_N.pth", "net_d_N.pth", "net_g_latest.pth", "net_d_latest.pth", "N.state")
        ),
        "save:before ckpt_N.json",
        "save:after ckpt_N.json",
        *(f"save:second name for {name}" for name in ("net_g_N.pth", "net_d_N.pth", "N.state")),
        "save:before ckpt_N-earlier.json",
        "save:after ckpt_N-earlier.json",
        *(
            point
            for kind in ("ckpt_N.json", "ckpt_N-earlier.json")
            for point in (f"save:before the removal of {kind}", f"save:removal of {kind} begun")
        ),
        *(
            f"save:{folder}/{name} removed"
            for folder, name in (
                ("models", "net_g_N.pth"),
                ("models", "net_d_N.pth"),
                ("training_states", "N.state"),
                ("models", "net_g_N-earlier.pth"),
                ("models", "net_d_N-earlier.pth"),
                ("training_states", "N-earlier.state"),
            )
        ),
        "save:before going back",
        "save:gone back",
        *(
            f"save:before {name} is moved aside"
            for name in ("models/net_g_N.pth", "models/net_d_N.pth", "training_states/N.state", "ckpt_N.json")
        ),
    }


def test_a_real_kill_leaves_what_the_folder_held_at_that_moment(matrix) -> None:
    killed = {point: kill for part in matrix.values() for point, kill in part["killed"].items()}
    assert len(killed) >= 6
    assert any("inside" in point for point in killed), "a file that is half written"
    assert [point for point, kill in killed.items() if not kill["killed"] or kill["differing"]] == []
    assert max(kill["files"] for kill in killed.values()) > 5


@pytest.mark.parametrize("part", ["fresh", "damaged"])
def test_a_killed_run_loads_a_state_that_it_had_and_ends_bit_for_bit_equal(matrix, part) -> None:
    undisturbed = matrix[part]["undisturbed"]["answer"]
    had = undisturbed["had"] + [undisturbed["loaded"]]
    failures = []
    for kill in matrix[part]["kills"]:
        found = kill["found"]
        if found is None:
            failures.append(f"{kill['point']}: the next start failed")
        elif found["loaded"] is not None and found["loaded"] not in had:
            failures.append(f"{kill['point']}: loaded a state that never was, step {found['loaded'][0]}")
        elif found["last"] != undisturbed["last"]:
            failures.append(f"{kill['point']}: ended otherwise, from {found['loaded'] and found['loaded'][0]}")
    assert not failures, "\n".join(failures)


def test_a_killed_run_leaves_nothing_half_once_it_has_gone_on(matrix) -> None:
    kills = [kill for part in matrix.values() for kill in part["kills"]]
    assert {kill["newest"] for kill in kills} == {4}
    assert [kill["point"] for kill in kills if kill["left"]] == []


def test_a_damaged_checkpoint_is_said_and_kept(matrix) -> None:
    words = matrix["damaged"]["undisturbed"]["answer"]["words"]
    pattern = r"step 3 is damaged \(training_states/3.state has 1000 bytes, not \d+\); it is kept in .*corrupt"
    assert re.search(pattern, words[0])
    assert words[1] == "the newest whole checkpoint is of step 2"
