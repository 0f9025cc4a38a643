"""Which groups of pictures are judged apart: by folder, by the tags of a split, or by a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from realesrgan_arch.data.csv_table import Table
from realesrgan_arch.data.files import DataError, some_names
from realesrgan_arch.evaluation.chosen_set import DataChoice
from realesrgan_arch.image_header import printable, shown

MOST_GROUPS = 20
"""A table of more is read by nobody, and each group has too few scenes."""
_COLUMNS = ("tags", "group")
_RESERVED = frozenset({"name", "scene", "method", "set_hash"})

Groups = Mapping[str, Mapping[str, str]]
"""By kind, then by picture."""


def choose_groups(choice: DataChoice, wanted: Sequence[str] | None) -> Groups:
    """Return the groups of a set by kind.

    Args:
        choice: the set.
        wanted: `folder`, `tags`, or CSV files with the columns `path` (the name of the picture) and `tags` or `group`;
            None takes what the set says of itself where that is no more than 20 groups, and some of several scenes.

    Raises:
        DataError: the set has no such groups, or a table does not fit.
    """
    if wanted is None:
        return {kind: of for kind, of in choice.groups.items() if _tells(of, choice.scenes)}
    return dict(_kind(choice, one) for one in wanted)


def _tells(groups: Mapping[str, str], scenes: Mapping[str, str]) -> bool:
    """Whether the groups are few and larger than scenes."""
    count = len(set(groups.values()))
    return count <= MOST_GROUPS and count < len({scenes.get(name, name) for name in groups})


def _kind(choice: DataChoice, wanted: str) -> tuple[str, Mapping[str, str]]:
    if wanted in choice.groups:
        return wanted, choice.groups[wanted]
    if Path(wanted).suffix.lower() != ".csv":
        known = ", ".join(choice.groups) or "none"
        raise DataError(
            f"Expected groups that {choice.title} has ({known}) or a CSV file with the columns path and tags, got "
            f"{shown(Path(wanted))}."
        )
    return _read_groups(choice, Path(wanted))


def _read_groups(choice: DataChoice, path: Path) -> tuple[str, Mapping[str, str]]:
    table = Table(path, "table of groups", "save it as CSV with commas")
    columns, lines = table.read()
    column = next((name for name in _COLUMNS if name in columns), None)
    if "path" not in columns or column is None:
        raise DataError(f"{table.name} must have the columns path and tags, got '{printable(','.join(columns))}'.")
    said = {line.path_below("the folder of the pictures"): line.values[column] for line in lines}
    groups = {name: printable(said[name]) for name in choice.pairs.names if said.get(name)}
    if not groups:
        examples = some_names([shown(Path(name)) for name in choice.pairs.names])
        raise DataError(f"{table.name} names no picture of {choice.title}, whose pictures are called {examples}.")
    kind = f"{path.stem}_" if path.stem in _RESERVED else path.stem
    return kind, groups
