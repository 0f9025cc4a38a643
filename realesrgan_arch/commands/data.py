"""`realesrgan-arch data VERB`: from a folder of pictures to a data set that can be trusted; one table of verbs."""

import argparse
from collections.abc import Sequence
from importlib import import_module

from realesrgan_arch.commands.report import deliver
from realesrgan_arch.entry import say
from realesrgan_arch.errors import EXIT_OK

VERBS: dict[str, tuple[str, str]] = {
    "get": ("realesrgan_arch.commands.data_get", "fetch a known data set: Kaggle's, DIV2K, Set5, Set14, CelebA"),
    "audit": ("realesrgan_arch.commands.data_audit", "find what does not belong: broken, copied, blurred, drawn, ..."),
    "split": ("realesrgan_arch.commands.data_split", "split a folder of photographs by scene into manifests"),
    "check-leaks": ("realesrgan_arch.commands.data_check_leaks", "look for a picture or scene that is in two parts"),
    "tiles": ("realesrgan_arch.commands.data_tiles", "cut the training pictures into tiles that are read faster"),
    "freeze": ("realesrgan_arch.commands.data_freeze", "make validation and test sets that never change"),
    "preview": ("realesrgan_arch.commands.data_preview", "show what training sees: GT, LQ, numbers of recipes"),
    "replay": ("realesrgan_arch.commands.data_replay", "make the batch of one training step again, to look at it"),
    "match": ("realesrgan_arch.commands.data_match", "fit the degradation to low-quality pictures of your own"),
    "sample": ("realesrgan_arch.commands.data_sample", "draw the embedded sample: 12 scenes, 4 floor plans"),
}
"""Verb, module with `add_arguments(parser)` and `make(arguments) -> Report`, and one line of help."""


def main(argv: Sequence[str]) -> int:
    """Run `data VERB ...` and return the exit code; the verb's module is imported only then.

    Raises:
        UserError: a folder or an option cannot be used.
    """
    parser = argparse.ArgumentParser(prog="realesrgan-arch data", usage=_usage(), add_help=False)
    verb, *rest = argv or [""]
    if verb in ("-h", "--help"):
        say(f"usage: {_usage()}")
        return EXIT_OK
    if verb not in VERBS:
        parser.error(f"expected one of {', '.join(VERBS)}, got {verb!r}")
    return run_verb(verb, rest)


def run_verb(verb: str, argv: Sequence[str]) -> int:
    """Parse the arguments of one verb, do its work, tell the result and return the exit code."""
    name, text = VERBS[verb]
    module = import_module(name)
    parser = argparse.ArgumentParser(prog=f"realesrgan-arch data {verb}", description=module.__doc__ or text)
    module.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="write the result as one JSON object to standard output")
    arguments = parser.parse_args(argv)
    return deliver(module.make(arguments), as_json=arguments.json)


def _usage() -> str:
    width = max(len(verb) for verb in VERBS)
    rows = "\n".join(f"  {verb:<{width}}  {text}" for verb, (_, text) in VERBS.items())
    return f"realesrgan-arch data VERB ...\n\n{rows}\n\nrealesrgan-arch data VERB --help says more."
