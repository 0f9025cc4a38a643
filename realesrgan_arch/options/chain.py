"""Option files that are trained one after the other: `train.py -opt stage1.yml stage2.yml`, read and checked together.

A change from the command line is for every file; `2:train.total_iter=10` is for the second one only.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from realesrgan_arch.errors import UserError
from realesrgan_arch.image_header import shown
from realesrgan_arch.networks.spec import GeneratorSpec
from realesrgan_arch.options.load import LoadedOptions, OptionsError, load_options

_NUMBERED = re.compile(r"(\d+):(.+)", re.DOTALL)
_COST_ONLY = {"checkpointing"}
"""Fields of a network that its weights do not depend on."""


class ChainError(UserError):
    """Stages that do not follow one another."""


def load_chain(
    files: Sequence[Path], *, overrides: Sequence[str] = (), resume: str | None = None
) -> tuple[LoadedOptions, ...]:
    """Read all option files of a chain and check that each stage can start from the weights of the one before.

    Args:
        files: in the order in which they are trained; a single one is a chain, too.
        overrides: see `for_stage`.
        resume: `auto`, `none` or, for a single file, where to go on from; what each file says when absent.

    Raises:
        OptionsError: the problems of a file.
        ChainError: those of several files, or between them.
    """
    check_numbers(overrides, count=len(files))
    stages = _load_all(files, overrides)
    if resume is not None:
        source = resume if resume in ("auto", "none") else Path(resume)
        stages = [replace(stage, options=stage.options.resuming(source)) for stage in stages]
    if len(stages) > 1:
        _check_resumes(stages)
        _check_folders(stages)
        _check_generators(stages)
    return tuple(stages)


def for_stage(words: Iterable[str], number: int) -> list[str]:
    """Return those of `words` that are for the stage `number`, which is counted from 1, without such a number before.

    >>> for_stage(["scale=4", "2:train.total_iter=10"], 2)
    ['scale=4', 'train.total_iter=10']
    """
    split = [_NUMBERED.fullmatch(word) for word in words]
    chosen = zip(words, split, strict=True)
    return [found[2] if found else word for word, found in chosen if found is None or int(found[1]) == number]


def check_numbers(words: Iterable[str], *, count: int) -> None:
    """Check that each number before one of `words` is that of a stage.

    Raises:
        ChainError: it is none of the `count` stages.
    """
    for word in words:
        found = _NUMBERED.fullmatch(word)
        if found and not 1 <= int(found[1]) <= count:
            files = "1 option file is" if count == 1 else f"{count} option files are"
            raise ChainError(f"{word}: expected the number of a stage before the colon, but {files} given with -opt")


def _load_all(files: Sequence[Path], overrides: Sequence[str]) -> list[LoadedOptions]:
    stages: list[LoadedOptions] = []
    wrong: list[OptionsError] = []
    for number, file in enumerate(files, 1):
        try:
            stages.append(load_options(file, overrides=for_stage(overrides, number)))
        except OptionsError as error:
            wrong.append(error)
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        raise ChainError("\n".join(map(str, wrong)))
    return stages


def _check_resumes(stages: Sequence[LoadedOptions]) -> None:
    for stage in stages:
        source = stage.options.resume_from
        if isinstance(source, Path):
            raise ChainError(
                f"{shown(stage.path)}: expected resume auto or none with several option files, got {shown(source)}; go "
                "on from there with this file alone, then with --resume auto and all of them"
            )


def _check_folders(stages: Sequence[LoadedOptions]) -> None:
    first_of: dict[Path, int] = {}
    for number, stage in enumerate(stages, 1):
        name = stage.options.name
        earlier = first_of.setdefault(stage.options.run_path.resolve(), number)
        if earlier != number:
            raise ChainError(
                f"stages {earlier} and {number} are both called {name} and would share a folder; give one of them "
                f"another name, as with --set {number}:name={name}_{number}"
            )


def _check_generators(stages: Sequence[LoadedOptions]) -> None:
    before = stages[0]
    for number, stage in enumerate(stages[1:], 2):
        if different := _differences(before.options.network_g, stage.options.network_g):
            raise ChainError(
                f"{shown(stage.path)}: network_g: stage {number} starts from the weights of stage {number - 1}, but "
                f"its generator is another one: {different}; give both the same network_g and scale"
            )
        before = stage


def _differences(old: GeneratorSpec, new: GeneratorSpec) -> str:
    """Return what is another in `new`, in words; empty where the weights of one fit the other."""
    if old.type != new.type:
        return f"{new.type} after {old.type}"
    fields = asdict(old)
    changed = {key: value for key, value in asdict(new).items() if value != fields[key] and key not in _COST_ONLY}
    return ", ".join(f"{key} {value} after {fields[key]}" for key, value in changed.items())
