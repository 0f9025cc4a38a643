"""Where the results lie that a report is about."""

from collections.abc import Iterator
from pathlib import Path

from realesrgan_arch.evaluation.proof import PROOF_FILE, read_proof
from realesrgan_arch.evaluation.report import FoundProof, ReportError
from realesrgan_arch.image_header import shown

GENERAL = "general"
"""Folder of the proof on a general set, beside that of the set that matters."""
_GENERAL_HEADING = "General photographs"
_RUN_FILES = ("options.yml", "metrics.jsonl")


def is_run(folder: Path) -> bool:
    """Say whether a folder is that of a training."""
    return any((folder / name).is_file() for name in _RUN_FILES)


def find_results(run: Path) -> Path:
    """Return the folder with the results of the training in `run`.

    Looked for are `results/<name>` here, and `results` beside the folder that holds the runs, where a guided run and
    `test.py` put them.

    Raises:
        ReportError: there is none.
    """
    beside = run.resolve().parent.parent / "results"
    places = (Path("results") / run.name, beside / run.name, run / "results", beside)
    found = next((place for place in places if any(_proof_folders(place))), None)
    if found is None:
        raise ReportError(
            f"expected results of {shown(run)} in {shown(places[0])} or {shown(beside)}, found none; make them with "
            "`realesrgan-arch evaluate BASE TUNED --data DATA` or test.py, or name their folder with --results"
        )
    return found


def read_results(folder: Path) -> tuple[FoundProof, dict[str, FoundProof]]:
    """Return the proof in `folder`, or in a folder of it, and that of the general set by its heading.

    Raises:
        ReportError: none, or several.
        ProofError: one that cannot be read.
    """
    folders = list(_proof_folders(folder))
    mains = [place for place in folders if place.name != GENERAL] or folders
    if folder in mains:
        mains = [folder]
    if len(mains) != 1:
        names = ", ".join(shown(place.relative_to(folder)) for place in mains)
        raise ReportError(
            f"expected {PROOF_FILE} of one set in {shown(folder)}, found "
            + (f"several: {names}; name one of these folders with --results" if mains else "none; evaluate first")
        )
    [main] = mains
    nearby = (main / GENERAL, main.parent / GENERAL)
    beside = next((place for place in folders if place in nearby and place != main), None)
    others = {_GENERAL_HEADING: FoundProof(read_proof(beside), beside)} if beside is not None else {}
    return FoundProof(read_proof(main), main), others


def _proof_folders(folder: Path) -> Iterator[Path]:
    """Yield the folders with a proof, the nearest first."""
    for depth in ("", "*/", "*/*/"):
        yield from sorted(path.parent for path in folder.glob(f"{depth}{PROOF_FILE}"))
