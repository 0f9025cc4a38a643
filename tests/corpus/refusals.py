"""What a command is asked that leaves a folder or would read its own results: row 32 of the catalogue."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from realesrgan_arch.data.files import read_meta_info, read_paired_meta_info
from realesrgan_arch.data.manifest import COLUMNS, read_manifest
from realesrgan_arch.sources.table import Folder
from realesrgan_arch.sources.unpack import unpack
from realesrgan_arch.upscaling.sources import find_sources
from tests.corpus import pictures
from tests.corpus.corpus_folder import run_quietly
from tests.corpus.entries import one

Prepare = Callable[[Path], Callable[[], object]]


@dataclass(frozen=True)
class Refusal:
    """`prepare(folder)` writes what is needed and returns a call that raises a `UserError` whose text has `words`."""

    id: str
    who: str
    what: str
    prepare: Prepare
    words: str

    @property
    def row(self) -> int:
        return int(self.id[:2])


def _listed(name: str) -> Prepare:
    def prepare(folder: Path) -> Callable[[], object]:
        one("secret.png", lambda: pictures.png(32))(folder)
        (folder / "list.txt").write_text(f"{name.format(folder=folder)}\n")
        return lambda: read_meta_info(folder / "list.txt", folder / "photos")

    return prepare


def _paired(folder: Path) -> Callable[[], object]:
    (folder / "list.txt").write_text("a.png, ../secret.png\n")
    return lambda: read_paired_meta_info(folder / "list.txt", gt_root=folder / "photos", lq_root=folder / "lq")


def _in_manifest(name: str) -> Prepare:
    def prepare(folder: Path) -> Callable[[], object]:
        values = {"path": name.format(folder=folder), "scene": "s", "split": "train", "width": "1", "height": "1"}
        row = {**values, "bytes": "1", "sha256": "0" * 64}
        columns = [column for column in COLUMNS if column in row]
        text = ",".join(columns) + "\n" + ",".join(row[column] for column in columns) + "\n"
        (folder / "train.csv").write_text(text)
        return lambda: read_manifest(folder / "train.csv")

    return prepare


def _into(*parts: str) -> Prepare:
    def prepare(folder: Path) -> Callable[[], object]:
        one("a.png", lambda: pictures.png(32))(folder / "photos")
        return lambda: find_sources(folder / "photos", folder.joinpath("photos", *parts))

    return prepare


def _audited_into(*parts: str) -> Prepare:
    def prepare(folder: Path) -> Callable[[], object]:
        one("a.png", lambda: pictures.png(32))(folder / "photos")
        return lambda: run_quietly("audit", str(folder / "photos"), "--out", str(folder.joinpath("photos", *parts)))

    return prepare


def _tiles_into(*parts: str) -> Prepare:
    def prepare(folder: Path) -> Callable[[], object]:
        for number in range(3):
            one("a.png", lambda number=number: pictures.png(320 + number))(folder / "photos" / f"scene {number}")
        run_quietly("split", str(folder / "photos"), "--out", str(folder / "split"))
        return lambda: run_quietly("tiles", str(folder / "split"), "--out", str(folder.joinpath("photos", *parts)))

    return prepare


def _unpacked(name: str) -> Prepare:
    def prepare(folder: Path) -> Callable[[], object]:
        with zipfile.ZipFile(folder / "a.zip", "w") as file:
            file.writestr("photos/a.png", pictures.png(32))
            file.writestr(name, pictures.png(33))
        places = [Folder("photos", "photos", 1)]
        return lambda: unpack(folder / "a.zip", places, folder / "set" / "here", tell=print)

    return prepare


REFUSALS: tuple[Refusal, ...] = (
    Refusal(
        "32-list-leaves-the-folder",
        "training",
        "A list file that names `../secret.png`.",
        _listed("../secret.png"),
        "lies outside of",
    ),
    Refusal(
        "32-list-leaves-in-the-middle",
        "training",
        "A list file that names `a/../../secret.png`.",
        _listed("a/../../secret.png"),
        "lies outside of",
    ),
    Refusal(
        "32-list-has-an-absolute-name",
        "training",
        "A list file that names a picture by its absolute path.",
        _listed("{folder}/secret.png"),
        "lies outside of",
    ),
    Refusal(
        "32-paired-list-leaves-the-folder",
        "training",
        "A list of pairs whose second name is `../secret.png`.",
        _paired,
        "lies outside of",
    ),
    Refusal(
        "32-manifest-leaves-the-folder",
        "training",
        "A manifest that names `../secret.png`.",
        _in_manifest("../secret.png"),
        "must be a path below the data root",
    ),
    Refusal(
        "32-manifest-has-an-absolute-name",
        "training",
        "A manifest that names a picture by its absolute path.",
        _in_manifest("{folder}/secret.png"),
        "must be a path below the data root",
    ),
    Refusal(
        "32-output-is-the-input",
        "upscaling",
        "The output folder is the input folder.",
        _into(),
        "is the input folder",
    ),
    Refusal(
        "32-output-is-the-input-by-another-name",
        "upscaling",
        "The output folder is the input folder, written differently (`photos/../photos`).",
        _into("..", "photos"),
        "is the input folder",
    ),
    Refusal(
        "32-audit-into-the-folder",
        "audit",
        "The audit is to be written into the folder that it looks at.",
        _audited_into(),
        "lies inside of",
    ),
    Refusal(
        "32-audit-into-a-sub-folder",
        "audit",
        "The audit is to be written into a sub-folder of the folder that it looks at.",
        _audited_into("audit"),
        "lies inside of",
    ),
    Refusal(
        "32-tiles-into-a-sub-folder",
        "tiles",
        "The tiles are to be written into a sub-folder of the photographs.",
        _tiles_into("tiles"),
        "lies inside of",
    ),
    Refusal(
        "32-zip-climbs-out",
        "get",
        "A ZIP archive with a member `../evil.png`; nothing of it is unpacked.",
        _unpacked("../evil.png"),
        "evil.png",
    ),
    Refusal(
        "32-zip-climbs-out-in-the-middle",
        "get",
        "A ZIP archive with a member `photos/../../evil.png`.",
        _unpacked("photos/../../evil.png"),
        "evil.png",
    ),
    Refusal(
        "32-zip-has-an-absolute-name",
        "get",
        "A ZIP archive with a member `/etc/evil.png`.",
        _unpacked("/etc/evil.png"),
        "evil.png",
    ),
    Refusal(
        "32-split-of-nothing",
        "split",
        "A folder that does not exist.",
        lambda folder: lambda: run_quietly("split", str(folder / "photos")),
        "does not exist",
    ),
)
