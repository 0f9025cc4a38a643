"""`realesrgan-arch options check|show|schema`: look at an option file before a run does."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import yaml

from realesrgan_arch.entry import say
from realesrgan_arch.errors import EXIT_OK
from realesrgan_arch.options.load import LoadedOptions, json_schema, load_options
from realesrgan_arch.options.overrides import add_overrides


def main(argv: Sequence[str]) -> int:
    """Run the verb; a file with problems raises `OptionsError`, whose exit code is 2."""
    arguments = _parser().parse_args(argv)
    if arguments.action == "schema":
        say(json.dumps(json_schema(), indent=2))
        return EXIT_OK
    loaded = load_options(arguments.file, overrides=arguments.overrides)
    say(_summary(loaded) if arguments.action == "check" else _effective(loaded))
    return EXIT_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="realesrgan-arch options", description="Look at an option file.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="check|show|schema")
    for name, text in (("check", "report every problem at once"), ("show", "print all values, with the defaults")):
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("file", type=Path, help="option file (YAML)")
        add_overrides(action)
    actions.add_parser("schema", help="print the JSON schema for editors")
    return parser


def _summary(loaded: LoadedOptions) -> str:
    return "\n".join([*(f"note: {note}" for note in loaded.notes), f"{loaded.path}: no problems"])


def _effective(loaded: LoadedOptions) -> str:
    values = loaded.options.model_dump(mode="json", exclude_none=True)
    notes = "".join(f"# note: {note}\n" for note in loaded.notes)
    return (
        notes + yaml.safe_dump(values, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120).rstrip()
    )
