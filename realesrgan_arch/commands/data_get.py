"""Fetch a known data set: Kaggle's modern architecture, DIV2K, Set5, Set14 or CelebA. A second run does nothing."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.commands.report import Fact, Report
from realesrgan_arch.commands.shell import data_command
from realesrgan_arch.data.files import DataError
from realesrgan_arch.entry import warn
from realesrgan_arch.image_header import shown
from realesrgan_arch.plural import count_of
from realesrgan_arch.sources.get import GotSource, get_source
from realesrgan_arch.sources.table import SOURCES, Source, find_source


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `make` reads."""
    parser.add_argument("name", nargs="?", help=f"one of {', '.join(SOURCES)}")
    parser.add_argument("--out", type=Path, default=Path("datasets"), metavar="DIR", help="(default: datasets)")
    parser.add_argument("--parts", nargs="+", default=[], metavar="PART", help="some parts only, such as validation")
    parser.add_argument("--keep-archives", action="store_true", help="keep what was downloaded after unpacking it")
    parser.add_argument("--list", action="store_true", help="show the data sets, their parts, sizes and licences")


def make(arguments: argparse.Namespace) -> Report:
    """Fetch what is missing and say what is there.

    Raises:
        DataError: an unknown set or part, an archive or folder that cannot be used.
        DownloadError: anything that a network, a server or a disk can do.
        MissingExtraError: a set of Kaggle without kagglehub.
    """
    if arguments.list:
        return _listing()
    if arguments.name is None:
        raise DataError(f"Expected the name of a data set ({', '.join(SOURCES)}), got none; --list says more of them.")
    got = get_source(
        find_source(arguments.name),
        arguments.out,
        parts=tuple(arguments.parts),
        keep_archives=arguments.keep_archives,
        tell=warn,
    )
    return _report(got)


def _report(got: GotSource) -> Report:
    counts = {part: sum(amount.num_files for amount in amounts) for part, amounts in got.parts.items()}
    num_bytes = sum(amount.num_bytes for amounts in got.parts.values() for amount in amounts)
    parts = ", ".join(f"{part} {count:,}" for part, count in counts.items())
    state = "fetched" if got.new_parts else "nothing to do: all of it is here"
    facts: Mapping[str, Fact] = {
        "source": got.source.name,
        "folder": shown(got.folder),
        "files": dict(counts),
        "bytes": num_bytes,
        "fetched": list(got.new_parts),
        "licence": got.source.licence,
        "licence_url": got.source.licence_url,
    }
    return Report(
        lines=(
            f"{got.source.name}: {state}",
            f"{count_of(sum(counts.values()), 'file')}, {say_bytes(num_bytes)} in {shown(got.folder)} ({parts})",
            f"licence: {got.source.licence} ({got.source.licence_url})",
            f"cite: {got.source.citation}",
        ),
        made=(got.folder,) if got.new_parts else (),
        next_step=data_command("audit", got.folder),
        facts=facts,
    )


def _listing() -> Report:
    lines = [line for source in SOURCES.values() for line in _lines_of(source)]
    facts: list[Fact] = [
        {
            "name": source.name,
            "title": source.title,
            "page": source.page,
            "parts": list(source.parts),
            "bytes": source.num_bytes,
            "licence": source.licence,
            "licence_url": source.licence_url,
        }
        for source in SOURCES.values()
    ]
    return Report(lines=tuple(lines), next_step="realesrgan-arch data get NAME", facts={"sources": facts})


def _lines_of(source: Source) -> list[str]:
    size = say_bytes(source.num_bytes) if source.num_bytes else "size not published"
    parts = f"parts: {', '.join(source.parts)}; " if len(source.parts) > 1 else ""
    return [
        f"{source.name:<20} {source.title}",
        f"{'':<20} {parts}{size}; from {source.page}",
        f"{'':<20} licence: {source.licence}",
    ]
