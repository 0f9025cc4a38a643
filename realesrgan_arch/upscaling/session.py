"""A whole upscaling run: a request in; pictures and a report out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from realesrgan_arch.devices import choose_device, choose_dtype
from realesrgan_arch.image_header import shown
from realesrgan_arch.plural import count_of
from realesrgan_arch.upscaling.backends.torch_backend import TorchBackend
from realesrgan_arch.upscaling.engine import Upscaler
from realesrgan_arch.upscaling.folder import Extension, FolderReport, Job, plan_folder, upscale_folder
from realesrgan_arch.upscaling.loading import load_network
from realesrgan_arch.upscaling.picture import AlphaUpsampler, PictureUpscaler


@dataclass(frozen=True)
class UpscaleRequest:
    """What to upscale, with what, how and whereto; see `inference.py --help`."""

    source: Path
    output: Path
    model: str
    denoise_strength: float | None = None
    outscale: float | None = None
    """None: the model's."""
    suffix: str = "out"
    ext: Extension = "auto"
    tile: int = 512
    tile_pad: int = 16
    pre_pad: int = 0
    device: str = "auto"
    precision: str = "auto"
    alpha_upsampler: AlphaUpsampler = "network"


@dataclass(frozen=True)
class UpscaleOutcome:
    """What became of a request."""

    request: UpscaleRequest
    report: FolderReport
    outscale: float
    device: torch.device
    dtype: torch.dtype

    def summary(self) -> str:
        """Return what was made, where it is and what was left out."""
        precision = str(self.dtype).removeprefix("torch.")
        lines = [
            f"{count_of(len(self.report.ok), 'picture')} upscaled x{self.outscale:g} with {self.request.model} "
            f"({self.device}, {precision})",
            f"results  {shown(self.request.output)}",
        ]
        if self.report.skipped:
            lines.append(
                f"skipped  {count_of(len(self.report.skipped), 'picture')} in the output folder: earlier results"
            )
        if self.report.failed:
            lines.append(f"failed   {count_of(len(self.report.failed), 'picture')}, named above")
        return "\n".join(lines)


def upscale(request: UpscaleRequest) -> UpscaleOutcome:
    """Do `request`, with a progress bar on standard error.

    Raises:
        UserError: whatever can be known before the first picture: no input, an output folder that cannot be written, a
            model, device or precision that is not there. Later faults are in the report.
    """
    plan = plan_folder(request.source, request.output, suffix=request.suffix, ext=request.ext)
    device = choose_device(request.device)
    dtype = choose_dtype(device, request.precision, training=False)
    network, spec = load_network(request.model, denoise_strength=request.denoise_strength)
    backend = TorchBackend(network, scale=spec.scale, device=device, dtype=dtype)
    engine = Upscaler(backend, tile=request.tile, tile_pad=request.tile_pad, pre_pad=request.pre_pad)
    outscale = request.outscale or float(spec.scale)
    upscaler = PictureUpscaler(engine, outscale=outscale, alpha_upsampler=request.alpha_upsampler)
    report = upscale_folder(plan, upscaler=upscaler, track=_with_progress_bar)
    return UpscaleOutcome(request, report, outscale, device, dtype)


def _with_progress_bar(jobs: Sequence[Job]) -> Iterable[Job]:
    return tqdm(jobs, desc="upscaling", unit="picture", dynamic_ncols=True, disable=None)
