"""How many ranks a run has, in a file of its own beside its options: they do not say it, and a replay needs it."""

import json
from pathlib import Path

from realesrgan_arch.atomic import write_text
from realesrgan_arch.data.files import DataError
from realesrgan_arch.image_header import shown

_NAME = "ranks.json"


def write_num_ranks(run: Path, num_ranks: int) -> None:
    """Write into the folder `run` how many ranks train."""
    write_text(run / _NAME, json.dumps({"ranks": num_ranks}))


def read_num_ranks(run: Path) -> int:
    """Return how many ranks trained the run in folder `run`; 1 where it does not say.

    Raises:
        DataError: a file that does not hold what `write_num_ranks` wrote.
    """
    file = run / _NAME
    if not file.is_file():
        return 1
    try:
        number = json.loads(file.read_text(encoding="utf-8"))["ranks"]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f'Expected {{"ranks": N}} in {shown(file)}, found something else; write it anew.') from error
    if not isinstance(number, int) or number < 1:
        raise DataError(f"Expected a number of ranks from 1 in {shown(file)}, got {number!r}; write it anew.")
    return number
