"""One residual dense block in inference: the form of the package against others that give the same numbers.

    python scripts/benchmarks/dense_block.py [--sides 96 160] [--runs 9] [--threads 1] [--clock cpu] [--precision bf16]

- gather: each convolution reads the concatenation of all before it (networks/rrdbnet.py), channels last or not;
- scatter: each source is convolved once to all later targets, with partial sums in float32 or in the block's precision;
- buffer: the sources lie in one buffer, so that nothing is concatenated; a copy-free slice for batch 1 without channels
  last, and a slice that the convolution copies with it;
- one cat: the list of the sources is concatenated for each convolution;
- fused: oneDNN's convolution with the activation in it, weights as they are or reordered beforehand.

The forms take turns. On a shared machine use the defaults, CPU seconds of one thread. Results: docs/upscaling_speed.md.
"""

import argparse
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
import torch.nn.functional as F
from interleaved import CLOCKS, interleaved_seconds
from torch import Tensor, nn

from realesrgan_arch.devices import PRECISIONS, describe_cpu
from realesrgan_arch.networks.build import lower_precision
from realesrgan_arch.networks.layers import LEAKY_SLOPE
from realesrgan_arch.networks.rrdbnet import RESIDUAL_SCALE, ResidualDenseBlock

FEAT, GROW = 64, 32
FLOP_PER_PIXEL = 2 * 9 * (sum((FEAT + i * GROW) * GROW for i in range(4)) + (FEAT + 4 * GROW) * FEAT)
Form = Callable[[Tensor], Tensor]


def main() -> None:
    """Measure and print."""
    arguments = _parse_arguments()
    torch.set_num_threads(arguments.threads)
    print(f"{describe_cpu()}; torch {torch.__version__}; load {os.getloadavg()[0]:.1f}; {arguments.clock} seconds")
    for precision in arguments.precision:
        for side in arguments.sides:
            _report(PRECISIONS[precision], side, arguments)


@torch.inference_mode()
def _report(dtype: torch.dtype, side: int, arguments: argparse.Namespace) -> None:
    torch.manual_seed(0)
    x = torch.rand(1, FEAT, side, side)
    forms = build_forms(dtype)
    calls = {
        name: functools.partial(form, x.contiguous(memory_format=layout)) for name, (form, layout) in forms.items()
    }
    outputs = {name: call() for name, call in calls.items()}
    seconds = interleaved_seconds(calls, runs=arguments.runs, clock=arguments.clock)
    base, reference = next(iter(outputs.items()))
    for name, time in seconds.items():
        error = float((outputs[name] - reference).abs().max())
        rate = FLOP_PER_PIXEL * side * side / time / 1e9
        ratio = seconds[base] / time
        head = f"{str(dtype).removeprefix('torch.')} {side:4} {name:26}"
        print(f"{head} {time * 1e3:7.1f} ms  {rate:5.0f} GFLOP/s  {ratio:4.2f}x  max {error:.1e}")


def build_forms(dtype: torch.dtype) -> dict[str, tuple[Form, torch.memory_format]]:
    """Return each form of one and the same block, and the memory format that it expects."""
    last, first = torch.channels_last, torch.contiguous_format
    torch.manual_seed(0)
    block = lower_precision(ResidualDenseBlock(num_feat=FEAT, num_grow_ch=GROW), dtype)
    rows = ResidualDenseBlock(num_feat=FEAT, num_grow_ch=GROW).to(dtype)
    rows.load_state_dict({name: value.contiguous() for name, value in block.state_dict().items()})
    names = ("conv1", "conv2", "conv3", "conv4", "conv5")
    convs = [block.get_submodule(name) for name in names]
    return {
        "gather": (block, last),
        "gather, rows": (rows, first),
        "scatter, sums in float32": (_scatter(convs, torch.float32), last),
        "scatter": (_scatter(convs, dtype), last),
        "buffer": (_buffer(convs, last), last),
        "buffer, rows": (_buffer([rows.get_submodule(name) for name in names], first), first),
        "one cat": (_one_cat(convs), last),
        "fused": (_fused(convs, [conv.weight for conv in convs]), last),
        "fused, reordered": (_fused(convs, [_reordered(conv) for conv in convs]), last),
    }


def _scatter(convs: list[nn.Conv2d], sums: torch.dtype) -> Form:
    starts = [0, *range(FEAT, FEAT + 4 * GROW + 1, GROW)]
    sources = [slice(*pair) for pair in zip(starts, starts[1:], strict=False)]
    weights = [torch.cat([conv.weight[:, source] for conv in convs[i:]]) for i, source in enumerate(sources)]
    weights = [weight.contiguous(memory_format=torch.channels_last) for weight in weights]
    bias, dtype = torch.cat([conv.bias for conv in convs]), convs[0].weight.dtype

    def run(x: Tensor) -> Tensor:
        waiting = F.conv2d(x.to(dtype), weights[0], bias, padding=1).to(sums)
        for weight in weights[1:]:
            grown = F.leaky_relu(waiting[:, :GROW], LEAKY_SLOPE).to(dtype)
            waiting = waiting[:, GROW:] + F.conv2d(grown, weight, padding=1)
        return torch.add(x, waiting, alpha=RESIDUAL_SCALE)

    return run


def _buffer(convs: list[nn.Conv2d], layout: torch.memory_format) -> Form:
    def run(x: Tensor) -> Tensor:
        batch, _, height, width = x.shape
        shape = (batch, FEAT + 4 * GROW, height, width)
        features = torch.empty(shape, dtype=convs[0].weight.dtype, memory_format=layout)
        features[:, :FEAT] = x
        for i, conv in enumerate(convs[:4]):
            known = FEAT + i * GROW
            torch._C._nn.leaky_relu(conv(features[:, :known]), LEAKY_SLOPE, out=features[:, known : known + GROW])
        return torch.add(x, convs[4](features), alpha=RESIDUAL_SCALE)

    return run


def _one_cat(convs: list[nn.Conv2d]) -> Form:
    def run(x: Tensor) -> Tensor:
        sources = [x.to(convs[0].weight.dtype)]
        for conv in convs[:4]:
            sources.append(F.leaky_relu(conv(torch.cat(sources, 1)), LEAKY_SLOPE, inplace=True))
        return torch.add(x, convs[4](torch.cat(sources, 1)), alpha=RESIDUAL_SCALE)

    return run


def _fused(convs: list[nn.Conv2d], weights: list[Tensor]) -> Form:
    def convolve(x: Tensor, i: int, *activation: object) -> Tensor:
        return torch.ops.mkldnn._convolution_pointwise(
            x, weights[i], convs[i].bias, [1, 1], [1, 1], [1, 1], 1, *activation
        )

    def run(x: Tensor) -> Tensor:
        features = x.to(convs[0].weight.dtype)
        for i in range(4):
            features = torch.cat((features, convolve(features, i, "leaky_relu", [LEAKY_SLOPE], "")), 1)
        return torch.add(x, convolve(features, 4, "none", [], ""), alpha=RESIDUAL_SCALE)

    return run


def _reordered(conv: nn.Conv2d) -> Tensor:
    shape = [1, conv.in_channels, 128, 128]
    return torch.ops.mkldnn._reorder_convolution_weight(conv.weight, [1, 1], [1, 1], [1, 1], 1, shape)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", type=int, nargs="+", default=[96, 160], help="heights and widths of the input")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=tuple(CLOCKS), default="cpu")
    parser.add_argument("--precision", choices=("fp32", "bf16"), nargs="+", default=["bf16", "fp32"])
    return parser.parse_args()


if __name__ == "__main__":
    main()
