"""Time whole training steps: ours against upstream's own model class, on the same batches, weights and losses.

    python scripts/benchmarks/train_step.py [--blocks 6] [--gt_size 128] [--batch 4] [--rounds 7] [--json FILE]

Each side lives in a process of its own, so that its peak memory is its own, and they take turns step by step, so that a
busy machine slows all alike. A step is `feed_data` and `optimize_parameters`: degradation with pair pool, generator,
VGG19 (random weights), discriminator, optimisers, average. Printed are medians; then, from steps that are timed part
by part, the share of each. Upstream is `RealESRGANModel` of the realesrgan package as it is, in fp32; `upstream tuned`
adds channels-last and bf16 autocast around it. Before the first step all sides get one equal pair: their losses agree.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from step_sides import (
    PARTS,
    Case,
    Side,
    Stopwatch,
    build_ours,
    build_upstream,
    draw_batch,
    wait_for_device,
    write_weights,
)

from realesrgan_arch.devices import choose_device, describe_device
from realesrgan_arch.training.peak_memory import peak_bytes

SIDES = {
    "upstream fp32": {},
    "upstream tuned": {"tuned": True},
    "ours fp32": {"precision": "fp32"},
    "ours auto": {"precision": "auto"},
    "ours bf16": {"precision": "bf16"},
    "ours bf16 compiled": {"precision": "bf16", "compiled": "default"},
}
_MEASURED_PARTS = 3


def main() -> None:
    """Measure and print."""
    arguments = _parse_arguments()
    device = choose_device(arguments.device)
    head = f"{describe_device(device)}; torch {torch.__version__}; load {os.getloadavg()[0]:.1f}"
    network = f"RRDBNet {arguments.feat}x{arguments.blocks}, D {arguments.feat_d}, GT {arguments.crop_size} -> "
    print(f"{head}\n{network}{arguments.gt_size}, batch {arguments.batch}, {arguments.rounds} rounds", flush=True)
    results = {}
    for trainable in arguments.trainable:
        with tempfile.TemporaryDirectory() as folder:
            write_weights(Path(folder), blocks=arguments.blocks, feat=arguments.feat, feat_d=arguments.feat_d)
            case = _case(arguments, trainable, device, folder)
            how = {"rounds": arguments.rounds, "threads": arguments.threads, "cpu_time": arguments.cpu_time}
            results[trainable] = _race(case, arguments.sides, **how)
        _report(trainable, results[trainable])
    if arguments.json:
        document = {"machine": head, "arguments": vars(arguments) | {"json": None}, "results": results}
        arguments.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _race(case: Case, names: list[str], *, rounds: int, threads: int, cpu_time: bool) -> dict[str, dict[str, Any]]:
    """Return per side the losses of the first pair, seconds of each step, shares and memory."""
    context = multiprocessing.get_context("spawn")
    pipes, children = {}, []
    for name in names:
        pipes[name], theirs = context.Pipe()
        children.append(context.Process(target=_serve, args=(theirs, case, name, threads, cpu_time), daemon=True))
        children[-1].start()
    results: dict[str, dict[str, Any]] = {name: _ask(pipes[name], "losses") for name in names}
    for name in names:
        results[name]["seconds"] = []
    for number in range(1, rounds + 3):
        for name in names:
            seconds = _ask(pipes[name], "step", number)
            if number > 2:  # the first steps warm up
                results[name]["seconds"].append(seconds)
    for name in names:
        results[name] |= {"parts": _ask(pipes[name], "parts"), "peak_mib": _ask(pipes[name], "memory")}
        pipes[name].send(("stop",))
    for child in children:
        child.join()
    return results


def _ask(pipe: Connection, *request: object) -> Any:
    pipe.send(request)
    return pipe.recv()


def _serve(pipe: Connection, case: Case, name: str, threads: int, cpu_time: bool) -> None:
    """Run one side; answers requests until told to stop."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    is_ours = name.startswith("ours")
    clock = time.process_time if cpu_time else time.perf_counter
    side = (build_ours if is_ours else build_upstream)(case, **SIDES[name])
    answers = {
        "losses": lambda: _first_losses(side, case) | side.extra,
        "step": lambda number: _seconds(side, case, number, ours=is_ours, clock=clock),
        "parts": lambda: _parts(side, case, ours=is_ours, clock=clock),
    }
    before = _held_mib(case.device)
    while (request := pipe.recv())[0] != "stop":
        answer = answers.get(request[0])
        pipe.send(answer(*request[1:]) if answer else _peak_mib(case.device) - before)


