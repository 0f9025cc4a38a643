"""What is wrong with an option file, in plain words: every message is made from the JSON schema and the value.

pydantic finds the place; its own words are not shown.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from pydantic import ValidationError

from realesrgan_arch.options.types import Options
from realesrgan_arch.options.yaml_dialect import KeyPath

EXTENDS = "extends"
"""The key of the files that an option file stands on; `extends.py` reads it, so `Options` does not have it."""
_EXTENDS_SCHEMA = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
    "description": "Option files that this one stands on, relative to it (ours): what stands here lies on top.",
}
_UNKNOWN = {"extra_forbidden", "unexpected_keyword_argument", "string_pattern_mismatch", "literal_error"}
_TAG_ERRORS = {"union_tag_invalid", "union_tag_not_found"}
_SHOWN_CHARACTERS = 60
_SURE, _LIKELY, _MAYBE = 0.8, 0.7, 0.6
"""How like a known word another one is, by difflib's ratio."""
_LISTED_KEYS = 12


@dataclass(frozen=True)
class Problem:
    """One sentence about the key at `path`, and the other keys that it comes from."""

    path: KeyPath
    text: str
    reads: tuple[KeyPath, ...] = ()

    def touches(self, paths: Sequence[KeyPath]) -> bool:
        """Whether one of `paths` holds, or is held by, a key of this problem."""
        return any(_overlap(mine, other) for mine in (self.path, *self.reads) for other in paths)


def dotted(path: KeyPath) -> str:
    """Return `("train", "optim_g", "betas", 1)` as `train.optim_g.betas[1]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def show(value: object) -> str:
    """Return a value as the user would have written it, shortened."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a mapping"
    text = repr(list(value) if isinstance(value, tuple) else value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."


@cache
def schema() -> dict[str, Any]:
    """Return the JSON schema of an option file: that of `Options`, and `extends`."""
    whole = Options.model_json_schema()
    return {**whole, "properties": {EXTENDS: _EXTENDS_SCHEMA, **whole["properties"]}}


def find_problems(error: ValidationError, values: Mapping[str, object]) -> list[Problem]:
    """Return one problem for each key that `error` complains about, without those inside a key that is wrong itself."""
    found: dict[KeyPath, Problem] = {}
    for detail in error.errors(include_url=False):
        problem = _explain(cast(dict[str, Any], detail), values)
        found.setdefault(problem.path, problem)
    return [problem for path, problem in found.items() if not any(path[:n] in found for n in range(1, len(path)))]


def schema_at(path: KeyPath, values: object) -> dict[str, Any] | None:
    """Return the part of the schema that `path` leads to; `values` decide between networks and the like by `type`."""
    node: dict[str, Any] | None = _resolve(schema(), values)
    for part in path:
        values = _item(values, part)
        node = _child(node, part) if node else None
        node = _resolve(node, values) if node else None
    return node


def has_kinds(path: KeyPath) -> bool:
    """Return whether the `type` in the section at `path` decides which other keys it has."""
    return bool(_tags(schema_at(path, None) or {}))


def describe(node: Mapping[str, Any]) -> str:
    """Return what a part of the schema expects: `a number > 0`, `true or false`, `one of mean, sum`."""
    if "oneOf" in node or "anyOf" in node:
        branches = [describe(_resolve(part, None)) for part in node.get("oneOf", node.get("anyOf", []))]
        return " or ".join(dict.fromkeys(text for text in branches if text != "nothing"))
    if "enum" in node or "const" in node:
        choices = [str(choice) for choice in node.get("enum", [node.get("const")])]
        return choices[0] if len(choices) == 1 else f"one of {', '.join(choices)}"
    kind = node.get("type")
    if kind in {"integer", "number"}:
        return ("a whole number" if kind == "integer" else "a number") + _limits(node)
    if kind == "array":
        return _describe_list(node)
    if kind == "string":
        return "a path" if node.get("format") == "path" else "a text"
    return {"boolean": "true or false", "null": "nothing", "object": "a mapping"}.get(str(kind), "another value")


def _describe_list(node: Mapping[str, Any]) -> str:
    items = node.get("prefixItems")
    if items:
        return f"a list of {len(items)} values, each {describe(_resolve(items[0], None))}"
    return f"a list, each item {describe(_resolve(node.get('items', {}), None))}"


def _limits(node: Mapping[str, Any]) -> str:
    signs = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}
    return "".join(
        f"{' and' if i else ''} {signs[key]} {node[key]:g}" for i, key in enumerate(k for k in signs if k in node)
    )


def _explain(detail: Mapping[str, Any], values: Mapping[str, object]) -> Problem:
    kind, cause = detail["type"], detail.get("ctx", {}).get("error")
    path = _key_path(detail["loc"], values, keep_last=kind == "missing" and isinstance(detail["loc"][-1], str))
    value = value_at(values, path)
    parent = schema_at(path[:-1], values) if path else None
    if kind in _UNKNOWN and parent is not None and _child(parent, path[-1]) is None:
        return Problem(path, _unknown_key(path, values))
    if kind in _TAG_ERRORS:
        path, value = (*path, "type"), _item(value, "type")
        node = {"enum": _tags(schema_at(path[:-1], None) or {})}
    else:
        node = schema_at(path, values) or {}
    if value is None:
        return Problem(path, f"this key is required; expected {describe(node)}")
    if isinstance(cause, ValueError) and str(cause):
        return Problem(path, str(cause))
    return Problem(path, f"expected {describe(node)}, got {show(value)}{_hint(node, value)}")


