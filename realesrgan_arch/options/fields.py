"""The small types that option files are made of: numbers, paths, names and choices that are not offered yet."""

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_NOT_IN_NAMES = re.compile(r'[/\\:*?"<>|\x00-\x1f]')
_NUMBER_CAP = 40
"""Characters of a number that was written as text."""


class Section(BaseModel):
    """A mapping of the option file: unknown keys are errors, and nothing changes after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _null_means_not_given(cls, data: object) -> object:
        """Drop `key: ~`, so that its default counts, as in BasicSR; a required key stays and is reported."""
        if not isinstance(data, Mapping):
            return data
        optional = {name for name, info in cls.model_fields.items() if not info.is_required()}
        return {key: value for key, value in data.items() if value is not None or key not in optional}


def read_number(value: object) -> object:
    """Return the number that a text such as `1e-4` (text in YAML 1.1) stands for; anything else as it is.

    Raises:
        ValueError: a switch (`true`, `false`), which Python would take for 1 or 0.
    """
    if isinstance(value, bool):
        raise ValueError
    if isinstance(value, str) and len(value) <= _NUMBER_CAP and _NUMBER.fullmatch(value):
        return float(value)
    return value


def read_spec(value: object, *, spec_types: tuple[type, ...]) -> object:
    """Apply `read_number` to a network's mapping; its classes know nothing of option files."""
    if not isinstance(value, Mapping):
        return value
    switches = {field.name for spec in spec_types for field in fields(spec) if field.type is bool}
    return {key: item if key in switches else _number_or_text(item) for key, item in value.items()}


def without_nothing(value: object) -> object:
    """Drop `key: ~` from a mapping of names, as a section does."""
    return {key: item for key, item in value.items() if item is not None} if isinstance(value, Mapping) else value


def not_offered(values: Mapping[object, str]) -> BeforeValidator:
    """Refuse values that upstream knows and we do not, with the reason that the user should read."""

    def check(value: object) -> object:
        reason = values.get(value) if isinstance(value, str | int | float) else None
        if reason is not None:
            raise ValueError(f"{value!r} is not offered: {reason}")
        return value

    return BeforeValidator(check)


def _number_or_text(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else read_number(value)


def _read_path(value: object) -> object:
    if isinstance(value, str):
        if not value.strip():
            raise ValueError("expected a path, got an empty text; write ~ for none")
        if value.lower() == "none":
            raise ValueError(f"expected a path, got {value!r}; write ~ for none")
        return Path(value).expanduser() if value.startswith("~/") else Path(value)
    return value


def _read_name(value: object) -> object:
    if isinstance(value, str) and (not value.strip(". ") or _NOT_IN_NAMES.search(value)):
        raise ValueError(f"expected a name that a folder can have, got {value!r}")
    return value


def _read_list(value: object) -> object:
    return (value,) if isinstance(value, str) else value


_READ = BeforeValidator(read_number)
Number = Annotated[float, Field(allow_inf_nan=False), _READ]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), _READ]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False), _READ]
Share = Annotated[float, Field(ge=0, le=1), _READ]
Whole = Annotated[int, _READ]
Count = Annotated[int, Field(ge=1), _READ]
CountOrZero = Annotated[int, Field(ge=0), _READ]
Interval = tuple[NotNegative, NotNegative]
PositiveInterval = tuple[Positive, Positive]
_SHARE = TypeAdapter(Share)
FilePath = Annotated[Path, BeforeValidator(_read_path)]
FolderName = Annotated[str, BeforeValidator(_read_name)]
Text = Annotated[str, Field(min_length=1)]
TextList = Annotated[
    tuple[Text, ...], Field(min_length=1), BeforeValidator(_read_list, json_schema_input_type=str | list[Text])
]


def read_share(value: object) -> float | None:
    """Return the probability that `value` is; None where it is none."""
    try:
        return _SHARE.validate_python(value)
    except ValidationError:
        return None