def _first_losses(side: Side, case: Case) -> dict[str, Any]:
    gt = draw_batch(case, 0, ours=True)["gt"][..., : case.gt_size, : case.gt_size]
    side.pair(gt[..., ::4, ::4].contiguous(), gt.contiguous())
    log = side.optimize(1)
    return {"losses": {name: float(value) for name, value in log.items() if name.startswith("l_")}}


def _seconds(side: Side, case: Case, number: int, *, ours: bool, clock: Callable[[], float]) -> float:
    batch = draw_batch(case, number, ours=ours)
    wait_for_device()
    start = clock()
    side.step(batch, number + 1)
    wait_for_device()
    return clock() - start


def _parts(side: Side, case: Case, *, ours: bool, clock: Callable[[], float]) -> dict[str, float]:
    watch = Stopwatch(clock)
    total = 0.0
    with side.watched(watch):
        for number in range(_MEASURED_PARTS):
            total += _seconds(side, case, 1000 + number, ours=ours, clock=clock)
    seconds = watch.seconds | {"rest": total - sum(watch.seconds.values())}
    return {part: value / _MEASURED_PARTS for part, value in seconds.items()}


def _held_mib(device: str) -> float:
    """Return what the process holds now, and forget its peak so far."""
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()
        return 0.0
    reset = Path("/proc/self/clear_refs")
    if reset.exists():
        reset.write_text("5")  # Linux: the peak starts anew at what is held now
    return _peak_mib(device)


def _peak_mib(device: str) -> float:
    return peak_bytes(torch.device(device)) / 2**20


def _report(trainable: str, results: dict[str, dict[str, Any]]) -> None:
    medians = {name: statistics.median(result["seconds"]) for name, result in results.items()}
    base = next(iter(medians))
    print(f"\ntrainable {trainable}")
    print(f"{'':<20}{'s/step':>8}{'steps/s':>9}{'ratio':>7}{'peak MiB':>10}  losses differ by")
    for name, result in results.items():
        gap = _largest_gap(results[base]["losses"], result["losses"])
        print(f"{name:<20}{medians[name]:8.3f}{1 / medians[name]:9.2f}{medians[base] / medians[name]:6.2f}x"
              f"{result['peak_mib']:10.0f}  {gap:.1e} {result.get('precision', '')}")  # fmt: skip
    print(f"{'ms (timed apart)':<20}" + "".join(f"{part:>11}" for part in (*PARTS, "rest")))
    for name, result in results.items():
        print(f"{name:<20}" + "".join(f"{result['parts'][part] * 1e3:11.1f}" for part in (*PARTS, "rest")), flush=True)


def _largest_gap(base: dict[str, float], other: dict[str, float]) -> float:
    return max(abs(other[name] - value) / max(abs(value), 1e-12) for name, value in base.items())


def _case(arguments: argparse.Namespace, trainable: str, device: torch.device, folder: str) -> Case:
    known = {name: value for name, value in vars(arguments).items() if name in Case.__annotations__}
    return Case(**known | {"trainable": trainable, "device": str(device), "weights": folder})


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trainable", nargs="+", default=["all", "conv_last"])
    parser.add_argument("--sides", nargs="+", default=["upstream fp32", "ours fp32", "ours bf16"], choices=SIDES)
    parser.add_argument("--no_gan", dest="gan", action="store_false", help="RealESRNet with the VGG loss")
    for name, value in {"blocks": 6, "feat": 64, "feat_d": 64, "gt_size": 128, "crop_size": 192, "batch": 4}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--rounds", type=int, default=7, help="measured steps of each side")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--cpu_time", action="store_true", help="count CPU seconds: for cores that others use, too")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path, help="write all numbers here")
    return parser.parse_args()


if __name__ == "__main__":
    main()
