"""`--set train.total_iter=10`: changes to an option file from the command line, never evaluated."""

import argparse
from collections.abc import Mapping, Sequence

from realesrgan_arch.options.problems import Problem, schema_at, value_at
from realesrgan_arch.options.yaml_dialect import KeyPath, YamlError, parse_value

_NOTHING = {"", "~", "null", "Null", "NULL"}


def add_overrides(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the argument `--set`, under BasicSR's name for it too; the result has it as `overrides`."""
    parser.add_argument(
        "--set",
        "--force_yml",
        dest="overrides",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="change an option, such as train.total_iter=10; null removes it",
    )


def apply_overrides(
    values: Mapping[str, object], overrides: Sequence[str]
) -> tuple[dict[str, object], dict[KeyPath, str], list[Problem]]:
    """Return the changed values, where each change came from, and the overrides that could not be applied.

    An override is `key.path=value`; BasicSR's `key:path=value` works too. The value is YAML (`[1, 2]`, `true`, `1e-4`);
    `null` removes the key; sections that are missing are made.
    """
    changed = _copy(values)
    places: dict[KeyPath, str] = {}
    problems: list[Problem] = []
    for override in overrides:
        name, separator, text = override.partition("=")
        path: KeyPath = tuple(part.strip() for part in name.replace(":", ".").split("."))
        if not separator or "" in path:
            problems.append(Problem((f"--set {override}",), "expected key.path=value, such as train.total_iter=10"))
            continue
        places[path] = f"--set {override}"
        places.update({path[:depth]: places[path] for depth in range(1, len(path)) if _is_new(changed, path[:depth])})
        problem = _apply(changed, path, text.strip())
        if problem:
            problems.append(problem)
    return changed, places, problems


def _is_new(values: object, path: KeyPath) -> bool:
    return value_at(values, path) is None


def _apply(values: dict[str, object], path: KeyPath, text: str) -> Problem | None:
    section = values
    for depth, part in enumerate(path[:-1], 1):
        inner = section.get(str(part))
        if inner is None:
            inner = section[str(part)] = {}
        if not isinstance(inner, dict):
            return Problem(path, f"{'.'.join(map(str, path[:depth]))} holds a value, not a section")
        section = inner
    if text in _NOTHING:
        section.pop(str(path[-1]), None)
        return None
    try:
        section[str(path[-1])] = _read(text, path, values)
    except YamlError as error:
        return Problem(path, f"expected a YAML value, got {text!r}, which {error}")
    return None


def _read(text: str, path: KeyPath, values: object) -> object:
    """Return the value; where the schema wants a text, digits and `yes` stay text without quotes."""
    node = schema_at(path, values) or {}
    read = parse_value(text)
    return text if node.get("type") == "string" and isinstance(read, bool | int | float) else read


def _copy(value: Mapping[str, object]) -> dict[str, object]:
    return {key: _copy(item) if isinstance(item, Mapping) else item for key, item in value.items()}
