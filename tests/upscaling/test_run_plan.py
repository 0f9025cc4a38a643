"""Plans: all names, sizes, room and refusals are known before anything is computed, from headers alone."""

import os
import struct
import zlib
from collections import Counter, namedtuple
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from realesrgan_arch import disk_room
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.upscaling.job import JobResult
from realesrgan_arch.upscaling.manifest import Manifest
from realesrgan_arch.upscaling.output_place import NoRoomError, OutputError
from realesrgan_arch.upscaling.run_plan import is_in_shard
from tests.upscaling.planning import SETTINGS, names, photo, plan


@pytest.fixture
def photos(tmp_path):
    for name in ("a.png", "b.jpg", "sub/c.png"):
        photo(tmp_path / "photos" / name)
    return tmp_path / "photos"


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out"


def _do(run, output, root, **of_run):
    """Do the jobs of a plan: a result is a copy of its source."""
    manifest = Manifest(output, root=root, **{"model_sha256": "m", "settings": SETTINGS, **of_run})
    for job in run.jobs:
        manifest.begin(job.target, job.source, sha256=hash_file(job.source))
        job.target.parent.mkdir(parents=True, exist_ok=True)
        job.target.write_bytes(job.source.read_bytes())
        digest = hash_file(job.source)
        manifest.record(JobResult(job, job.target, None, digest, digest, job.target.stat().st_size))


def test_jobs_know_sizes_and_names_from_the_header(photos, output):
    (photos / "a.png").write_bytes((photos / "a.png").read_bytes()[:60])
    run = plan(photos, output)
    assert names(run, output) == ["a_out.png", "b_out.jpg", "sub/c_out.png"]
    job = run.jobs[0]
    assert (job.size, job.output_size, job.output_megapixels) == ((8, 6), (16, 12), 192 / 1e6)
    facts = job.source.stat()
    assert (job.num_bytes, job.mtime_ns) == (facts.st_size, facts.st_mtime_ns)


def test_two_plans_of_one_folder_are_the_same(photos, output):
    photo(photos / "a.tif")
    first, second = (replace(plan(photos, output, ext="png"), free_bytes=0) for _ in range(2))
    assert first == second
    assert {"a_png_out.png", "a_tif_out.png"} < set(names(plan(photos, output, ext="png"), output))


def test_unreadable_pictures_have_a_sentence_and_no_job(photos, output):
    (photos / "empty.png").touch()
    (photos / "text.jpg").write_text("not an image")
    run = plan(photos, output)
    assert names(run, output) == ["a_out.png", "b_out.jpg", "sub/c_out.png"]
    assert [(path.name, reason.split("text.jpg ")[-1]) for path, reason in run.unreadable] == [
        ("empty.png", f"{photos / 'empty.png'} is empty (0 bytes)."),
        ("text.jpg", "is not an image: it looks like a text file."),
    ]


@pytest.mark.parametrize(
    ("name", "size", "times", "message"),
    [
        ("wide.jpg", (1, 40000), 2, "JPEG is limited to 65535 pixels a side and the picture has 80000 x 2; choose png"),
        ("wide.webp", (1, 9000), 2, "WebP is limited to 16383 pixels"),
        ("a.png", (16, 16), 20000, "would have 320000 x 320000 pixels and the limit is 2000 million"),
        ("a.png", (1, 600), 1700, "PNG is limited to 1000000 pixels a side"),
    ],
)
def test_a_result_too_large_for_its_format_is_known_before_computing(tmp_path, output, name, size, times, message):
    photo(tmp_path / "photos" / name, size, value=0)
    run = plan(tmp_path / "photos", output, output_size=lambda size: (size[0] * times, size[1] * times))
    assert run.jobs == ()
    assert message in run.unreadable[0][1]


