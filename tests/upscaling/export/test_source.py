"""What is exported, and what a blend is called."""

import pytest

from realesrgan_arch.networks.spec import CompactSpec
from realesrgan_arch.upscaling.export import source
from realesrgan_arch.upscaling.export.source import Blend, ExportError, Source, load_source, parse_blend
from realesrgan_arch.weights.table import KNOWN_WEIGHTS, Verification
from tests.upscaling.export.parts import COMPACT, write_weights


def test_a_blend_is_weights_and_a_share_after_the_last_colon():
    assert parse_blend("base.pth:0.3") == Blend("base.pth", 0.3)
    assert parse_blend("c:/w/base.pth:.5") == Blend("c:/w/base.pth", 0.5)


@pytest.mark.parametrize("text", ["base.pth", "base.pth:", ":0.3", "a:0", "a:1", "a:1.5", "a:-1", "a:nan", "a:x", ""])
def test_no_share_between_0_and_1_is_one_sentence(text):
    with pytest.raises(ExportError, match=r"--blend: expected weights and their share between 0 and 1"):
        parse_blend(text)


def test_a_network_that_is_not_for_rgb_is_refused(tmp_path):
    weights = write_weights(tmp_path / "gray.pth", CompactSpec(num_in_ch=1, num_out_ch=1, num_feat=8, num_conv=2))
    with pytest.raises(ExportError, match="expected a network for RGB pictures, got 1 -> 1 channels"):
        load_source(str(weights))


def _source(tmp_path, *statuses):
    network = load_source(str(write_weights(tmp_path / "a.pth", COMPACT)))
    known = KNOWN_WEIGHTS["realesr-general-x4v3"]
    files = [Verification(tmp_path, "0", known, status) for status in statuses]
    blended = source.Blended(files[1], 0.5) if len(files) > 1 else None
    return Source(network.network, network.spec, files[0], blended)


@pytest.mark.parametrize(
    ("statuses", "licence"),
    [
        (["verified"], "BSD-3-Clause"),
        (["differs"], None),
        (["verified", "verified"], "BSD-3-Clause"),
        (["verified", "differs"], None),
    ],
)
def test_the_licence_is_known_of_released_bytes_only(tmp_path, statuses, licence):
    assert _source(tmp_path, *statuses).known_licence == licence
