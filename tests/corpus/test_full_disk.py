"""A disk without room: one sentence, no half file, and the next run goes on."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from realesrgan_arch import atomic, inference
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.split_folder import open_split
from realesrgan_arch.entry import run
from realesrgan_arch.errors import EXIT_NO_ROOM, UserError
from realesrgan_arch.upscaling import one_job
from tests.corpus import pictures
from tests.corpus.corpus_folder import RESULTS, comparable, run_quietly
from tests.corpus.upscale_runs import BASE

PAGE_BYTES = 4096


def check_refused(verb: str, *argv: str | Path) -> None:
    """The command ends with code 2 and one sentence about the disk."""
    with pytest.raises(UserError) as caught:
        run_quietly(verb, *map(str, argv))
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert "disk" in str(caught.value) or "space" in str(caught.value)


@contextmanager
def tiny_disk(folder: Path, *, num_bytes: int) -> Iterator[Path]:
    """A file system of that size; only root can make one."""
    folder.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={num_bytes}", "tmpfs", str(folder)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("a small file system cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, *, keep_bytes: int) -> None:
    """Leave so much room."""
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    (folder / "filler").write_bytes(bytes(free - keep_bytes))


def files_below(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "filler")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def results(out: Path) -> dict[str, bytes]:
    return {name: comparable(out / name) for name in RESULTS}


@pytest.mark.parametrize("free_pages", [0, 1, 2])
def test_a_split_onto_a_full_disk_leaves_no_half_file(photos: Path, tmp_path: Path, free_pages: int):
    arguments = ("split", str(photos), "--val", "0.2", "--test", "0.2", "--keep", "none", "--no-near")
    run_quietly(*arguments, "--out", str(tmp_path / "whole"))
    with tiny_disk(tmp_path / "disk", num_bytes=32 * PAGE_BYTES) as disk:
        fill(disk, keep_bytes=free_pages * PAGE_BYTES)
        check_refused(*arguments, "--out", disk)
        assert files_below(disk).items() <= files_below(tmp_path / "whole").items()
        assert "split.json" not in files_below(disk)


def test_a_split_that_takes_the_place_of_another_and_is_not_finished_is_no_split(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    arguments = ("split", str(photos), "--val", "0.2", "--test", "0.2", "--no-near", "--out", str(tmp_path / "split"))
    run_quietly(*arguments)
    write = atomic.write_bytes

    def refuse(path: Path, data: bytes) -> None:
        if path.name == "val.csv":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data)

    monkeypatch.setattr(atomic, "write_bytes", refuse)
    check_refused(*arguments, "--seed", "5")
    with pytest.raises(DataError, match="split.json cannot be read"):
        open_split(tmp_path / "split")


@pytest.mark.slow
def test_an_audit_onto_a_full_disk_goes_on_where_it_was_when_there_is_room(photos: Path, tmp_path: Path):
    (photos / "text.png").write_text("hello")
    run_quietly("audit", str(photos), "--out", str(tmp_path / "whole"))
    whole = results(tmp_path / "whole")
    with tiny_disk(tmp_path / "disk", num_bytes=256 * PAGE_BYTES) as disk:
        out = disk / "audit"
        for free_pages in (0, 2, 4, 6):
            fill(disk, keep_bytes=free_pages * PAGE_BYTES)
            check_refused("audit", photos, "--out", out, "--jobs", "1")
            finished = {name: comparable(out / name) for name in files_below(out) if name in RESULTS}
            assert finished.items() <= whole.items()
            assert not [name for name in files_below(out) if "partial" in name]
            (disk / "filler").unlink()
        run_quietly("audit", str(photos), "--out", str(out))
        assert results(out) == whole


@pytest.mark.slow
@pytest.mark.parametrize("flags", [("tiles", "--size", "128", "--step", "64"), ("freeze", "--preset", "bicubic")])
def test_pictures_onto_a_full_disk_are_one_sentence_and_no_half_file(photos: Path, tmp_path: Path, flags: tuple[str]):
    split, (verb, *options) = str(tmp_path / "split"), flags
    run_quietly("split", str(photos), "--val", "0.2", "--test", "0.2", "--keep", "none", "--no-near", "--out", split)
    run_quietly(verb, split, *options, "--out", str(tmp_path / "whole"))
    whole = files_below(tmp_path / "whole")
    with tiny_disk(tmp_path / "disk", num_bytes=64 * PAGE_BYTES) as disk:
        check_refused(verb, split, *options, "--out", disk / "set")
        finished = {name: data for name, data in files_below(disk / "set").items() if name.endswith(".png")}
        assert all(whole[name] == data for name, data in finished.items() if name in whole)
        assert not [name for name in files_below(disk) if "partial" in name]


def test_pictures_upscaled_onto_a_full_disk_end_with_code_5_and_go_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(6):
        (photos / f"{number}.png").write_bytes(pictures.encoded(pictures.noise(number, 100, 80), "PNG"))
    monkeypatch.setattr(one_job, "_MOMENT_SECONDS", 0.1)
    flags = ("--model_path", str(BASE), "--device", "cpu", "--backend", "torch", "--fp32", "-s", "1", "--suffix", "")
    assert run(inference.main, [str(photos), str(tmp_path / "whole"), *flags]) == 0
    whole = _pictures_below(tmp_path / "whole")
    with tiny_disk(tmp_path / "disk", num_bytes=64 * PAGE_BYTES) as disk:
        num_bytes = sum(map(len, whole.values()))
        fill(disk, keep_bytes=num_bytes // 2)
        assert run(inference.main, [str(photos), str(disk / "out"), *flags]) == EXIT_NO_ROOM
        said = capfd.readouterr()
        assert "cannot be written: the disk is full" in said.err
        assert "Traceback" not in said.err
        assert _pictures_below(disk).items() < whole.items()
        assert not list(disk.rglob("*.partial"))
        (disk / "filler").unlink()
        assert run(inference.main, [str(photos), str(disk / "out"), *flags, "--resume"]) == 0
        assert _pictures_below(disk / "out") == whole


def _pictures_below(folder: Path) -> dict[str, bytes]:
    return {Path(name).name: data for name, data in files_below(folder).items() if name.endswith(".png")}
