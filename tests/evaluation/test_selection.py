"""The pictures that are shown: the worst, the best, some at random; all of one place, in pixels of the result."""

import math
from collections import Counter

import torch

from realesrgan_arch.evaluation.chosen_set import build_choice
from realesrgan_arch.evaluation.evaluate import ImageScore
from realesrgan_arch.evaluation.pairs import EvaluationPair
from realesrgan_arch.evaluation.selection import Chosen, choose_shown, picture_composites, write_shown
from realesrgan_arch.images import read_rgb, to_tensor
from tests.evaluation.small_sets import contenders

MANY = {f"{number}.png": float(number) for number in range(40)}


def test_five_worst_five_best_and_five_others_of_many() -> None:
    chosen = choose_shown(MANY, seed=0)
    assert [one.composite for one in chosen[:10]] == [0, 1, 2, 3, 4, 39, 38, 37, 36, 35]
    assert [one.why for one in chosen] == ["worst"] * 5 + ["best"] * 5 + ["random"] * 5
    assert len({one.name for one in chosen}) == 15


def test_the_random_ones_depend_on_the_seed_alone() -> None:
    assert choose_shown(MANY, seed=1) == choose_shown(MANY, seed=1)
    assert choose_shown(MANY, seed=1)[10:] != choose_shown(MANY, seed=2)[10:]


def test_few_pictures_are_shared_out_and_none_is_shown_twice() -> None:
    counts = {
        number: Counter(one.why for one in choose_shown(dict(list(MANY.items())[:number]), seed=0))
        for number in (1, 2, 3, 7)
    }
    assert counts[1] == {"worst": 1}
    assert counts[2] == {"worst": 1, "best": 1}
    assert counts[3] == {"worst": 1, "best": 1, "random": 1}
    assert counts[7] == {"worst": 3, "best": 3, "random": 1}


def test_pictures_without_a_composite_are_only_drawn() -> None:
    chosen = choose_shown({"a": math.nan, "b": math.nan}, seed=0)
    assert {one.why for one in chosen} == {"random"} and len(chosen) == 2


def test_the_composite_of_a_picture_is_that_of_the_judgement() -> None:
    tuned = [ImageScore("a", "tuned", {"psnr": 21.0, "niqe": 5.0}), ImageScore("b", "tuned", {"psnr": 1.0})]
    base = [ImageScore("a", "base", {"psnr": 20.0, "niqe": 5.5}), ImageScore("c", "base", {"psnr": 1.0})]
    # 1 dB is two steps and 0.5 of NIQE is one: (2 + 1) / 2.
    assert picture_composites(tuned, base) == {"a": 1.5}


def test_crops_are_of_one_place_one_to_one_and_lie_where_the_detail_is(tmp_path) -> None:
    gt = torch.zeros(3, 800, 1000)
    gt[:, 500:700, 700:900] = (torch.rand(1, 200, 200, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    lq = torch.arange(200 * 250).reshape(1, 200, 250).expand(3, -1, -1) % 256 / 255
    choice = build_choice("one", ["north/a.png"], lambda _: EvaluationPair("north/a.png", lq, gt), "")
    [shown] = write_shown(
        [Chosen("north/a.png", "worst", -1.0)], choice, contenders({"base": 0.0, "tuned": 0.1}), tmp_path
    )
    assert list(shown.files) == ["lq", "base", "tuned", "ground truth"]
    assert (shown.scene, shown.why, shown.composite) == ("north", "worst", -1.0)
    truth, small = (to_tensor(read_rgb(tmp_path / shown.files[name])) for name in ("ground truth", "lq"))
    assert truth.shape == (3, 384, 384) and small.shape == (3, 96, 96)
    assert truth.sum() == gt.sum(), "all of the detail is inside"
    top, left = 384, 576
    assert torch.equal(truth, gt[:, top : top + 384, left : left + 384])
    assert torch.allclose(small, lq[:, top // 4 : top // 4 + 96, left // 4 : left // 4 + 96])
    base = to_tensor(read_rgb(tmp_path / shown.files["base"]))
    whole = contenders({"base": 0.0})[0].upscale(lq).clamp(0, 1)
    assert (base - whole[:, top : top + 384, left : left + 384]).abs().max() <= 0.5 / 255 + 1e-6


def test_a_picture_smaller_than_a_crop_is_shown_whole(tmp_path) -> None:
    pair = EvaluationPair("a.png", torch.rand(3, 10, 12), torch.rand(3, 40, 48))
    choice = build_choice("one", ["a.png"], lambda _: pair, "")
    [shown] = write_shown([Chosen("a.png", "best", 0.0)], choice, contenders({"tuned": 0.0}), tmp_path)
    sizes = {name: read_rgb(tmp_path / file).shape for name, file in shown.files.items()}
    assert sizes == {"lq": (10, 12, 3), "tuned": (40, 48, 3), "ground truth": (40, 48, 3)}


def test_without_a_truth_there_is_no_picture_of_it(tmp_path) -> None:
    pair = EvaluationPair("a.png", torch.rand(3, 10, 12), torch.empty(3, 0, 0))
    choice = build_choice("one", ["a.png"], lambda _: pair, "", has_truth=False)
    [shown] = write_shown([Chosen("a.png", "random", math.nan)], choice, contenders({"model": 0.0}), tmp_path)
    assert list(shown.files) == ["lq", "model"]
