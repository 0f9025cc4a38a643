"""The manifest: what is finished is known from its line, and nothing is trusted because it exists."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.upscaling.job import Job, JobResult
from realesrgan_arch.upscaling.manifest import MANIFEST, Manifest, digest_of, root_id
from realesrgan_arch.upscaling.manifest_lines import Line, read_lines
from realesrgan_arch.upscaling.output_place import OutputError

SETTINGS = {"outscale": 4.0, "ext": "png"}


class Place:
    """An input folder with one picture, an output folder with its result, and the result's line."""

    def __init__(self, folder: Path, name: str = "sub/a.jpg") -> None:
        self.root, self.output = folder / "photos", folder / "out"
        self.source, self.target = self.root / name, self.output / "sub/a_out.png"
        for path, data in ((self.source, b"input"), (self.target, b"result")):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def manifest(self, *, model: str = "m" * 64, settings=None, root: Path | None = None) -> Manifest:
        return Manifest(self.output, root=root or self.root, model_sha256=model, settings=settings or SETTINGS)

    def record(self, **how) -> None:
        self.manifest(**how).record(self.result())

    def result(self) -> JobResult:
        facts = self.source.stat()
        job = Job(self.source, self.target, (1, 1), (4, 4), facts.st_size, facts.st_mtime_ns)
        return JobResult(
            job, self.target, None, hash_file(self.source), hash_file(self.target), self.target.stat().st_size, 1.23456,
            ("gray",),
        )  # fmt: skip

    def lines(self) -> list[dict]:
        return [json.loads(line) for line in (self.output / MANIFEST).read_bytes().split(b"\n") if line]


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_a_line_says_what_was_made_of_what(place):
    place.record()
    (line,) = place.lines()
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "source": "sub/a.jpg", "folder": "photos", "root": root_id(place.root),
        "input_sha256": hash_file(place.source), "input_bytes": 5,
        "input_mtime_ns": place.source.stat().st_mtime_ns, "target": "sub/a_out.png",
        "output_sha256": hash_file(place.target), "output_bytes": 6,
        "output_mtime_ns": place.target.stat().st_mtime_ns, "output_pixels": 16,
        "model_sha256": "m" * 64, "settings": SETTINGS,
        "settings_sha256": digest_of(SETTINGS), "seconds": 1.235, "warnings": ["gray"],
    }  # fmt: skip


def test_what_has_a_true_line_is_finished_for_this_run_and_the_next(place):
    manifest = place.manifest()
    assert not manifest.is_finished(place.source)
    manifest.record(place.result())
    assert manifest.is_finished(place.source)
    assert place.manifest().is_finished(place.source)
    assert place.manifest().is_finished(place.source, verify=True)


def test_existence_alone_is_not_trusted(place):
    assert not place.manifest().is_finished(place.source)


def test_the_order_of_settings_does_not_matter_and_their_values_do(place):
    place.record()
    assert place.manifest(settings={"ext": "png", "outscale": 4.0}).is_finished(place.source)
    assert not place.manifest(settings={"ext": "png", "outscale": 2.0}).is_finished(place.source)


def test_another_model_makes_it_again(place):
    place.record()
    assert not place.manifest(model="n" * 64).is_finished(place.source)


def test_an_input_that_was_only_touched_is_finished_and_one_that_changed_is_not(place):
    place.record()
    os.utime(place.source, ns=(1, 1))
    assert place.manifest().is_finished(place.source)
    place.source.write_bytes(b"other")
    assert not place.manifest().is_finished(place.source)


def test_a_result_that_is_gone_or_of_another_size_is_made_again(place):
    place.record()
    place.target.write_bytes(b"short")
    assert not place.manifest().is_finished(place.source)
    place.target.unlink()
    assert not place.manifest().is_finished(place.source)


def test_verify_finds_a_changed_byte_that_size_and_time_hide(place):
    place.record()
    for path in (place.target, place.source):
        kept, facts = path.read_bytes(), path.stat()
        path.write_bytes(b"X" + kept[1:])
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        assert place.manifest().is_finished(place.source)
        assert not place.manifest().is_finished(place.source, verify=True)
        path.write_bytes(kept)
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def test_the_newest_line_counts(place):
    place.record()
    place.record(model="n" * 64)
    assert place.manifest(model="n" * 64).is_finished(place.source)
    assert not place.manifest().is_finished(place.source)


