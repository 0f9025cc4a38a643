"""The facts themselves: frozen, printable, JSON-able."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Package:
    """One required package: its installed version, and why it cannot be used where it cannot."""

    name: str
    version: str | None
    problem: str | None


@dataclass(frozen=True, kw_only=True)
class Device:
    """One device that torch can use, and the precision that `precision: auto` means there."""

    name: str
    description: str
    training_precision: str
    upscaling_precision: str


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Memory and free space in bytes; None where the system does not tell."""

    cores: int
    memory: int | None
    memory_free: int | None
    shared_memory_free: int | None
    disk_free: int
    disk_path: str


@dataclass(frozen=True, kw_only=True)
class WeightFile:
    """One known weight file.

    `state` is "absent", "verified" (the released bytes), "unverified" (no checksum is published), "differs" (other
    bytes), or why the file cannot be read.
    """

    name: str
    state: str
    path: str | None
    sha256: str | None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that the user should know, and how to mend it."""

    text: str
    mend: str
    blocks_training: bool


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Everything that `doctor` tells."""

    version: str
    python: str
    system: str
    packages: tuple[Package, ...]
    devices: tuple[Device, ...]
    resources: Resources
    weights: tuple[WeightFile, ...]
    weight_folders: tuple[str, ...]
    """Where they were looked for, in order."""
    findings: tuple[Finding, ...]

    @property
    def can_train(self) -> bool:
        """Whether no finding blocks training."""
        return not any(finding.blocks_training for finding in self.findings)
