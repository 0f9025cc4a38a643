"""What computes: the fastest that was measured and is installed, and a sentence that says why."""

import sys
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from realesrgan_arch.devices import DeviceError
from realesrgan_arch.extras import MissingExtraError
from realesrgan_arch.upscaling.backends import choose, openvino_backend
from realesrgan_arch.upscaling.backends.choose import BackendError, build_backend
from realesrgan_arch.upscaling.backends.openvino_backend import OpenVINOError
from tests.upscaling.backends.networks import small_network

CPU = torch.device("cpu")


@pytest.fixture
def built(monkeypatch):
    """No backend is built, and every CPU has bf16."""
    monkeypatch.setattr(choose, "TorchBackend", _stand_in("torch"))
    monkeypatch.setattr(choose, "OpenVINOBackend", _stand_in("openvino"))
    monkeypatch.setattr(choose, "choose_dtype", lambda device, precision, training: _dtypes(precision))
    monkeypatch.setattr(choose, "describe_device", str)
    monkeypatch.setattr(choose, "_is_installed", lambda backend: True)


def _stand_in(name):
    return lambda network, **given: SimpleNamespace(network=network, **({"name": name} | given))


def _dtypes(precision):
    return {"auto": torch.bfloat16, "bf16": torch.bfloat16, "fp32": torch.float32, "fp16": torch.float16}[precision]


def _fastest(kind, dtypes):
    return min((row for row in choose._MEASURED[kind] if row.dtype in dtypes), key=lambda row: row.seconds)


@pytest.mark.parametrize("kind", ["RRDBNet x4", "compact", "SRResNet"])
@pytest.mark.parametrize(
    ("precision", "dtypes"),
    [("auto", {torch.bfloat16, torch.float32}), ("bf16", {torch.bfloat16}), ("fp32", {torch.float32})],
)
def test_auto_takes_the_fastest_measured_for_the_network_and_says_so(built, kind, precision, dtypes):
    network = small_network(kind)
    chosen = build_backend(network, scale=4, device=CPU, precision=precision)
    row = _fastest(type(network), dtypes)
    assert (chosen.backend.name, chosen.backend.dtype, chosen.backend.network) == (row.backend, row.dtype, network)
    assert chosen.in_words().startswith(f"{row.backend} on cpu in ")
    assert f"the fastest measured for {type(network).__name__}, " in chosen.reason


def test_a_ratio_is_said_only_where_it_is_clear(built):
    wide, narrow = (build_backend(small_network(kind), scale=4, device=CPU) for kind in ("SRResNet", "compact"))
    assert wide.reason == "the fastest measured for SRResNet, 1.3 times as fast as torch in bf16"
    assert narrow.reason == "the fastest measured for SRVGGNetCompact, slightly ahead of torch in bf16"


def test_without_the_fastest_auto_takes_the_next_and_says_what_to_install(built, monkeypatch):
    monkeypatch.setattr(choose, "_is_installed", lambda backend: backend == "torch")
    chosen = build_backend(small_network("SRResNet"), scale=4, device=CPU)
    assert chosen.in_words() == (
        "torch on cpu in bf16: bf16 on openvino, measured 1.3 times as fast as this for SRResNet, is not installed; "
        "run pip install 'realesrgan-arch[openvino]'."
    )


def test_when_openvino_does_not_work_auto_takes_the_next_and_says_why(built, monkeypatch):
    def refuse(*_, **__):
        raise OpenVINOError("OpenVINO finds no bf16 in this CPU; the precision fp32 works.")

    monkeypatch.setattr(choose, "OpenVINOBackend", refuse)
    network = small_network("RRDBNet x4")
    chosen = build_backend(network, scale=4, device=CPU)
    assert chosen.in_words() == (
        "torch on cpu in bf16: bf16 on openvino, measured slightly ahead of this for RRDBNet, cannot be had: "
        "OpenVINO finds no bf16 in this CPU; the precision fp32 works."
    )
    with pytest.raises(OpenVINOError, match="finds no bf16"):
        build_backend(network, scale=4, device=CPU, backend="openvino")


@pytest.mark.parametrize(
    "fault", [ImportError("libtbb.so.12: cannot open"), RuntimeError("core.cpp:1:\nno plugin\n\n")]
)
def test_a_broken_openvino_is_named_when_asked_for_and_passed_over_by_auto(monkeypatch, fault):
    def broken(*_, **__):
        raise fault

    monkeypatch.setattr(openvino_backend, "require_extra", broken)
    monkeypatch.setattr(choose, "_is_installed", lambda backend: True)
    network = small_network("compact")
    sentence = r"^openvino is installed but does not start \((libtbb.so.12: cannot open|no plugin)\): reinstall it\.$"
    with pytest.raises(OpenVINOError, match=sentence):
        build_backend(network, scale=4, device=CPU, backend="openvino", precision="fp32")
    chosen = build_backend(network, scale=4, device=CPU, precision="fp32")
    assert chosen.backend.name == "torch"
    assert "cannot be had: openvino is installed but does not start" in chosen.reason


def test_an_unknown_network_and_another_device_get_torch(built):
    unknown = build_backend(nn.Identity(), scale=1, device=CPU)
    assert unknown.in_words() == "torch on cpu in bf16: Identity was not measured with the others."
    other = build_backend(small_network("RRDBNet x4"), scale=4, device=torch.device("cuda:1"))
    assert other.name == "torch on cuda:1 in bf16"
    assert "the other backends compute on the CPU only" in other.reason


def test_compiling_reaches_torch_on_cuda_and_is_refused_elsewhere(built):
    network = small_network("compact")
    for backend in ("auto", "torch"):
        wish = {"scale": 4, "backend": backend, "compiled": True}
        assert build_backend(network, device=torch.device("cuda"), **wish).backend.compiled is True
        for device in (CPU, torch.device("mps")):
            with pytest.raises(
                BackendError, match=f"^--compile is for a CUDA device, .* this is {device}: leave it ou"
            ):
                build_backend(network, device=device, **wish)
    assert build_backend(network, scale=4, device=torch.device("cuda")).backend.compiled is False


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
    chosen = build_backend(small_network("compact"), scale=4, device=CPU, backend=backend, precision="fp32")
    assert chosen.backend.name == backend
    assert chosen.backend.dtype == torch.float32
    assert chosen.in_words() == f"{backend} on cpu in fp32: as asked."
