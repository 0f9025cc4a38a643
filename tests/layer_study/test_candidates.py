"""Candidates as the command line names them, and the defaults of each network."""

import pytest

from realesrgan_arch.layer_study.candidates import Candidate, StudyError, default_labels, read_candidates
from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import CompactSpec, RRDBNetSpec, SRResNetSpec
from realesrgan_arch.training.freezing import plan_freezing

COMPACT = CompactSpec(num_conv=32)


def test_rrdbnet_compares_the_ancestors_two_layers() -> None:
    assert default_labels(RRDBNetSpec()) == ("body.2.rdb3.conv5", "conv_last")


@pytest.mark.parametrize(("spec", "labels", "sizes"), [
    (RRDBNetSpec(num_feat=8, num_grow_ch=4, num_block=2), ("body.1.rdb3.conv5", "conv_last"),
     [24 * 8 * 9 + 8, 8 * 3 * 9 + 3]),
    (COMPACT, ("body.8", "body.66"), [64 * 64 * 9 + 64, 64 * 48 * 9 + 48]),
    (SRResNetSpec(), ("body.1.conv2", "conv_last"), [64 * 64 * 9 + 64, 64 * 3 * 81 + 3]),
    (CompactSpec(num_feat=8, num_conv=2), ("body.2", "body.6"), [8 * 8 * 9 + 8, 8 * 48 * 9 + 48]),
])  # fmt: skip
def test_other_networks_compare_an_early_convolution_and_the_last_one(spec, labels, sizes) -> None:
    assert default_labels(spec) == labels
    network = build_generator(spec)
    for label, size in zip(labels, sizes, strict=True):
        trained = plan_freezing(network, label, key="k").trainable_parameters(network)
        assert sum(value.numel() for value in trained) == size


def test_patterns_of_one_candidate_are_joined_by_commas() -> None:
    assert read_candidates(["last:2,bias", "all"], COMPACT) == (Candidate(("last:2", "bias")), Candidate(("all",)))


@pytest.mark.parametrize("texts", [["all"], ["all", "all"], ["all", ","]])
def test_less_than_two_different_candidates_are_refused(texts) -> None:
    with pytest.raises(StudyError, match="two or more different ones to compare, got all"):
        read_candidates(texts, COMPACT)


def test_a_folder_name_holds_no_odd_character_and_no_two_labels_share_one() -> None:
    slugs = [Candidate((label,)).slug for label in ("body.2.*", "body.2.?", "conv_last")]
    assert slugs[2] == "conv_last"
    assert len(set(slugs)) == 3
    assert not any(set(slug) & set("*?:/,") for slug in slugs)
