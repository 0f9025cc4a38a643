import json
import subprocess
import sys
from pathlib import Path

import pytest

from realesrgan_arch.audit.keep_list import KeepRow, write_keep_list
from realesrgan_arch.commands import data
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.manifest import check_manifest
from realesrgan_arch.data.split_folder import SplitCard, open_split
from tests.data.pictures import write_noise, write_truncated

ROOT = Path(__file__).parents[2]


@pytest.fixture
def photos(tmp_path):
    for i in range(24):
        write_noise(tmp_path / "photos" / f"scene_{i % 12}" / f"{i}.png", seed=i)
    return tmp_path / "photos"


def test_split_writes_manifests_and_says_what_where_and_what_next(photos, tmp_path, capsys):
    write_truncated(photos / "scene_0/broken.png")
    arguments = ["split", str(photos), "--by", "folder", "--seed", "3", "--val", "0.2", "--test", "0.2"]
    assert data.main([*arguments, "--out", str(tmp_path / "split")]) == 3
    split = open_split(tmp_path / "split")
    assert split.card == SplitCard(str(photos), "folder", 3, 0.2, 0.2, near_distance=8)
    check_manifest([row for rows in split.rows.values() for row in rows], photos)
    said = capsys.readouterr().out.splitlines()
    assert said[0].split() == ["train", "14", "images", "7", "scenes", "58.3%"]
    assert said[-4] == "left out 1 file or folder that cannot be read:" and "truncated PNG" in said[-3]
    assert said[-2] == "wrote " + ", ".join(
        str(tmp_path / "split" / f"{name}.csv") for name in ("train", "val", "test")
    )
    assert said[-1] == f"next: realesrgan-arch data check-leaks {tmp_path / 'split'}"
    assert data.main(said[-1].split()[3:]) == 0


def test_manifests_go_to_data_split_by_default_and_the_script_does_the_same(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert data.main(["split", "photos"]) == 0
    by_verb = {path.name: path.read_bytes() for path in (tmp_path / "data_split/photos").iterdir()}
    script = [sys.executable, str(ROOT / "scripts/prepare_dataset.py"), "photos", "--out", "by_script"]
    subprocess.run(script, cwd=tmp_path, check=True, capture_output=True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "by_script").iterdir()} == by_verb


