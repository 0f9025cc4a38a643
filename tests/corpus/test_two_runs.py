"""Two runs of `upscale` that write into one folder at the same time."""

import json
import multiprocessing
import os
import time
from pathlib import Path

from realesrgan_arch import atomic
from realesrgan_arch.upscaling.session import UpscaleRequest, upscale
from tests.corpus import pictures
from tests.corpus.upscale_runs import BASE, files_below

NUM_PICTURES = 12


def request(photos: Path, output: Path) -> UpscaleRequest:
    return UpscaleRequest(photos, output, str(BASE), device="cpu", precision="fp32", backend="torch", overwrite=True)


def wait_and_upscale(photos: Path, output: Path, begin) -> None:
    fsync = os.fsync

    def slowly(handle: int) -> None:  # Between writing and naming, where the other is at work on the same file.
        time.sleep(0.03)
        fsync(handle)

    os.fsync = slowly
    begin.wait(60)
    raise SystemExit(upscale(request(photos, output)).exit_code)


def test_two_runs_into_one_folder_leave_the_files_of_one(tmp_path: Path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(NUM_PICTURES):
        (photos / f"{number}.png").write_bytes(pictures.encoded(pictures.noise(number, 40, 30), "PNG"))
    # A server that imported everything once forks for each run.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["realesrgan_arch.audit.examine", "tests.corpus.test_kill", __name__])
    begin = context.Barrier(3)
    runs = [context.Process(target=wait_and_upscale, args=(photos, tmp_path / "both", begin)) for _ in range(2)]
    for process in runs:
        process.start()
    begin.wait(60)
    upscale(request(photos, tmp_path / "alone"))
    for process in runs:
        process.join(120)
    assert [process.exitcode for process in runs] == [0, 0]
    alone = {path.name: path.read_bytes() for path in (tmp_path / "alone").glob("*.png")}
    assert len(alone) == NUM_PICTURES
    assert {path.name: path.read_bytes() for path in (tmp_path / "both").glob("*.png")} == alone
    assert not [name for name in files_below(tmp_path / "both") if name.endswith(atomic.PARTIAL)]
    lines = (tmp_path / "both" / "manifest.jsonl").read_bytes().splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)
    again = upscale(
        UpscaleRequest(
            photos, tmp_path / "both", str(BASE), device="cpu", precision="fp32", backend="torch", resume=True
        )
    )
    assert again.num_done == NUM_PICTURES
