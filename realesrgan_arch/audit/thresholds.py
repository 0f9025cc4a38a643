"""From which number on a picture is noted, and from which it is left out; defaults are those of `options/audit.yml`."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from realesrgan_arch.options.fields import Section, read_number
from realesrgan_arch.options.load import OptionsError
from realesrgan_arch.options.problems import dotted, show, value_at
from realesrgan_arch.options.yaml_dialect import Document, KeyPath, YamlError, read_document

Threshold = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(read_number)] | Literal["never"]


class Limits(Section):
    """A picture gets a note from `note` on, and is left out from `drop` on; `never` for neither."""

    note: Threshold = "never"
    drop: Threshold = "never"


class AuditThresholds(Section):
    """One key for each measure; `judge.py` knows which side of a threshold is the bad one."""

    animated: Limits = Limits(drop=1)
    cmyk: Limits = Limits(note=1)
    gray: Limits = Limits(note=1)
    alpha: Limits = Limits(note=1)
    sixteen_bit: Limits = Limits(note=16)
    exif_rotated: Limits = Limits(note=2)
    too_small: Limits = Limits(note=400, drop=256)
    blurred: Limits = Limits(note=0.8, drop=0.6)
    jpeg_quality: Limits = Limits(note=60, drop=30)
    block_grid: Limits = Limits(note=0.67, drop=0.8)
    upscaled: Limits = Limits(note=3.2, drop=4.5)
    repeated_pixels: Limits = Limits(note=0.5, drop=0.8)
    blank: Limits = Limits(note=8, drop=3)
    line_drawing: Limits = Limits(note=0.5, drop=0.85)
    near_duplicate: Limits = Limits(note=8)


def load_thresholds(path: Path) -> AuditThresholds:
    """Read a file such as `options/audit.yml`; keys that it does not have keep their defaults.

    Raises:
        OptionsError: not a readable YAML mapping, or with every unknown key and wrong value, each with its line.
    """
    try:
        document = read_document(path)
    except YamlError as error:
        place = f"line {error.line}: " if error.line else ""
        raise OptionsError(str(path), [f"{place}{error}"]) from None
    try:
        return AuditThresholds.model_validate(document.values)
    except ValidationError as error:
        raise OptionsError(str(path), _sentences(error, document)) from None


def _sentences(error: ValidationError, document: Document) -> list[str]:
    """Return one sentence a key, in the order of the file; pydantic names a key once for each type it could have."""
    found: dict[KeyPath, str] = {}
    for detail in error.errors(include_url=False):
        path = _key_path(detail["loc"])
        found.setdefault(path, _explain(detail, path, document.values))
    ordered = sorted(found, key=lambda path: document.lines.get(path, 0))
    return [f"line {document.lines.get(path, 1)}: {dotted(path)}: {found[path]}" for path in ordered]


def _key_path(location: tuple[str | int, ...]) -> KeyPath:
    """Leave out what pydantic adds behind the keys: the member of a union."""
    return location[:2]


def _explain(detail: Mapping[str, Any], path: KeyPath, values: Mapping[str, object]) -> str:
    known = list(AuditThresholds.model_fields if len(path) == 1 else Limits.model_fields)
    if detail["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(path[-1]), known, n=1)
        return f"unknown key; did you mean {near[0]}?" if near else f"unknown key; expected one of {', '.join(known)}"
    expected = "something like {note: 60, drop: 30}" if len(path) == 1 else "a number or never"
    return f"expected {expected}, got {show(value_at(values, path))}"
