"""Which runtime computes a network: chosen from measurements taken once, never by timing at run time."""

from dataclasses import dataclass
from importlib.util import find_spec

import torch
from torch import nn

from realesrgan_arch.devices import PRECISIONS, choose_dtype, describe_device
from realesrgan_arch.errors import UserError
from realesrgan_arch.networks.compact import SRVGGNetCompact
from realesrgan_arch.networks.rrdbnet import RRDBNet
from realesrgan_arch.networks.srresnet import SRResNet
from realesrgan_arch.upscaling.backends.interface import Backend
from realesrgan_arch.upscaling.backends.onnxruntime_backend import ONNXRuntimeBackend
from realesrgan_arch.upscaling.backends.openvino_backend import OpenVINOBackend
from realesrgan_arch.upscaling.backends.torch_backend import TorchBackend

BACKENDS = ("auto", "torch", "openvino", "onnxruntime")
_PACKAGES = {
    "torch": ("torch",),
    "openvino": ("openvino",),
    "onnxruntime": ("onnxruntime", "onnx", "onnxscript"),
}
_SHORT = {dtype: name for name, dtype in PRECISIONS.items()}


class BackendError(UserError):
    """A backend that cannot compute as asked."""


@dataclass(frozen=True)
class _Measured:
    """Seconds for one picture on the CPU that the module names."""

    backend: str
    dtype: torch.dtype
    seconds: float


# AMD EPYC (avx512_bf16), 2 cores, 21 November 2026, OpenVINO 2026.4: a first look on a noisy machine. RRDBNet of 6
# blocks at 192 px and realesr-general-x4v3 at 384 px, before OpenVINO kept residual sums in f32; SRResNet at 96 px,
# seconds of one core. ONNX Runtime has no row: it is for those who ask for it.
_MEASURED: dict[type[nn.Module], tuple[_Measured, ...]] = {
    RRDBNet: (
        _Measured("torch", torch.float32, 4.3),
        _Measured("torch", torch.bfloat16, 2.7),
        _Measured("openvino", torch.float32, 2.4),
        _Measured("openvino", torch.bfloat16, 1.26),
    ),
    SRVGGNetCompact: (
        _Measured("torch", torch.float32, 3.35),
        _Measured("torch", torch.bfloat16, 0.66),
        _Measured("openvino", torch.float32, 2.1),
        _Measured("openvino", torch.bfloat16, 1.03),
    ),
    SRResNet: (
        _Measured("torch", torch.float32, 0.30),
        _Measured("torch", torch.bfloat16, 0.22),
        _Measured("openvino", torch.float32, 0.24),
        _Measured("openvino", torch.bfloat16, 0.13),
    ),
}


def build_backend(
    network: nn.Module,
    *,
    scale: int,
    device: torch.device,
    backend: str = "auto",
    precision: str = "auto",
    compiled: bool = False,
) -> tuple[Backend, str]:
    """Return the backend for `network` and one sentence that says which it is, and why.

    Args:
        network: stays as it is; the backend computes with a copy.
        scale: magnification of the network.
        device: where to compute; all but `torch` compute on a CPU.
        backend: one of `BACKENDS`; `auto` takes the fastest installed one for this network and precision.
        precision: `auto`, `fp32`, `bf16` or `fp16`.
        compiled: let `torch.compile` fuse the network; for torch on a GPU only.

    Raises:
        BackendError: an unknown backend, or one that cannot compute on `device` or in `precision`, or be compiled.
        DeviceError: a precision that `device` cannot compute in.
        OpenVINOError: bf16 on a CPU in which OpenVINO finds none.
        MissingExtraError: the backend asked for by name is not installed.
    """
    if backend not in BACKENDS:
        raise BackendError(f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}.")
    if device.type != "cpu" and backend not in ("auto", "torch"):
        raise BackendError(f"the backend {backend} computes on the CPU only, not on {device}: use auto, or device cpu.")
    if compiled and device.type != "cuda":
        raise BackendError(f"--compile is for a CUDA device, where it may pay; this is {device}: leave it out.")
    if backend == "auto":
        name, dtype, reason = _choose(network, device, precision)
    else:
        name, dtype, reason = backend, _dtype_for(backend, device, precision), "as asked"
    return _build(network, name=name, scale=scale, device=device, dtype=dtype, compiled=compiled), (
        f"{name} on {device} in {_SHORT[dtype]}: {reason}."
    )


def _build(
    network: nn.Module, *, name: str, scale: int, device: torch.device, dtype: torch.dtype, compiled: bool
) -> Backend:
    if name == "openvino":
        return OpenVINOBackend(network, scale=scale, dtype=dtype)
    if name == "onnxruntime":
        return ONNXRuntimeBackend(network, scale=scale)
    return TorchBackend(network, scale=scale, device=device, dtype=dtype, compiled=compiled)


def _dtype_for(backend: str, device: torch.device, precision: str) -> torch.dtype:
    """The precision of a backend that was asked for by name."""
    dtype = choose_dtype(device, precision, training=False)
    if backend != "onnxruntime":
        return dtype
    if precision not in ("auto", "fp32"):
        raise BackendError(f"the backend onnxruntime computes in fp32 on a CPU, not in {precision}: use auto.")
    return torch.float32


def _choose(network: nn.Module, device: torch.device, precision: str) -> tuple[str, torch.dtype, str]:
    """The backend's name, its precision, and why."""
    wanted = choose_dtype(device, precision, training=False)
    if device.type != "cpu":
        return "torch", wanted, f"the other backends compute on the CPU only, and this is {describe_device(device)}"
    kind = type(network).__name__
    admissible = {wanted} if precision != "auto" else {wanted, torch.float32}
    rows = [row for row in _MEASURED.get(type(network), ()) if row.dtype in admissible]
    if not rows:
        return "torch", wanted, f"{kind} was not measured with the others"
    ranked = sorted(rows, key=lambda row: row.seconds)
    fastest, chosen = ranked[0], next(row for row in ranked if _is_installed(row.backend))
    if chosen != fastest:
        return chosen.backend, chosen.dtype, _advice(fastest, chosen, kind)
    other = next((row for row in ranked if row.backend != chosen.backend), chosen)
    ratio = other.seconds / chosen.seconds
    return (
        chosen.backend,
        chosen.dtype,
        (f"the fastest measured for {kind}, {ratio:.1f} times as fast as {other.backend} in {_SHORT[other.dtype]}"),
    )


def _advice(fastest: _Measured, chosen: _Measured, kind: str) -> str:
    ratio = chosen.seconds / fastest.seconds
    return (
        f"{fastest.backend} in {_SHORT[fastest.dtype]}, measured {ratio:.1f} times as fast for {kind}, is not "
        f"installed; run pip install 'realesrgan-arch[{fastest.backend}]'"
    )


def _is_installed(backend: str) -> bool:
    return all(find_spec(package) is not None for package in _PACKAGES[backend])
