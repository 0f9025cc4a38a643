"""Safe reading of BasicSR's YAML: plain values, and the line of every key.

YAML 1.1 as PyYAML reads it, with less: only mappings with text keys, lists, text, numbers, switches and null. Dates,
base-60 numbers (`1:30`) and octal numbers (`0010`) stay text. So does `1e-4`, which is text in YAML 1.1; a field of the
options that expects a number reads such a text as the number that it looks like, and says so.
"""

import codecs
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from realesrgan_arch.errors import UserError

KeyPath = tuple[str | int, ...]

MAX_BYTES = 1_000_000
MAX_VALUES = 50_000
"""After aliases are written out, which is where a small file can become a huge one."""
MAX_DEPTH = 50
_ENCODINGS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_YAML_TAG = "tag:yaml.org,2002:"
_MERGE = "<<"
_MERGE_TAG = _YAML_TAG + "merge"
_SCALAR_TAGS = {_YAML_TAG + name for name in ("null", "bool", "int", "float", "str", "timestamp", "value")}
_NUMBER_TAGS = {
    _YAML_TAG + "int": "a whole number",
    _YAML_TAG + "float": "a number",
    _YAML_TAG + "bool": "true or false",
}
_TRAP = re.compile(r"[-+]?\d[\d_]*(:[0-5]?\d)+(\.[\d_]*)?|[-+]?0\d+")
_TEXT_TAGS = {_YAML_TAG + "timestamp", _YAML_TAG + "value"}


class YamlError(UserError):
    """Text that is not the YAML of an option file; `line` counts from 1."""

    def __init__(self, text: str, *, line: int | None = None) -> None:
        super().__init__(text)
        self.line = line


@dataclass(frozen=True)
class Document:
    """Plain values, and the line of each key or list item by its path."""

    values: dict[str, object]
    lines: Mapping[KeyPath, int] = field(default_factory=dict)


