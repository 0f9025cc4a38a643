"""Killed at random moments and at named ones: no half file is seen, and the next run completes the set."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from realesrgan_arch import atomic
from realesrgan_arch.images import read_rgb, write_image
from realesrgan_arch.networks.rrdbnet import RRDBNet
from realesrgan_arch.upscaling import folder
from realesrgan_arch.upscaling.leftovers import remove_leftovers
from realesrgan_arch.upscaling.manifest import Manifest
from realesrgan_arch.upscaling.run_plan import plan_run
from realesrgan_arch.upscaling.sources import find_sources
from tests.forked import fork
from tests.upscaling.folder_run import ONE_BY_ONE, do, files, photo
from tests.upscaling.planning import twice

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


def _kill_at(owner, name, *, call, after=False):
    """Make the `call`-th call of `owner.name` the end of this process, before or after the work of it."""
    real, calls = getattr(owner, name), []

    def killed(*given, **named):
        calls.append(name)
        if len(calls) == call and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*given, **named)
        if len(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, killed)


POINTS = {
    "after begin": lambda: _kill_at(Manifest, "begin", call=2, after=True),
    "before rename": lambda: _kill_at(atomic, "move_into_place", call=2),
    "before record": lambda: _kill_at(Manifest, "record", call=2),
    "after record": lambda: _kill_at(Manifest, "record", call=2, after=True),
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked")
@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_a_named_point_leaves_what_the_next_run_takes_for_its_own(tmp_path, monkeypatch, point):
    monkeypatch.setattr(folder, "_usual_bounds", lambda: ONE_BY_ONE)
    for name in ("a.png", "b.png", "c.png"):
        photo(tmp_path / "photos" / name)

    def run():
        sources = find_sources(tmp_path / "photos", tmp_path / "out")
        manifest = Manifest(tmp_path / "out", root=sources.root, model_sha256="m", settings={})
        plan = plan_run(sources, output_size=twice, manifest=manifest, suffix="", resume=True)
        remove_leftovers(tmp_path / "out", [tmp_path / "out"], is_shard=False)
        return plan, do(plan, tmp_path / "out", begin=manifest.begin, record=manifest.record)

    def run_and_be_killed():
        signal.alarm(300)
        POINTS[point]()
        run()

    status = os.waitpid(fork(run_and_be_killed), 0)[1]
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    in_place = {"after begin": 1, "before rename": 1, "before record": 2, "after record": 2}[point]
    recorded = {"after begin": 1, "before rename": 1, "before record": 1, "after record": 2}[point]
    assert [path.name for path in sorted((tmp_path / "out").glob("[abc].png"))] == ["a.png", "b.png"][:in_place]
    plan, report = run()
    assert len(plan.done) == recorded
    assert (len(report.made), report.failed) == (3 - recorded, ())
    assert files(tmp_path / "out") == ["a.png", "b.png", "c.png", "manifest.jsonl"]
    for name in ("a.png", "b.png", "c.png"):
        assert np.array_equal(
            read_rgb(tmp_path / "out" / name), read_rgb(tmp_path / "photos" / name).repeat(2, 0).repeat(2, 1)
        )
