"""The backends agree with torch in float32, keep their promises of precision and translate only a lack of memory."""

import functools

import pytest
import torch

from realesrgan_arch.devices import cpu_features, has_fast_bf16
from realesrgan_arch.upscaling.backends import openvino_backend
from realesrgan_arch.upscaling.backends.interface import OutOfDeviceMemoryError
from realesrgan_arch.upscaling.backends.onnxruntime_backend import ONNXRuntimeBackend
from realesrgan_arch.upscaling.backends.openvino_backend import OpenVINOBackend, OpenVINOError
from realesrgan_arch.upscaling.backends.torch_backend import TorchBackend
from realesrgan_arch.upscaling.engine import Upscaler
from realesrgan_arch.weights.load import load_generator
from tests.upscaling.backends.networks import centres, deep_rrdbnet, psnr, small_network

CPU = torch.device("cpu")
KINDS = ["RRDBNet x2", "compact", "SRResNet"]


needs_bf16 = pytest.mark.skipif(not has_fast_bf16(cpu_features()), reason="this CPU has no fast bf16")


def _openvino(network, dtype=torch.float32):
    openvino = pytest.importorskip("openvino")
    if dtype == torch.bfloat16 and "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("OpenVINO finds no bf16 in this CPU")
    return OpenVINOBackend(network, scale=network.scale, dtype=dtype)


def _onnxruntime(network):
    for module in ("onnxruntime", "onnxscript"):
        pytest.importorskip(module)
    return ONNXRuntimeBackend(network, scale=network.scale)


def _torch(network, dtype=torch.float32):
    return TorchBackend(network, scale=network.scale, device=CPU, dtype=dtype)


OTHERS = {"openvino": _openvino, "onnxruntime": _onnxruntime}


@functools.cache
def _built(other, kind):
    """The network and its backend; an export to ONNX takes seconds, so the tests share it."""
    network = small_network(kind).train()
    return network, OTHERS[other](network)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", OTHERS)
def test_float32_is_torchs_to_a_thousandth_of_a_level_for_every_size(kind, other):
    network, backend = _built(other, kind)
    expected = _torch(network)
    assert (backend.name, backend.scale, backend.multiple) == (other, network.scale, expected.multiple)
    assert (backend.device, backend.dtype) == (CPU, torch.float32)
    for shape in [(1, 3, 8, 12), (3, 3, 22, 6), (1, 3, 2, 34)]:
        batch = torch.rand(shape)
        result = backend.run(batch)
        assert result.shape == (shape[0], 3, shape[2] * network.scale, shape[3] * network.scale)
        assert (result - expected.run(batch)).abs().max() * 255 < 1e-3
        assert torch.equal(backend.run_exactly(batch), result)


@pytest.mark.parametrize("other", OTHERS)
def test_through_the_upscaler_the_picture_is_torchs(other):
    network, backend = _built(other, "RRDBNet x2")
    ours, expected = (Upscaler(each, tile=16, tile_pad=4) for each in (backend, _torch(network)))
    for size in [(1, 1), (1, 37), (35, 18)]:
        image = torch.rand(3, *size)
        assert (ours.upscale(image) - expected.upscale(image)).abs().max() * 255 < 1e-2


@pytest.mark.parametrize("other", OTHERS)
def test_a_result_is_not_overwritten_by_the_next_and_the_network_is_a_snapshot(other):
    (network, backend), batch = _built(other, "compact"), torch.rand(1, 3, 8, 8)
    first = backend.run(batch)
    kept = first.clone()
    backend.run(torch.zeros(1, 3, 8, 8))
    assert torch.equal(first, kept)
    assert network.training
    weight = network.body[0].weight
    before = weight.detach().clone()
    torch.nn.init.zeros_(weight)
    unchanged = torch.equal(backend.run(batch), kept)
    weight.data.copy_(before)
    assert unchanged


def _fail(error):
    def run(*_, **__):
        raise error

    return run


@pytest.fixture
def converted_once(monkeypatch):
    """OpenVINO's form of the one network of a test is made once: that takes seconds, and it is always the same."""
    convert, found = openvino_backend.to_openvino, []

    def to_openvino(network):
        if not found:
            found.append(convert(network))
        return found[0]

    monkeypatch.setattr(openvino_backend, "to_openvino", to_openvino)


@pytest.mark.usefixtures("converted_once")
def test_openvinos_lack_of_memory_is_translated_and_it_works_afterwards(monkeypatch):
    network = small_network("compact")
    backend, batch = _openvino(network), torch.rand(1, 3, 8, 8)
    expected = backend.run(batch)
    for error in (RuntimeError("cpu_memory.cpp:257:\nFailed to allocate 2304000000 bytes of memory"), MemoryError()):
        backend._compiled[torch.float32] = _fail(error)
        with pytest.raises(OutOfDeviceMemoryError, match=r"openvino has no memory for a batch of \(1, 3, 8, 8\)"):
            backend.run(batch)
        assert torch.equal(backend.run(batch), expected)
    with monkeypatch.context() as patch:
        patch.setattr(backend, "_compile", _fail(MemoryError()))
        backend._compiled.clear()
        with pytest.raises(OutOfDeviceMemoryError, match="openvino has no memory"):
            backend.run(batch)
    assert torch.equal(backend.run(batch), expected)
    backend._compiled[torch.float32] = _fail(RuntimeError("Check 'ptr' failed"))
    with pytest.raises(RuntimeError, match="Check 'ptr' failed"):
        backend.run(batch)