def split(capsys, *arguments) -> dict:
    code = data.main(["split", *map(str, arguments), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["exit_code"] == code
    return told


def test_a_keep_list_is_found_said_and_ignored_when_told(photos, in_tmp_path, capsys):
    names = [path.relative_to(photos).as_posix() for path in photos.rglob("*.png")]
    rows = [KeepRow(name != "scene_1/1.png", name, "blurred" if name == "scene_1/1.png" else "") for name in names]
    write_keep_list(rows, Path("audit/photos/keep.csv"))
    Path("audit/photos/audit.json").write_text(json.dumps({"root": photos.as_posix()}))
    assert split(capsys, photos)["dropped"] == 1
    assert open_split(Path("data_split/photos")).card.keep == "audit/photos/keep.csv"
    assert sum(len(rows) for rows in open_split(Path("data_split/photos")).rows.values()) == 23
    assert split(capsys, photos, "--keep", "none")["dropped"] == 0
    data.main(["split", str(photos), "--keep", "audit/photos/keep.csv"])
    assert "the keep-list audit/photos/keep.csv drops 1 image " in capsys.readouterr().out
    with pytest.raises(DataError, match="keep-list nowhere.csv cannot be read"):
        data.main(["split", str(photos), "--keep", "nowhere.csv"])
    write_noise(photos / "scene_2/new.png", seed=99)
    with pytest.raises(DataError, match="does not know 1 of 25 images .*scene_2/new.png"):
        data.main(["split", str(photos)])


def test_a_keep_list_of_another_folder_of_the_same_name_is_not_taken_silently(photos, in_tmp_path, capsys):
    other = Path("other/photos")
    for i in range(12):
        write_noise(other / f"scene_{i}/{i}.png", seed=i)
    names = [path.relative_to(photos).as_posix() for path in photos.rglob("*.png")]
    write_keep_list([KeepRow(True, name) for name in names], Path("audit/photos/keep.csv"))
    with pytest.raises(DataError, match=r"keep.csv is of an unknown folder, not of .*photos; choose with --keep"):
        data.main(["split", str(photos)])
    Path("audit/photos/audit.json").write_text(json.dumps({"root": "photos"}))
    assert split(capsys, photos)["dropped"] == 0
    with pytest.raises(DataError, match=r"audit/photos/keep.csv is of photos, not of other/photos; .* --keep none"):
        data.main(["split", "other/photos", "--out", "two"])
    assert split(capsys, other, "--keep", "none", "--out", "two")["dropped"] == 0


def test_a_split_of_another_folder_of_the_same_name_is_not_overwritten(photos, in_tmp_path, capsys, monkeypatch):
    other = Path("other/photos")
    for i in range(12):
        write_noise(other / f"scene_{i}/{i}.png", seed=i)
    split(capsys, "photos")
    split(capsys, photos)
    before = {path.name: path.read_bytes() for path in Path("data_split/photos").iterdir()}
    with pytest.raises(DataError, match=r"holds the split of .*photos, not of other/photos; choose another --out"):
        data.main(["split", "other/photos"])
    assert {path.name: path.read_bytes() for path in Path("data_split/photos").iterdir()} == before
    Path("mine").mkdir()
    Path("mine/split.json").write_text('{"my": 1}')
    with pytest.raises(DataError, match=r"mine/split.json is none that .* choose another --out"):
        data.main(["split", "photos", "--out", "mine"])
    assert [path.name for path in Path("mine").iterdir()] == ["split.json"]
    split(capsys, "photos", "--out", "here")
    out = Path("here").resolve()
    monkeypatch.chdir("mine")
    split(capsys, photos, "--out", out)


def test_a_name_that_cannot_be_printed_is_left_to_the_user(in_tmp_path, capsys):
    for i in range(3):
        write_noise(Path("a\nb c") / f"{i}/1.png", seed=i)
    said = split(capsys, "a\nb c", "--val", "0")["next"]
    assert said.startswith("realesrgan-arch data check-leaks FOLDER (give the folder by hand")
    assert split(capsys, "a\nb c", "--val", "0", "--out", "b c")["next"] == "realesrgan-arch data check-leaks 'b c'"


def test_a_table_gives_scenes_and_tags(photos, in_tmp_path, capsys):
    lines = [
        f"{path.relative_to(photos).as_posix()},house {i % 5},tag {i % 2}"
        for i, path in enumerate(photos.rglob("*.png"))
    ]
    Path("t.csv").write_text("\n".join(["path,scene,tags", *lines]))
    told = split(capsys, photos, "--by", "csv", "--scenes", "t.csv", "--val", 0.2, "--test", 0.2)
    assert sum(told["scenes"].values()) == 5
    rows = [row for rows in open_split(Path("data_split/photos")).rows.values() for row in rows]
    assert {row.tags for row in rows} == {"tag 0", "tag 1"} and {row.scene for row in rows} == {
        f"house {i}" for i in range(5)
    }


def test_a_flat_folder_is_warned_of_and_titles_join_its_pictures(in_tmp_path, capsys):
    for i in range(12):
        write_noise(Path("photos") / f"villa {'abcdef'[i % 6] * 3}-{i}.png", seed=i)
    assert "--by stem joins what has one title" in split(capsys, "photos")["notes"][0]
    told = split(capsys, "photos", "--by", "stem")
    assert sum(told["scenes"].values()) == 6
    assert not any("--by stem" in words for words in told["notes"])


def test_a_group_that_is_much_larger_than_the_others_is_warned_of(photos, in_tmp_path, capsys):
    for i in range(12):
        write_noise(photos / "scene_0" / f"more {i}.png", seed=100 + i)
    assert "'scene_0', holds 14 of 36 images (38.9%)" in split(capsys, photos)["notes"][0]


def test_parts_too_small_to_prove_anything_are_warned_of_with_shares_that_mend_it(in_tmp_path, capsys):
    for i in range(54):
        write_noise(Path("photos") / f"scene_{i}" / "1.png", seed=i)
    assert data.main(["split", "photos"]) == 0
    [note] = [line for line in capsys.readouterr().out.splitlines() if "can prove nothing" in line]
    few = "3 val scenes and 3 test scenes can prove nothing (a claim takes 7 or more)"
    assert note == f"note: {few}: give --val 0.15 --test 0.15"
    told = split(capsys, "photos", "--val", "0.15", "--test", "0.15")
    assert (told["notes"], told["scenes"]["val"] >= 7, told["scenes"]["test"] >= 7) == ([], True, True)
    [only_test] = split(capsys, "photos", "--val", "0")["notes"]
    assert only_test.startswith("3 test scenes can") and "--val" not in only_test
    assert split(capsys, "photos", "--val", "0", "--test", "0")["notes"] == []


def test_where_no_share_gives_enough_scenes_more_photographs_are_asked_for(photos, in_tmp_path, capsys):
    assert split(capsys, photos)["notes"][-1].endswith("(a claim takes 7 or more): give photographs of more scenes")


def test_few_groups_leave_no_part_empty_and_it_is_said(in_tmp_path, capsys):
    for i in range(3):
        write_noise(Path("photos") / f"scene_{i}" / "1.png", seed=i)
    told = split(capsys, "photos", "--val", 0.01, "--test", 0.01)
    assert told["images"] == {"train": 1, "val": 1, "test": 1} and set(told["borrowed"].values()) == {"val", "test"}


def test_images_that_change_their_part_are_counted_and_foreign_files_are_not_overwritten(photos, in_tmp_path, capsys):
    assert split(capsys, photos, "--val", 0.3, "--test", 0.3)["moved"] == 0
    write_noise(photos / "scene_99/1.png", seed=99)
    assert split(capsys, photos, "--val", 0.3, "--test", 0.3)["moved"] == 0
    assert split(capsys, photos, "--val", 0.3, "--test", 0.3, "--seed", 1)["moved"] > 0
    data.main(["split", str(photos), "--val", "0.3", "--test", "0.3"])
    assert "images are in another part now than in the split that was in data_split/photos" in capsys.readouterr().out
    Path("mine").mkdir()
    Path("mine/train.csv").write_text("my,table\n")
    with pytest.raises(DataError, match=r"mine/train.csv is no manifest and would be overwritten"):
        data.main(["split", str(photos), "--out", "mine"])
    assert Path("mine/train.csv").read_text() == "my,table\n"


def test_the_script_ends_with_2_and_one_sentence_for_a_missing_folder(tmp_path):
    script = [sys.executable, str(ROOT / "scripts/prepare_dataset.py"), "none"]
    done = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "error: Expected a folder of images, but none does not exist.\n"


def test_sample_draws_and_names_the_next_command(tmp_path, capsys, monkeypatch):
    assert data.main(["sample", str(tmp_path / "sample")]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "drew 36 pictures of 12 scenes and 4 floor plans"
    assert said[1] == f"wrote {tmp_path / 'sample'}"
    monkeypatch.chdir(tmp_path)
    assert data.main(said[2].removeprefix("next: realesrgan-arch data ").split()) == 0


def test_mistakes_are_refused(photos):
    with pytest.raises(DataError, match="Expected shares"):
        data.main(["split", str(photos), "--val", "1.5"])
    for arguments in (
        ["split", str(photos), "--seed", "-1"],
        ["split", str(photos), "--by", "moon"],
        ["split", str(photos), "--near-distance", "17"],
        [],
    ):
        with pytest.raises(SystemExit, match="2"):
            data.main(arguments)


def test_a_split_is_not_written_among_the_photographs(photos):
    with pytest.raises(DataError, match="Expected an --out beside the pictures, but .*/photos/split lies inside"):
        data.main(["split", str(photos), "--out", str(photos / "split")])
    assert not (photos / "split").exists()
