"""`train.compile`: torch.compile behind one option."""

from collections.abc import Sequence

from torch import nn

from realesrgan_arch.options.train import CompileMode


def compile_networks(networks: Sequence[nn.Module], *, mode: CompileMode) -> None:
    """Compile the forward of each of `networks` in place, when it is first called.

    Modules, parameter names and checkpoints stay what they are: unlike `torch.compile(network)` this wraps nothing.
    Modes with CUDA graphs (`reduce-overhead`, `max-autotune`) are not offered: a graph writes its outputs to the same
    memory at each replay, while a step keeps results over several forwards (pytorch/pytorch issue 169545). A machine
    without a C++ compiler cannot compile for its CPU; torch then says so at the first step.
    """
    if mode == "none":
        return
    for network in networks:
        network.compile(mode=mode)
