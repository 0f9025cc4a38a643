"""The base's scores are kept as they were, and found only for what they are of."""

import json
import math

import torch

from realesrgan_arch.evaluation.evaluate import ImageScore, ScoreRules
from realesrgan_arch.evaluation.pairs import EvaluationPair
from realesrgan_arch.training.base_scores import KeptBaseScores, content_digest, network_digest

SCORES = [ImageScore("a.png", "base", {"psnr": 24.1234567890123, "niqe": math.nan, "ssim": math.inf})]


def test_scores_come_back_to_the_last_digit_with_what_is_not_finite(tmp_path) -> None:
    kept = KeptBaseScores(tmp_path / "base_scores.json")
    kept.keep("one", SCORES)
    kept.keep("two", [])
    found = kept.find("one")
    assert found is not None
    assert (found[0].name, found[0].method) == ("a.png", "base")
    assert repr(found[0].values) == repr(SCORES[0].values)
    assert kept.find("three") is None
    assert kept.find("two") == []


def test_a_file_that_was_changed_or_cut_counts_as_none(tmp_path) -> None:
    path = tmp_path / "base_scores.json"
    kept = KeptBaseScores(path)
    kept.keep("one", SCORES)
    whole = path.read_text()
    for text in (whole.replace("24.1", "25.1"), whole[:-9], "[]", ""):
        path.write_text(text)
        assert kept.find("one") is None
    kept.keep("one", SCORES)
    assert json.loads(path.read_text()) == json.loads(whole)


def test_the_digest_of_a_set_follows_every_pixel_and_rule() -> None:
    pair = EvaluationPair("a.png", torch.zeros(3, 4, 4), torch.zeros(3, 16, 16))
    changed = torch.zeros(3, 16, 16)
    changed[0, 0, 0] = 1 / 255
    rules = ScoreRules()
    digests = {
        content_digest([pair], rules),
        content_digest([EvaluationPair("a.png", pair.lq, changed)], rules),
        content_digest([pair, pair], rules),
        content_digest([pair], ScoreRules(border=0)),
        content_digest([pair], ScoreRules(("psnr",))),
    }
    assert len(digests) == 5
    assert content_digest([EvaluationPair("moved.png", pair.lq, pair.gt)], rules) in digests


def test_the_digest_holds_what_perceptual_weights_are_and_not_where_they_lie(tmp_path) -> None:
    for name, content in (("here", b"1"), ("there", b"1"), ("other", b"2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "vgg.pth").write_bytes(content)
    here, there, other = (
        content_digest([], ScoreRules(("lpips_like",), perceptual_weights=str(tmp_path / name)))
        for name in ("here", "there", "other")
    )
    assert here == there != other


def test_the_digest_of_a_network_follows_every_weight() -> None:
    network = torch.nn.Conv2d(3, 3, 3)
    before = network_digest(network)
    assert network_digest(network) == before
    with torch.no_grad():
        network.bias[2] += 1e-6  # pyright: ignore[reportOptionalSubscript]
    assert network_digest(network) != before
