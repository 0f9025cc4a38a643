"""`export.json`: what was exported, from what, with what, and how the files were checked."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from realesrgan_arch import __version__
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.upscaling.convert import ONNX_OPSET
from realesrgan_arch.upscaling.export.check import Check, sizes_for
from realesrgan_arch.upscaling.export.place import WRITTEN
from realesrgan_arch.upscaling.export.run_facts import RunFacts
from realesrgan_arch.upscaling.export.runtimes import has_spandrel
from realesrgan_arch.upscaling.export.source import Source, spandrel_obstacle

FORMAT = 1
_PACKAGES = ("torch", "spandrel", "safetensors", "onnx", "onnxscript", "onnxruntime", "openvino", "pnnx", "ncnn")


@dataclass(frozen=True)
class ExportedFile:
    """A file that was written and checked."""

    name: str
    format: str
    size: int
    """In bytes."""
    sha256: str

    @classmethod
    def of(cls, path: Path, form: str) -> "ExportedFile":
        """Return the facts of a file on the disk."""
        return cls(path.name, form, path.stat().st_size, hash_file(path))


@dataclass(frozen=True)
class Selection:
    """How a share was chosen among those of a sweep."""

    rule: str
    share: float
    """Of the tuned weights; 1 is these alone."""
    tried: tuple[float, ...]
    data: str
    """The set that chose, as a person knows it."""
    set_hash: str
    """Of a frozen set; else empty."""
    identity: str
    """SHA-256 of all that decides the pictures of the set."""
    base_sha256: str
    tuned_sha256: str
    sentence: str
    """What the rule found."""


@dataclass(frozen=True)
class Record:
    """All that is known of an export; model card and database entry are written from it and from nothing else."""

    name: str
    date: str
    """yyyy-mm-dd, UTC."""
    source: Source
    files: tuple[ExportedFile, ...]
    texts: tuple[str, ...]
    """Names of the model card, the database entry and this record."""
    checks: tuple[Check, ...]
    licence: str | None
    """What was said, or that of unchanged released weights; None: not known."""
    author: str | None
    run: RunFacts | None
    notes: tuple[str, ...]
    selection: Selection | None = None

    def facts(self) -> dict[str, object]:
        """Return plain values for JSON."""
        source = self.source
        blended = source.blended
        return {
            "format": FORMAT,
            "name": self.name,
            "date": self.date,
            "licence": self.licence,
            "author": self.author,
            "source": {
                "file": source.file.path.name,
                "sha256": source.file.sha256,
                "released_as": _released_name(source),
            },
            "blend": {"file": blended.file.path.name, "sha256": blended.file.sha256, "share": blended.share}
            if blended
            else None,
            "selection": asdict(self.selection) if self.selection else None,
            "network": {**asdict(source.spec), "scale": source.spec.scale},
            "settings": {
                "onnx_opset": ONNX_OPSET,
                "ncnn_weights": "fp16",
                "others": "fp32",
                "sizes": sizes_for(source.multiple),
            },
            "versions": installed_versions(),
            "files": [asdict(file) for file in self.files],
            WRITTEN: [*(file.name for file in self.files), *self.texts],
            "checks": [one.facts() for one in self.checks],
            "run": _run_facts(self.run),
            "notes": list(self.notes),
        }


def installed_versions() -> dict[str, str]:
    """Return the releases of this program and of the packages that write and read the formats."""
    found = {"realesrgan_arch": __version__}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def notes_on(source: Source, *, licence: str | None, run: RunFacts | None, formats: Sequence[str]) -> tuple[str, ...]:
    """Return what a user should know, one sentence each."""
    notes = list(run.notes) if run else []
    obstacle = spandrel_obstacle(source.spec)
    if obstacle and {"pth", "safetensors"} & set(formats):
        notes.append(
            f"ComfyUI and chaiNNer cannot load the .pth and .safetensors: {obstacle}; take the ONNX file there"
        )
    if not obstacle and not has_spandrel() and {"pth", "safetensors"} & set(formats):
        notes.append(
            "spandrel is not installed, so the .pth and .safetensors were not opened as ComfyUI and chaiNNer do it; "
            "pip install 'realesrgan-arch[export]' and export again to have that checked"
        )
    if source.spec.scale == 1 and "ncnn" in formats:
        notes.append(
            "upscayl knows x2, x3 and x4 only and takes a x1 model for x4: use the ncnn files in other programs"
        )
    if licence is None:
        notes.append(
            "the licence of these weights is not stated; say it with --license. That of Real-ESRGAN's released weights "
            "(BSD-3-Clause) applies to the base only"
        )
    return tuple(notes)


def _released_name(source: Source) -> str | None:
    file = source.file
    return file.known.name if file.known and file.status == "verified" else None


def _run_facts(run: RunFacts | None) -> Mapping[str, object] | None:
    if run is None:
        return None
    return {key: value for key, value in asdict(run).items() if key != "notes"}
