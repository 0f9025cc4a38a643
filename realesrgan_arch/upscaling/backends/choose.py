"""Which runtime computes a network: chosen from measurements taken once, never by timing at run time."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
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
from realesrgan_arch.upscaling.backends.openvino_backend import OpenVINOBackend, OpenVINOError
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


# AMD EPYC (avx512_bf16, no AMX), 2 cores and threads, torch 2.13, OpenVINO 2026.4, with reuse_large_blocks; best of 5
# in turns: realesr-general-x4v3 at 256 px, SRResNet at 160 px; best of 3 on a busy machine: RRDBNet of 23 blocks at
# 128 px. ONNX Runtime, slower than torch in fp32 for each (0.643, 0.490, 1.751), has no row: it is for those who ask
# for it. Other CPUs were not measured, AMX among them.
_MEASURED: dict[type[nn.Module], tuple[_Measured, ...]] = {
    RRDBNet: (
        _Measured("torch", torch.float32, 1.665),
        _Measured("torch", torch.bfloat16, 0.858),
        _Measured("openvino", torch.float32, 1.583),
        _Measured("openvino", torch.bfloat16, 0.782),
    ),
    SRVGGNetCompact: (
        _Measured("torch", torch.float32, 0.436),
        _Measured("torch", torch.bfloat16, 0.206),
        _Measured("openvino", torch.float32, 0.395),
        _Measured("openvino", torch.bfloat16, 0.192),
    ),
    SRResNet: (
        _Measured("torch", torch.float32, 0.358),
        _Measured("torch", torch.bfloat16, 0.254),
        _Measured("openvino", torch.float32, 0.351),
        _Measured("openvino", torch.bfloat16, 0.194),
    ),
}
_CLEAR_RATIO = 1.2
"""Below, another machine or picture may well turn the order."""


@dataclass(frozen=True)
class ChosenBackend:
    """What computes, and why.

    `name`: the backend with its device and precision, such as `torch on cuda:1 in fp16`.
    """

    backend: Backend
    name: str
    reason: str

    def in_words(self) -> str:
        """Return one sentence that says which it is, and why."""
        return f"{self.name}: {self.reason}."


def build_backend(
    network: nn.Module,
    *,
    scale: int,
    device: torch.device,
    backend: str = "auto",
    precision: str = "auto",
    compiled: bool = False,
) -> ChosenBackend:
    """Return the backend for `network`, and why it is this one.

    Args:
        network: stays as it is; the backend computes with a copy.
        scale: magnification of the network.
        device: where to compute; all but `torch` compute on a CPU.
        backend: one of `BACKENDS`; `auto` takes the fastest for this network and precision that is
            installed and works.
        precision: `auto`, `fp32`, `bf16` or `fp16`.
        compiled: let `torch.compile` fuse the network; for torch on a GPU only.

    Raises:
        BackendError: an unknown backend, or one that cannot compute on `device` or in `precision`, or be compiled.
        DeviceError: a precision that `device` cannot compute in.
        OpenVINOError: openvino was asked for by name, and does not start or finds no bf16 in this CPU.
        MissingExtraError: the backend asked for by name is not installed.
    """
    if backend not in BACKENDS:
        raise BackendError(f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}.")
    if device.type != "cpu" and backend not in ("auto", "torch"):
        raise BackendError(f"the backend {backend} computes on the CPU only, not on {device}: use auto, or device cpu.")
    if compiled and device.type != "cuda":
        raise BackendError(f"--compile is for a CUDA device, where it may pay; this is {device}: leave it out.")
    build = partial(_build, network, scale=scale, device=device, compiled=compiled)
    if backend != "auto":
        return build(_Candidate(backend, _dtype_for(backend, device, precision), "as asked"))
    try:
        return build(_choose(network, device, precision, broken={}))
    except OpenVINOError as error:
        return build(_choose(network, device, precision, broken={"openvino": str(error).removesuffix(".")}))


@dataclass(frozen=True)
class _Candidate:
    backend: str
    dtype: torch.dtype
    reason: str


def _build(
    network: nn.Module, candidate: _Candidate, *, scale: int, device: torch.device, compiled: bool
) -> ChosenBackend:
    kind, dtype = candidate.backend, candidate.dtype
    if kind == "openvino":
        backend = OpenVINOBackend(network, scale=scale, dtype=dtype)
    elif kind == "onnxruntime":
        backend = ONNXRuntimeBackend(network, scale=scale)
    else:
        backend = TorchBackend(network, scale=scale, device=device, dtype=dtype, compiled=compiled)
    return ChosenBackend(backend, f"{kind} on {device} in {_SHORT[dtype]}", candidate.reason)


def _dtype_for(backend: str, device: torch.device, precision: str) -> torch.dtype:
    """The precision of a backend that was asked for by name."""
    dtype = choose_dtype(device, precision, training=False)
    if backend != "onnxruntime":
        return dtype
    if precision not in ("auto", "fp32"):
        raise BackendError(f"the backend onnxruntime computes in fp32 on a CPU, not in {precision}: use auto.")
    return torch.float32


def _choose(network: nn.Module, device: torch.device, precision: str, *, broken: Mapping[str, str]) -> _Candidate:
    """What `auto` takes; `broken` says of backends that are installed why they cannot compute."""
    wanted = choose_dtype(device, precision, training=False)
    if device.type != "cpu":
        why = f"the other backends compute on the CPU only, and this is {describe_device(device)}"
        return _Candidate("torch", wanted, why)
    kind = type(network).__name__
    admissible = {wanted} if precision != "auto" else {wanted, torch.float32}
    rows = [row for row in _MEASURED.get(type(network), ()) if row.dtype in admissible]
    if not rows:
        return _Candidate("torch", wanted, f"{kind} was not measured with the others")
    ranked = sorted(rows, key=lambda row: row.seconds)
    usable = [row for row in ranked if row.backend not in broken and _is_installed(row.backend)]
    fastest, chosen = ranked[0], usable[0]  # torch is always there
    if chosen == fastest:
        other = next((row for row in ranked if row.backend != chosen.backend), chosen)
        why = f"the fastest measured for {kind}, {_lead(fastest, other)} {other.backend} in {_SHORT[other.dtype]}"
    else:
        why = f"{_SHORT[fastest.dtype]} on {fastest.backend}, measured {_lead(fastest, chosen)} this for {kind}, "
        why += _what_is_missing(fastest.backend, broken)
    return _Candidate(chosen.backend, chosen.dtype, why)


def _lead(fastest: _Measured, other: _Measured) -> str:
    ratio = other.seconds / fastest.seconds
    return f"{ratio:.1f} times as fast as" if ratio >= _CLEAR_RATIO else "slightly ahead of"


def _what_is_missing(backend: str, broken: Mapping[str, str]) -> str:
    if backend in broken:
        return f"cannot be had: {broken[backend]}"
    return f"is not installed; run pip install 'realesrgan-arch[{backend}]'"


def _is_installed(backend: str) -> bool:
    return all(find_spec(package) is not None for package in _PACKAGES[backend])
