"""Runs over odd names, links, lists and folders: rows 7, 8 and 27 to 35 of the catalogue; 0 is for wrong flags."""

import os
from collections.abc import Callable
from pathlib import Path

import torch

from realesrgan_arch.networks.rrdbnet import RRDBNet
from tests.corpus import pictures
from tests.corpus.entries import several
from tests.corpus.upscale_runs import Prepare, UpscaleRun

_LATIN_1 = os.fsdecode(b"caf\xe9")


def _photos(*names: str, then: Callable[[Path], object] = lambda folder: None) -> Prepare:
    """Write a picture of each name into the working folder, and do more there."""

    def prepare(folder: Path) -> None:
        several({name: lambda seed=seed: pictures.png(seed) for seed, name in enumerate(names)})(folder)
        then(folder)

    return prepare


def _listed(data: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / "list.txt").write_bytes(data)


def _circles_and_a_pipe(folder: Path) -> None:
    (folder / "photos" / "loop").symlink_to("..")
    (folder / "photos" / "self.png").symlink_to("self.png")
    (folder / "photos" / "zero.png").symlink_to("/dev/zero")
    os.mkfifo(folder / "photos" / "pipe.png")


def _halves(folder: Path) -> None:
    several({"out/.ab12cd_4.partial": lambda: pictures.png(0)[:99]})(folder)


def _model_of_x2(folder: Path) -> None:
    torch.manual_seed(0)
    torch.save(RRDBNet(scale=2, num_feat=4, num_block=1, num_grow_ch=2).state_dict(), folder / "x2.pth")


def _has_odd_size(output: Path) -> None:
    assert pictures.size_of(output / "odd_out.png") == (122, 86)


def _wrong_flag(id: str, words: str, *flags: str) -> UpscaleRun:
    shown = " ".join(flag if len(flag) < 30 else f"{flag[:10]}..." for flag in flags)
    return UpscaleRun(f"00-flag-{id}", f"`{shown}`.", _photos("photos/a.png"), words, code=2, flags=flags)


_A, _OUT = "photos/a.png", "a_out.png"

_FLAGS = (
    _wrong_flag("tile", "expected auto or a whole number of 0 or more, got '-1'", "-t", "-1"),
    _wrong_flag("no-size", "expected a number above 0, got '0'", "-s", "0"),
    _wrong_flag("no-number", "expected a number above 0, got 'nan'", "-s", "nan"),
    _wrong_flag("endless-number", "expected a number above 0, got '1000", "-s", "1" + 400 * "0"),
    _wrong_flag("endless-width", "expected a whole number of 1 or more, got '1000", "--width", "1" + 5000 * "0"),
    _wrong_flag("endless-limit", "expected a whole number of 1 or more", "--limit", 30 * "9"),
    _wrong_flag("quality", "expected a whole number from 1 to 100, got '101'", "--quality", "101"),
    _wrong_flag("dpi", "expected a whole number from 1 to 65535, got '1e9'", "--dpi", "1e9"),
    _wrong_flag("shard", "expected i/n with i from 1 to n, such as 1/4, got '0/3'", "--shard", "0/3"),
    _wrong_flag("suffix", "expected a part of a file name, got 'a/b'", "--suffix", "a/b"),
    _wrong_flag("device", "device must be auto, cpu, cuda, cuda:N or mps, got 'tpu'", "--device", "tpu"),
)

