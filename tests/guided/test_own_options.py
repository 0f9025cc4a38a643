"""An edited option file is used as it is, as long as the guided run finds what comes of it."""

import pytest

from realesrgan_arch.guided.chain import Work
from realesrgan_arch.guided.journal import Entry
from realesrgan_arch.guided.own_options import load_own_options, title_of_test_set
from realesrgan_arch.guided.request import GuidedError
from realesrgan_arch.guided.step_plan import render, trained_of
from realesrgan_arch.guided.step_train import TRAIN
from tests.guided.builders import build_work


@pytest.fixture
def work(tmp_path) -> Work:
    work = build_work(tmp_path, [])
    work.journal.add("split", Entry("", {"digest": "0" * 64, "parts": {"train": {"images": 8}}}))
    work.journal.add("freeze", Entry("", {"folder": "frozen-0"}))
    work.journal.add("plan", Entry("", {"patterns": ["all"], "accumulate": 1, "checkpointing": False}))
    work.folder.options.write_text(render(work, trained_of(work)), encoding="utf-8")
    return work


def _edit(work: Work, old: str, new: str) -> None:
    text = work.folder.options.read_text(encoding="utf-8")
    assert text.count(old) == 1
    work.folder.options.write_text(text.replace(old, new), encoding="utf-8")


def test_other_values_are_the_users(work) -> None:
    _edit(work, "gt_size: 128", "gt_size: 64")
    assert load_own_options(work).options.gt_size == 64


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('\nname: "mine"', "\nname: other", "expected name: mine, .* got other; put it back"),
        ('mine/experiments"', 'experiments"', r"expected path\.experiments_root: .*mine/experiments, .* got .*out/exp"),
        (
            'frozen-0/test"',
            'frozen-0/val"',
            r"expected a test set of type FrozenPairs in .*frozen-0/test, .* got test;",
        ),
        ("  test:  #", "  val_1:  #", "expected a test set .* got none; put it back"),
    ],
)
def test_what_makes_it_this_runs_is_checked_before_hours_of_training(work, old, new, words) -> None:
    _edit(work, old, new)
    with pytest.raises(GuidedError, match=words):
        TRAIN.make(work)


def test_the_test_set_is_found_by_its_folder_under_any_title_among_others(work) -> None:
    assert title_of_test_set(work, load_own_options(work).options) == "test"
    others = "test_1: {name: others, type: SyntheticPairs, dataroot_gt: others}\n  test_2:  #"
    _edit(work, "test:  #", others)
    _edit(work, "name: test\n", "name: unseen\n")
    assert title_of_test_set(work, load_own_options(work).options) == "unseen"
