"""Upscaling x4 end to end, from files to files, and the network alone: ours, upstream's and other runtimes.

    python scripts/benchmarks/upscale.py --pictures FOLDER [--network rrdb|compact] [--weights FILE] [--blocks 23]
        [--side 192] [--count 3] [--runs 5] [--threads 2] [--clock wall|cpu] [--only "ours torch" upstream ...]
    python scripts/benchmarks/upscale.py --quick
    python scripts/benchmarks/upscale.py --memory --network compact --only "ours torch" upstream

Upstream is `RealESRGANer` of the realesrgan package with its script's defaults and `cv2.imwrite`; spandrel, ncnn, ONNX
Runtime and OpenVINO get each picture whole in one plain call. All have the same weights (random without `--weights`)
and the same pictures: PNGs of `--side` pixels from the middle of photographs, smooth noise without `--pictures`.
"Files" is decoding to encoding; ours there is `inference.main`, which loads the weights each time, the others have
loaded them before. The sides take turns; printed are medians. `--clock cpu --threads 1` is for a busy machine.

MP are output megapixels. "of ceiling" is the share of what a matrix product reaches here in the precision that counts:
of `--precision` for "ours", float32 else. `--memory` prints the peak of a process of its own for one large picture.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import cv2
import numpy as np
import torch
from interleaved import CLOCKS, interleaved_seconds, matmul_flops
from torch import Tensor, nn
from upscale_sides import SCALE, SIDES, Case, Side, build_side, missing_package

from realesrgan_arch.data.files import list_images
from realesrgan_arch.devices import choose_dtype, describe_device
from realesrgan_arch.images import read_picture
from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import CompactSpec, RRDBNetSpec
from realesrgan_arch.training.peak_memory import peak_rss_bytes
from realesrgan_arch.weights.load import load_generator

_QUICK = {"blocks": 1, "side": 32, "count": 1, "runs": 1, "threads": 1, "megapixels": 0.1}
_BYTES = 2**20


def main() -> None:
    """Measure and print."""
    arguments = _parse_arguments()
    if arguments.peak_of:
        _run_once(json.loads(arguments.peak_of))
        return
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as place:
        case = _write_case(Path(place), arguments)
        names = [name for name in arguments.only if _is_possible(name)]
        print(_head(case, arguments), flush=True)
        (_report_memory if arguments.memory else _report_speed)(names, case, Path(place), arguments)


def _report_speed(names: list[str], case: Case, place: Path, arguments: argparse.Namespace) -> None:
    pictures = _write_pictures(place / "in", arguments)
    sides = _build_sides(names, case)
    image = torch.from_numpy(pictures[0]).permute(2, 0, 1)[None].float() / 255
    networks = {name: lambda side=side: side.network(image).float().cpu() for name, side in sides.items()}
    with torch.inference_mode():
        outputs = {name: network() for name, network in networks.items()}
        alone = interleaved_seconds(networks, runs=arguments.runs, clock=arguments.clock)
    flop = flop_per_pixel(load_generator(case.weights)[0])
    ceilings = _ceilings(case, arguments)
    print(f"\nnetwork alone, {image.shape[-1]} x {image.shape[-2]}, {flop / 1e6:.3f} MFLOP per input pixel")
    for name, seconds in alone.items():
        rate = flop * image.shape[-1] * image.shape[-2] / seconds
        share = rate / ceilings[_precision_of(name, case)]
        line = _line(name, seconds, image[0, 0].numel() * SCALE**2, base=next(iter(alone.values())))
        accuracy = _agreement(outputs[name], next(iter(outputs.values())))
        print(f"{line}  {rate / 1e12:6.3f} TFLOP/s  {share:4.0%} of ceiling  {accuracy}")
    _report_files(sides, sum(picture[..., 0].size for picture in pictures) * SCALE**2, place, arguments)


def _report_files(sides: dict[str, Side], pixels: int, place: Path, arguments: argparse.Namespace) -> None:
    calls = {
        name: lambda name=name, side=side: side.folder(place / "in", place / f"out {name}")
        for name, side in sides.items()
    }
    for call in calls.values():
        call()
    seconds = interleaved_seconds(calls, runs=arguments.runs, clock=arguments.clock)
    print(f"\nfiles to files, {pixels / 1e6:.2f} MP in all")
    for name, time in seconds.items():
        print(_line(name, time, pixels, base=next(iter(seconds.values()))))


def _report_memory(names: list[str], case: Case, place: Path, arguments: argparse.Namespace) -> None:
    width = math.ceil(math.sqrt(arguments.megapixels * 1e6 * 4 / 3) / SCALE)
    height = math.ceil(arguments.megapixels * 1e6 / SCALE**2 / width)
    _write_png(place / "large" / "picture.png", _smooth_pixels(height, width, seed=0))
    _build_sides(names, case)  # writes what plain runtimes read, so that converting does not count
    print(f"\npeak of a process for {width * SCALE} x {height * SCALE} pixels, {arguments.megapixels:g} MP")
    base = None
    for name in names:
        peak = _peak_of(name, case, place, arguments)
        base = base or peak
        print(f"{name:<18} {peak / _BYTES:8.0f} MiB" + (f"  {peak / base:5.2f} of the first" if peak else "  failed"))


def _peak_of(name: str, case: Case, place: Path, arguments: argparse.Namespace) -> int:
    """Return the peak of a process that magnifies the large picture; 0 where it died, of lack of memory perhaps."""
    plain = asdict(case) | {"weights": str(case.weights)}
    task = json.dumps({"name": name, "case": plain, "source": str(place / "large"), "target": str(place / "large out")})
    command = [sys.executable, __file__, "--peak_of", task]
    done = subprocess.run(command, capture_output=True, text=True, timeout=arguments.timeout, check=False)
    return int(done.stdout.split()[-1]) if done.returncode == 0 else 0


def _run_once(task: dict) -> None:
    case = Case(**(task["case"] | {"weights": Path(task["case"]["weights"])}))
    torch.set_num_threads(case.threads)
    build_side(task["name"], case).folder(Path(task["source"]), Path(task["target"]))
    print(peak_rss_bytes())


def flop_per_pixel(network: nn.Module) -> float:
    """Return the floating-point operations of all convolutions per input pixel; two for each multiply-add."""
    side, counts = 16, []

    def count(layer: nn.Conv2d, _: object, output: Tensor) -> None:
        counts.append(2 * layer.weight.numel() * output.shape[-1] * output.shape[-2])

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(count)
    with torch.inference_mode():
        network(torch.rand(1, 3, side, side))
    return sum(counts) / side**2


def _build_sides(names: list[str], case: Case) -> dict[str, Side]:
    """A side that cannot be built is named, and the others are measured."""
    sides: dict[str, Side] = {}
    for name in names:
        try:
            sides[name] = build_side(name, case)
        except (RuntimeError, ValueError) as error:
            print(f"{name}: left out, {error}", file=sys.stderr)
    return sides


def _is_possible(name: str) -> bool:
    package = missing_package(name)
    if package:
        print(f"{name}: left out, {package} is not installed", file=sys.stderr)
    return package is None


def _ceilings(case: Case, arguments: argparse.Namespace) -> dict[torch.dtype, float]:
    device = torch.device(case.device)
    dtypes = {torch.float32, choose_dtype(device, case.precision, training=False)}
    ceilings = {dtype: matmul_flops(dtype, device=device, clock=arguments.clock) for dtype in dtypes}
    print("ceilings", ", ".join(f"{str(dtype)[6:]} {flops / 1e12:.3f} TFLOP/s" for dtype, flops in ceilings.items()))
    return ceilings


def _precision_of(name: str, case: Case) -> torch.dtype:
    precise = not name.startswith("ours") or name.endswith("fp32")
    return torch.float32 if precise else choose_dtype(torch.device(case.device), case.precision, training=False)


def _line(name: str, seconds: float, pixels: int, *, base: float) -> str:
    return f"{name:<18} {seconds:8.3f} s  {pixels / 1e6 / seconds:7.3f} MP/s  {base / seconds:5.2f}x"


def _agreement(output: Tensor, reference: Tensor) -> str:
    error = float((output.clamp(0, 1) - reference.clamp(0, 1)).square().mean())
    return f"PSNR {-10 * math.log10(error):.1f} dB" if error > 0 else "identical"


def _head(case: Case, arguments: argparse.Namespace) -> str:
    spec = load_generator(case.weights)[1]
    machine = f"{describe_device(torch.device(case.device))}; torch {torch.__version__}; load {os.getloadavg()[0]:.1f}"
    return f"{machine}\n{spec}\n{arguments.runs} runs, {arguments.clock} seconds, {case.threads} threads"


def _write_case(place: Path, arguments: argparse.Namespace) -> Case:
    weights = place / "network.pth"
    if arguments.weights:
        network = load_generator(arguments.weights)[0]
    else:
        torch.manual_seed(0)
        spec = RRDBNetSpec(num_block=arguments.blocks) if arguments.network == "rrdb" else CompactSpec(num_conv=32)
        network = build_generator(spec)
    torch.save({"params": network.state_dict()}, weights)
    return Case(weights, arguments.threads, arguments.device, arguments.precision, arguments.tile)


def _write_pictures(folder: Path, arguments: argparse.Namespace) -> list[np.ndarray]:
    """Write what all sides read, and return it as RGB uint8 (H, W, 3)."""
    if arguments.pictures:
        paths = list_images(arguments.pictures)[:: max(1, len(list_images(arguments.pictures)) // arguments.count)]
        pictures = [_middle(read_picture(path).rgb, arguments.side) for path in paths[: arguments.count]]
    else:
        pictures = [_smooth_pixels(arguments.side, arguments.side, seed=i) for i in range(arguments.count)]
    for i, picture in enumerate(pictures):
        _write_png(folder / f"{i}.png", picture)
    return pictures


def _middle(pixels: np.ndarray, side: int) -> np.ndarray:
    """The square of `side` pixels in the middle; 0: the whole picture."""
    height, width = pixels.shape[:2]
    top, left = max(0, height - side) // 2, max(0, width - side) // 2
    return np.ascontiguousarray(pixels[top : top + side, left : left + side] if side else pixels)


def _smooth_pixels(height: int, width: int, *, seed: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 8 + 2, width // 8 + 2, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def _write_png(path: Path, rgb: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add: Callable[..., object] = parser.add_argument
    add("--network", choices=("rrdb", "compact"), default="rrdb")
    add("--weights", type=Path, help="a checkpoint of RRDBNet or the compact network that magnifies by 4")
    add("--blocks", type=int, default=23, help="RRDBs of the randomly initialised network")
    add("--pictures", type=Path, help="folder of photographs")
    add("--side", type=int, default=192, help="height and width cut from each picture; 0: whole")
    add("--count", type=int, default=3, help="pictures")
    add("--runs", type=int, default=5)
    add("--threads", type=int, default=torch.get_num_threads())
    add("--clock", choices=tuple(CLOCKS), default="wall")
    add("--device", default="cpu")
    add("--precision", default="auto", help="of our sides")
    add("--tile", type=int, help="of our sides")
    add(
        "--only",
        nargs="+",
        choices=tuple(SIDES),
        default=list(SIDES),
        help="sides; the first is the base of the ratios",
    )
    add("--memory", action="store_true", help="peak memory instead of speed")
    add("--megapixels", type=float, default=50.0, help="of the result, for --memory")
    add("--timeout", type=float, default=1800.0, help="seconds for each side of --memory")
    add("--quick", action="store_true", help="a minute's check that everything works; no figures worth keeping")
    add("--peak_of", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    return argparse.Namespace(**(vars(arguments) | (_QUICK if arguments.quick else {})))


if __name__ == "__main__":
    main()