RUNS_OF_PLACES: tuple[UpscaleRun, ...] = (
    UpscaleRun(
        "07-no-permission",
        "One picture may not be read.",
        _photos(_A, "photos/b.png"),
        "a.png cannot be read: Permission denied",
        code=3,
        results=("b_out.png",),
        denied="photos/a.png",
    ),
    UpscaleRun(
        "08-only-junk",
        "A folder with nothing but what systems leave.",
        lambda folder: several({"photos/Thumbs.db": lambda: b"x", "photos/._a.jpg": lambda: b"x"})(folder),
        "No image found in photos or below it",
        code=4,
    ),
    UpscaleRun(
        "21-odd-sides-x2",
        "61 x 43 pixels, a model of x2 and tiles of 15: each side doubles exactly.",
        lambda folder: (
            _model_of_x2(folder),
            several({"photos/odd.png": lambda: pictures.encoded(pictures.noise(21, 61, 43), "PNG")})(folder),
        ),
        "1 picture upscaled x2",
        results=("odd_out.png",),
        flags=("--model_path", "x2.pth", "-t", "15"),
        check=_has_odd_size,
    ),
    UpscaleRun(
        "27-name-of-255-bytes",
        "A name that has no room for `_out`: said before anything is computed; the others are made.",
        _photos(f"photos/{'n' * 251}.png", "photos/b.png"),
        "2 images, 1 unreadable",
        code=3,
        results=("b_out.png",),
    ),
    UpscaleRun(
        "27-name-of-255-bytes-without-suffix",
        "The same with `--suffix ''`: the result is called as its picture.",
        _photos(f"photos/{'n' * 251}.png"),
        "1 picture upscaled",
        results=(f"{'n' * 251}.png",),
        flags=("--suffix", ""),
    ),
    UpscaleRun(
        "28-nothing-is-utf8",
        "Picture, folder and output folder have names that are not UTF-8.",
        _photos(f"{_LATIN_1}/{_LATIN_1}.png"),
        "results  caf\\udce9 results",
        results=(f"{_LATIN_1}_out.png",),
        source=_LATIN_1,
        output=f"{_LATIN_1} results",
    ),
    UpscaleRun(
        "29-one-name-for-two",
        "`a.jpg` and `a.png`, both as PNG: no result overwrites the other.",
        _photos(_A, "photos/a.jpg", "photos/b.png"),
        "3 pictures upscaled",
        results=("a_jpg_out.png", "a_png_out.png", "b_out.png"),
        flags=("--ext", "png"),
    ),
    UpscaleRun(
        "30-one-name-in-two-folders",
        "The same name in several folders: the tree is mirrored.",
        _photos("photos/n/1.png", "photos/s/1.png", "photos/s/attic/1.png"),
        "3 pictures upscaled",
        results=("n/1_out.png", "s/1_out.png", "s/attic/1_out.png"),
    ),
    UpscaleRun(
        "31-circles-and-a-pipe",
        "A loop of links, a link to itself, a link to a device and a named pipe among pictures.",
        _photos(_A, then=_circles_and_a_pipe),
        "1 picture upscaled",
        results=(_OUT,),
    ),
    UpscaleRun(
        "31-pipe-as-input",
        "The input is a named pipe.",
        lambda folder: os.mkfifo(folder / "photos"),
        "photos is neither",
        code=2,
    ),
    UpscaleRun(
        "31-pipe-in-a-list",
        "A list names a pipe.",
        _photos(_A, then=lambda folder: (_circles_and_a_pipe(folder), _listed(b"pipe.png\na.png\n")(folder))),
        "pipe.png is not a regular file",
        code=3,
        results=(_OUT,),
        flags=("--from-list", "list.txt"),
    ),
    *(
        UpscaleRun(
            f"32-list-{name}",
            f"A list {what}.",
            _photos(_A, "secret.png", then=_listed(data)),
            words,
            code=code,
            flags=("--from-list", "list.txt"),
        )
        for name, what, data, words, code in (
            ("leaves-the-folder", "that names `../secret.png`", b"a.png\n../secret.png\n", "must stay below photos", 2),
            ("has-a-foreign-path", "that names `/etc/passwd`", b"/etc/passwd\n", "must stay below photos", 2),
            ("is-empty", "without a line", b"\n\n", "is empty; it needs the path of one picture a line", 2),
            ("has-a-zero-byte", "with a zero byte in a name", b"a\0b.png\n", "must stay below photos", 2),
            ("names-what-is-gone", "that names what is not there", b"b.png\n", "No such file or directory", 3),
        )
    ),
    UpscaleRun(
        "32-list-is-missing",
        "A list that is not there.",
        _photos(_A),
        "Expected a list of pictures, but list.txt is no file",
        code=2,
        flags=("--from-list", "list.txt"),
    ),
    UpscaleRun(
        "32-output-is-the-input",
        "The output folder is the input folder.",
        _photos(_A),
        "is the input folder",
        code=2,
        output="photos",
    ),
    UpscaleRun(
        "32-output-inside-of-the-input",
        "The output folder lies in the input folder and has results: they are not magnified again.",
        _photos(_A, "photos/results/old_out.png"),
        "1 image, 1 in the output folder left out",
        results=("a_out.png", "old_out.png"),
        output="photos/results",
    ),
    UpscaleRun(
        "32-output-is-a-file",
        "The output folder is a file.",
        _photos(_A, "out.png"),
        "The output folder out.png cannot be written",
        code=2,
        output="out.png",
    ),
    UpscaleRun(
        "33-partial-file",
        "A killed run left a part of a result: it goes, and the result is whole.",
        _photos(_A, then=_halves),
        "1 picture upscaled",
        results=(_OUT,),
        flags=("--resume",),
        check=lambda output: pictures.size_of(output / _OUT),
    ),
    UpscaleRun(
        "33-half-a-result",
        "At the place of a result lies half a file that no run of ours made: neither taken for done nor replaced.",
        _photos(_A, then=lambda folder: several({"out/a_out.png": lambda: pictures.png(0)[:99]})(folder)),
        "1 file that is no result of an earlier run",
        code=2,
        results=(_OUT,),
        flags=("--resume",),
    ),
    UpscaleRun(
        "35-read-only-output",
        "The output folder may not be written.",
        _photos(_A, then=lambda folder: (folder / "out").mkdir()),
        "The output folder out cannot be written: Permission denied",
        code=2,
        denied="out",
    ),
    UpscaleRun(
        "35-output-name-too-long",
        "The name of the output folder is longer than names can be.",
        _photos(_A),
        "cannot be written: File name too long",
        code=2,
        output="o" * 300,
    ),
    UpscaleRun(
        "20-one-row",
        "A picture of 10000 x 1 pixels.",
        lambda folder: several({_A: lambda: pictures.encoded(pictures.noise(35, 10_000, 1), "PNG")})(folder),
        "1 picture upscaled x0.1",
        results=(_OUT,),
        flags=("-s", "0.1", "-t", "512"),
    ),
    *_FLAGS,
)
