"""From a YAML file of BasicSR's dialect to typed, frozen options; every problem is reported at once.

loaded = load_options(Path("options/finetune_x4plus_architecture.yml"), overrides=["train.total_iter=10"])
loaded.options.train.total_iter
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from realesrgan_arch.errors import UserError
from realesrgan_arch.image_header import shown
from realesrgan_arch.options.extends import ExtendsError, Place, read_laid
from realesrgan_arch.options.notes import write_notes
from realesrgan_arch.options.overrides import apply_overrides
from realesrgan_arch.options.problems import EXTENDS, Problem, dotted, find_problems, schema
from realesrgan_arch.options.rules import broken_rules, gate_beside_wrong_branches
from realesrgan_arch.options.train import TrainOptions
from realesrgan_arch.options.types import Options
from realesrgan_arch.options.yaml_dialect import KeyPath

_STAND_INS: dict[str | int, object] = {
    "name": "unnamed",
    "network_g": {"type": "RRDBNet"},
    "optim_g": {"lr": 1.0},
    "lr": 1.0,
    "total_iter": 1,
    "batch_size_per_gpu": 1,
}
"""Values for required keys that are wrong, so that the rules between the other keys can still be checked."""
_ROUNDS = 5
_NOT_FOLLOWED = (
    "is followed in an option file only; write the file out with `realesrgan-arch options show FILE` and use that"
)
_LAST = (math.inf, 0)
_RUNTIME_KEYS = {"is_train", "dist", "rank", "world_size", "auto_resume", "root_path"}
_RUNTIME_PATHS = {"experiments_root", "models", "training_states", "log", "visualization", "results_root"}
_RUNTIME_DATASET_KEYS = {"phase", "scale"}


class OptionsError(UserError):
    """Everything that is wrong with one option file."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        many = len(problems) > 1
        lines = [f"{source} has {len(problems)} problems:", *(f"  {text}" for text in problems)]
        super().__init__("\n".join(lines) if many else f"{source}: {problems[0]}")


@dataclass(frozen=True)
class LoadedOptions:
    """Options, what the user should hear about them, and the file."""

    options: Options
    notes: tuple[str, ...]
    path: Path
    origins: Mapping[str, tuple[str, ...]]
    """What each key at the top was made of: option files, the lowest first, and then overrides (`--set x=1`)."""


def load_options(path: Path, *, overrides: Sequence[str] = ()) -> LoadedOptions:
    """Read the option file `path`, changed by `overrides` (`train.total_iter=10`).

    Raises:
        OptionsError: with all problems, each with its key and its line.
    """
    path = Path(path).expanduser()
    try:
        document = read_laid(path)
    except ExtendsError as error:
        raise OptionsError(str(path), [f"{_prefix(error.place, path)}{error}"]) from None
    values, changes, problems = apply_overrides(document.values, overrides)
    places: dict[KeyPath, Place | str] = {**document.places, **changes}
    options, found = _check(values)
    if options is None or problems or found:
        raise OptionsError(str(path), _sentences([*problems, *found], places, document.files))
    return LoadedOptions(
        options=options, notes=write_notes(options, values), path=path, origins=_origins(values, places, document.files)
    )


def parse_options(mapping: Mapping[str, object], *, source: str = "options") -> Options:
    """Return the options in `mapping`, as a YAML file or BasicSR gives them (see `strip_runtime_keys`).

    Raises:
        OptionsError: with all problems; `source` says where `mapping` came from.
    """
    options, problems = _check(mapping)
    if options is None or problems:
        raise OptionsError(source, _sentences(problems, {}, ()))
    return options


def strip_runtime_keys(mapping: Mapping[str, object]) -> dict[str, object]:
    """Return a copy without what BasicSR's `parse_options` adds to an option file when it runs."""
    kept = {key: value for key, value in mapping.items() if key not in _RUNTIME_KEYS}
    kept["path"] = _without(kept.get("path"), _RUNTIME_PATHS)
    datasets = kept.get("datasets")
    if isinstance(datasets, Mapping):
        kept["datasets"] = {key: _without(value, _RUNTIME_DATASET_KEYS) for key, value in datasets.items()}
    return kept


def require_train(options: Options) -> TrainOptions:
    """Return the `train` section.

    Raises:
        OptionsError: these are options for testing only.
    """
    if options.train is None:
        raise OptionsError(
            options.name, ["train: this section is required to train; expected optim_g, total_iter, ..."]
        )
    return options.train


