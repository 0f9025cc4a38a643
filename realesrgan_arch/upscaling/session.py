"""A whole upscaling run: a request in; pictures and a report out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from tqdm import tqdm

from realesrgan_arch.devices import choose_device, choose_dtype
from realesrgan_arch.image_header import shown
from realesrgan_arch.plural import count_of
from realesrgan_arch.upscaling.backends.torch_backend import TorchBackend
from realesrgan_arch.upscaling.engine import Upscaler
from realesrgan_arch.upscaling.folder import FolderReport, upscale_folder
from realesrgan_arch.upscaling.job import Job
from realesrgan_arch.upscaling.loading import load_network
from realesrgan_arch.upscaling.manifest import Manifest
from realesrgan_arch.upscaling.names import Extension
from realesrgan_arch.upscaling.output_place import check_writable
from realesrgan_arch.upscaling.picture import AlphaUpsampler, PictureUpscaler
from realesrgan_arch.upscaling.run_plan import plan_run
from realesrgan_arch.upscaling.sources import find_sources

Subsampling = Literal["444", "422", "420"]
MetadataPolicy = Literal["keep", "safe", "none"]


@dataclass(frozen=True)
class UpscaleRequest:
    """What to upscale, with what, how and whereto; see `inference.py --help`."""

    source: Path
    output: Path
    model: str
    denoise_strength: float | None = None
    outscale: float | None = None
    """None: the model's, unless `width` or `max_side` is given."""
    width: int | None = None
    max_side: int | None = None
    suffix: str = "out"
    ext: Extension = "auto"
    quality: int = 95
    subsampling: Subsampling = "444"
    metadata: MetadataPolicy = "keep"
    to_srgb: bool = False
    dpi: int | None = None
    tile: int | None = None
    """None: as large as the memory allows; 0: the whole picture."""
    tile_pad: int = 16
    pre_pad: int = 0
    device: str = "auto"
    precision: str = "auto"
    backend: str = "auto"
    alpha_upsampler: AlphaUpsampler = "network"
    resume: bool = False
    overwrite: bool = False
    verify: bool = False
    from_list: Path | None = None
    limit: int | None = None
    fail_fast: bool = False
    watch: bool = False
    shard: tuple[int, int] | None = None
    """(i, n): the i-th, from 1, of n shares."""
    engine: Literal["local", "ray"] = "local"

    def settings(self) -> dict[str, object]:
        """Return what decides the bytes of a result besides its picture and the model: a change means another result.

        Tiles, padding, devices and backends are left out: with them a pixel differs by rounding at most.
        """
        names = (
            "denoise_strength", "outscale", "width", "max_side", "suffix", "ext", "quality", "subsampling", "metadata",
            "to_srgb", "dpi", "precision", "alpha_upsampler",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}


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
    sources = find_sources(request.source, request.output, from_list=request.from_list)
    check_writable(request.output)
    device = choose_device(request.device)
    dtype = choose_dtype(device, request.precision, training=False)
    network, spec = load_network(request.model, denoise_strength=request.denoise_strength)
    backend = TorchBackend(network, scale=spec.scale, device=device, dtype=dtype)
    engine = Upscaler(
        backend, tile=512 if request.tile is None else request.tile, tile_pad=request.tile_pad, pre_pad=request.pre_pad
    )
    outscale = request.outscale or float(spec.scale)
    upscaler = PictureUpscaler(engine, outscale=outscale, alpha_upsampler=request.alpha_upsampler)
    manifest = Manifest(request.output, root=sources.root, model_sha256="", settings=request.settings())
    plan = plan_run(
        sources, output_size=lambda size: _times(size, outscale), manifest=manifest, suffix=request.suffix,
        ext=request.ext, shard=request.shard, limit=request.limit, resume=request.resume, verify=request.verify,
        overwrite=True,
    )  # fmt: skip
    report = upscale_folder(plan, upscaler=upscaler, track=_with_progress_bar)
    return UpscaleOutcome(request, report, outscale, device, dtype)


def _times(size: tuple[int, int], outscale: float) -> tuple[int, int]:
    return max(1, int(size[0] * outscale)), max(1, int(size[1] * outscale))


def _with_progress_bar(jobs: Sequence[Job]) -> Iterable[Job]:
    return tqdm(jobs, desc="upscaling", unit="picture", dynamic_ncols=True, disable=None)
