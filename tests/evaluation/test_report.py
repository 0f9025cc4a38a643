"""The page: verdict first, all inside one file, never too large, never half written."""

import errno
import math
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from realesrgan_arch import atomic
from realesrgan_arch.evaluation.proof import MethodFacts, Proof
from realesrgan_arch.evaluation.report import Content, FoundProof, ReportError, title_of, write_report
from realesrgan_arch.evaluation.report_markdown import MARK
from realesrgan_arch.evaluation.report_story import Curve, Layer, Story, Trial
from tests.evaluation.proof_builders import judgement, proof, shown_picture, undefined_judgement

STORY = Story(
    step=50,
    curves=(Curve("PSNR", {"val": [(0, 20.0), (100, 21.0)]}, "dB", 20.0, "higher"),),
    layers=(Layer("body.3", 1234, 0.0125), Layer("body.5", 99, 0.005)),
    untouched=7,
    data=(("Trained on", "412 photographs of houses"),),
    options="name: houses\n",
    commands=("realesrgan-arch upscale -n tuned.pth -i photos/ -o upscaled/",),
    places=(("pth", "ComfyUI"),),
)


def written(tmp_path: Path, found: Proof, **changes) -> str:
    """Return the page about `found`."""
    content = Content(**{"title": "Houses", "found": FoundProof(found, tmp_path), "story": STORY, **changes})
    return write_report(content, tmp_path / "report.html")[0].read_text(encoding="utf-8")


