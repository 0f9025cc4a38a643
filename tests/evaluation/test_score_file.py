"""scores.csv: one row a picture and method, with what people group by."""

import csv

from realesrgan_arch.evaluation.evaluate import ImageScore
from realesrgan_arch.evaluation.score_file import write_scores

SCORES = [
    ImageScore("a.png", "base", {"niqe": float("nan"), "psnr": 20.0}),
    ImageScore("a.png", "tuned", {"psnr": float("inf")}),
    ImageScore("b, north.png", "tuned", {"psnr": 1.25}),
]


def test_columns_stand_in_their_order_and_gaps_stay_empty(tmp_path) -> None:
    write_scores(
        tmp_path / "new" / "scores.csv",
        SCORES,
        scenes={"a.png": "north"},
        groups={"tags": {"a.png": "interior"}},
        set_hash="0123abcd",
    )
    rows = list(csv.reader((tmp_path / "new" / "scores.csv").open(newline="")))
    assert rows == [
        ["name", "scene", "tags", "method", "psnr", "niqe", "set_hash"],
        ["a.png", "north", "interior", "base", "20.000000", "nan", "0123abcd"],
        ["a.png", "north", "interior", "tuned", "inf", "", "0123abcd"],
        ["b, north.png", "b, north.png", "", "tuned", "1.250000", "", "0123abcd"],
    ]


def test_names_that_are_no_text_are_written(tmp_path) -> None:
    score = ImageScore("fa\udce7ade.png", "base", {"psnr": 1.0})
    write_scores(tmp_path / "scores.csv", [score], scenes={}, groups={})
    assert b"fa\xe7ade.png" in (tmp_path / "scores.csv").read_bytes()