def json_schema() -> dict[str, object]:
    """Return the JSON schema of an option file, for editors and other programs."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**head, **schema(), "title": "realesrgan_arch options"}


def _check(values: Mapping[str, object]) -> tuple[Options | None, list[Problem]]:
    """Return the options, and every problem: of single keys, and of the rules that no wrong key has a part in."""
    if EXTENDS in values:
        rest = {key: item for key, item in values.items() if key != EXTENDS}
        options, problems = _check(rest)
        return options, [Problem((EXTENDS,), _NOT_FOLLOWED), *problems]
    try:
        options = Options.model_validate(values)
    except ValidationError as error:
        problems = find_problems(error, values)
        wrong = [problem.path for problem in problems]
        problems += gate_beside_wrong_branches(values.get("gate"), wrong)
        rest = _validate_rest(values, wrong)
        rules = broken_rules(rest) if rest else []
        return None, [*problems, *(rule for rule in rules if not rule.touches(wrong))]
    return options, broken_rules(options)


def _validate_rest(values: Mapping[str, object], wrong: list[KeyPath]) -> Options | None:
    """Return the options without what is in `wrong`; sections that cannot do without go too, and are added to it."""
    rest: dict[str, object] = dict(values)
    for path in wrong:
        rest = _replaced(rest, path)
    for _ in range(_ROUNDS):
        try:
            return Options.model_validate(rest)
        except ValidationError as error:
            missing = [problem.path for problem in find_problems(error, rest)]
        for path in missing:
            stand_in = _STAND_INS.get(path[-1])
            gone = path if stand_in is not None else path[:-1]
            wrong.append(gone)
            rest = _replaced(rest, gone, stand_in=stand_in)
    return None


def _replaced(values: Mapping[str, object], path: KeyPath, *, stand_in: object = None) -> dict[str, object]:
    """Return a copy with `stand_in`, or nothing, at `path`; of a list, the whole list goes."""
    head = str(path[0]) if path else ""
    copied = {key: item for key, item in values.items() if key != head}
    inner = values.get(head)
    if len(path) > 1 and isinstance(inner, Mapping):
        copied[head] = _replaced(inner, path[1:], stand_in=stand_in)
    elif stand_in is not None:
        copied[head] = stand_in
    return copied


def _sentences(problems: Sequence[Problem], places: Mapping[KeyPath, Place | str], files: Sequence[Path]) -> list[str]:
    """Return one sentence for each problem, the own file's first and in its order; those of overrides come last."""
    order = list(reversed(files))
    placed = [(_place(problem.path, places), problem) for problem in problems]
    placed.sort(key=lambda pair: (order.index(pair[0].path), pair[0].line) if isinstance(pair[0], Place) else _LAST)
    own = order[0] if order else None
    sentences = (f"{_prefix(place, own)}{dotted(problem.path)}: {problem.text}" for place, problem in placed)
    return list(dict.fromkeys(sentences))


def _place(path: KeyPath, places: Mapping[KeyPath, Place | str]) -> Place | str | None:
    """Return the line of a key, or of the nearest section around it; or the override that it came from."""
    lengths = range(len(path), 0, -1)
    return next((places[path[:length]] for length in lengths if path[:length] in places), None)


def _prefix(place: Place | str | None, own: Path | None) -> str:
    """Return what a sentence starts with; the file `own` stands in the heading already."""
    if place is None:
        return ""
    if isinstance(place, str):
        return f"{place}: "
    return f"line {place.line}: " if place.path == own else f"{shown(place.path)}, line {place.line}: "


def _origins(
    values: Mapping[str, object], places: Mapping[KeyPath, Place | str], files: Sequence[Path]
) -> dict[str, tuple[str, ...]]:
    """Return what each key of `values` was made of; one that a file or an override has removed was made of nothing."""
    origins: dict[str, tuple[str, ...]] = {}
    for key in dict.fromkeys(str(path[0]) for path in places if path[0] in values):
        inside = [place for path, place in places.items() if path[0] == key]
        read = {place.path for place in inside if isinstance(place, Place)}
        told = dict.fromkeys(place for place in inside if isinstance(place, str))
        origins[key] = (*(shown(file) for file in files if file in read), *told)
    return origins


def _without(value: object, keys: set[str]) -> object:
    return {key: item for key, item in value.items() if key not in keys} if isinstance(value, Mapping) else value
