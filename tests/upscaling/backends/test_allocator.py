"""That large tensors of the CPU are used again, seen from outside: by the page faults of a process."""

import platform
import subprocess
import sys

import pytest

from realesrgan_arch.upscaling.backends.allocator import reuse_large_blocks

FAULTS = """
import resource, threading
import torch
from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import RRDBNetSpec
from realesrgan_arch.upscaling.backends.allocator import reuse_large_blocks
from realesrgan_arch.upscaling.backends.torch_backend import TorchBackend

reuse_large_blocks()
backend = TorchBackend(build_generator(RRDBNetSpec(num_block=1)), scale=4, device=torch.device("cpu"))

def work():
    for _ in range(4):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        backend.run(torch.rand(1, 3, 96, 96))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told so")
def test_a_batch_on_the_cpu_gets_the_memory_of_the_one_before_it_in_a_worker_thread_too():
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    first, *_, last = (int(line) for line in done.stdout.split())
    assert last < first / 20


def test_other_systems_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert reuse_large_blocks.__wrapped__() is False
