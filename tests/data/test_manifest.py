import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.manifest import (
    ManifestRow,
    check_manifest,
    manifest_paths,
    read_manifest,
    write_manifest,
    write_split,
)


def row(path: str, split: str = "train", content: bytes = b"") -> ManifestRow:
    content = content or path.encode("utf-8", "surrogateescape")
    digest = hashlib.sha256(content).hexdigest()
    return ManifestRow(path, Path(path).parent.as_posix(), split, 640, 480, len(content), digest)  # type: ignore[arg-type]


def write_files(root: Path, rows: list[ManifestRow]) -> None:
    for item in rows:
        (root / item.path).parent.mkdir(parents=True, exist_ok=True)
        (root / item.path).write_bytes(item.path.encode("utf-8", "surrogateescape"))


STRANGE_NAMES = [
    "a/line\nfeed.png",
    "a/carriage\rreturn.png",
    "a/both\r\n.png",
    "-rf/-1.png",
    "e\u0301cole/caf\u00e9, 1.png",
    "\u00e9cole/cafe\u0301, 1.png",
    "\U0001f3db/\U0001f3e0.png",
    "a/ leading and trailing .png ",
    os.fsdecode(b"b/\xe2timent\xff.png"),
    '"/=1+1.png',
    "c/back\\slash: 1.png",
]
ROWS = [row("a/1.png"), row("a/2, with comma.png"), row('b/quote".png', "val"), row(os.fsdecode(b"c/\xff.png"), "test")]


def test_rows_round_trip_with_commas_quotes_and_names_that_are_not_utf8(tmp_path):
    write_manifest(ROWS, tmp_path / "deep/all.csv")
    assert read_manifest(tmp_path / "deep/all.csv") == ROWS
    assert (
        (tmp_path / "deep/all.csv")
        .read_bytes()
        .startswith(b"path,scene,split,width,height,bytes,sha256\na/1.png,a,train,")
    )


def test_strange_names_round_trip(tmp_path):
    rows = [row(name) for name in STRANGE_NAMES]
    write_manifest(rows, tmp_path / "all.csv")
    assert read_manifest(tmp_path / "all.csv") == rows
    write_files(tmp_path, rows)
    check_manifest(rows, tmp_path)


def test_tags_are_a_column_only_where_there_are_some(tmp_path):
    tagged = [replace(ROWS[0], tags="interior, night"), ROWS[1]]
    write_manifest(tagged, tmp_path / "all.csv")
    assert read_manifest(tmp_path / "all.csv") == tagged
    assert (tmp_path / "all.csv").read_bytes().startswith(b"path,scene,split,width,height,bytes,sha256,tags\n")


def test_a_split_is_three_files_and_a_stale_one_is_removed(tmp_path):
    assert [path.name for path in write_split(ROWS, tmp_path)] == ["train.csv", "val.csv", "test.csv"]
    assert read_manifest(tmp_path / "train.csv") == ROWS[:2]
    assert read_manifest(tmp_path / "test.csv") == ROWS[3:]
    assert [path.name for path in write_split(ROWS[:3], tmp_path)] == ["train.csv", "val.csv"]
    assert not (tmp_path / "test.csv").exists()


def test_paths_lie_below_the_root(tmp_path):
    assert manifest_paths(ROWS[:1], tmp_path) == [tmp_path / "a/1.png"]


