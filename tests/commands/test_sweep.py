"""`realesrgan-arch sweep`: the choice first, then the table, and exit codes that scripts can use."""

import json
import shlex

import pytest

from realesrgan_arch.cli import main as command
from realesrgan_arch.commands.sweep import main
from realesrgan_arch.entry import run
from tests.sweep.test_session import write_photographs, write_shifted

FAST = ["--metrics", "psnr", "ssim", "--preset", "mild", "--alphas", "0.5", "1", "--device", "cpu"]


@pytest.fixture
def words(tmp_path):
    base, tuned = write_shifted(tmp_path / "base.pth", 0.08), write_shifted(tmp_path / "tuned.pth", -0.08)
    data = write_photographs(tmp_path / "photographs")
    return [str(base), str(tuned), "--data", str(data), "-o", str(tmp_path / "out"), *FAST]


def test_the_choice_comes_first_then_the_table_what_to_know_and_what_next(words, tmp_path, capsys):
    assert run(command, ["sweep", *words]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("By the rule not-worse, blend 0.5 has the best composite of 2 shares")
    assert lines[2] == "photographs: 7 pictures, 7 scenes"
    assert lines[3].split() == ["PSNR", "[dB]", "SSIM", "composite"]
    assert [line.split()[0] for line in lines[5:8]] == ["base", "blend", "tuned"]
    assert lines[8].startswith(
        "differences to the base [95 % interval over scenes]; ! a loss, by the interval alone; * a gain"
    )
    assert "by the interval and by a sign-flip test corrected for 2 metrics; unmarked: cannot be told" in lines[8]
    assert lines[9] == "composite: in points of 0.5 dB of PSNR, 0.02 of SSIM; above 0 is better"
    assert " * " in lines[6] and " * " not in lines[7]
    assert any(line.startswith("note: the share was chosen on photographs, whose numbers flatter it") for line in lines)
    assert lines[-1] == (
        f"next: realesrgan-arch evaluate {words[0]} {tmp_path}/out/blend-0.5/tuned-blend.pth --data TEST_SET"
    )


def test_json_has_choice_points_and_notes(words, capsys):
    assert run(main, [*words, "--json", "--no-export"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["alpha"], facts["rule"], facts["exit_code"], facts["next"]) == (0.5, "not-worse", 0, "")
    assert [point["alpha"] for point in facts["points"]] == [0, 0.5, 1]
    assert facts["points"][1]["differences"]["psnr"] > 1 and facts["points"][0]["composite"] == 0
    assert [path.rsplit("/", 1)[1] for path in facts["made"]] == [
        "curve.csv",
        "curve.svg",
        "sweep-scores.csv",
        "sweep.json",
    ]


def test_a_base_that_stays_is_4_and_says_so(words, tmp_path, capsys):
    words[1] = str(write_shifted(tmp_path / "worse.pth", 0.3))
    assert run(main, words) == 4
    out = capsys.readouterr().out
    assert out.startswith("By the rule not-worse, the base stays: every share loses in PSNR") and "next:" not in out


def test_pictures_that_could_not_be_scored_are_3_and_named(words, tmp_path, capsys):
    (tmp_path / "photographs" / "scene2" / "a.png").write_bytes(b"no picture")
    assert run(main, [*words, "--no-export"]) == 3
    assert "1 picture could not be scored:\n" in capsys.readouterr().out


def test_a_stated_utility_chooses_by_it(words, capsys):
    assert run(main, [*words, "--utility", "psnr=1,ssim=0.5", "--no-export"]) == 0
    assert "By the rule utility, blend 0.5 has the largest utility (psnr=1, ssim=0.5 a step)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--choose", "utility"], "--choose utility and --utility"),
        (["--choose", "knee", "--utility", "psnr=1"], "--choose utility and --utility"),
        (["--choose", "knee"], "--choose knee: expected psnr and a metric such as niqe"),
        (["--metrics", "edges"], "--choose not-worse: expected a metric that counts in the composite (psnr, ssim, "),
        (["--utility", "psnr=-1"], "--utility: PSNR is better where it is higher"),
        (["--alphas", "0"], "--alphas: expected at least one share of the tuned weights above 0"),
    ],
)
def test_what_cannot_be_is_one_sentence_before_anything_is_scored(words, tmp_path, capsys, more, sentence):
    assert run(main, [*words, *more]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {sentence}") and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_share_that_is_none_is_refused_by_name(words, capsys):
    with pytest.raises(SystemExit):
        main([*words, "--alphas", "1.5"])
    assert "expected a share from 0 to 1, got '1.5'" in capsys.readouterr().err


def test_the_next_command_is_quoted_for_the_shell(words, tmp_path, capsys):
    words[0] = str(write_shifted(tmp_path / "my base.pth", 0.08))
    assert run(main, words) == 0
    assert shlex.split(capsys.readouterr().out.splitlines()[-1])[3] == words[0]
