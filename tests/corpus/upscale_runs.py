"""Whole runs of `upscale` over bad input, with the flags that matter: what is made, said and returned."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from realesrgan_arch import inference
from realesrgan_arch.entry import run
from tests.corpus.entries import several

BASE = Path(inference.__file__).parent / "data" / "demo_base.safetensors"
"""The small network of the package, which magnifies four times."""
_BOOKS = {"manifest.jsonl", "failed.txt"}

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


def photos(**files: bytes) -> Prepare:
    """Write them into `photos`; `a_png` is `a.png`."""

    def prepare(folder: Path) -> None:
        made = {name.replace("_", "."): data for name, data in files.items()}
        several({f"photos/{name}": lambda data=data: data for name, data in made.items()})(folder)

    return prepare


def upscale(wanted: UpscaleRun) -> int:
    """Run the command in this process: starting Python takes longer than all of its work."""
    model = () if "--model_path" in wanted.flags else ("--model_path", str(BASE))
    device = () if "--device" in wanted.flags else ("--device", "cpu")
    try:
        return run(
            inference.main,
            [wanted.source, wanted.output, *model, *device, "--backend", "torch", "--fp32", *wanted.flags],
        )
    except SystemExit as end:  # argparse
        assert isinstance(end.code, int)
        return end.code


def files_below(folder: Path) -> set[str]:
    """Return all files of a run but the manifest and the list of failures."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {name for name in found if name not in _BOOKS}
