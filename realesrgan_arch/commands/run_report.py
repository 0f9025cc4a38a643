"""`realesrgan-arch report experiments/<run>`: one page with the verdict, the numbers and the pictures of a run."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.commands.report import Report, deliver
from realesrgan_arch.entry import warn
from realesrgan_arch.errors import UserError
from realesrgan_arch.image_header import shown
from realesrgan_arch.weights.table import check_findable

_EXIT_CODES = """exit codes: 0 done, whatever the verdict; 2 bad input; 5 no room on the disk;
            130 and 143 stopped by Ctrl-C and SIGTERM
"""


_MOST_NOTES = 5


class FolderError(UserError):
    """There is no folder to report on."""


def main(argv: Sequence[str]) -> int:
    """Write the page, and `report.md` beside it, and say where they are; the verdict comes first."""
    arguments = _parser().parse_args(argv)
    if not arguments.folder.is_dir():
        where = shown(arguments.folder)
        raise FolderError(f"expected the folder of a training or of results, found no folder {where}")
    for source in arguments.weights:
        check_findable(source)
    # They bring torch, which `--help` and a mistake need not wait for.
    from realesrgan_arch.evaluation.report import Content, title_of, write_report
    from realesrgan_arch.evaluation.report_places import check_of_run, read_results
    from realesrgan_arch.evaluation.report_run import read_story
    from realesrgan_arch.evaluation.report_trials import find_trials
    from realesrgan_arch.evaluation.verdict_text import headline_of, verdict_sentences

    run, results = _places(arguments.folder, arguments.results)
    found, others = read_results(results)
    if run is not None and arguments.results is not None:
        check_of_run(found.proof, run, arguments.weights)
    content = Content(
        title=arguments.title or title_of(found.proof, run),
        found=found,
        others=others,
        story=read_story(found.proof, run, weights=arguments.weights),
        trials=find_trials([run, results] if run else [results], probe=arguments.probe, sweep=arguments.sweep),
    )
    notes = list(content.story.notes)
    page, short = write_report(content, arguments.output or arguments.folder / "report.html", tell=notes.append)
    _warn_of(notes)
    verdict = headline_of(found.proof)
    report = Report(
        lines=(
            *([f"{verdict.text}."] if verdict else []),
            *verdict_sentences(found.proof),
            f"{say_bytes(page.stat().st_size)}, one file that fetches nothing",
        ),
        made=(page, short),
        facts={"verdict": verdict.text if verdict else None, "bytes": page.stat().st_size},
    )
    return deliver(report, as_json=arguments.json)


def _warn_of(notes: Sequence[str]) -> None:
    for text in notes[:_MOST_NOTES]:
        warn(f"note: {text}")
    if len(notes) > _MOST_NOTES:
        warn(f"note: {len(notes) - _MOST_NOTES} more of these stand in the page")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="realesrgan-arch report",
        description=__doc__,
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "folder", type=Path, help="folder of a training (experiments/NAME), or of results alone (results/NAME)"
    )
    parser.add_argument(
        "--results",
        type=Path,
        metavar="DIR",
        help="folder with proof.json (default: results/NAME, or beside experiments)",
    )
    parser.add_argument(
        "--probe",
        type=Path,
        metavar="DIR",
        help="folder of a layer probe to show (default: the folder probe in that of the run or of its results)",
    )
    parser.add_argument(
        "--sweep",
        type=Path,
        metavar="DIR",
        help="folder of a sweep to show (default: the folder of the run or of its results, or sweep in it)",
    )
    parser.add_argument(
        "--weights",
        nargs="+",
        default=(),
        metavar="FILE",
        help="the base and the tuned weights, for the layers that moved, where they do not lie in the run",
    )
    parser.add_argument(
        "-o", "--output", type=_page, metavar="FILE", help="the page (default: report.html in the folder)"
    )
    parser.add_argument("--title", help="heading of the page")
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    return parser


def _page(text: str) -> Path:
    if Path(text).suffix.lower() not in (".html", ".htm"):
        raise argparse.ArgumentTypeError(f"expected a name that ends in .html, got {text!r}")
    return Path(text)


def _places(folder: Path, results: Path | None) -> tuple[Path | None, Path]:
    """Return the folder of the training, where there is one, and that of the results."""
    from realesrgan_arch.evaluation.report_places import find_results, is_run

    if is_run(folder):
        return folder, results or find_results(folder)
    return None, results or folder
