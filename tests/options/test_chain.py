"""Option files of a chain are read together, and each must suit the one before."""

from pathlib import Path

import pytest

from realesrgan_arch.errors import UserError
from realesrgan_arch.options.chain import ChainError, check_numbers, for_stage, load_chain
from tests.tiny_run import tiny_options, write_options


@pytest.fixture
def files(tmp_path) -> list[Path]:
    return [
        write_options(tmp_path / f"{name}.yml", {**tiny_options(tmp_path, tmp_path, gan=gan), "name": name})
        for name, gan in (("one", False), ("two", True))
    ]


def _refusal(files: list[Path], *overrides: str, resume: str | None = None) -> str:
    with pytest.raises(UserError) as caught:
        load_chain(files, overrides=overrides, resume=resume)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_an_override_is_for_all_stages_or_for_the_one_whose_number_it_has(files) -> None:
    overrides = ["train.total_iter=7", "2:train.total_iter=8", "1:train:ema_decay=0.5", "manual_seed=3"]
    one, two = (stage.options for stage in load_chain(files, overrides=overrides))
    assert (one.train.total_iter, two.train.total_iter) == (7, 8)
    assert (one.train.ema_decay, two.train.ema_decay) == (0.5, 0.9)
    assert (one.manual_seed, two.manual_seed) == (3, 3)


def test_only_a_number_before_a_colon_is_one_of_a_stage() -> None:
    words = ["train:total_iter=1", "12:a=2:3", "1:b", "name=2:c"]
    assert for_stage(words, 1) == ["train:total_iter=1", "b", "name=2:c"]
    assert for_stage(words, 12) == ["train:total_iter=1", "a=2:3", "name=2:c"]


@pytest.mark.parametrize(
    ("word", "count", "files"), [("3:scale=2", 2, "2 option files are"), ("0:a", 1, "1 option file is")]
)
def test_a_number_that_no_stage_has_is_refused(word: str, count: int, files: str) -> None:
    with pytest.raises(ChainError, match=rf"^{word}: expected the number of a stage .*{files} given"):
        check_numbers([word], count=count)


def test_resume_is_for_all_stages_and_a_path_for_a_single_file_only(files, tmp_path) -> None:
    assert [stage.options.resume_from for stage in load_chain(files, resume="auto")] == ["auto", "auto"]
    assert [stage.options.resume_from for stage in load_chain(files)] == ["none", "none"]
    assert load_chain(files[:1], resume="a.state")[0].options.resume_from == Path("a.state")
    assert "expected resume auto or none with several option files, got a.state" in _refusal(files, resume="a.state")
    assert "two.yml: expected resume auto" in _refusal(files, "2:path.resume_state=b.state")


def test_the_problems_of_all_files_are_told_at_once(files) -> None:
    text = _refusal(files, "1:scale=3", "2:train.total_iter=0")
    assert "one.yml: --set scale=3: scale" in text and "two.yml: --set train.total_iter=0: train.total_iter" in text
    assert _refusal(files, "2:scale=3").startswith(f"{files[1]}: ")


def test_stages_of_one_name_are_refused_unless_their_folders_differ(files) -> None:
    text = _refusal(files, "name=same")
    assert text.startswith("stages 1 and 2 are both called same") and "--set 2:name=same_2" in text
    assert "stages 1 and 2" in _refusal([files[0], files[0]])
    for root in ("experiments", "./experiments", "~", str(Path("experiments").absolute())):
        text = _refusal(files, "name=same", "1:path.experiments_root=~", f"2:path.experiments_root={root}")
        assert text.startswith("stages 1 and 2 are both called same")
    overrides = ["name=same", "2:path.experiments_root=elsewhere"]
    assert [stage.options.name for stage in load_chain(files, overrides=overrides)] == ["same", "same"]


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["network_g.num_conv=3"], "num_conv 3 after 2"),
        (["network_g.upscale=2", "scale=2"], "upscale 2 after 4"),
        (["network_g={type: RRDBNet, num_block: 1}"], "RRDBNet after SRVGGNetCompact"),
        (["network_g={type: SRResNet, num_block: 1}"], "SRResNet after SRVGGNetCompact"),
    ],
)
def test_a_generator_that_the_weights_before_do_not_fit_is_refused(files, overrides, words: str) -> None:
    text = _refusal(files, *(f"2:{override}" for override in overrides))
    assert text.startswith(f"{files[1]}: network_g: stage 2 starts from the weights of stage 1")
    assert words in text


def test_what_only_costs_may_differ_between_stages(files) -> None:
    network = "network_g={type: RRDBNet, num_feat: 8, num_block: 1, num_grow_ch: 4}"
    one, two = load_chain(files, overrides=[network, "2:network_g.checkpointing=true"])
    assert (one.options.network_g.checkpointing, two.options.network_g.checkpointing) == (False, True)
