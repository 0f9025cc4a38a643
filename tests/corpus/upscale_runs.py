"""Whole runs of `upscale` over bad input, with the flags that matter: what is made, said and returned."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Prepare = Callable[[Path], object]
"""Writes into the empty folder that is the working folder of the run."""
Check = Callable[[Path], None]
"""Looks at the folder of the results and fails where they are not as they must be."""


@dataclass(frozen=True)
class UpscaleRun:
    """`upscale SOURCE OUTPUT FLAGS` with the small network of the package, or the model that the flags name.

    `results`: all files below the output folder but the manifest and the list of failures. `words`: what is said, on
    either stream. `denied`: a path below the working folder that this user may not write, or, of a file, not read.
    """

    id: str
    what: str
    prepare: Prepare
    words: str
    code: int = 0
    results: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    source: str = "photos"
    output: str = "out"
    denied: str = ""
    check: Check = lambda output: None

    @property
    def row(self) -> int:
        return int(self.id[:2])
