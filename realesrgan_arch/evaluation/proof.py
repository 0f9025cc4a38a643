"""What an evaluation found, as one record that a report, a sweep or a later session reads: `proof.json`."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from realesrgan_arch import atomic
from realesrgan_arch.errors import UserError
from realesrgan_arch.evaluation.statistics import Judgement
from realesrgan_arch.image_header import shown

PROOF_FILE = "proof.json"
SCORES_FILE = "scores.csv"
FORMAT = 1
_MEND = "evaluate the models again."
Why = Literal["worst", "best", "random"]
Kind = Literal["truth", "control", "base", "tuned"]


@dataclass(frozen=True)
class MethodFacts:
    """What was scored."""

    name: str
    """`bicubic`, `base`, `tuned`, `base + back-projection 1.0`, ..."""
    kind: Kind
    source: str = ""
    """File or known name of the weights, as a person reads it."""
    sha256: str = ""


@dataclass(frozen=True)
class ShownPicture:
    """A picture that the report shows."""

    name: str
    scene: str
    why: Why
    composite: float
    """Of `tuned` against `base`, in steps."""
    files: Mapping[str, str]
    """PNG by method (`lq`, `bicubic`, `base`, `tuned`, `ground truth`), relative to the folder of the proof; all of
    one place, 1:1 in pixels of the result but for `lq`."""


@dataclass(frozen=True)
class Proof:
    """One set of pictures."""

    title: str
    set_hash: str
    """Of a frozen set; else empty."""
    scale: int
    border: int
    y_channel: bool
    pictures: int
    scenes: int
    methods: tuple[MethodFacts, ...]
    means: Mapping[str, Mapping[str, float]]
    """By method, then metric: mean over pictures that are defined."""
    judgements: tuple[Judgement, ...] = ()
    """`tuned` against `base` first, then against each control, then each control against `base`."""
    groups: Mapping[str, Mapping[str, Judgement]] = field(default_factory=dict)
    """`tuned` against `base` by kind of group (`folder`, `tags`, ...), then by group."""
    shown: tuple[ShownPicture, ...] = ()
    left_out: tuple[str, ...] = ()
    """Files that could not be read or scored, with the reason."""
    notes: tuple[str, ...] = ()
    """Sentences a reader must know: undefined scores, too few scenes, targets that disagree; `warning` is the first."""
    warning: str = ""
    """Why the judgements prove nothing: a model was trained on these pictures. Empty where nothing is known of it."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Versions, device, date, command: for the report's last section."""


class ProofError(UserError):
    """A record of an evaluation that cannot be read."""


def write_proof(proof: Proof, folder: Path) -> Path:
    """Write `proof.json` into `folder`, last of all its files: where it is, the others are whole.

    Raises:
        OSError: it cannot be written.
    """
    path = folder / PROOF_FILE
    atomic.write_text(path, json.dumps(proof_as_json(proof), indent=1, allow_nan=False) + "\n")
    return path


def read_proof(folder: Path) -> Proof:
    """Read `proof.json` of `folder`.

    Raises:
        ProofError: absent, damaged, or of a later version.
    """
    path = folder / PROOF_FILE
    try:
        values = json.loads(path.read_bytes())
        if not isinstance(values, dict) or "format" not in values:
            raise ProofError(f"{shown(path)} is damaged (it is no record of an evaluation); {_MEND}")
        if values["format"] != FORMAT:
            raise ProofError(f"{shown(path)} has format {values['format']}, but {FORMAT} is read here; {_MEND}")
        return TypeAdapter(Proof).validate_python(values)
    except OSError as error:
        raise ProofError(
            f"Expected a folder of results, but {shown(path)} cannot be read: {error.strerror}; make it with "
            "`realesrgan-arch evaluate` or test.py."
        ) from error
    except ValueError as error:
        raise ProofError(f"{shown(path)} is damaged ({_fault(error)}); {_MEND}") from error


def proof_as_json(proof: Proof) -> dict[str, Any]:
    """Return the proof as plain values; NaN and infinities, which JSON has not, are their names as text."""
    return {"format": FORMAT, **_plain(asdict(proof))}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _fault(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    if isinstance(error, json.JSONDecodeError):
        return f"it is no whole JSON: line {error.lineno}, column {error.colno}"
    return "it is no text"
