"""Device and precision are chosen from what the hardware says, and impossible wishes are refused."""

import pytest
import torch

from realesrgan_arch import devices
from realesrgan_arch.devices import DeviceError, choose_device, choose_dtype, has_fast_bf16

CPU = torch.device("cpu")


@pytest.fixture
def wide_vectors(monkeypatch):
    """A CPU on which torch uses AVX-512, whatever runs the test."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"):
        monkeypatch.delenv(name, raising=False)


def test_auto_takes_the_cpu_where_there_is_nothing_else(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device() == CPU
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(DeviceError, match="cuda is not available: torch sees 0 CUDA devices"):
        choose_device("cuda")
    with pytest.raises(DeviceError, match="mps is not available"):
        choose_device("mps")


def test_auto_prefers_cuda_and_a_missing_second_card_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert choose_device("auto") == torch.device("cuda")
    assert choose_device("cuda:0") == torch.device("cuda:0")
    with pytest.raises(DeviceError, match="cuda:1 is not available: torch sees 1"):
        choose_device("cuda:1")


@pytest.mark.parametrize("name", ["gpu", "cpux", "", "xpu"])
def test_an_unknown_device_name_is_refused(name):
    with pytest.raises(DeviceError, match="auto, cpu, cuda, cuda:N or mps"):
        choose_device(name)


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ({"avx512f", "avx512_bf16"}, True),
        ({"avx512f", "amx_bf16"}, True),
        ({"avx512f", "avx512_vnni"}, False),
        ({"avx2"}, False),
        (set(), False),
    ],
)
def test_only_cpus_that_multiply_bf16_use_it(wide_vectors, monkeypatch, features, expected):
    assert has_fast_bf16(frozenset(features)) is expected
    monkeypatch.setattr(devices, "cpu_features", lambda: frozenset(features))
    chosen = choose_dtype(CPU, training=False)
    assert chosen == (torch.bfloat16 if expected else torch.float32)
    assert choose_dtype(CPU, training=True) == chosen


def test_a_limit_on_instruction_sets_switches_bf16_off(wide_vectors, monkeypatch):
    features = frozenset({"avx512_bf16"})
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert not has_fast_bf16(features)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "ALL")
    assert has_fast_bf16(features)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    assert not has_fast_bf16(features)


@pytest.mark.parametrize(
    ("name", "capability", "inference", "training"),
    [
        ("NVIDIA H200", (9, 0), torch.float16, torch.bfloat16),
        ("NVIDIA GeForce RTX 2080", (7, 5), torch.float16, torch.float32),
        ("NVIDIA GeForce GTX 1660 Ti", (7, 5), torch.float32, torch.float32),
        ("NVIDIA GeForce GTX 1080", (6, 1), torch.float32, torch.float32),
    ],
)
def test_cuda_precision_follows_the_card(monkeypatch, name, capability, inference, training):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: name)
    cuda = torch.device("cuda")
    assert choose_dtype(cuda, training=False) == inference
    assert choose_dtype(cuda, training=True) == training


def test_a_wish_is_obeyed_or_refused():
    assert choose_dtype(CPU, "bf16", training=True) == torch.bfloat16
    assert choose_dtype(CPU, "fp32", training=False) == torch.float32
    with pytest.raises(DeviceError, match="fp16 does not work on a CPU"):
        choose_dtype(CPU, "fp16", training=False)
    assert choose_dtype(torch.device("cuda"), "fp16", training=True) == torch.float16
    with pytest.raises(DeviceError, match="auto, fp32, bf16, fp16, got 'half'"):
        choose_dtype(CPU, "half", training=False)


def test_the_description_names_threads_and_the_features_that_decide(monkeypatch):
    monkeypatch.setattr(devices, "cpu_features", lambda: frozenset({"avx2", "amx_bf16", "sse2"}))
    text = devices.describe_device(CPU)
    assert f"{torch.get_num_threads()} threads" in text
    assert text.endswith("avx2 amx_bf16")