HEADER = "path,scene,split,width,height,bytes,sha256\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a/1.png\na/2.png\n", "must have the columns path,scene,split.* but its first line is 'a/1.png'"),
        (HEADER, "lists no image"),
        (HEADER + "a.png,a,train,1,1,1\n", "line 2 must have 7 values"),
        (HEADER + "a.png,a,train,1,1,1,x,y\n", "line 2 must have 7 values"),
        (HEADER[:-1] + ",tags\na.png,a,train,1,1,1,x\n", "line 2 must have 8 values"),
        (HEADER[:-1] + ",note\na.png,a,train,1,1,1,x,y\n", "must have the columns .* and perhaps tags"),
        (HEADER + '"a\n.png",a,train,1,1,1,x\n../b.png,a,train,1,1,1,x\n', "line 4: '../b.png'"),
        (HEADER + "a.png,a,train,1,1,1,x\nb.png,b,dev,1,1,1,x\n", "line 3: split must be one of .*, got 'dev'"),
        (HEADER + "a.png,a,train,wide,1,1,x\n", "line 2: width, height and bytes must be whole numbers"),
        (HEADER + "C:/a.png,a,train,1,1,1,x\n", "line 2: 'C:/a.png' must be a path below the data root"),
        (HEADER + "..\\a.png,a,train,1,1,1,x\n", "line 2: '.*a.png' must be a path below the data root"),
        (HEADER + "a\0.png,a,train,1,1,1,x\n", "must be a path below the data root"),
        (HEADER + "a.png,a,train,1,1,1," + "x" * 200_000, "damaged in line 2 .field larger than field limit"),
        (HEADER + "../a.png,a,train,1,1,1,x\n", "'../a.png' must be a path below the data root"),
    ],
)
def test_a_manifest_that_does_not_fit_names_the_line(tmp_path, text, said):
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        read_manifest(tmp_path / "m.csv")


def test_a_good_manifest_passes(tmp_path):
    write_files(tmp_path, ROWS)
    check_manifest(ROWS, tmp_path)


def test_missing_and_changed_files_are_found(tmp_path):
    write_files(tmp_path, ROWS)
    (tmp_path / "a/1.png").write_bytes(b"longer than before")
    with pytest.raises(DataError, match=r"1 image of the manifest below .* changed .*: a/1.png"):
        check_manifest(ROWS, tmp_path)
    (tmp_path / "a/1.png").unlink()
    with pytest.raises(DataError, match=r"1 image of the manifest missing below .*: a/1.png"):
        check_manifest(ROWS, tmp_path)


def test_a_file_that_changed_and_kept_its_size_is_found_in_the_sample(tmp_path):
    write_files(tmp_path, ROWS)
    (tmp_path / "a/1.png").write_bytes(b"A/1.png")
    with pytest.raises(
        DataError, match=r"1 image .* changed .*: a/1.png; run `data split` again, or set allow_changed"
    ):
        check_manifest(ROWS, tmp_path)
    check_manifest(ROWS, tmp_path, allow_changed=True)


def test_the_sample_is_spread_over_the_whole_list(tmp_path):
    rows = [row(f"a/{number:04}.png") for number in range(320)]
    write_files(tmp_path, rows)
    for number in range(100, 110):  # One of 32 stretches of ten files: the sample holds one of them.
        (tmp_path / rows[number].path).write_bytes(b"x" * rows[number].bytes)
    with pytest.raises(DataError, match=r"1 image of the manifest .* changed .*: a/010\d.png"):
        check_manifest(rows, tmp_path)


def test_a_name_that_is_not_utf8_is_printable_in_a_complaint(tmp_path):
    with pytest.raises(DataError) as caught:
        check_manifest(ROWS[3:], tmp_path)
    assert "c/\\udcff.png" in str(caught.value).encode().decode()


def test_a_scene_or_an_identical_image_in_two_splits_is_a_leak(tmp_path):
    same_scene = [row("a/1.png"), row("a/2.png", "val")]
    write_files(tmp_path, same_scene)
    with pytest.raises(DataError, match=r"1 scene is in two splits: a \(train and val\)"):
        check_manifest(same_scene, tmp_path)
    same_bytes = [row("a/1.png"), row("b/1.png", "test", content=b"a/1.png")]
    write_files(tmp_path, same_bytes)
    (tmp_path / "b/1.png").write_bytes(b"a/1.png")
    with pytest.raises(DataError, match=r"1 identical image is in two splits"):
        check_manifest(same_bytes, tmp_path)
