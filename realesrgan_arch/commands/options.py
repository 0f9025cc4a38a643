"""`realesrgan-arch options check|show|schema`: look at an option file before a run does."""

import argparse
import json
from collections.abc import Mapping, Sequence
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
    verbs = {
        "check": "report every problem at once",
        "show": "print all values, with the defaults, and the files that they come from",
    }
    for name, text in verbs.items():
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("file", type=Path, help="option file (YAML)")
        add_overrides(action)
    actions.add_parser("schema", help="print the JSON schema for editors")
    return parser


def _summary(loaded: LoadedOptions) -> str:
    return "\n".join([*(f"note: {note}" for note in loaded.notes), f"{loaded.path}: no problems"])


def _effective(loaded: LoadedOptions) -> str:
    """Return all values as YAML; above each key at the top, where that is not as before, what it was made of."""
    values = loaded.options.model_dump(mode="json", exclude_none=True)
    lines = [f"# note: {note}" for note in loaded.notes]
    said = ""
    for key, value in values.items():
        origin = ", ".join(loaded.origins.get(key, ())) or "defaults"
        lines += [] if origin == said else [f"# {origin}"]
        lines.append(_yaml({key: value}))
        said = origin
    return "\n".join(lines)


def _yaml(values: Mapping[str, object]) -> str:
    """Return sections as blocks and what is innermost on one line."""
    nested = any(isinstance(value, Mapping | list) for value in values.values())
    style = None if nested else False
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, default_flow_style=style, width=120).rstrip()