def _transparent(path, form="PNG"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGBA", (8, 6), (200, 100, 50, 100)).save(path, form)
    return path


def test_a_transparent_picture_that_becomes_jpg_is_planned_as_png_with_a_word(tmp_path, output):
    _transparent(tmp_path / "photos/logo.webp", "WEBP")
    photo(tmp_path / "photos/plain.webp")
    run = plan(tmp_path / "photos", output, ext="jpg")
    assert names(run, output) == ["logo_out.png", "plain_out.jpg"]
    said = ("it has transparency, which JPEG cannot hold: the result is logo_out.png",)
    assert [job.notes for job in run.jobs] == [said, ()]


def test_the_png_of_a_transparent_picture_replaces_no_file_of_the_user(tmp_path):
    logo = _transparent(tmp_path / "logo.webp", "WEBP")
    photo(tmp_path / "logo.png")
    with pytest.raises(OutputError, match=r"replace 1 file that is no result of an earlier run, such as .*logo\.png"):
        plan(logo, tmp_path, suffix="", ext="jpg", overwrite=False)


def test_the_png_of_a_transparent_picture_replaces_no_source(tmp_path):
    logo = _transparent(tmp_path / "logo.png")
    with pytest.raises(OutputError, match=r"logo\.png would be replaced by its result"):
        plan(logo, tmp_path, suffix="", ext="jpg")


def test_a_png_called_jpg_and_a_png_of_its_name_have_two_results(tmp_path, output):
    _transparent(tmp_path / "photos/a.jpg")
    photo(tmp_path / "photos/a.png")
    assert names(plan(tmp_path / "photos", output), output) == ["a_jpg_out.png", "a_out.png"]


def _promise(path, width, height):
    """A PNG of a few bytes whose header promises a large picture."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("ext", "scale", "network_scale", "fits"),
    [("png", 4, 4, True), ("tif", 4, 4, True), ("png", 4, 2, False), ("png", 4, None, False), ("jpg", 4, 4, False)],
)
def test_what_goes_to_the_disk_in_strips_may_be_larger(tmp_path, output, monkeypatch, ext, scale, network_scale, fits):
    _free(monkeypatch, 10**12)
    _promise(tmp_path / "photos/panorama.png", 20000, 10000)
    run = plan(
        tmp_path / "photos", output, ext=ext, network_scale=network_scale,
        output_size=lambda size: (size[0] * scale, size[1] * scale),
    )  # fmt: skip
    assert bool(run.jobs) is fits
    if not fits:
        assert "limit is 2000 million" in run.unreadable[0][1]


def test_a_name_that_gets_too_long_is_known_before_computing(tmp_path, output):
    longest = os.pathconf(tmp_path, "PC_NAME_MAX")
    fits, too_long = "a" * (longest - 8), "\u00e9" * ((longest - 5) // 2)
    for stem in (fits, too_long):
        photo(tmp_path / "photos" / f"{stem}.png")
    run = plan(tmp_path / "photos", output)
    assert names(run, output) == [f"{fits}_out.png"]
    ((_, reason),) = run.unreadable
    assert f"would have {longest + 3} bytes and the disk of the output folder takes {longest}" in reason


def test_a_run_of_a_list_calls_results_as_the_run_of_the_whole_folder(photos, output, tmp_path):
    photo(photos / "a.tif")
    whole = {job.source: job.target for job in plan(photos, output, ext="png").jobs}
    (tmp_path / "failed.txt").write_text("a.tif\twhy\nsub/c.png\n")
    run = plan(photos, output, ext="png", from_list=tmp_path / "failed.txt")
    assert {job.source: job.target for job in run.jobs} == {
        path: whole[path] for path in (photos / "a.tif", photos / "sub/c.png")
    }


def test_what_the_manifest_knows_is_left_out_with_resume_and_made_again_without(photos, output):
    _do(plan(photos, output, limit=2), output, photos)
    resumed = plan(photos, output, resume=True, overwrite=False)
    assert (names(resumed, output), resumed.done) == (["sub/c_out.png"], (photos / "a.png", photos / "b.jpg"))
    again = plan(photos, output, overwrite=False)
    assert (len(again.jobs), again.done) == (3, ())
    other_settings = plan(photos, output, resume=True, overwrite=False, settings={"outscale": 3.0})
    assert (len(other_settings.jobs), other_settings.done) == (3, ())


def test_verify_makes_again_what_was_changed_behind_its_back(photos, output):
    _do(plan(photos, output), output, photos)
    result = output / "a_out.png"
    facts = result.stat()
    result.write_bytes(b"X" + result.read_bytes()[1:])
    os.utime(result, ns=(facts.st_atime_ns, facts.st_mtime_ns))  # as a disk does that forgets
    assert plan(photos, output, resume=True, overwrite=False).jobs == ()
    assert names(plan(photos, output, resume=True, verify=True, overwrite=False), output) == ["a_out.png"]


def test_a_result_that_was_edited_is_not_replaced_silently(photos, output):
    _do(plan(photos, output), output, photos)
    result = output / "a_out.png"
    result.write_bytes(b"X" + result.read_bytes()[1:])
    os.utime(result, ns=(1, 1))
    with pytest.raises(OutputError, match="replace 1 file that is no result"):
        plan(photos, output, resume=True, overwrite=False)


@pytest.mark.parametrize("resume", [True, False])
def test_files_of_somebody_else_are_refused_before_the_start_unless_they_may_be_replaced(photos, output, resume):
    for name in ("a_out.png", "sub/c_out.png"):
        photo(output / name)
    message = f"replace 2 files that are no result of an earlier run, such as {output / 'a_out.png'}: .* --overwrite"
    with pytest.raises(OutputError, match=message) as caught:
        plan(photos, output, overwrite=False, resume=resume)
    assert caught.value.exit_code == 2
    assert len(plan(photos, output, overwrite=True, resume=resume).jobs) == 3


def test_results_of_another_folder_are_not_replaced_silently(photos, output, tmp_path):
    _do(plan(photos, output), output, photos)
    photo(tmp_path / "others" / "a.png", value=3)
    with pytest.raises(OutputError, match="replace 1 file that is no result"):
        plan(tmp_path / "others", output, overwrite=False)


def test_results_of_another_folder_of_the_same_name_are_not_replaced_silently(photos, output):
    _do(plan(photos, output), output, photos)
    photo(photos.parent / "client2" / "photos" / "a.png", value=3)
    with pytest.raises(OutputError, match="replace 1 file that is no result"):
        plan(photos.parent / "client2" / "photos", output, overwrite=False)


def test_a_link_to_nowhere_at_the_place_of_a_result_is_somebody_elses(photos, output):
    output.mkdir()
    (output / "a_out.png").symlink_to("nowhere")
    with pytest.raises(OutputError, match="replace 1 file"):
        plan(photos, output, overwrite=False)


def test_a_run_that_was_killed_between_two_pictures_can_go_on(photos, output):
    manifest = Manifest(output, root=photos, model_sha256="m", settings=SETTINGS)
    manifest.begin(output / "a_out.png", photos / "a.png")
    photo(output / "a_out.png")  # in its place, but its line was never written
    run = plan(photos, output, resume=True, overwrite=False)
    assert names(run, output)[0] == "a_out.png"


def test_the_limit_counts_what_is_still_to_do(photos, output):
    _do(plan(photos, output, limit=1), output, photos)
    (photos / "aa.png").touch()
    (photos / "z.png").touch()
    run = plan(photos, output, resume=True, limit=1)
    assert names(run, output) == ["b_out.jpg"]
    assert [path.name for path, _ in run.unreadable] == ["aa.png"]  # met on the way; z.png was not looked at


def test_shards_divide_the_work_whatever_the_machine(tmp_path):
    paths = [Path("sub") / f"{number}.jpg" for number in range(3000)]
    shares = [[path for path in paths if is_in_shard(path, (index, 3))] for index in (1, 2, 3)]
    assert Counter(path for share in shares for path in share) == Counter(paths)
    assert all(900 < len(share) < 1100 for share in shares)
    # By definition the first 8 bytes of the name's SHA-256 modulo n: machines with different versions must agree.
    assert [number for number in range(12) if is_in_shard(Path(f"{number}.jpg"), (1, 3))] == [0, 2, 5, 7, 11]


def test_the_shards_of_a_folder_have_the_names_of_the_whole(photos, output):
    photo(photos / "a.tif")
    whole = names(plan(photos, output, ext="png"), output)
    shares = [names(plan(photos, output, ext="png", shard=(index, 4)), output) for index in (1, 2, 3, 4)]
    assert sorted(name for share in shares for name in share) == sorted(whole)


def test_a_result_that_would_replace_a_source_is_refused_even_with_overwrite(tmp_path):
    picture = photo(tmp_path / "a.png")
    with pytest.raises(OutputError, match="would be replaced by its result"):
        plan(picture, tmp_path, suffix="")


def test_a_result_that_would_replace_another_source_is_refused(tmp_path):
    photo(tmp_path / "in" / "a.png")
    photo(tmp_path / "in" / "in" / "a.png", (5, 5))
    with pytest.raises(OutputError, match="would be replaced"):
        plan(tmp_path / "in", tmp_path, suffix="")


def test_an_output_that_cannot_be_written_is_said_before_the_start(photos, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written: Not a directory"):
        plan(photos, tmp_path / "file" / "out")


def _free(monkeypatch, free):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(disk_room.shutil, "disk_usage", lambda _: usage(10**12, 0, free))


def test_the_room_is_estimated_from_the_pixels_and_the_format(tmp_path, output, monkeypatch):
    for name in ("a.png", "b.jpg", "c.webp", "d.tif"):
        photo(tmp_path / "photos" / name, (100, 100), value=0)
    _free(monkeypatch, 5 * 10**9)
    run = plan(tmp_path / "photos", output)
    assert (run.output_bytes, run.free_bytes) == (round(40000 * (1.3 + 0.35 + 0.2 + 1.4)), 5 * 10**9)


def test_what_can_never_fit_is_refused_with_exit_code_5_and_what_may_fit_is_not(photos, output, monkeypatch):
    needed = plan(photos, output).output_bytes
    _free(monkeypatch, needed // 2 + 1)
    assert "the disk may be too small" in plan(photos, output).in_words()
    _free(monkeypatch, needed // 2 - 1)
    with pytest.raises(NoRoomError, match=r"need about 566 bytes and .* has 282 bytes free: choose another") as caught:
        plan(photos, output)
    assert caught.value.exit_code == 5


def test_no_pixel_is_decoded(photos, output, monkeypatch):
    monkeypatch.setattr("cv2.imdecode", lambda *_: pytest.fail("decoded in vain"))
    assert len(plan(photos, output).jobs) == 3
