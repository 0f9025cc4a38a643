"""Scores of several seeds in, one table out."""

from pathlib import Path

import pytest

from scripts.compare_seeds import SeedsError, main

HEAD = "name,scene,method,psnr"


def _write(path: Path, gains: dict[str, float]) -> str:
    rows = [HEAD]
    for name, gain in gains.items():
        rows += [f"{name},{name[0]},base,20", f"{name},{name[0]},tuned,{20 + gain}", f"{name},{name[0]},usm,19"]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return str(path)


def test_the_mean_is_over_scenes_and_seeds(tmp_path, capsys) -> None:
    one = _write(tmp_path / "0.csv", {"a1": 1.0, "a2": 2.0, "b1": 0.5})
    two = _write(tmp_path / "1.csv", {"a1": 2.0, "a2": 3.0, "b1": 1.5})
    assert main([one, two]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("tuned less base") and "+1.50 [" in line for line in lines)
    assert any(line.startswith("usm less base") and "-1.00 [-1.00, -1.00]" in line for line in lines)


def test_seeds_that_were_scored_on_other_pictures_are_refused(tmp_path) -> None:
    files = [_write(tmp_path / "0.csv", {"a1": 1.0}), _write(tmp_path / "1.csv", {"b1": 1.0})]
    with pytest.raises(SeedsError, match="the same pictures in every file"):
        main(files)


def test_a_file_that_holds_no_scores_is_refused(tmp_path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(SeedsError, match="scores.csv"):
        main([str(tmp_path / "x.csv")])
