"""Where to compute and in which precision: decided from what the hardware says of itself, never by timing."""

import os
import platform
from pathlib import Path

import torch

from realesrgan_arch import host_memory
from realesrgan_arch.errors import UserError

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

_FIRST_FP16_CAPABILITY = (7, 0)
"""Volta: tensor cores; before it half precision is slower than single (except on one data-centre chip)."""
_FIRST_BF16_CAPABILITY = (8, 0)
"""Ampere."""
_ISA_LIMITS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")


class DeviceError(UserError):
    """A device that is not there, or a precision that it cannot compute in."""


def choose_device(name: str = "auto") -> torch.device:
    """Return the device called `name`: `auto` (CUDA, else MPS, else CPU), `cpu`, `cuda`, `cuda:1` or `mps`.

    Raises `DeviceError` for a device that this machine, or this build of torch, does not have.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda", "mps"):
        raise DeviceError(f"device must be auto, cpu, cuda, cuda:N or mps, got {name!r}.")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("device mps is not available here: use auto or cpu.")
    count = torch.cuda.device_count()
    if device.type == "cuda" and (device.index or 0) >= count:
        raise DeviceError(f"device {name} is not available: torch sees {count} CUDA devices; use auto or cpu.")
    return device


def choose_dtype(device: torch.device, precision: str = "auto", *, training: bool) -> torch.dtype:
    """Return the dtype of the convolutions; `auto` takes the fastest one that is safe on `device`.

    Inference: fp16 on CUDA with tensor cores (not GTX 16xx, which gives black pictures), bf16 on CPUs that multiply it.
    Training: bf16 on CUDA from Ampere on and on CPUs that multiply it, else fp32. It keeps the gradient's direction
    (cosine 0.99 and more) as long as the network is further from its target than bf16 rounds, half a level of 255; see
    docs/training_speed.md. fp16 training, for CUDA cards without bf16, has to be asked for; it needs a gradient scaler.
    Raises `DeviceError` for what cannot work.
    """
    if precision == "auto":
        return _auto_dtype(device, training=training)
    if precision not in PRECISIONS:
        raise DeviceError(f"precision must be auto, {', '.join(PRECISIONS)}, got {precision!r}.")
    if precision == "fp16" and device.type == "cpu":
        raise DeviceError("precision fp16 does not work on a CPU (tens of times slower than fp32): use auto.")
    return PRECISIONS[precision]


def describe_device(device: torch.device) -> str:
    """Return the device in words, for logs and bug reports."""
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return (
            f"{device} {properties.name}, compute capability {properties.major}.{properties.minor}, "
            f"{properties.total_memory / 2**30:.0f} GiB"
        )
    return describe_cpu() if device.type == "cpu" else str(device)


def free_memory(device: torch.device) -> int:
    """Return the bytes that `device` could hand out now, to this process too.

    Raises `DeviceError` where the system does not say.
    """
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + unused
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    free = host_memory.free_memory()
    if free is None:
        raise DeviceError("this system does not say how much memory is free: name a budget, such as 8GB.")
    return free


def describe_cpu() -> str:
    """Return the CPU's name, threads and the instruction sets that decide the precision."""
    features = [name for name in ("avx2", "avx512_bf16", "amx_bf16") if name in cpu_features()]
    threads = torch.get_num_threads()
    return f"cpu {_cpu_name()}, {threads} threads, {' '.join(features) or 'no wide vectors'}"


def cpu_features() -> frozenset[str]:
    """Return the CPU's instruction sets under Linux's names (`avx512_bf16`, `amx_bf16`); empty where unknown."""
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()  # newer than the oldest torch supported
    named = {name for name, present in capabilities.items() if present is True}
    return frozenset(named or _linux_cpu_fields().get("flags", "").split())


def has_fast_bf16(features: frozenset[str]) -> bool:
    """Say whether oneDNN's bfloat16 convolutions beat float32 on a CPU with these features.

    Only CPUs that multiply bfloat16 gain: measured 1.8-2x per convolution with AVX512-BF16 (AMD EPYC);
    oneDNN emulates it on others. An instruction-set limit in the environment switches the fast kernels off.
    """
    limited = any(os.environ.get(name, "ALL").upper() not in ("ALL", "DEFAULT") for name in _ISA_LIMITS)
    usable = torch.backends.mkldnn.is_available() and torch.backends.cpu.get_cpu_capability() == "AVX512"
    return usable and not limited and bool(features & {"avx512_bf16", "amx_bf16"})


def _auto_dtype(device: torch.device, *, training: bool) -> torch.dtype:
    if device.type == "cuda":
        return _auto_cuda_dtype(
            torch.cuda.get_device_capability(device), name=torch.cuda.get_device_name(device), training=training
        )
    if device.type == "cpu" and has_fast_bf16(cpu_features()):
        return torch.bfloat16
    return torch.float32


def _auto_cuda_dtype(capability: tuple[int, int], *, name: str, training: bool) -> torch.dtype:
    if training:
        return torch.bfloat16 if capability >= _FIRST_BF16_CAPABILITY else torch.float32
    is_gtx_16 = "GTX 16" in name  # no tensor cores; fp16 convolutions overflow to black (xinntao/Real-ESRGAN issue 330)
    return torch.float16 if capability >= _FIRST_FP16_CAPABILITY and not is_gtx_16 else torch.float32


def _cpu_name() -> str:
    return _linux_cpu_fields().get("model name") or platform.processor() or platform.machine()


def _linux_cpu_fields() -> dict[str, str]:
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split("\n\n", 1)[0]
    except OSError:
        return {}
    lines = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in lines}