def test_a_result_that_was_replaced_by_that_of_another_picture_is_made_again(place):
    place.record()
    other = Place(place.root.parent, "sub/a.tif")
    other.record()
    assert not place.manifest().is_finished(place.source)
    assert other.manifest().is_finished(other.source)


def test_an_input_that_vanished_is_not_finished(place):
    place.record()
    place.source.unlink()
    assert not place.manifest().is_finished(place.source)


def test_a_torn_last_line_is_left_out_with_a_word_and_the_next_line_is_whole(place, caplog):
    place.record()
    path = place.output / MANIFEST
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])
    assert place.manifest().is_finished(place.source)
    assert caplog.messages == [f"{path}: 1 line is damaged, most likely by a run that was killed, and left out."]
    place.record(model="n" * 64)
    assert place.manifest(model="n" * 64).is_finished(place.source)


@pytest.mark.parametrize(
    "line",
    [
        b"\0" * 20,
        b"[]",
        b"5",
        b'"begun"',
        b'{"begun": 5, "source": "a", "root": "", "sha256": "", "time_ns": 1}',
        b'{"source": "a"}',
        b"\xff\xfe",
    ],
)
def test_a_line_that_is_not_ours_stops_nothing(place, line):
    place.record()
    with (place.output / MANIFEST).open("ab") as file:
        file.write(line + b"\n")
    assert place.manifest().is_finished(place.source)


def test_a_line_that_leads_out_of_the_folder_is_left_out(place):
    place.record()
    path = place.output / MANIFEST
    path.write_bytes(path.read_bytes().replace(b"sub/a_out.png", b"../out/sub/a_out.png"))
    assert not place.manifest().is_finished(place.source)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_not_utf_8_survives(tmp_path):
    place = Place(tmp_path, os.fsdecode(b"sub/caf\xe9\n.jpg"))
    place.record()
    assert (place.output / MANIFEST).read_bytes().isascii()
    assert place.manifest().is_finished(place.source)


def test_what_was_made_of_this_picture_is_ours(place):
    manifest = place.manifest()
    assert not manifest.is_ours(place.target, place.source)
    manifest.record(place.result())
    assert place.manifest(model="n" * 64).is_ours(place.target, place.source)
    assert not place.manifest().is_ours(place.target, place.root / "sub/a.tif")


def test_what_was_made_of_a_folder_of_the_same_name_is_a_strangers(tmp_path):
    first, second = tmp_path / "client1/photos", tmp_path / "client2/photos"
    place = Place(tmp_path)
    place.root, place.source = first, first / "a.jpg"
    for root in (first, second):
        root.mkdir(parents=True)
        (root / "a.jpg").write_bytes(b"input")
    place.record()
    place.manifest().begin(place.target, place.source, sha256=hash_file(place.target))
    assert place.manifest().is_ours(place.target, first / "a.jpg")
    assert not place.manifest(root=second).is_ours(place.target, second / "a.jpg")


def test_a_folder_keeps_its_identity_behind_a_link(place):
    link = place.root.with_name("link")
    link.symlink_to(place.root)
    assert root_id(link) == root_id(place.root) != root_id(place.output)


def test_a_result_that_was_edited_is_a_strangers_and_not_finished_even_with_the_same_size(place):
    place.record()
    place.target.write_bytes(b"edited")
    os.utime(place.target, ns=(1, 1))
    assert not place.manifest().is_ours(place.target, place.source)
    assert not place.manifest().is_finished(place.source)


def test_a_result_that_was_only_copied_is_ours_and_finished(place):
    place.record()
    os.utime(place.target, ns=(1, 1))
    assert place.manifest().is_ours(place.target, place.source)
    assert place.manifest().is_finished(place.source)


