"""The memory that a backend says a pixel takes is about what the process takes, measured in a process of its own."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from realesrgan_arch.upscaling.backends.footprint import Footprint, measure_footprint, multiple_of
from tests.upscaling.backends.networks import small_network

SCRIPT = """
import sys, torch
from pathlib import Path
from realesrgan_arch.upscaling.backends.choose import build_backend
from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import CompactSpec, RRDBNetSpec

def status(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))

torch.set_num_threads(1)
spec, side = (RRDBNetSpec(num_block=1), 160) if sys.argv[1] == "RRDBNet" else (CompactSpec(num_conv=2), 400)
backend, _ = build_backend(
    build_generator(spec), scale=4, device=torch.device("cpu"), backend=sys.argv[2], precision=sys.argv[3]
)
backend.run(torch.rand(1, 3, 16, 16))
batch = torch.rand(1, 3, side, side)
Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
before = status("VmRSS")
backend.run(batch)
print((status("VmHWM") - before) / side**2, backend.bytes_per_pixel())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak is read from /proc")
@pytest.mark.slow
@pytest.mark.parametrize("network", ["RRDBNet", "compact"])
@pytest.mark.parametrize(
    ("backend", "precision"),
    [("torch", "fp32"), ("torch", "bf16"), ("openvino", "fp32"), ("openvino", "bf16"), ("onnxruntime", "fp32")],
)
def test_the_prediction_is_near_the_measured_peak(network, backend, precision):
    pytest.importorskip(backend)
    if precision == "bf16" and not torch.backends.mkldnn.is_available():
        pytest.skip("no bf16 here")
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, network, backend, precision]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    measured, predicted = map(float, done.stdout.split())
    assert 0.8 * measured <= predicted <= 3 * measured


def test_the_widest_layer_and_the_picture_are_counted_for_each_input_pixel():
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 12, 1), nn.PixelShuffle(2))
    footprint = measure_footprint(network)
    assert footprint == Footprint(widest=24, output=12)
    assert footprint.bytes_per_pixel(itemsize=2, layers=1.5, outputs=2) == 1.5 * 24 * 2 + 2 * 12 * 4
    assert not any(layer._forward_hooks for layer in network)


@pytest.mark.parametrize(("kind", "multiple"), [("RRDBNet x4", 1), ("RRDBNet x2", 2), ("compact", 1), ("SRResNet", 1)])
def test_sides_must_be_multiples_where_pixels_are_folded_into_channels(kind, multiple):
    assert multiple_of(small_network(kind)) == multiple
