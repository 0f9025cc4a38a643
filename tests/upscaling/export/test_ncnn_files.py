"""ncnn's files: upscayl's names, and weights in half precision that lose nothing that half precision can hold."""

import numpy as np
import pytest
import torch

from realesrgan_arch.networks.compact import SRVGGNetCompact
from realesrgan_arch.upscaling.export import ncnn_files
from realesrgan_arch.upscaling.export.ncnn_files import (
    half_weights,
    scale_upscayl_reads,
    with_upscayls_names,
    write_ncnn,
)
from realesrgan_arch.upscaling.export.source import ExportError

PARAM = """7767517
3 3
Input                    in0                      0 1 in0
Convolution              in0                      1 1 in0 1 0=1 1=1 5=1 6=3
PReLU                    prelu_0                  1 1 1 out0 0=1
"""


def test_blobs_are_renamed_and_layers_keep_their_names():
    lines = [line.split() for line in with_upscayls_names(PARAM).splitlines()]
    assert lines[0] == ["7767517"] and lines[1] == ["3", "3"]
    assert lines[2] == ["Input", "in0", "0", "1", "data"]
    assert lines[3] == ["Convolution", "in0", "1", "1", "data", "1", "0=1", "1=1", "5=1", "6=3"]
    assert lines[4][4:] == ["1", "output", "0=1"]


def test_a_network_without_the_names_of_pnnx_is_refused():
    with pytest.raises(ExportError, match="without in0 or out0"):
        with_upscayls_names(PARAM.replace("out0", "result"))


def test_kernels_become_fp16_with_tag_and_padding_and_biases_and_slopes_stay():
    kernel = np.array([1.0, 1e-5, -(2.0**-14)], "<f4")  # 1e-5 is below the normal numbers of fp16
    rest = np.array([0.1, 0.2], "<f4").tobytes()
    halved = half_weights(PARAM, bytes(4) + kernel.tobytes() + rest)
    assert halved == bytes.fromhex("476b3001") + kernel.astype("<f2").tobytes() + bytes(2) + rest
    assert np.frombuffer(halved, "<f2", 3, 4)[1] == pytest.approx(1e-5, rel=0.01)


def test_weights_of_layers_that_are_not_known_are_refused():
    with pytest.raises(ExportError, match="cannot be halved"):
        half_weights(PARAM, bytes(4 + 12 + 8 + 4))


@pytest.mark.parametrize(
    ("stem", "scale"),
    [("a-4x", 4), ("a-2x", 2), ("A-X2", 2), ("arch2x-4x", 2), ("x3-4x", 3), ("a-8x", 4), ("a", 4), ("general-x4v3", 4)],
)
def test_the_scale_that_upscayl_reads(stem, scale):
    assert scale_upscayl_reads(stem) == scale


def test_a_failure_of_pnnx_is_one_sentence_with_its_last_line(tmp_path, monkeypatch):
    pnnx = pytest.importorskip("pnnx")
    program = tmp_path / "pnnx.sh"
    program.write_text("#!/bin/sh\necho first; echo unsupported operator >&2; exit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(pnnx, "EXEC_PATH", str(program))
    with pytest.raises(
        ExportError, match=r"pnnx could not convert this network \(unsupported operator\); leave ncnn out"
    ):
        write_ncnn(SRVGGNetCompact(num_feat=4, num_conv=1), tmp_path / "a.param", scratch=tmp_path)
    assert not (tmp_path / "a.param").exists()


def test_a_pnnx_that_hangs_is_stopped(tmp_path, monkeypatch):
    pnnx = pytest.importorskip("pnnx")
    program = tmp_path / "pnnx.sh"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr(pnnx, "EXEC_PATH", str(program))
    monkeypatch.setattr(ncnn_files, "_TIMEOUT_S", 0.1)
    with pytest.raises(ExportError, match="pnnx was not ready after"):
        write_ncnn(SRVGGNetCompact(num_feat=4, num_conv=1), tmp_path / "a.param", scratch=tmp_path)


def test_pnnx_leaves_its_files_in_the_scratch_folder_only_and_nothing_is_drawn(tmp_path):
    pytest.importorskip("pnnx")
    scratch, out = tmp_path / "scratch", tmp_path / "out"
    scratch.mkdir()
    out.mkdir()
    network, state = SRVGGNetCompact(num_feat=4, num_conv=1), torch.get_rng_state()
    write_ncnn(network, out / "a.param", scratch=scratch)
    assert torch.equal(torch.get_rng_state(), state)
    assert {path.name for path in out.iterdir()} == {"a.param", "a.bin"}
    assert len(list(scratch.iterdir())) > 3
