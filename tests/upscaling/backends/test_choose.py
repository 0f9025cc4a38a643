"""What computes: the fastest that was measured and is installed, and a sentence that says why."""

import sys

import pytest
import torch
from torch import nn

from realesrgan_arch.devices import DeviceError
from realesrgan_arch.extras import MissingExtraError
from realesrgan_arch.upscaling.backends import choose
from realesrgan_arch.upscaling.backends.choose import BackendError, build_backend
from tests.upscaling.backends.networks import small_network

CPU = torch.device("cpu")


@pytest.fixture
def built(monkeypatch):
    """Nothing is built: (name, dtype) stands for the backend."""
    monkeypatch.setattr(choose, "_build", lambda network, *, name, scale, device, dtype, compiled: (name, dtype))
    monkeypatch.setattr(choose, "choose_dtype", lambda device, precision, training: _dtypes(precision))


def _dtypes(precision):
    return {"auto": torch.bfloat16, "bf16": torch.bfloat16, "fp32": torch.float32, "fp16": torch.float16}[precision]


def _fastest(kind, dtypes, backends=("torch", "openvino", "onnxruntime")):
    rows = choose._MEASURED[kind]
    return min((row for row in rows if row.dtype in dtypes and row.backend in backends), key=lambda row: row.seconds)


@pytest.mark.parametrize("kind", ["RRDBNet x4", "compact", "SRResNet"])
@pytest.mark.parametrize(
    ("precision", "dtypes"),
    [("auto", {torch.bfloat16, torch.float32}), ("bf16", {torch.bfloat16}), ("fp32", {torch.float32})],
)
def test_auto_takes_the_fastest_measured_for_the_network_and_says_so(built, monkeypatch, kind, precision, dtypes):
    monkeypatch.setattr(choose, "_is_installed", lambda backend: True)
    network = small_network(kind)
    chosen, sentence = build_backend(network, scale=4, device=CPU, precision=precision)
    row = _fastest(type(network), dtypes)
    assert chosen == (row.backend, row.dtype)
    assert sentence.startswith(f"{row.backend} on cpu in ")
    assert f"the fastest measured for {type(network).__name__}, " in sentence


def test_without_the_fastest_auto_takes_the_next_and_says_what_to_install(built, monkeypatch):
    monkeypatch.setattr(choose, "_is_installed", lambda backend: backend == "torch")
    network = small_network("RRDBNet x4")
    chosen, sentence = build_backend(network, scale=4, device=CPU)
    row = _fastest(type(network), {torch.bfloat16, torch.float32}, ["torch"])
    assert chosen == ("torch", row.dtype)
    assert "openvino in " in sentence
    assert "is not installed; run pip install 'realesrgan-arch[openvino]'." in sentence


def test_an_unknown_network_and_another_device_get_torch(built):
    assert build_backend(nn.Identity(), scale=1, device=CPU) == (
        ("torch", torch.bfloat16),
        "torch on cpu in bf16: Identity was not measured with the others.",
    )
    chosen, sentence = build_backend(small_network("RRDBNet x4"), scale=4, device=torch.device("mps"))
    assert chosen[0] == "torch"
    assert "the other backends compute on the CPU only" in sentence


@pytest.mark.parametrize(
    ("wish", "error", "message"),
    [
        ({"backend": "tensorrt"}, BackendError, "backend must be one of auto, torch, openvino, onnxruntime, got 'tens"),
        (
            {"backend": "openvino", "device": torch.device("cuda")},
            BackendError,
            "openvino computes on the CPU only",
        ),
        ({"backend": "onnxruntime", "precision": "bf16"}, BackendError, "onnxruntime computes in fp32 on a CPU, not i"),
        ({"backend": "onnxruntime", "precision": "fp16"}, DeviceError, "fp16 does not work on a CPU"),
        ({"backend": "openvino", "precision": "fp16"}, DeviceError, "fp16 does not work on a CPU"),
    ],
)
def test_impossible_wishes_are_refused_in_one_sentence(wish, error, message):
    with pytest.raises(error, match=message):
        build_backend(small_network("compact"), scale=4, **({"device": CPU} | wish))


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_a_missing_extra_is_named_when_its_backend_is_asked_for(monkeypatch, backend):
    monkeypatch.setitem(sys.modules, backend, None)
    assert not choose._is_installed(backend)
    with pytest.raises(MissingExtraError, match=rf"realesrgan-arch\[{backend}\]"):
        build_backend(small_network("compact"), scale=4, device=CPU, backend=backend, precision="fp32")


@pytest.mark.parametrize("backend", ["torch", "openvino"])  # onnxruntime takes seconds; test_footprint.py builds it
def test_each_backend_can_be_asked_for_by_name(backend):
    pytest.importorskip({"torch": "torch"}.get(backend, backend))
    built, sentence = build_backend(small_network("compact"), scale=4, device=CPU, backend=backend, precision="fp32")
    assert built.name == backend
    assert built.dtype == torch.float32
    assert sentence == f"{backend} on cpu in fp32: as asked."
