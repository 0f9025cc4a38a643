"""`results.csv` is whole at any time, has one row a validation and set, and survives a resume."""

import csv
from pathlib import Path

from realesrgan_arch.training.results_table import ResultsTable


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _add(table: ResultsTable, step: int, value: float, name: str = "val", **more: float) -> None:
    table.add(step, name, set_hash="", comparison={"psnr": value, **more})


def test_a_row_made_again_takes_the_place_of_the_older_one(tmp_path) -> None:
    table = ResultsTable(tmp_path / "results.csv", first_step=0)
    for step, value in ((0, 1.0), (2, 2.0), (4, 3.0)):
        _add(table, step, value)
    _add(table, 2, 9.0, name="other")
    resumed = ResultsTable(tmp_path / "results.csv", first_step=2)
    assert [row["step"] for row in _rows(tmp_path / "results.csv")] == ["0", "2", "2"]
    _add(resumed, 2, 2.5)
    assert [(r["step"], r["set"], r["psnr"]) for r in _rows(tmp_path / "results.csv")] == [
        ("0", "val", "1"), ("2", "other", "9"), ("2", "val", "2.5"),
    ]  # fmt: skip


def test_a_new_metric_is_a_new_column(tmp_path) -> None:
    _add(ResultsTable(tmp_path / "results.csv", first_step=0), 0, 1.0)
    _add(ResultsTable(tmp_path / "results.csv", first_step=0), 0, 1.0, name="b", ssim=float("nan"))
    assert [row.get("ssim") for row in _rows(tmp_path / "results.csv")] == ["", ""]
    assert list(_rows(tmp_path / "results.csv")[0]) == ["step", "set", "set_hash", "psnr", "ssim"]


def test_a_torn_file_is_mended(tmp_path) -> None:
    path = tmp_path / "results.csv"
    path.write_bytes(b"step,set,set_hash,psnr\n0,val,,20\n2,val,,21\n4,va")
    ResultsTable(path, first_step=9)
    assert [row["step"] for row in _rows(path)] == ["0", "2"]


def test_a_run_without_validation_has_no_table(tmp_path) -> None:
    ResultsTable(tmp_path / "results.csv", first_step=0)
    assert not (tmp_path / "results.csv").exists()


def test_the_rows_stand_in_the_order_of_the_steps(tmp_path) -> None:
    table = ResultsTable(tmp_path / "results.csv", first_step=0)
    for step, value in ((0, 1.0), (2, 2.0), (0, 3.0)):
        _add(table, step, value)
    assert [(row["step"], row["psnr"]) for row in _rows(tmp_path / "results.csv")] == [("0", "3"), ("2", "2")]
