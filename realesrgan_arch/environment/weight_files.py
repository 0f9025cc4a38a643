"""Known weight files: which are on this machine, and whether their checksums are right."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from realesrgan_arch.environment.attempt import attempt, module_or_none
from realesrgan_arch.environment.facts import Finding, WeightFile
from realesrgan_arch.image_header import shown

TABLE = "realesrgan_arch.weights.table"
GOOD_STATES = ("absent", "verified", "unverified")


def list_weights() -> tuple[WeightFile, ...]:
    """Return the state of every known weight file; nothing where the table itself cannot be imported (no torch)."""
    table = module_or_none(TABLE)
    return () if table is None else tuple(weight_file(table, known) for known in table.KNOWN_WEIGHTS.values())


def weight_folders() -> tuple[str, ...]:
    """Return where weights are looked for, in order; nothing where the table itself cannot be imported."""
    table = module_or_none(TABLE)
    return () if table is None else tuple(shown(folder) for folder in table.search_folders())


def weight_file(table: ModuleType, known: Any) -> WeightFile:
    """Look for one known file in the folders where weights are kept, and check its SHA-256."""
    path = table.present_file(known)
    if path is None:
        return WeightFile(name=known.name, state="absent", path=None, sha256=None)
    verification, problem = attempt(lambda: table.verify(path))
    return WeightFile(
        name=known.name,
        state=problem or verification.status,
        path=str(path),
        sha256=None if problem else verification.sha256,
    )


def weights_findings(weights: Sequence[WeightFile]) -> list[Finding]:
    """One finding for each weight file that is there but is not the one that was published."""
    return [
        Finding(
            text=f"{file.path} is not the published {file.name}: {wrong_bytes(file)}",
            mend=f"delete it and run: realesrgan-arch weights get {file.name}",
            blocks_training=False,
        )
        for file in weights
        if file.state not in GOOD_STATES
    ]


def wrong_bytes(file: WeightFile) -> str:
    """Return what is wrong with a file in words."""
    return f"its SHA-256 is {file.sha256}" if file.sha256 else file.state