def read_document(path: Path) -> Document:
    """Read the mapping in the file `path`.

    Raises:
        YamlError: the file is missing, empty, not text, too large, or not a mapping of plain values.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise YamlError(f"no such file{_nearest_file(path)}") from None
    except IsADirectoryError:
        raise YamlError("expected a YAML file, got a folder") from None
    except (OSError, ValueError) as error:
        raise YamlError(f"cannot be read ({error})") from None
    if len(data) > MAX_BYTES:
        raise YamlError(f"expected an option file of at most {MAX_BYTES // 1000} kB; this one is larger")
    return parse_document(_decode(data))


def parse_document(text: str) -> Document:
    """Return the mapping that `text` holds.

    Raises:
        YamlError: `text` is empty, not YAML, or not a mapping of plain values.
    """
    node = _compose(text)
    if node is None:
        raise YamlError("is empty; expected keys such as `name:` and `network_g:`")
    if not isinstance(node, yaml.MappingNode):
        raise YamlError(f"expected keys such as `name:` and `network_g:`, got {_kind(node)}", line=_line(node))
    reader = _Reader()
    values = reader.value(node, ())
    return Document(values=values if isinstance(values, dict) else {}, lines=reader.lines)


def parse_value(text: str) -> object:
    """Return the one value in `text`, as an override on the command line holds it; empty text is `None`.

    Raises:
        YamlError: `text` is not YAML of plain values.
    """
    node = _compose(text)
    return None if node is None else _Reader().value(node, ())


class _Reader:
    """Turns a composed tree into plain values, counting what it writes out."""

    def __init__(self) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._constructor = yaml.constructor.SafeConstructor()
        self._count = 0

    def value(self, node: yaml.Node, path: KeyPath) -> object:
        self._count += 1
        if self._count > MAX_VALUES:
            raise YamlError(f"expected at most {MAX_VALUES} values, got more once its aliases are written out")
        if len(path) > MAX_DEPTH:
            raise YamlError(f"expected at most {MAX_DEPTH} levels, got deeper nesting", line=_line(node))
        if isinstance(node, yaml.MappingNode) and node.tag == _YAML_TAG + "map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == _YAML_TAG + "seq":
            return [self._item(item, (*path, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.tag in _SCALAR_TAGS:
            return self._scalar(node)
        raise YamlError(f"the tag {_short_tag(node.tag)} is not allowed; write plain values", line=_line(node))

    def _item(self, node: yaml.Node, path: KeyPath) -> object:
        self._note_line(path, node)
        return self.value(node, path)

    def _note_line(self, path: KeyPath, node: yaml.Node) -> int:
        """Remember where `path` is; what a merge brings in belongs to the mapping that merges."""
        line = self.lines[tuple(part for part in path if part != _MERGE)] = _line(node)
        return line

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, object]:
        merged: dict[str, object] = {}
        own: dict[str, object] = {}
        seen: dict[str, int] = {}
        for key_node, value_node in sorted(node.value, key=lambda pair: pair[0].tag != _MERGE_TAG):
            if key_node.tag == _MERGE_TAG:
                merged = {**self._merged(value_node, path), **merged}
                continue
            key = _key(key_node)
            if key in seen:
                dotted = ".".join(map(str, (*path, key)))
                raise YamlError(f"{dotted} is given twice, in lines {seen[key]} and {_line(key_node)}; keep one")
            seen[key] = self._note_line((*path, key), key_node)
            own[key] = self.value(value_node, (*path, key))
        return {**merged, **own}

    def _merged(self, node: yaml.Node, path: KeyPath) -> dict[str, object]:
        """Return what `<<: *anchor` brings in; of several, the first one wins."""
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        result: dict[str, object] = {}
        for part in parts:
            value = self.value(part, (*path, _MERGE))
            if not isinstance(value, dict):
                raise YamlError("expected a mapping after `<<:`", line=_line(node))
            result = {**value, **result}
        return result

    def _scalar(self, node: yaml.ScalarNode) -> object:
        if node.tag in _TEXT_TAGS or _is_trap(node):
            return node.value
        try:
            return self._constructor.construct_object(node)
        except (ValueError, KeyError, IndexError, OverflowError, yaml.YAMLError):
            expected = _NUMBER_TAGS.get(node.tag, "a plain value")
            raise YamlError(f"expected {expected}, got {node.value[:60]!r}", line=_line(node)) from None


def _compose(text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except RecursionError:
        raise YamlError(f"expected at most {MAX_DEPTH} levels, got deeper nesting") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(_syntax_message(error), line=mark.line + 1 if mark else None) from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise YamlError(f"is not YAML ({' '.join(str(error).split())[:120]})") from None


def _syntax_message(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "it does not parse"
    if r"'\t'" in problem:
        return "a tab is used where YAML wants spaces; replace it by spaces"
    if "single document" in (error.context or ""):
        return "expected one YAML document, got a second one after `---`"
    context = f"{error.context}: " if error.context else ""
    return f"is not YAML: {context}{problem}"


def _decode(data: bytes) -> str:
    encoding = next((name for mark, name in _ENCODINGS if data.startswith(mark)), "utf-8-sig")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise YamlError("expected a text file in UTF-8, got other bytes") from None


def _key(node: yaml.Node) -> str:
    """Return a key as it is written, so that `on:` stays `on`."""
    if not isinstance(node, yaml.ScalarNode) or node.tag not in _SCALAR_TAGS or not node.value:
        raise YamlError(f"expected a text as key, got {_kind(node)}", line=_line(node))
    return node.value


def _is_trap(node: yaml.ScalarNode) -> bool:
    """Whether YAML 1.1 reads another number than a person does: a time as base 60, leading zeros as octal."""
    return node.tag in _NUMBER_TAGS and bool(_TRAP.fullmatch(node.value))


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    return f"the text {node.value[:60]!r}" if node.value else "nothing"


def _short_tag(tag: str) -> str:
    return "!!" + tag.removeprefix(_YAML_TAG) if tag.startswith(_YAML_TAG) else tag


def _nearest_file(path: Path) -> str:
    """Return a hint at the file of the same folder whose name is nearest."""
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix in {".yml", ".yaml"}]
    except OSError:
        return f"; there is no folder {path.parent}"
    near = difflib.get_close_matches(path.name, names, n=1)
    return f"; did you mean {path.parent / near[0]}?" if near else ""