def text_of(page: str) -> str:
    """Return what a person reads."""
    bare = re.sub(r"<(style|script)>.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    return " ".join(bare.split())


def test_the_verdict_comes_before_everything_else(tmp_path: Path):
    text = text_of(written(tmp_path, proof()))
    order = [
        "A trade: better in PSNR, worse in NIQE.",
        "in plain words",
        "24 photographs of 20 scenes",
        "+0.41 to +0.83",
    ]
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_every_part_is_there(tmp_path: Path):
    picture = shown_picture(tmp_path, "house", "worst")
    other = FoundProof(proof(judgements=(judgement(psnr="worse", niqe="worse"),)), tmp_path)
    text = text_of(written(tmp_path, proof(shown=(picture,)), others={"General photographs": other}))
    for words in (
        "Look here first".lower(),
        "Tuned against base + back-projection 1.0",
        "interior",
        "General photographs",
        "Worse in PSNR and NIQE.",
        "body.3 1,234 1.25 %",
        "2 changed, 7 are bit for bit those of the base",
        "step 50, whose weights are judged here",
        "412 photographs of houses",
        "0badf00d",
        "name: houses",
        "ComfyUI",
        "c" * 64,
        "NIQE is not defined for 1 picture.",
    ):
        assert words.lower() in text.lower(), words


def test_what_is_compared_is_named_as_it_is_and_not_as_it_mostly_is(tmp_path: Path):
    judged = judgement(method="model", against="bicubic")
    picture = shown_picture(tmp_path, "house", "worst")
    found = proof(judgements=(judged,), groups={"folder": {"interior": judged}}, shown=(picture,), methods=())
    other = FoundProof(replace(found, shown=()), tmp_path)
    text = text_of(written(tmp_path, found, others={"General photographs": other}, story=Story()))
    assert "By folder model against bicubic" in text
    assert "Where the scores are worst, model against bicubic; look here first." in text
    assert "Model against bicubic, elsewhere:" in text
    for words in ("tuned against base", "tuned model", "two models"):
        assert words not in text.lower()


def test_the_page_fetches_nothing(tmp_path: Path):
    page = written(tmp_path, proof(shown=(shown_picture(tmp_path, "house", "worst"),)))
    assert "default-src 'none'" in page
    assert re.findall(r"""(?:src|href)=["'](?!data:|#)""", page) == []
    assert "//" not in re.sub(r"data:image/[^\"]+", "", page).replace("://", "")
    assert "http" not in re.sub(r"data:image/[^\"]+", "", page).replace("http-equiv", "")


@pytest.mark.parametrize("source", ["/home/ann/private/mine.pth", r"C:\Users\ann\private\mine.pth"])
def test_the_folders_of_the_models_stay_at_home(tmp_path: Path, source: str):
    methods = (MethodFacts("base", "base", "realesr-general-x4v3", "b" * 64), MethodFacts("tuned", "tuned", source))
    found = proof(methods=methods)
    assert title_of(found, None) == "mine.pth, tuned from realesr-general-x4v3"
    page = written(tmp_path, found)
    assert "mine.pth" in text_of(page) and "realesr-general-x4v3" in text_of(page)
    for text in (page, (tmp_path / "report.md").read_text(encoding="utf-8")):
        assert "private" not in text


def test_names_of_files_are_text_and_never_markup(tmp_path: Path):
    picture = replace(
        shown_picture(tmp_path, "house", "worst"), name='<img src=x onerror="alert(1)">', scene="</script>"
    )
    page = written(tmp_path, proof(shown=(picture,), title="<b>set</b>"), title="<script>x</script>")
    assert "<img src=x" not in page
    assert "<script>x" not in page
    assert "<b>set" not in page
    short = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert not re.search(r"(?<!\\)<", short.removeprefix(MARK))


def test_the_page_keeps_to_its_size_and_says_what_it_left_out(tmp_path: Path):
    pictures = tuple(shown_picture(tmp_path, f"house{n}", "random", seed=n, side=96) for n in range(12))
    content = Content("Houses", FoundProof(proof(shown=pictures), tmp_path), story=STORY)
    path, _ = write_report(content, tmp_path / "report.html", max_bytes=500_000)
    assert path.stat().st_size <= 500_000
    assert "not shown, as the page would be too large" in path.read_text(encoding="utf-8")


def test_text_alone_that_is_too_large_is_an_error_that_says_what_to_do(tmp_path: Path):
    content = Content("Houses", FoundProof(proof(), tmp_path), story=replace(STORY, options="x" * 600_000))
    with pytest.raises(ReportError, match=r"at most 500,000 bytes, .* fewer groups"):
        write_report(content, tmp_path / "report.html", max_bytes=500_000)
    assert not (tmp_path / "report.html").exists()


def test_a_report_that_is_killed_leaves_the_old_one_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    written(tmp_path, proof())
    before = (tmp_path / "report.html").read_bytes()
    monkeypatch.setattr(atomic, "move_into_place", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        written(tmp_path, proof(title="another"))
    assert (tmp_path / "report.html").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.md"]


@pytest.mark.parametrize("name", ["README.html", "README.md"])
def test_a_file_of_the_users_own_is_never_overwritten(tmp_path: Path, name: str):
    (tmp_path / name).write_text("Years of work\n", encoding="utf-8")
    content = Content("Houses", FoundProof(proof(), tmp_path))
    with pytest.raises(ReportError, match=rf"{re.escape(name)} is there already and was not written by .* with -o"):
        write_report(content, tmp_path / "README.html")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text(encoding="utf-8") == "Years of work\n"


def test_a_page_that_we_wrote_is_written_again(tmp_path: Path):
    written(tmp_path, proof())
    assert "another set" in written(tmp_path, proof(title="another set"))
    assert "another set" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_a_place_that_cannot_be_written_to_is_one_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("")
    content = Content("Houses", FoundProof(proof(), tmp_path))
    with pytest.raises(
        ReportError, match=r"cannot be written: a file is there, not a folder; choose another place with -o"
    ):
        write_report(content, tmp_path / "file" / "report.html")


def test_a_full_disk_has_its_own_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(path: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic, "write_text", refuse)
    with pytest.raises(ReportError, match=r"report\.html cannot be written: No space left on device") as told:
        written(tmp_path, proof())
    assert told.value.exit_code == 5


def test_one_scene_tells_nothing_and_the_page_says_so(tmp_path: Path):
    text = text_of(written(tmp_path, proof(judgements=(undefined_judgement(),), pictures=1, scenes=1, groups={})))
    assert "It cannot be told whether tuned is better or worse than base." in text
    assert "1 photograph of 1 scene" in text
    assert "nan" not in text.lower().split()


def test_a_model_alone_has_scores_and_no_verdict(tmp_path: Path):
    bare = proof(judgements=(), groups={}, means={"model": {"niqe": 4.2}}, facts={}, notes=())
    text = text_of(written(tmp_path, bare, story=Story()))
    assert "no verdict: only its scores" in text
    assert "4.200" in text


def test_of_very_many_groups_the_first_are_shown_and_the_others_counted(tmp_path: Path):
    groups = {"tags": {f"tag{number}": judgement() for number in range(100)}}
    text = text_of(written(tmp_path, proof(groups=groups)))
    assert "tag59" in text
    assert "tag60" not in text
    assert "and 40 more in proof.json" in text


def test_a_composite_that_is_not_defined_is_not_printed(tmp_path: Path):
    picture = replace(shown_picture(tmp_path, "house", "worst"), composite=math.nan)
    assert "nan steps" not in text_of(written(tmp_path, proof(shown=(picture,)))).lower()


def test_the_title_names_the_run_and_what_it_was_tuned_from():
    assert title_of(proof(), Path("experiments/houses")) == "houses, tuned from base.pth"
    assert title_of(proof(), None) == "tuned.pth, tuned from base.pth"


def test_the_short_report_tells_right_after_the_verdict_what_was_forgotten(tmp_path: Path):
    worse = judgement(psnr="worse", niqe="worse")
    other = proof(title="Everything else", judgements=(worse,), notes=("Few scenes.",), means={"base": {"psnr": 27.5}})
    written(tmp_path, proof(), others={"General photographs": FoundProof(other, tmp_path)})
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    order = (
        "**A trade",
        "## General photographs",
        "**Worse in PSNR and NIQE.**",
        "Everything else: 24 pictures of 20 scenes",
        "> Few scenes.",
        "| PSNR (dB) | 27.50 |",
        "## Against controls",
    )
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_who_wants_to_use_what_is_worse_or_was_not_chosen_is_told_before_the_commands(tmp_path: Path):
    story = Story(commands=("realesrgan-arch upscale -n x.pth",))
    kept = Trial("Blends", "base", "", ("Share",), (), (), keeps_base=True)
    bad = judgement(psnr="cannot be told")
    worse = "Mind that tuned is worse than base in NIQE"
    overall = replace(judgement(), composite=replace(judgement().composite, verdict="worse"))
    for verdict, trials, words in (
        (bad, (), f"{worse}."),
        (overall, (), "Mind that overall tuned is worse than base."),
        (bad, (kept,), f"{worse} and that the sweep of blends says that the base stays."),
        (judgement(), (kept,), "Mind that the sweep of blends says that the base stays."),
        (judgement(), (replace(kept, keeps_base=False),), ""),
    ):
        page = text_of(written(tmp_path, proof(judgements=(verdict,)), story=story, trials=trials))
        short = (tmp_path / "report.md").read_text(encoding="utf-8")
        for text in (page.rpartition("Use it")[2], short.rpartition("Use it")[2]):
            assert text.partition("realesrgan-arch upscale")[0].strip(" \n`") == words


def test_no_command_leaves_its_block(tmp_path: Path):
    commands = ("realesrgan-arch upscale -n 'a```b.pth'", "export 'a\n```\n# Mine'")
    written(tmp_path, proof(), story=replace(STORY, commands=commands))
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "\n````\nrealesrgan-arch upscale -n 'a```b.pth'\nexport 'a\\n```\\n# Mine'\n````\n" in text


def test_the_short_report_says_the_same_and_links_pictures_that_lie_below_it(tmp_path: Path):
    picture = shown_picture(tmp_path / "results" / "a b", "house", "worst")
    content = Content("Houses", FoundProof(proof(shown=(picture,)), tmp_path / "results" / "a b"), story=STORY)
    _, short = write_report(content, tmp_path / "report.html")
    text = short.read_text(encoding="utf-8")
    assert "**A trade: better in PSNR, worse in NIQE.**" in text
    assert "| PSNR (dB) | 24.50 | 25.12 | +0.62 | +0.41 to +0.83 | 75 % | **better** |" in text
    assert "![tuned](results/a%20b/pictures/house/tuned.png)" in text
    elsewhere = write_report(content, tmp_path / "elsewhere" / "report.html")[1]
    assert "![" not in elsewhere.read_text(encoding="utf-8")