def _hint(node: Mapping[str, Any], value: object) -> str:
    """Return how to mend the value, where that can be guessed."""
    choices = [choice for choice in node.get("enum", []) if isinstance(choice, str)]
    if isinstance(value, str):
        near = _nearest(value, choices, cutoff=_MAYBE)
        return f"; did you mean {near}?" if near else ""
    if node.get("type") == "string" and isinstance(value, bool | int | float):
        return "; put it in quotes to mean the text"
    return ""


def _unknown_key(path: KeyPath, values: object) -> str:
    key = str(path[-1])
    siblings = _keys(schema_at(path[:-1], values) or {})
    if path in list[KeyPath](_all_paths(schema(), ())):
        kind = show(value_at(values, (*path[:-1], "type")))
        return f"unknown key with type {kind}; expected one of {', '.join(siblings)}"
    beside = {name: (*path[:-1], name) for name in siblings}
    everywhere = {place[-1]: place for place in reversed(list(_all_paths(schema(), ())))}
    for places, cutoff in ((beside, _SURE), (everywhere, _LIKELY), (beside, _MAYBE)):
        near = _nearest(key, list(places), cutoff=cutoff)
        if near:
            return f"unknown key; did you mean {dotted(places[near])}?"
    return f"unknown key; expected one of {', '.join(siblings)}" if len(siblings) <= _LISTED_KEYS else "unknown key"


def _nearest(word: str, names: Sequence[str], *, cutoff: float) -> str | None:
    """Return the name most like `word`, whatever its capitals."""
    by_lower = {name.lower(): name for name in reversed(names)}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[found[0]] if found else None


def _key_path(location: Sequence[str | int], values: object, *, keep_last: bool) -> KeyPath:
    """Leave out of pydantic's location what is no key of the file: names of union members and of validators."""
    path: list[str | int] = []
    for index, part in enumerate(location):
        here = _item(values, part)
        last = keep_last and index == len(location) - 1
        if last or _has(values, part):
            path.append(part)
            values = here
    return tuple(path)


def _has(values: object, part: str | int) -> bool:
    if isinstance(values, Mapping):
        return part in values
    return isinstance(values, list | tuple) and isinstance(part, int) and part < len(values)


def _item(values: object, part: str | int) -> object:
    return cast(Any, values)[part] if _has(values, part) else None


def value_at(values: object, path: KeyPath) -> object:
    """Return what `path` leads to, or `None`."""
    for part in path:
        values = _item(values, part)
    return values


def _resolve(node: Mapping[str, Any], values: object) -> dict[str, Any]:
    """Follow references, drop `null`, and choose among tagged alternatives by the `type` in `values`."""
    if "$ref" in node:
        return _resolve(schema()["$defs"][node["$ref"].rsplit("/", 1)[-1]], values)
    branches = [part for part in node.get("anyOf", []) if part.get("type") != "null"]
    if len(branches) == 1:
        return _resolve(branches[0], values)
    tag = _item(values, "type")
    mapping = node.get("discriminator", {}).get("mapping", {})
    if isinstance(tag, str) and tag in mapping:
        return _resolve({"$ref": mapping[tag]}, values)
    return dict(node)


def _tags(node: Mapping[str, Any]) -> list[str]:
    return list(node.get("discriminator", {}).get("mapping", {}))


def _child(node: Mapping[str, Any], part: str | int) -> dict[str, Any] | None:
    if isinstance(part, int):
        items = node.get("prefixItems", [])
        return items[part] if part < len(items) else node.get("items", {})
    if part in node.get("properties", {}):
        return node["properties"][part]
    extra = node.get("additionalProperties")
    return extra if isinstance(extra, dict) and _may_be_named(node.get("propertyNames", {}), part) else None


def _may_be_named(names: Mapping[str, Any], key: str) -> bool:
    """Whether the schema of a mapping's `names` takes `key`."""
    return key in names.get("enum", [key]) and re.search(names.get("pattern", ""), key) is not None


def _keys(node: Mapping[str, Any]) -> list[str]:
    own, names = list(node.get("properties", {})), node.get("propertyNames", {})
    return [*own, *names.get("enum", ["val", "test"] if names else [])]


def _all_paths(node: Mapping[str, Any], path: KeyPath) -> Iterator[tuple[str, ...]]:
    """Yield the path of every key, the shallow ones of a mapping before those below it."""
    for key in _keys(node):
        yield cast(tuple[str, ...], (*path, key))
    for key in _keys(node):
        child = _child(node, key)
        for branch in _branches(_resolve(child, None)) if child else ():
            yield from _all_paths(branch, (*path, key))


def _branches(node: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_resolve(part, None) for part in node.get("oneOf", [])] or [dict(node)]


def _overlap(first: KeyPath, second: KeyPath) -> bool:
    shared = min(len(first), len(second))
    return first[:shared] == second[:shared]
