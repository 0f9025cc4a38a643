"""Whatever bytes a reader is given, it returns a value or says what is wrong in one sentence; it never falls over."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from realesrgan_arch.audit.keep_list import read_keep_list
from realesrgan_arch.data.files import read_meta_info, read_paired_meta_info
from realesrgan_arch.data.manifest import ManifestRow, read_manifest, write_manifest
from realesrgan_arch.data.scenes import read_labels
from realesrgan_arch.data.split_folder import open_split
from realesrgan_arch.errors import UserError
from realesrgan_arch.image_header import ImageError, parse_header
from realesrgan_arch.images import decode_rgb
from tests.corpus import pictures

fuzzed = settings(
    max_examples=300,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
NUMBERS = st.sampled_from(["1", "-1", "0", "", "1e3", "999999999999999999999", "９", "nan", "1_0", " 7 ", "9" * 5000])
CELLS = st.one_of(NUMBERS, st.text(max_size=8), st.sampled_from(["train", "yes", "no", "a.png", "../a.png", "/a.png"]))
TEXTS = {
    "train.csv": (
        "path,scene,split,width,height,bytes,sha256",
        'a.png,s,train,1,1,1,"00"',
        "path,scene,split,width,height,bytes,sha256,tags",
    ),
    "split.json": ('{"root": "photos", "by": "folder", "seed": 0, "val": 0.1, "test": 0.1}', "{", "[]", "null"),
    "keep.csv": ("keep,path,reasons", "yes,a.png,", "no,a.png,blurred (gray)"),
    "scenes.csv": ("path,scene,tags", "a.png,villa,interior", "path,scene"),
    "list.txt": ("a.png (480,480,3)", "a.png, b.png", "../a.png", "a b.png"),
}


def lines(name: str) -> st.SearchStrategy[bytes]:
    """Files that look nearly like what the reader expects, or like nothing at all."""
    row = st.one_of(st.sampled_from(TEXTS[name]), st.lists(CELLS, max_size=9).map(",".join), st.text(max_size=30))
    text = st.builds(lambda end, rows: end.join(rows), st.sampled_from(["\n", "\r\n", "\r"]), st.lists(row, max_size=5))
    headed = st.builds(lambda rest: f"{TEXTS[name][0]}\n{rest}", text)
    as_bytes = st.one_of(headed, text).map(lambda each: each.encode("utf-8", "surrogatepass"))
    return st.one_of(as_bytes, st.binary(max_size=200))


def check(read: Callable[[], object]) -> None:
    try:
        read()
    except UserError as error:
        assert str(error).strip()


@fuzzed
@given(data=lines("train.csv"))
@example(data=b"path,scene,split,width,height,bytes,sha256\n" + b"a" * 200_000 + b",s,train,1,1,1,0\n")
@example(data=b"path,scene,split,width,height,bytes,sha256\na\0.png,s,train,1,1,1,0\n")
@example(data=b"path,scene,split,width,height,bytes,sha256\na.png,s,train,1,1," + b"9" * 5000 + b",0\n")
@example(data=b'path,scene,split,width,height,bytes,sha256\n"a.png,s,train,1,1,1,0\n')
def test_any_manifest(data: bytes, tmp_path: Path):
    (tmp_path / "train.csv").write_bytes(data)
    check(lambda: read_manifest(tmp_path / "train.csv"))


@fuzzed
@given(data=lines("split.json"))
@example(data=b'{"root": 1, "by": "folder", "seed": 0, "val": 0.1, "test": 0.1}')
@example(data=b'{"root": "a\\u0000b", "by": "folder", "seed": 0, "val": 0.1, "test": 0.1}')
@example(data=b"[" * 100_000)
@example(data=b'{"seed": ' + b"9" * 5000 + b"}")
@example(data=b"\xff\xfe{}")
def test_any_card_of_a_split(data: bytes, tmp_path: Path):
    row = ManifestRow("a.png", "s", "train", 1, 1, 1, "0" * 64)
    write_manifest([row], tmp_path / "train.csv")
    (tmp_path / "split.json").write_bytes(data)
    check(lambda: open_split(tmp_path))


@fuzzed
@given(data=lines("keep.csv"))
@example(data=b"keep,path,reasons\nyes," + b"a" * 200_000 + b",\n")
@example(data=b'keep,path,reasons\nyes,"a\0.png,\n')
@example(data=b"keep;path;reasons\nyes;a.png;\n")
@example(data=b"keep,path,reasons\nyes,../a.png,\n")
def test_any_keep_list(data: bytes, tmp_path: Path):
    (tmp_path / "keep.csv").write_bytes(data)
    check(lambda: read_keep_list(tmp_path / "keep.csv"))


@fuzzed
@given(data=lines("scenes.csv"))
@example(data=b"path,scene\n" + b"a" * 200_000 + b",s\n")
@example(data=b"path,scene\na.png\n")
def test_any_table_of_scenes(data: bytes, tmp_path: Path):
    (tmp_path / "scenes.csv").write_bytes(data)
    check(lambda: read_labels(tmp_path / "scenes.csv"))


@fuzzed
@given(data=lines("list.txt"))
@example(data=b"a\0.png\n")
@example(data=b"a" * 5000 + b".png\n")
@example(data=b"\xff\xfea\0.\0p\0n\0g\0\n\0")
def test_any_list_of_images(data: bytes, tmp_path: Path):
    (tmp_path / "list.txt").write_bytes(data)
    (tmp_path / "a.png").touch()
    check(lambda: read_meta_info(tmp_path / "list.txt", tmp_path))
    check(lambda: read_paired_meta_info(tmp_path / "list.txt", gt_root=tmp_path, lq_root=tmp_path))


# Pictures

KINDS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")
VALID = {
    **{kind: pictures.encoded(pictures.noise(1, 9, 7), kind) for kind in KINDS},
    "turned": pictures.turned_jpeg(6),
    "animated": pictures.with_frames("GIF", 1),
    "palette": pictures.palette_with_transparency(),
    "raw": pictures.raw_photograph(is_cr2=True),
}


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid file with some bytes of its first part changed, removed or doubled."""
    data = bytearray(draw(st.sampled_from(sorted(VALID.values()))))
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, min(len(data) - 1, 300)))
        new = draw(st.one_of(st.binary(max_size=4), st.sampled_from([b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff"])))
        data[place : place + draw(st.integers(0, 4))] = new
        if not data:
            break
    return bytes(data)


STARTS = (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"BM", b"GIF89a", b"RIFF\0\0\0\0WEBP")
SCRAPS = st.builds(lambda start, rest: start + rest, st.sampled_from(STARTS), st.binary(max_size=300))


@pytest.mark.filterwarnings("ignore")  # Pillow warns of corrupt EXIF data.
@settings(fuzzed, max_examples=1500)
@given(data=st.one_of(mutated(), SCRAPS))
def test_any_header(data: bytes):
    with contextlib.suppress(ImageError):
        header = parse_header(data, Path("a.png"))
        assert min(header.size) >= 1
        assert 1 <= header.orientation <= 8


@pytest.mark.filterwarnings("ignore")
@settings(fuzzed, max_examples=500)
@given(data=mutated())
def test_any_pixels(data: bytes):
    with contextlib.suppress(ImageError):
        header = parse_header(data, Path("a.png"))
        if header.size[0] * header.size[1] < 1_000_000:
            assert decode_rgb(data, Path("a.png")).shape == (*header.size[::-1], 3)
