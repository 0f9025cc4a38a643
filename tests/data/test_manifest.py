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


ROWS = [row("a/1.png"), row("a/2, with comma.png"), row('b/quote".png', "val"), row(os.fsdecode(b"c/\xff.png"), "test")]


def test_rows_round_trip_with_commas_quotes_and_names_that_are_not_utf8(tmp_path):
    write_manifest(ROWS, tmp_path / "deep/all.csv")
    assert read_manifest(tmp_path / "deep/all.csv") == ROWS
    assert (
        (tmp_path / "deep/all.csv")
        .read_bytes()
        .startswith(b"path,scene,split,width,height,bytes,sha256\na/1.png,a,train,")
    )


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
        (HEADER + "a.png,a,train,1,1,1,x\nb.png,b,dev,1,1,1,x\n", "line 3: split must be one of .*, got 'dev'"),
        (HEADER + "a.png,a,train,wide,1,1,x\n", "line 2: width, height and bytes must be whole numbers"),
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
    with pytest.raises(DataError, match=r"1 images of the manifest below .* changed .*: a/1.png"):
        check_manifest(ROWS, tmp_path)
    (tmp_path / "a/1.png").unlink()
    with pytest.raises(DataError, match=r"1 images of the manifest are missing below .*: a/1.png"):
        check_manifest(ROWS, tmp_path)


def test_a_scene_or_an_identical_image_in_two_splits_is_a_leak(tmp_path):
    same_scene = [row("a/1.png"), row("a/2.png", "val")]
    write_files(tmp_path, same_scene)
    with pytest.raises(DataError, match=r"1 scenes are in two splits: a \(train and val\)"):
        check_manifest(same_scene, tmp_path)
    same_bytes = [row("a/1.png"), replace(row("b/1.png", "test"), sha256=row("a/1.png").sha256)]
    write_files(tmp_path, same_bytes)
    with pytest.raises(DataError, match=r"1 identical images \(SHA-256\) are in two splits"):
        check_manifest(same_bytes, tmp_path)
