"""Devices with the precision that will be used, memory and disk."""

import os
from pathlib import Path
from types import ModuleType
from typing import Any

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.cores import usable_cores
from realesrgan_arch.disk_room import existing_folder, free_bytes
from realesrgan_arch.environment.attempt import attempt, module_or_none
from realesrgan_arch.environment.facts import Device, Finding, Resources
from realesrgan_arch.host_memory import free_memory

NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")
MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")
SHARED_MEMORY = Path("/dev/shm")
GIB = 1024**3
SMALL_SHARED_MEMORY = GIB // 2
SMALL_DISK = 2 * GIB


def list_devices() -> tuple[Device, ...]:
    """Return the CPU and every accelerator that torch can use; nothing where torch cannot be imported."""
    torch = module_or_none("torch")
    devices = module_or_none("realesrgan_arch.devices")
    if torch is None or devices is None:
        return ()
    names = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        names.append("mps")
    return tuple(describe(torch, devices, name) for name in names)


def describe(torch: ModuleType, devices: ModuleType, name: str) -> Device:
    """Return one device; one that answers with an error (a driver that hangs on another process) tells the error."""
    device = torch.device(name)
    description, problem = attempt(lambda: devices.describe_device(device) + cuda_details(torch, device))
    training, _ = attempt(lambda: devices.choose_dtype(device, "auto", training=True))
    upscaling, _ = attempt(lambda: devices.choose_dtype(device, "auto", training=False))
    return Device(
        name=name,
        description=f"{name} cannot be used: {problem}" if problem else description,
        training_precision=precision_name(training),
        upscaling_precision=precision_name(upscaling),
    )


def cuda_details(torch: ModuleType, device: Any) -> str:
    """Return free memory and CUDA release of a CUDA device, nothing for others."""
    if device.type != "cuda":
        return ""
    free, _ = torch.cuda.mem_get_info(device)
    return f", {say_bytes(free)} free, CUDA {torch.version.cuda}"


def precision_name(dtype: object) -> str:
    """Return the word that the options use for a torch dtype."""
    names = {"torch.float32": "fp32", "torch.bfloat16": "bf16", "torch.float16": "fp16"}
    return names.get(str(dtype), "unknown")


def device_findings() -> list[Finding]:
    """An NVIDIA driver is there, but torch cannot use it: training would silently run on the CPU."""
    torch = module_or_none("torch")
    if torch is None or not NVIDIA_DRIVER.exists() or torch.cuda.is_available():
        return []
    cause = "was built for the CPU only" if torch.version.cuda is None else f"needs CUDA {torch.version.cuda}"
    return [
        Finding(
            text=f"an NVIDIA driver is installed, but torch {torch.__version__} {cause} and cannot use the GPU",
            mend="install the torch build that pytorch.org names for your driver, or update the driver",
            blocks_training=False,
        )
    ]


def describe_resources(folder: Path) -> Resources:
    """Return cores, memory, shared memory and the free space of the disk that holds `folder` (or will hold it)."""
    existing = existing_folder(folder.absolute())
    return Resources(
        cores=usable_cores(),
        memory=total_memory(),
        memory_free=free_memory(),
        shared_memory_free=free_bytes(SHARED_MEMORY) if SHARED_MEMORY.is_dir() else None,
        disk_free=free_bytes(existing),
        disk_path=str(existing),
    )


def total_memory() -> int | None:
    """Return the machine's memory, or the container's limit where that is smaller."""
    try:
        physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return None
    limit = MEMORY_LIMIT.read_text().strip() if MEMORY_LIMIT.is_file() else "max"
    return min(physical, int(limit)) if limit.isdigit() else physical


def resource_findings(resources: Resources) -> list[Finding]:
    """Little shared memory kills data workers; little disk kills checkpoints."""
    findings = []
    shared = resources.shared_memory_free
    if shared is not None and shared < SMALL_SHARED_MEMORY:
        findings.append(
            Finding(
                text=f"{SHARED_MEMORY} has {say_bytes(shared)} free; workers that load data need more",
                mend="set num_worker_per_gpu: 0 in the options, or start the container with --shm-size=2g",
                blocks_training=False,
            )
        )
    if resources.disk_free < SMALL_DISK:
        findings.append(
            Finding(
                text=f"the disk of {resources.disk_path} has {say_bytes(resources.disk_free)} free",
                mend="free some space: a checkpoint of RRDBNet with its optimiser takes up to 0.5 GiB",
                blocks_training=False,
            )
        )
    return findings
