"""A whole export: weights in; checked files, `export.json`, a model card and a database entry out."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tqdm import tqdm

from realesrgan_arch import atomic
from realesrgan_arch.upscaling.export import model_card, openmodeldb
from realesrgan_arch.upscaling.export.check import Check, check, make_examples
from realesrgan_arch.upscaling.export.formats import FORMATS, Format, check_packages, ncnn_stem, runtimes_for
from realesrgan_arch.upscaling.export.ncnn_files import scale_upscayl_reads
from realesrgan_arch.upscaling.export.place import RECORD, check_free, publish, staging
from realesrgan_arch.upscaling.export.record import ExportedFile, Record, Selection, notes_on
from realesrgan_arch.upscaling.export.run_facts import RunFacts, find_run
from realesrgan_arch.upscaling.export.source import Blend, ExportError, Source, load_source
from realesrgan_arch.weights.table import find_known

CARD = "README.md"
_UPSCAYLS_SCALES = (2, 3, 4)


@dataclass(frozen=True)
class ExportRequest:
    """What to export, and to what; see `realesrgan-arch export --help`."""

    model: str
    formats: tuple[str, ...]
    """Names of `FORMATS`."""
    output: Path | None = None
    """None: a folder beside the model."""
    name: str | None = None
    """None: that of the model, or of its run."""
    blend: Blend | None = None
    licence: str | None = None
    """An SPDX identifier."""
    author: str | None = None
    overwrite: bool = False
    selection: Selection | None = None
    """Of a sweep that chose what is exported; the record and the model card tell it."""


@dataclass(frozen=True)
class ExportOutcome:
    """What was written."""

    folder: Path
    record: Record
    others: tuple[Path, ...]
    """The model card, the database entry and `export.json`."""
    removed: tuple[Path, ...]
    """Files of the earlier export that were not asked for again."""


def export(request: ExportRequest) -> ExportOutcome:
    """Do `request`: all files are written into a hidden folder, read again and compared, and only then named.

    Raises:
        UserError: weights, names, packages or folders that cannot be used, before anything is written.
        NotTheSameError: a file that is not what was to be written; then none is left.
    """
    chosen = tuple(FORMATS[name] for name in dict.fromkeys(request.formats))
    check_packages(chosen)
    source = load_source(request.model, blend=request.blend)
    run = _find_run(source)
    name = request.name or _default_name(request, source, run)
    _check_name(name, source, chosen)
    folder = request.output or _default_folder(source, name)
    targets = _targets(name, source, chosen)
    check_free(folder, targets, sources=source.paths, overwrite=request.overwrite)
    licence = request.licence or source.known_licence
    with staging(folder) as hidden:
        files, checks = _write_and_check(chosen, source, name, hidden, licence)
        notes = notes_on(source, licence=licence, run=run, formats=request.formats)
        date = datetime.now(UTC).date().isoformat()
        texts = tuple(targets[len(files) :])
        record = Record(
            name, date, source, files, texts, checks, licence, request.author, run, notes, request.selection
        )
        _write_texts(record, hidden)
        check_free(folder, targets, sources=source.paths, overwrite=request.overwrite)  # minutes later
        removed = publish(hidden, folder, targets)
    return ExportOutcome(folder, record, tuple(folder / name for name in texts), removed)


def _find_run(source: Source) -> RunFacts | None:
    run = find_run(source.file.path, sha256=source.file.sha256)
    return run.of_a_part() if run and source.blended else run


def _default_name(request: ExportRequest, source: Source, run: RunFacts | None) -> str:
    """`net_g_latest` says nothing: a file of a run is called as its run."""
    known = find_known(request.model)
    stem = known.name if known else source.file.path.stem
    plain = run.name if run and stem.startswith("net_g_") else stem
    return f"{plain}-blend" if source.blended else plain


def _check_name(name: str, source: Source, chosen: tuple[Format, ...]) -> None:
    if not name or name.startswith(".") or set(name) & set("/\\\0\n\r"):
        raise ExportError(f"--name: expected a name for files, without folders, got {name!r}")
    scale = source.spec.scale
    read = scale_upscayl_reads(ncnn_stem(name, scale))
    if FORMATS["ncnn"] in chosen and scale in _UPSCAYLS_SCALES and read != scale:
        raise ExportError(
            f"upscayl reads the scale from the file name and would take {ncnn_stem(name, scale)} for a x{read} model, "
            f"but it is x{scale}; choose a --name without x2, 2x, x3 and 3x"
        )


def _default_folder(source: Source, name: str) -> Path:
    return source.file.path.parent / f"{name}_export"


def _targets(name: str, source: Source, chosen: tuple[Format, ...]) -> list[str]:
    """Return the names of all files, those of the formats first and the record last: it says that all are there."""
    scale = source.spec.scale
    files = [file for one in chosen for file in one.file_names(name, scale)]
    entry = [f"{openmodeldb.model_id(name, scale)}.json"] if openmodeldb.knows(source.spec) else []
    return [*files, CARD, *entry, RECORD]


def _write_and_check(
    chosen: tuple[Format, ...], source: Source, name: str, hidden: Path, licence: str | None
) -> tuple[tuple[ExportedFile, ...], tuple[Check, ...]]:
    examples = make_examples(source)
    files: list[ExportedFile] = []
    checks: list[Check] = []
    for one in tqdm(chosen, desc="exporting", unit="format", dynamic_ncols=True, disable=None):
        paths = [hidden / file for file in one.file_names(name, source.spec.scale)]
        one.write(source, paths[0], licence)
        checks += [check(one, runtime, paths[0], examples) for runtime in runtimes_for(one, source)]
        files += [ExportedFile.of(path, one.name) for path in paths]
    return tuple(files), tuple(checks)


def _write_texts(record: Record, hidden: Path) -> None:
    atomic.write_text(hidden / RECORD, json.dumps(record.facts(), indent=1, ensure_ascii=False) + "\n")
    atomic.write_text(hidden / CARD, model_card.card(record))
    spec = record.source.spec
    if openmodeldb.knows(spec):
        atomic.write_text(hidden / f"{openmodeldb.model_id(record.name, spec.scale)}.json", openmodeldb.entry(record))
