"""Networks in the forms of other runtimes: what their sides are called, and that the caller notices nothing."""

import warnings

import pytest
import torch

from realesrgan_arch.upscaling.convert import to_openvino, write_onnx
from tests.upscaling.backends.networks import small_network


def _convert_unnoticed(kind, convert):
    """Convert a network in training; nothing may be said, drawn or changed."""
    network = small_network(kind).train()
    next(network.children()).eval()
    modes = [layer.training for layer in network.modules()]
    state = torch.get_rng_state()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        result = convert(network)
    assert [str(warning.message) for warning in said] == []
    assert torch.equal(torch.get_rng_state(), state)
    assert [layer.training for layer in network.modules()] == modes
    return result


def test_sides_of_an_onnx_file_have_names_and_the_caller_notices_nothing(tmp_path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    _convert_unnoticed("compact", lambda network: write_onnx(network, tmp_path / "model.onnx"))
    graph = onnx.load(tmp_path / "model.onnx").graph
    shapes = [
        [side.dim_param or side.dim_value for side in end.type.tensor_type.shape.dim]
        for end in (*graph.input, *graph.output)
    ]
    assert shapes == [["batch", 3, "height", "width"], ["batch", 3, "4*height", "4*width"]]


def test_for_openvino_the_caller_notices_nothing_either():
    pytest.importorskip("openvino")
    model = _convert_unnoticed("RRDBNet x2", to_openvino)
    assert model.inputs[0].get_partial_shape().rank.get_length() == 4
