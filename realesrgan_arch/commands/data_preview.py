"""Show what training sees: a page of ground truth and low-quality pictures, with the numbers of each recipe."""

import argparse
from pathlib import Path

from tqdm import tqdm

from realesrgan_arch import atomic
from realesrgan_arch.commands.arguments import positive_count
from realesrgan_arch.commands.report import Report
from realesrgan_arch.data.files import DataError
from realesrgan_arch.errors import EXIT_OK, EXIT_SOME_FILES_FAILED
from realesrgan_arch.image_header import shown
from realesrgan_arch.options.load import load_options
from realesrgan_arch.options.overrides import add_overrides
from realesrgan_arch.plural import count_of
from realesrgan_arch.preview.pairs import make_preview
from realesrgan_arch.preview.sheet import MARKER, render_sheet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `make` reads."""
    parser.add_argument("options", type=Path, help="option file (YAML) of the training run")
    parser.add_argument("--images", type=positive_count, default=8, help="training samples to show (default 8)")
    parser.add_argument("--step", type=positive_count, default=1, help="first step of training to show (default 1)")
    parser.add_argument("--draws", type=positive_count, default=3, help="recipes for each picture (default 3)")
    parser.add_argument("--out", type=Path, help="the page (default preview/NAME OF THE RUN.html)")
    add_overrides(parser)


def make(arguments: argparse.Namespace) -> Report:
    """Make the pairs of the first steps and write them as a page.

    Raises:
        UserError: the options or the data cannot be used, or the page cannot be written.
    """
    loaded = load_options(arguments.options, overrides=arguments.overrides)
    options = loaded.options
    out: Path = arguments.out or Path("preview") / f"{options.name}.html"
    if out.suffix.lower() not in (".html", ".htm"):
        raise DataError(f"Expected --out to name a page, such as preview.html, got {shown(out)}.")
    _check_own(out)
    pairs = make_preview(options, first_step=arguments.step, num_images=arguments.images, num_draws=arguments.draws)
    shown_pairs = list(tqdm(pairs, total=arguments.images, unit="image", disable=None, leave=False))
    try:
        atomic.write_text(out, render_sheet(shown_pairs, options, source=shown(arguments.options)))
    except OSError as error:
        raise DataError(f"The page {shown(out)} cannot be written: {error.strerror}.") from error
    last = shown_pairs[-1].step
    steps = f"step {last}" if last == arguments.step else f"steps {arguments.step} to {last}"
    failed = sorted({shown(Path(pair.failed_path)) for pair in shown_pairs if pair.failed_path})
    return Report(
        lines=(
            *(f"note: {note}" for note in loaded.notes),
            f"{count_of(len(shown_pairs), 'training sample')} of {steps}, seed {options.manual_seed}",
            *(f"cannot read {path}: another image stands in for it" for path in failed),
        ),
        made=(out,),
        next_step=f"open {shown(out)}, then python realesrgan_arch/train.py -opt {shown(arguments.options)}",
        exit_code=EXIT_SOME_FILES_FAILED if failed else EXIT_OK,
        facts={"images": len(shown_pairs), "first_step": arguments.step, "last_step": last, "unreadable": list(failed)},
    )


def _check_own(out: Path) -> None:
    """Check that `out` is free, or a page of an earlier preview."""
    try:
        is_own = not out.exists() or MARKER.encode() in out.read_bytes()
    except OSError as error:
        raise DataError(f"The page {shown(out)} cannot be replaced: {error.strerror}.") from error
    if not is_own:
        raise DataError(f"{shown(out)} exists already and is no page of `data preview`; name another file with --out.")
