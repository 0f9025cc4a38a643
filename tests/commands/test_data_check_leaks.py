"""`data check-leaks` ends with 4 when it finds something, names both files, and tells machines everything."""

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from realesrgan_arch.commands import data
from realesrgan_arch.data.files import DataError
from realesrgan_arch.images import write_image
from tests.data.pictures import noise, write_noise

ROOT = Path(__file__).parents[2]
ORDERED = ["--seed", "3", "--val", "0.3", "--test", "0.3", "--near-distance", "6", "--keep", "none"]


@pytest.fixture
def split(in_tmp_path):
    for i in range(12):
        write_noise(Path("photos") / f"scene {i}" / f"{i}.png", seed=i)
    assert data.main(["split", "photos", "--val", "0.3", "--test", "0.3"]) == 0
    return Path("data_split/photos")


def plant(split: Path, part: str, line: str) -> None:
    with (split / f"{part}.csv").open("a") as file:
        file.write(line + "\n")


def first_line(split: Path, part: str) -> str:
    return (split / f"{part}.csv").read_text().splitlines()[1]


def test_a_clean_split_ends_with_0_and_the_next_step_is_training(split, capsys):
    capsys.readouterr()
    assert data.main(["check-leaks", str(split)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in said[:4]] == [["content", "0"], ["scene", "0"], ["near", "0"], ["stem", "0"]]
    assert said[4] == "no leak among 12 images in train, val, test"
    assert said[5].startswith("next: set dataroot_gt: photos and manifest: data_split/photos/train.csv")


def test_a_leak_ends_with_4_and_names_both_files(split, capsys):
    line = first_line(split, "train")
    name = line.split(",")[0]
    shutil.copy(Path("photos") / name, "photos/copy.png")
    plant(
        split, "val", line.replace(name, "copy.png").replace(",train,", ",val,").replace(Path(name).parts[0], "other")
    )
    capsys.readouterr()
    assert data.main(["check-leaks", str(split)]) == 4
    said = capsys.readouterr().out
    assert f"train: {name}  val: copy.png" in said and "content      1  the same bytes" in said
    near = "--near-distance 8 --keep none --out data_split/photos, which keeps look-alikes"
    assert f"next: realesrgan-arch data split photos --by folder --seed 0 --val 0.3 --test 0.3 {near}" in said
    assert data.main(["check-leaks", str(split), "--json"]) == 4
    (leak,) = json.loads(capsys.readouterr().out)["leaks"]
    assert (leak["kind"], leak["first"], leak["second_split"], leak["distance"]) == ("content", name, "val", None)
    assert data.main(["check-leaks", "--ignore", "content", "--ignore", "near", str(split)]) == 0


def next_step(capsys, *arguments: str) -> str:
    capsys.readouterr()
    data.main(["check-leaks", *arguments, "--json"])
    return json.loads(capsys.readouterr().out)["next"]


def commands_in(said: str) -> list[str]:
    return shlex.split(said[said.index("realesrgan-arch data ") :].split(", which")[0].split("; or")[0])[2:]


def test_the_next_step_repeats_every_setting_and_mends_the_leak(in_tmp_path, capsys):
    for i in range(12):
        write_noise(Path("my photos") / f"scene {i}" / f"villa {'abcdef'[i // 2] * 4} {i}.png", seed=i)
    arguments = ["--val", "0.3", "--test", "0.3", "--seed", "3", "--near-distance", "6", "--keep", "none"]
    assert data.main(["split", "my photos", *arguments, "--out", "my split"]) == 0
    said = next_step(capsys, "my split")
    assert commands_in(said) == ["split", "my photos", "--by", "stem", *ORDERED, "--out", "my split"]
    assert said.endswith("or, where titles say nothing, give --ignore stem")
    assert data.main(commands_in(said)) == 0
    assert data.main(["check-leaks", "my split"]) == 0


def test_look_alikes_that_were_not_joined_are_joined_by_the_next_step(split, capsys):
    assert data.main(["split", "photos", "--no-near", "--val", "0.3", "--test", "0.3"]) == 0
    rows = {part: first_line(split, part).split(",")[0] for part in ("train", "test")}
    picture = np.kron(noise(5, 9, 12), np.ones((16, 16, 1), np.uint8))
    write_image(Path("photos") / rows["train"], picture)
    write_image(Path("photos") / rows["test"], np.ascontiguousarray(picture[::2, ::2]))
    assert data.main(["split", "photos", "--no-near", "--val", "0.3", "--test", "0.3"]) == 0
    said = next_step(capsys, str(split), "--near-distance", "10")
    assert "--near-distance 10 --keep none --out data_split/photos" in said
    assert data.main(commands_in(said)) == 0
    assert data.main(["check-leaks", str(split), "--near-distance", "10"]) == 0


def test_titles_that_a_table_has_apart_are_put_together_in_the_table(in_tmp_path, capsys):
    lines = ["path,scene"]
    for i in range(12):
        path = write_noise(Path("photos") / f"villa {'abcdef'[i // 2] * 4} {i}.png", seed=i)
        lines.append(f"{path.name},house {i}")
    Path("t.csv").write_text("\n".join(lines))
    arguments = ["--by", "csv", "--scenes", "t.csv", "--val", "0.3", "--test", "0.3"]
    assert data.main(["split", "photos", *arguments]) == 0
    said = next_step(capsys, "data_split/photos")
    assert said.startswith("give pictures of one title one scene in t.csv, then realesrgan-arch data split photos")
    assert "--by csv --scenes t.csv" in said and said.endswith("or give --ignore stem")


def test_a_split_of_another_root_is_not_written_over_and_tiles_are_cut_anew(split, capsys):
    Path("photos").rename("moved")
    plant(split, "val", first_line(split, "train").replace(",train,", ",val,"))
    assert "data split moved " in (said := next_step(capsys, str(split), "--root", "moved")) and "--out" not in said
    card = json.loads((split / "split.json").read_text())
    (split / "split.json").write_text(json.dumps({**card, "root": "moved", "origin": "whole"}))
    said = next_step(capsys, str(split))
    assert said == "split the pictures of whole again with `data split`, then cut them with `data tiles`"


def test_a_changed_file_ends_with_4_and_a_moved_folder_is_given_by_root(split, capsys):
    Path("photos").rename("moved")
    with pytest.raises(DataError, match="of the folder photos, which is not here; give it with --root"):
        data.main(["check-leaks", str(split)])
    assert data.main(["check-leaks", str(split), "--root", "moved"]) == 0
    write_noise(Path("moved/scene 0/0.png"), seed=77)
    assert data.main(["check-leaks", str(split), "--root", "moved"]) == 4
    assert "scene 0/0.png changed since the split was made" in capsys.readouterr().out
    (Path("moved/scene 0/0.png")).unlink()
    assert data.main(["check-leaks", str(split), "--root", "moved", "--quick"]) == 4
    said = capsys.readouterr().out
    assert "scene 0/0.png is missing" in said and "pictures that look alike were not looked for" in said


def test_a_folder_that_is_no_split_is_one_sentence_in_the_script_too(tmp_path):
    with pytest.raises(DataError, match="Expected a folder that `data split` wrote"):
        data.main(["check-leaks", str(tmp_path)])
    script = [sys.executable, str(ROOT / "scripts/check_leaks.py"), "none"]
    done = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