def test_what_was_begun_is_ours_but_not_finished(place):
    place.record()
    place.target.write_bytes(b"result of other settings")
    place.manifest().begin(place.target, place.source, sha256=hash_file(place.target))
    assert place.manifest().is_ours(place.target, place.source)
    assert not place.manifest().is_ours(place.target, place.root / "sub/a.tif")
    assert not place.manifest().is_finished(place.source)


def test_what_was_begun_is_ours_only_while_it_has_its_bytes(place):
    place.manifest().begin(place.target, place.source, sha256=hash_file(place.target))
    place.target.write_bytes(b"my own")
    assert not place.manifest().is_ours(place.target, place.source)


def test_the_earlier_result_stays_ours_where_a_new_one_was_begun_and_never_came(place):
    place.record()
    place.manifest().begin(place.target, place.source, sha256="0" * 64)
    assert place.manifest().is_ours(place.target, place.source)


def test_where_the_bytes_were_not_known_what_is_older_than_the_beginning_is_a_strangers(place):
    place.manifest().begin(place.target, place.source)
    assert place.manifest().is_ours(place.target, place.source)
    os.utime(place.target, ns=(1, 1))
    assert not place.manifest().is_ours(place.target, place.source)


def test_bytes_are_compared_where_another_result_was_begun_in_the_same_moment(place):
    place.record()
    facts = place.target.stat()
    place.target.write_bytes(b"RESULT")
    os.utime(place.target, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    place.manifest().begin(place.target, place.source, sha256=hash_file(place.target))
    assert not place.manifest().is_finished(place.source)


def test_a_line_ends_what_was_begun(place):
    manifest = place.manifest()
    manifest.begin(place.target, place.source)
    manifest.record(place.result())
    place.target.write_bytes(b"edited")
    os.utime(place.target, ns=(2**61, 2**61))
    assert not place.manifest().is_ours(place.target, place.source)


def test_the_rate_is_that_of_the_newest_twenty_lines_of_this_model_and_settings(place):
    assert place.manifest().rate() is None
    manifest, slow = place.manifest(), place.result()
    manifest.record(replace(slow, seconds=1000.0))
    job = replace(slow.job, output_size=(2000, 1000))
    for _ in range(20):
        manifest.record(replace(slow, job=job, seconds=4.0))
    place.record(model="n" * 64)
    assert manifest.rate() == place.manifest().rate() == 0.5
    assert place.manifest(settings={"ext": "jpg"}).rate() is None


def test_memory_holds_no_settings_and_no_warnings_of_earlier_lines(place):
    place.record()
    place.record()
    first, second = (line for line in read_lines(place.output / MANIFEST) if isinstance(line, Line))
    assert (first.settings, first.warnings, first.time) == ({}, [], "")
    assert first.settings_sha256 is second.settings_sha256
    assert first.settings_sha256 == digest_of(SETTINGS)


def test_processes_that_write_at_once_leave_whole_lines(place):
    code = (
        "import sys; from pathlib import Path; from realesrgan_arch.upscaling.manifest import Manifest\n"
        "out = Path(sys.argv[1]); m = Manifest(out, root=out, model_sha256='m', settings={})\n"
        "for n in range(60): m.begin(out / (sys.argv[2] * 500 + str(n)), out / str(n))"
    )
    command = [sys.executable, "-c", code, str(place.output)]
    running = [subprocess.Popen([*command, name]) for name in "ab"]
    assert [process.wait() for process in running] == [0, 0]
    assert sorted(line["begun"] for line in place.lines()) == sorted(
        name * 500 + str(number) for name in "ab" for number in range(60)
    )


def test_a_disk_that_takes_half_a_line_is_an_error(place, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:10]))
    with pytest.raises(OSError, match="No space left"):
        place.record()


def test_a_failed_job_has_no_line(place):
    with pytest.raises(ValueError, match="no result to record"):
        place.manifest().record(JobResult(place.result().job, error="it failed"))


def test_a_manifest_that_cannot_be_read_is_said(place):
    (place.output / MANIFEST).mkdir()
    with pytest.raises(OutputError, match=r"manifest\.jsonl cannot be read: Is a directory"):
        place.manifest()
