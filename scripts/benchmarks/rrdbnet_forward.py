"""RRDBNet x4 forward: upstream's network in fp32 against ours with `precision: auto`, and ours in fp32.

    python scripts/benchmarks/rrdbnet_forward.py [--side 128] [--blocks 23] [--runs 5] [--weights FILE] [--device cpu]

All sides run in turn on the same weights and picture; printed are medians, ratios and the PSNR to upstream's output.
Without `--weights` the weights are random, and PSNR then says little about photographs.
"""

import argparse
import copy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from interleaved import interleaved_seconds
from torch import Tensor, nn

from realesrgan_arch.basicsr_bridge import import_shims
from realesrgan_arch.devices import choose_device, choose_dtype, describe_device
from realesrgan_arch.networks.build import build_generator, lower_precision
from realesrgan_arch.networks.spec import RRDBNetSpec
from realesrgan_arch.weights.load import load_generator


def main() -> None:
    """Measure and print."""
    arguments = _parse_arguments()
    torch.manual_seed(0)
    device = choose_device(arguments.device)
    dtype = choose_dtype(device, "auto", training=False)
    ours, spec = _our_network(arguments)
    upstream = _upstream_network(spec, ours).eval().to(device)
    exact = lower_precision(copy.deepcopy(ours), torch.float32).to(device)
    fast = lower_precision(copy.deepcopy(ours), dtype).to(device)
    sides = {"upstream fp32": upstream, "ours fp32": exact, f"ours auto ({str(dtype).removeprefix('torch.')})": fast}
    image = _smooth_picture(arguments.side).to(device)
    print(f"{describe_device(device)}; torch {torch.__version__}; {spec.num_block} blocks, {tuple(image.shape)}")
    with torch.inference_mode():
        _report(sides, image, runs=arguments.runs)


def _report(sides: dict[str, nn.Module], image: Tensor, *, runs: int) -> None:
    outputs = {name: network(image).float() for name, network in sides.items()}  # warms up too
    seconds = interleaved_seconds({name: lambda n=network: n(image) for name, network in sides.items()}, runs=runs)
    (base, reference), *_ = outputs.items()
    megapixels = reference.shape[-1] * reference.shape[-2] / 1e6
    for name, output in outputs.items():
        error = (output.clamp(0, 1) - reference.clamp(0, 1)).square().mean()
        psnr = f"PSNR {-10 * torch.log10(error).item():.1f} dB" if error > 0 else "identical"
        ratio = seconds[base] / seconds[name]
        print(f"{name:<22} {seconds[name]:7.3f} s  {megapixels / seconds[name]:6.2f} MP/s  ratio {ratio:4.2f}  {psnr}")


def _our_network(arguments: argparse.Namespace) -> tuple[nn.Module, RRDBNetSpec]:
    if arguments.weights is None:
        spec = RRDBNetSpec(num_block=arguments.blocks)
        return build_generator(spec), spec
    network, spec = load_generator(arguments.weights)
    if not isinstance(spec, RRDBNetSpec):
        sys.exit(f"{arguments.weights} is a {spec.type}, expected an RRDBNet")
    return network, spec


def _upstream_network(spec: RRDBNetSpec, ours: nn.Module) -> nn.Module:
    import_shims()
    from basicsr.archs.rrdbnet_arch import RRDBNet

    network = RRDBNet(
        spec.num_in_ch,
        spec.num_out_ch,
        scale=spec.scale,
        num_feat=spec.num_feat,
        num_block=spec.num_block,
        num_grow_ch=spec.num_grow_ch,
    )
    network.load_state_dict(ours.state_dict(), strict=True)
    return network


def _smooth_picture(side: int) -> Tensor:
    coarse = torch.rand(1, 3, side // 8, side // 8)
    return nn.functional.interpolate(coarse, size=(side, side), mode="bicubic").clamp(0, 1)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=128, help="height and width of the input")
    parser.add_argument("--blocks", type=int, default=23, help="RRDBs of the randomly initialised network")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--weights", type=Path, help="an RRDBNet checkpoint")
    parser.add_argument("--device", default="auto")
    return parser.parse_args()


if __name__ == "__main__":
    main()
