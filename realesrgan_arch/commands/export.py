"""`realesrgan-arch export model.pth --to pth safetensors onnx openvino ncnn`: weights for the tools of other people.

Each file is read again by the runtime that it is for and compared with the network before it gets its name.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.commands.arguments import name_part
from realesrgan_arch.commands.report import Fact, Report, deliver
from realesrgan_arch.evaluation.table import aligned
from realesrgan_arch.image_header import shown
from realesrgan_arch.upscaling.export.formats import FORMATS
from realesrgan_arch.upscaling.export.record import Record
from realesrgan_arch.upscaling.export.session import ExportOutcome, ExportRequest, export
from realesrgan_arch.upscaling.export.source import parse_blend

_DEFAULT = ("pth", "safetensors")


def main(argv: Sequence[str]) -> int:
    """Export, and say what was written and where it goes; 4 where a file cannot be read again or is another network."""
    arguments = _parser().parse_args(argv)
    request = ExportRequest(
        model=arguments.model,
        formats=tuple(arguments.to),
        output=arguments.output,
        name=arguments.name,
        blend=parse_blend(arguments.blend) if arguments.blend is not None else None,
        licence=arguments.license,
        author=arguments.author,
        overwrite=arguments.overwrite,
    )
    return deliver(_report(export(request)), as_json=arguments.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="realesrgan-arch export", description=__doc__)
    parser.add_argument("model", help="weights: a file, or a name that `weights list` shows")
    parser.add_argument(
        "--to", nargs="+", choices=list(FORMATS), default=_DEFAULT, help=f"formats (default: {' '.join(_DEFAULT)})"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="folder (default: NAME_export beside the model)"
    )
    parser.add_argument("--name", type=name_part, help="name of the files (default: that of the model, or of its run)")
    parser.add_argument(
        "--blend", metavar="OTHER:SHARE", help="mix in other weights of the same network: base.pth:0.3 is 30%% of them"
    )
    parser.add_argument(
        "--license", metavar="SPDX", help="licence of the weights, such as CC-BY-4.0 (default: not stated)"
    )
    parser.add_argument("--author", help="for the OpenModelDB entry")
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace an earlier export; those of its files that are not asked for again are removed",
    )
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    return parser


def _report(outcome: ExportOutcome) -> Report:
    record = outcome.record
    files = [outcome.folder / file.name for file in record.files]
    first = files[0]
    return Report(
        lines=tuple(_lines(outcome)),
        made=(*files, *outcome.others),
        next_step=f"realesrgan-arch upscale -n {shown(first)} -i PICTURES"
        if first.suffix in (".pth", ".safetensors")
        else "",
        facts={**_facts(record), "removed": [str(path) for path in outcome.removed]},
    )


def _lines(outcome: ExportOutcome) -> Iterator[str]:
    record = outcome.record
    yield from aligned([("file", "size", "runtime", "max difference", "of 255"), *_rows(record)])
    yield ""
    for name in dict.fromkeys(file.format for file in record.files):
        yield f"{name:<12} {FORMATS[name].where}"
    yield from (f"removed, as it was of the earlier export: {shown(path)}" for path in outcome.removed)
    yield from (f"note: {note}" for note in record.notes)


def _rows(record: Record) -> Iterator[tuple[str, ...]]:
    for name in dict.fromkeys(file.format for file in record.files):
        checks = [one for one in record.checks if one.format == name]
        cells = [(one.runtime, f"{one.max_abs:.2g}", f"{255 * one.max_abs:.2g}") for one in checks]
        files = [(shown(Path(file.name)), say_bytes(file.size)) for file in record.files if file.format == name]
        for index in range(max(len(files), len(cells))):
            left = files[index] if index < len(files) else ("", "")
            yield (*left, *(cells[index] if index < len(cells) else ("", "", "")))


def _facts(record: Record) -> dict[str, Fact]:
    checks: list[Fact] = [
        {"format": one.format, "runtime": one.runtime, "max_abs": one.max_abs, "mean_abs": one.mean_abs}
        for one in record.checks
    ]
    files: list[Fact] = [
        {"name": file.name, "format": file.format, "size": file.size, "sha256": file.sha256} for file in record.files
    ]
    return {"name": record.name, "files": files, "checks": checks, "notes": list(record.notes)}
