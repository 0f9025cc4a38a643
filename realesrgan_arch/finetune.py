"""Fine-tune: the whole job with `--data photos/`; with `-opt FILE` it is `train.py`, and insists on a base."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from realesrgan_arch.python_version import check_python

check_python()

from realesrgan_arch.commands.arguments import positive_count, positive_number  # noqa: E402
from realesrgan_arch.entry import run, say, warn  # noqa: E402
from realesrgan_arch.errors import UserError  # noqa: E402
from realesrgan_arch.options.types import Options  # noqa: E402
from realesrgan_arch.torchrun import RanksError, read_place  # noqa: E402
from realesrgan_arch.train import run_training  # noqa: E402

_DESCRIPTION = """From a folder of photographs to a tuned model and the proof of it: audit, split by scene, frozen
validation and test pairs, memory plan, rehearsal, training, scores on unseen scenes, export, summary. The same command
goes on where it stopped. With an option file instead, finetune.py -opt FILE is train.py."""


def main(arguments: Sequence[str]) -> int:
    """Run all of it with `--data`; with `-opt` check that there is something to fine-tune, then train.

    Raises:
        UserError: the options name no pre-trained generator, or what is asked cannot be done.
    """
    if any(word.startswith(("-opt", "--opt")) for word in arguments):
        return run_training(arguments, program="finetune.py", check=_check_pretrained)
    return _run_guided(build_parser().parse_args(arguments))


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of a guided run."""
    parser = argparse.ArgumentParser(prog="finetune.py", description=_DESCRIPTION)
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="the photographs")
    parser.add_argument("--base", help="known weights or a file (default: by the device, see `weights list`)")
    parser.add_argument("--budget", default="auto", help="memory to train in, such as 8GB (default: what is free)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--hours", type=positive_number, default=2.0, help="of training (default 2)")
    length.add_argument("--steps", type=positive_count, help="so many steps, however long they take")
    parser.add_argument("--name", help="of the run (default: that of the photographs' folder)")
    parser.add_argument("--out", type=Path, default=Path("finetuned"), help="folder of all runs (default finetuned)")
    parser.add_argument(
        "--by",
        choices=("auto", "folder", "stem", "cluster"),
        default="auto",
        help="what makes a scene: its sub-folder, the title of its files, or their look (default: folders, if any)",
    )
    parser.add_argument("--yes", action="store_true", help="ask nothing")
    return parser


def _run_guided(parsed: argparse.Namespace) -> int:
    if read_place().world_size > 1:
        raise RanksError(
            "a guided run is made by one process: leave torchrun out, or let it run train.py on options.yml"
        )
    if not parsed.yes and not sys.stdin.isatty():
        raise UserError("expected a terminal to ask questions in, or --yes to take every answer for yes, got neither")
    from realesrgan_arch.data.files import name_of  # torch, which `--help` need not wait for
    from realesrgan_arch.guided.request import Request
    from realesrgan_arch.guided.run import run_guided
    from realesrgan_arch.guided.talk import Talk

    request = Request(
        data=parsed.data,
        name=parsed.name or name_of(parsed.data),
        out=parsed.out,
        base=parsed.base,
        budget=parsed.budget,
        hours=parsed.hours,
        steps=parsed.steps,
        by=parsed.by,
    )
    outcome = run_guided(request, Talk(say=warn, read=None if parsed.yes else sys.stdin.readline))
    if outcome.summary:
        say(outcome.summary)
    return outcome.exit_code


def _check_pretrained(options: Options) -> None:
    if options.path.pretrain_network_g is None:
        raise UserError(
            "path.pretrain_network_g: expected the weights to start from, got none; name a file or one of "
            "`realesrgan-arch weights list`, or train from scratch with train.py"
        )


if __name__ == "__main__":
    sys.exit(run(main, sys.argv[1:]))
