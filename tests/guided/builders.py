"""A guided run's parts without photographs or training."""

from pathlib import Path

import torch

from realesrgan_arch.guided.base import Base
from realesrgan_arch.guided.chain import Work
from realesrgan_arch.guided.folder import GuidedFolder
from realesrgan_arch.guided.journal import Journal
from realesrgan_arch.guided.request import Request
from realesrgan_arch.guided.talk import Talk
from realesrgan_arch.networks.spec import CompactSpec

DEMO_BASE = Path(__file__).parents[2] / "realesrgan_arch" / "data" / "demo_base.safetensors"
DEMO_SPEC = CompactSpec(num_feat=32, num_conv=8)


def build_request(root: Path, **changed) -> Request:
    values = {"data": root / "photos", "name": "mine", "out": root / "out", "hours": 1.0, "base": str(DEMO_BASE)}
    return Request(**{**values, **changed})


def build_work(root: Path, lines: list[str], **changed) -> Work:
    request = build_request(root, **changed)
    folder = GuidedFolder(request.out / request.name, request.name)
    base = Base(str(DEMO_BASE), "0" * 64, DEMO_SPEC, None)
    return Work(request, base, torch.device("cpu"), folder, Journal(folder.journal), Talk(lines.append))
