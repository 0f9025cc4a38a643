"""A small frozen set for tests."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from realesrgan_arch.data.freeze import Freezer
from realesrgan_arch.data.frozen_card import FreezePlan, FrozenCard
from realesrgan_arch.data.manifest import ManifestRow
from realesrgan_arch.degradation.presets import PRESETS, PresetName
from realesrgan_arch.images import read_size, write_image


def write_blocks(path: Path, *, seed: int, width: int = 72, height: int = 56) -> Path:
    """Write a picture with edges, so that every degradation has something to act on."""
    blocks = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, np.kron(blocks, np.ones((8, 8, 1), np.uint8)))
    return path


def write_villas(root: Path) -> Path:
    """Write four pictures of two scenes."""
    for number in range(4):
        write_blocks(root / f"villa {number % 2}" / f"{number}.png", seed=number)
    return root


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows_below(root: Path) -> list[ManifestRow]:
    """Return the rows of all files below `root`, as the part `val`."""
    return [row_of(path, root) for path in sorted(root.rglob("*")) if path.is_file()]


def row_of(path: Path, root: Path) -> ManifestRow:
    data, name = path.read_bytes(), path.relative_to(root)
    width, height = read_size(path)
    sha256 = hashlib.sha256(data).hexdigest()
    return ManifestRow(name.as_posix(), name.parent.as_posix(), "val", width, height, len(data), sha256, "exterior")


def freezer(
    root: Path,
    folder: Path,
    *,
    preset: PresetName = "full",
    seed: int = 0,
    per_image: int = 1,
    max_size: int | None = 64,
) -> Freezer:
    settings = PRESETS[preset]
    plan = FreezePlan(
        preset=preset,
        settings=json.loads(json.dumps(asdict(settings))),
        seed=seed,
        scale=4,
        per_image=per_image,
        max_size=max_size,
    )
    return Freezer(settings, plan, folder, root)


def freeze(root: Path, folder: Path, *, rows: list[ManifestRow] | None = None, **plan) -> FrozenCard:
    """Freeze all pictures below `root` into `folder`."""
    card, _ = freezer(root, folder, **plan).freeze(rows or rows_below(root), part="val", origin=root.as_posix())
    return card
