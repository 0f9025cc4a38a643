import subprocess
import sys
from pathlib import Path

import pytest

from realesrgan_arch.commands import data
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.manifest import SPLIT_NAMES, check_manifest, read_manifest
from tests.data.pictures import write_noise, write_truncated

ROOT = Path(__file__).parents[2]


@pytest.fixture
def photos(tmp_path):
    for i in range(12):
        write_noise(tmp_path / "photos" / f"scene_{i % 6}" / f"{i}.png", seed=i)
    write_truncated(tmp_path / "photos/scene_0/broken.png")
    return tmp_path / "photos"


def test_split_writes_manifests_and_says_what_where_and_what_next(photos, tmp_path, capsys):
    arguments = ["split", str(photos), "--by", "folder", "--seed", "3", "--val", "0.2", "--test", "0.2"]
    assert data.main([*arguments, "--out", str(tmp_path / "split")]) == 0
    rows = [row for name in SPLIT_NAMES for row in read_manifest(tmp_path / "split" / f"{name}.csv")]
    check_manifest(rows, photos)
    said = capsys.readouterr().out.splitlines()
    assert said[0].split() == ["train", "8", "images", "4", "scenes", "66.7%"]
    assert said[3] == "left out 1 files that cannot be read:" and "broken.png is a truncated PNG" in said[4]
    assert said[-2] == "wrote " + ", ".join(
        str(tmp_path / "split" / f"{name}.csv") for name in ("train", "val", "test")
    )
    assert said[-1].startswith("next: ") and str(tmp_path / "split/train.csv") in said[-1]


def test_manifests_go_to_data_split_by_default_and_the_script_does_the_same(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert data.main(["split", "photos"]) == 0
    by_verb = {path.name: path.read_bytes() for path in (tmp_path / "data_split/photos").iterdir()}
    script = [sys.executable, str(ROOT / "scripts/prepare_dataset.py"), "photos", "--out", "by_script"]
    subprocess.run(script, cwd=tmp_path, check=True, capture_output=True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "by_script").iterdir()} == by_verb


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
    for arguments in (["split", str(photos), "--seed", "-1"], ["split", str(photos), "--by", "moon"], []):
        with pytest.raises(SystemExit, match="2"):
            data.main(arguments)
