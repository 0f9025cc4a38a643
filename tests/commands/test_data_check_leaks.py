"""`data check-leaks` ends with 4 when it finds something, names both files, and tells machines everything."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from realesrgan_arch.commands import data
from realesrgan_arch.data.files import DataError
from tests.data.pictures import write_noise

ROOT = Path(__file__).parents[2]


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
    assert "next: realesrgan-arch data split photos --seed 0 --val 0.3 --test 0.3" in said
    assert data.main(["check-leaks", str(split), "--json"]) == 4
    (leak,) = json.loads(capsys.readouterr().out)["leaks"]
    assert (leak["kind"], leak["first"], leak["second_split"], leak["distance"]) == ("content", name, "val", None)
    assert data.main(["check-leaks", "--ignore", "content", "--ignore", "near", str(split)]) == 0


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
