"""Known weight files: which are on this machine, and whether their checksums are right."""

from collections.abc import Sequence
from types import ModuleType

from realesrgan_arch.environment.attempt import attempt, module_or_none
from realesrgan_arch.environment.facts import Finding, WeightFile

ABSENT = "absent"
VERIFIED = "verified"


def list_weights() -> tuple[WeightFile, ...]:
    """Return the state of every known weight file; nothing where the table itself cannot be imported (no torch)."""
    weights = module_or_none("realesrgan_arch.weights")
    return () if weights is None else tuple(weight_file(weights, name) for name in weights.KNOWN_WEIGHTS)


def weight_file(weights: ModuleType, name: str) -> WeightFile:
    """Look for one known weight file in the folders where `weights get` puts it, and check its SHA-256."""
    path, missing = attempt(lambda: weights.find_weights(name))
    if missing:
        return WeightFile(name=name, state=ABSENT, path=None)
    _, problem = attempt(lambda: weights.verify(path))
    return WeightFile(name=name, state=problem or VERIFIED, path=str(path))


def weights_findings(weights: Sequence[WeightFile]) -> list[Finding]:
    """One finding for each weight file that is there but is not the one that was published."""
    return [
        Finding(
            text=f"{file.path} is not the published {file.name}: {file.state}",
            mend=f"delete it and run: realesrgan-arch weights get {file.name}",
            blocks_training=False,
        )
        for file in weights
        if file.state not in (ABSENT, VERIFIED)
    ]
