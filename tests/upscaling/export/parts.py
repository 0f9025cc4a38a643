"""Tiny networks in files, and a runless export of them."""

from pathlib import Path

import torch

from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import CompactSpec, GeneratorSpec, RRDBNetSpec
from realesrgan_arch.upscaling.export.session import ExportOutcome, ExportRequest, export

X2 = RRDBNetSpec(num_feat=8, num_block=1, scale=2)
COMPACT = CompactSpec(num_feat=8, num_conv=2)


def write_weights(path: Path, spec: GeneratorSpec, *, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"params": build_generator(spec).state_dict()}, path)
    return path


def export_to(folder: Path, weights: Path, *formats: str, **settings: object) -> ExportOutcome:
    return export(ExportRequest(str(weights), formats, output=folder, **settings))  # pyright: ignore
