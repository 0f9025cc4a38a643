"""Where the results lie that a report is about."""

import logging
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from realesrgan_arch.evaluation.proof import PROOF_FILE, Proof, ProofError, read_proof
from realesrgan_arch.evaluation.report import FoundProof, ReportError
from realesrgan_arch.evaluation.report_rows import source_of
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.image_header import shown
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.weights.table import find_weights

GENERAL = "general"
"""Folder of the proof on a general set, beside that of the set that matters."""
_GENERAL_HEADING = "General photographs"
_GUIDED_FILE = "guided.json"
"""In the folder of a guided run, whose one training all its results are of."""
_log = logging.getLogger(__name__)
_RUN_FILES = ("options.yml", "metrics.jsonl")


def is_run(folder: Path) -> bool:
    """Say whether a folder is that of a training."""
    return any((folder / name).is_file() for name in _RUN_FILES)


def find_results(run: Path) -> Path:
    """Return the folder with the results of the training in `run`, and of no other.

    They are known by their place: `results/<name>` here or beside the folder that holds the runs, where `test.py` puts
    them, `results` in the run, and `results` of a guided run or with a proof of its own. Elsewhere in these `results`
    they are known by the weights that were judged, which are those of the run. Of several the newest is taken.

    Raises:
        ReportError: there is none.
    """
    name = run.resolve().name
    home = run.resolve().parent.parent
    here, beside = Path("results"), home / "results"
    places = [here / name, beside / name, run / "results"]
    if (home / _GUIDED_FILE).is_file():
        places.append(beside)
    places += [place for place in (here, beside) if (place / PROOF_FILE).is_file()]
    found = [place for place in places if any(_proof_folders(place))][:1]
    elsewhere = _by_weights(run, here, beside)
    found += [place for place in elsewhere if not any(place.resolve().is_relative_to(one.resolve()) for one in found)]
    if found:
        return _newest(found, run)
    name = run.resolve().name
    weights = shlex.quote(shown(run / "models" / "net_g_latest.pth"))
    raise ReportError(
        f"expected results of {shown(run)} in {shown(here / name)} or {shown(beside / name)}, found none; make them "
        f"with `realesrgan-arch evaluate BASE {weights} --data DATA --name {shlex.quote(shown(Path(name)))}` "
        "or test.py, or name their folder with --results"
    )


def _by_weights(run: Path, here: Path, beside: Path) -> list[Path]:
    """Return the folders below one of two whose proof judges weights of `run`."""
    folders = {place.resolve(): place for root in (beside, here) for place in _proof_folders(root)}
    places = [place for place in folders.values() if place.name != GENERAL]
    own = _own_hashes(run) if places else set()
    return [place for place in places if _tuned_hash(place) in own]


def _newest(places: Sequence[Path], run: Path) -> Path:
    """Return the folder whose proof was written last, and say which it is where there are others."""
    newest = max(places, key=lambda place: max((one / PROOF_FILE).stat().st_mtime for one in _proof_folders(place)))
    if others := ", ".join(shown(place) for place in places if place != newest):
        _log.warning(
            "the newest results of %s are taken: %s; for others name their folder with --results: %s",
            shown(run),
            shown(newest),
            others,
        )
    return newest


def _own_hashes(run: Path) -> set[str]:
    return {hash_file(path) for path in RunFolder(run).models.glob("net_g_*.pth")}


def _tuned_hash(folder: Path) -> str | None:
    try:
        methods = read_proof(folder).methods
    except ProofError:
        return None  # it cannot be shown to be of this run
    return next((method.sha256 for method in methods if method.kind == "tuned"), None)


def check_of_run(proof: Proof, run: Path, weights: Sequence[str]) -> None:
    """Check that `proof` judges weights of the training in `run`, or those that are named.

    A run without weights, as one that was cleared up, is taken at its word.

    Args:
        proof: of results that were named.
        run: folder of the training.
        weights: files or known names that belong to it, such as a blend.

    Raises:
        ReportError: it judges others, whose verdict would stand under the name of this run.
    """
    own = _own_hashes(run)
    judged = next((method for method in proof.methods if method.kind == "tuned" and method.sha256), None)
    if own and judged and judged.sha256 not in own | {hash_file(find_weights(name)) for name in weights}:
        raise ReportError(
            f"expected results of weights of {shown(run)}, got those of a {source_of(judged)} that is none of "
            f"{shown(run / 'models')}; name its own results with --results, or, where those weights were made of "
            "this run, their file with --weights"
        )


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
