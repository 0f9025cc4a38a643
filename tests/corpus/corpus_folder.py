"""The whole corpus on the disk, with good pictures among it, and the two faults that are no property of a file."""

import argparse
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

from realesrgan_arch.commands.data import VERBS
from realesrgan_arch.commands.report import Report
from realesrgan_arch.data import files
from tests.corpus import pictures
from tests.corpus.entries import Entry
from tests.corpus.powers import permissions_hold
from tests.corpus.table import ENTRIES

RESULTS = ("findings.csv", "keep.csv", "contact_sheet.html")
"""What an audit ends with."""
GOOD_NAMES = ("good-east/1.png", "good-north/1.png", "good-north/2.png", "good-south/1.jpg", "good-west/1.png")


@dataclass(frozen=True)
class Corpus:
    """`paths` has the files of each entry, by its id; `good` are pictures with nothing wrong."""

    root: Path
    paths: dict[str, list[Path]]
    good: list[Path]

    def relative(self, entry: Entry) -> list[str]:
        return [path.relative_to(self.root).as_posix() for path in self.paths[entry.id]]


def build_corpus(base: Path) -> Corpus:
    """Write every entry into a folder of its own below `base/photos`."""
    root = base / "photos"
    paths: dict[str, list[Path]] = {}
    for entry in ENTRIES:
        (root / entry.id).mkdir(parents=True)
        paths[entry.id] = list(entry.make(root / entry.id))
    good = []
    for number, name in enumerate(GOOD_NAMES):
        good.append(root / name)
        good[-1].parent.mkdir(exist_ok=True)
        kind = "JPEG" if name.endswith("jpg") else "PNG"
        good[-1].write_bytes(pictures.encoded(pictures.facade(number), kind))
    return Corpus(root, paths, good)


@contextmanager
def faults(corpus: Corpus) -> Iterator[None]:
    """In this block the entries with a fault have it: no permission to read, gone after the folder was listed."""
    with ExitStack() as stack:
        for entry in ENTRIES:
            for path in corpus.paths[entry.id]:
                if entry.fault == "denied":
                    stack.enter_context(denied(path))
                elif entry.fault == "vanishing":
                    stack.enter_context(_vanishing(path))
        yield


@contextmanager
def denied(path: Path) -> Iterator[None]:
    """In this block a file may not be read and a folder not be written."""
    before = path.stat().st_mode
    path.chmod(0o555 if path.is_dir() else 0)
    try:
        with permissions_hold():
            yield
    finally:
        path.chmod(before)


@contextmanager
def _vanishing(path: Path) -> Iterator[None]:
    data, walk = path.read_bytes(), os.walk

    def walk_then_delete(*args, **kwargs):
        yield from walk(*args, **kwargs)
        path.unlink(missing_ok=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files.os, "walk", walk_then_delete)
        yield
    path.write_bytes(data)


def run_quietly(verb: str, *argv: str) -> Report:
    """What `realesrgan-arch data VERB ARGV` would tell."""
    module = import_module(VERBS[verb][0])
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return module.make(parser.parse_args(argv))


def comparable(path: Path) -> bytes:
    """A file of an audit; the sheet names its own keep-list, whose folder is put in one word."""
    return path.read_bytes().replace(os.fsencode(path.parent) + b"/keep.csv", b"OUT/keep.csv")