def test_onnx_runtimes_lack_of_memory_is_translated(monkeypatch):
    _, backend = _built("onnxruntime", "compact")
    fault = pytest.importorskip("onnxruntime").capi.onnxruntime_pybind11_state.Fail
    memory = fault("bfc_arena.cc:360 Failed to allocate memory for requested buffer of size 432000000")

    class Session:
        run = staticmethod(_fail(memory))

    monkeypatch.setattr(backend, "_session", Session())
    with pytest.raises(OutOfDeviceMemoryError, match="onnxruntime has no memory"):
        backend.run(torch.rand(1, 3, 8, 8))
    Session.run = staticmethod(_fail(fault("another fault")))
    with pytest.raises(fault, match="another fault"):
        backend.run(torch.rand(1, 3, 8, 8))


def test_openvino_refuses_fp16():
    with pytest.raises(OpenVINOError, match="fp32 or bf16 on a CPU, not in float16"):
        _openvino(small_network("compact"), torch.float16)


@pytest.fixture
def photographs(shared_data):
    paths = sorted(shared_data("data/photos/facades").rglob("*.jpg"))[:12]
    paths += sorted(shared_data("data/photos/pexels").rglob("*.jpg"))[:12]
    return tuple(paths)


def _output(network, pictures):
    with torch.inference_mode():
        return network(pictures)


def _decibels(backend, pictures, expected):
    return psnr(backend.run(pictures.to(backend.device)).cpu(), expected)


def _check_gate(backend, pictures, expected, *, mean=45, least=38):
    decibels = _decibels(backend, pictures, expected)
    assert len(decibels) >= 20
    assert decibels.mean() >= mean
    assert decibels.min() >= least
    return decibels.mean()


BF16 = {"torch": _torch, "openvino": _openvino}


@functools.cache
def _released(path, photographs):
    """The network, small pictures and what it makes of them in float32: the same for all backends."""
    network, pictures = load_generator(path)[0].eval(), centres(photographs, side=24)
    return network, pictures, _output(network, pictures)


@functools.cache
def _deep(photographs):
    pictures = centres(photographs, side=16)
    network = deep_rrdbnet(pictures[:4])
    return network, pictures, _output(network, pictures)


@pytest.mark.shared_data
@needs_bf16
@pytest.mark.parametrize(
    ("weights", "name"),
    [
        ("realesr-general-x4v3", "torch"),
        ("realesr-general-x4v3", "openvino"),
        ("4xLSDIRCompactC3", "torch"),
        ("realesr-animevideov3", "torch"),
    ],
)
def test_bf16_of_released_weights_stays_close_on_photographs(shared_data, photographs, name, weights):
    network, pictures, expected = _released(shared_data(f"weights/generators/{weights}.pth"), photographs)
    _check_gate(BF16[name](network, torch.bfloat16), pictures, expected)


@pytest.mark.shared_data
@needs_bf16
def test_bf16_of_a_deep_rrdbnet_stays_close_in_torch(photographs):
    network, pictures, expected = _deep(photographs)
    _check_gate(_torch(network, torch.bfloat16), pictures, expected)


@pytest.mark.shared_data
@needs_bf16
@pytest.mark.usefixtures("converted_once")
def test_bf16_of_a_deep_rrdbnet_stays_close_in_openvino_because_its_sums_stay_f32(photographs, monkeypatch):
    network, pictures, expected = _deep(photographs)
    exact_sums = _check_gate(_openvino(network, torch.bfloat16), pictures, expected)
    monkeypatch.setattr(openvino_backend, "_residual_sums", lambda _: set())
    rounded = _decibels(_openvino(network, torch.bfloat16), pictures, expected).mean()
    assert exact_sums > rounded + 1.5


needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="fp16 is for CUDA, and there is none here")


def _fp16(network):
    return TorchBackend(network, scale=network.scale, device=torch.device("cuda"), dtype=torch.float16)


@pytest.mark.shared_data
@needs_cuda
def test_fp16_on_cuda_stays_very_close_on_photographs(shared_data, photographs):
    network, _ = load_generator(shared_data("weights/generators/realesr-general-x4v3.pth"))
    pictures = centres(photographs, side=96)
    _check_gate(_fp16(network), pictures, _output(network.eval(), pictures), mean=52, least=45)


@pytest.mark.shared_data
@needs_cuda
def test_fp16_of_a_deep_rrdbnet_stays_very_close_on_cuda(photographs):
    pictures = centres(photographs, side=48)
    network = deep_rrdbnet(pictures[:4])
    _check_gate(_fp16(network), pictures, _output(network, pictures), mean=52, least=45)
