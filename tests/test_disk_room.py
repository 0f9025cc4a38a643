import shutil
from pathlib import Path
from types import SimpleNamespace

from realesrgan_arch.disk_room import existing_folder, free_bytes


def test_of_a_folder_that_is_to_be_made_the_disk_of_the_nearest_one_above_counts(in_tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: asked.append(folder) or SimpleNamespace(free=7))
    (in_tmp_path / "here").mkdir()
    assert [free_bytes(in_tmp_path / name) for name in ("here", "here/new/deep")] == [7, 7]
    assert existing_folder(Path("here/new/deep")).samefile("here")
    assert asked == [in_tmp_path / "here"] * 2
