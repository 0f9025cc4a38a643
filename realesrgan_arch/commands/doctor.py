"""`realesrgan-arch doctor`: what is installed, what it will run on, what is wrong and how to mend it.

Exit code 0, or 2 where something blocks training.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.entry import say
from realesrgan_arch.environment.collect import collect_environment
from realesrgan_arch.environment.facts import Environment, Resources
from realesrgan_arch.errors import EXIT_BAD_INPUT, EXIT_OK


def main(argv: Sequence[str]) -> int:
    """Print the report for people, or with `--json` the same facts for programs."""
    parser = argparse.ArgumentParser(prog="realesrgan-arch doctor", description="Check this machine and installation.")
    parser.add_argument("--json", action="store_true", help="print the facts as one JSON object")
    arguments = parser.parse_args(argv)
    environment = collect_environment(Path.cwd())
    if arguments.json:
        say(json.dumps(asdict(environment) | {"can_train": environment.can_train}, indent=2))
    else:
        say("\n".join((*report_lines(environment), "", *bug_report_lines(environment))))
    return EXIT_OK if environment.can_train else EXIT_BAD_INPUT


def report_lines(environment: Environment) -> Iterator[str]:
    """Yield the report for people, section by section."""
    yield f"realesrgan_arch {environment.version} on Python {environment.python}, {environment.system}"
    yield from ("", "Packages")
    for package in environment.packages:
        yield f"  {package.name:<14} {package.version or '-':<12} {package.problem or 'ok'}"
    yield from ("", "Devices, and the precision that `precision: auto` means there")
    for device in environment.devices:
        yield f"  {device.description}"
        yield f"    training {device.training_precision}, upscaling {device.upscaling_precision}"
    if not environment.devices:
        yield "  unknown: torch cannot be imported"
    yield from ("", "Resources", *(f"  {line}" for line in resource_lines(environment.resources)))
    yield from ("", "Weights")
    for file in environment.weights:
        yield f"  {file.name:<31} {file.state:<10} {(file.sha256 or '')[:12]:<12} {file.path or ''}".rstrip()
    if environment.weight_folders:
        yield f"  looked for in {', '.join(environment.weight_folders)}; REALESRGAN_ARCH_WEIGHTS names others"
    if not environment.weights:
        yield "  unknown: torch cannot be imported"
    yield from ("", "Findings", *finding_lines(environment), "")
    yield "Training can run here." if environment.can_train else "Training cannot run here until the above is mended."


def resource_lines(resources: Resources) -> Iterator[str]:
    """Yield cores, memory, shared memory and disk."""
    yield f"cores     {resources.cores}"
    yield f"memory    {in_words(resources.memory)}, {in_words(resources.memory_free)} free"
    yield f"/dev/shm  {in_words(resources.shared_memory_free)} free"
    yield f"disk      {in_words(resources.disk_free)} free at {resources.disk_path}"


def in_words(size: int | None) -> str:
    """Return a number of bytes as text; `unknown` for None."""
    return "unknown" if size is None else say_bytes(size)


def finding_lines(environment: Environment) -> Iterator[str]:
    """Yield every finding with its remedy, those that block training first."""
    for finding in sorted(environment.findings, key=lambda finding: not finding.blocks_training):
        yield f"  {'BLOCKS TRAINING' if finding.blocks_training else 'note'}: {finding.text}"
        yield f"    to mend: {finding.mend}"
    if not environment.findings:
        yield "  none"


def bug_report_lines(environment: Environment) -> Iterator[str]:
    """Yield the block to paste: the same facts in few lines, with the home folder written as `~`."""
    yield "Paste this into a bug report:"
    yield "```"
    yield f"realesrgan_arch {environment.version}, Python {environment.python}, {environment.system}"
    yield ", ".join(f"{package.name} {package.version or 'absent'}" for package in environment.packages)
    for device in environment.devices:
        precisions = f"training {device.training_precision}, upscaling {device.upscaling_precision}"
        yield f"{device.description}; {precisions}"
    yield "; ".join(" ".join(line.split()) for line in resource_lines(environment.resources)).replace(
        str(Path.home()), "~"
    )
    for finding in environment.findings:
        kind = "blocks training" if finding.blocks_training else "note"
        yield f"{kind}: {finding.text}".replace(str(Path.home()), "~")
    yield "```"
