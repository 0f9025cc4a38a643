"""Small pictures, a network that repeats pixels, and a folder run over them with little to say."""

import io
from pathlib import Path

import numpy as np
import torch
from torch import nn

from realesrgan_arch.images import read_size, write_image
from realesrgan_arch.upscaling.backends.torch_backend import TorchBackend
from realesrgan_arch.upscaling.engine import Upscaler
from realesrgan_arch.upscaling.folder import upscale_folder
from realesrgan_arch.upscaling.job import Job, RunPlan
from realesrgan_arch.upscaling.one_job import PictureWork, begin_silently
from realesrgan_arch.upscaling.picture import PictureUpscaler
from realesrgan_arch.upscaling.picture_files import WriteOptions
from realesrgan_arch.upscaling.pipeline import Bounds
from realesrgan_arch.upscaling.progress import Progress

ONE_BY_ONE = Bounds(decode_threads=1, encode_threads=1, items=1, num_bytes=1)


class Repeat(nn.Module):
    """Magnifies by two, without any weights."""

    def forward(self, x):
        return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def upscaler_of(network=None, *, outscale=2, tile=0):
    backend = TorchBackend(network or Repeat(), scale=2, device=torch.device("cpu"))
    return PictureUpscaler(Upscaler(backend, tile=tile), outscale=outscale)


def photo(path: Path, size=(6, 8), value=None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(path.name)).integers(0, 255, (*size, 3), endpoint=True, dtype=np.uint8)
    write_image(path, pixels if value is None else np.full_like(pixels, value))
    return path


def job_of(source: Path, target: Path) -> Job:
    width, height = read_size(source)
    return Job(source, target, (width, height), (2 * width, 2 * height))


def plan_of(photos: Path, output: Path, suffix=None) -> RunPlan:
    sources = sorted(path for path in photos.rglob("*") if path.is_file())
    targets = [output / source.relative_to(photos) for source in sources]
    pairs = zip(sources, targets, strict=True)
    return RunPlan(tuple(job_of(source, target.with_suffix(suffix or target.suffix)) for source, target in pairs))


def do(plan: RunPlan, output: Path, *, upscaler=None, begin=begin_silently, said=None, **more):
    """Run `plan` into `output`; `said` takes what is shown."""
    work = PictureWork(upscaler or upscaler_of(), WriteOptions(), begin=begin, pause=lambda seconds: None)
    progress = Progress(stream=said or io.StringIO())
    return upscale_folder(plan, work=work, failed_list=output / "failed.txt", progress=progress, **more)


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
