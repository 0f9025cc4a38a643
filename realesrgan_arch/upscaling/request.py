"""What a user can ask of an upscaling run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from realesrgan_arch.image_encode import Subsampling
from realesrgan_arch.image_metadata import KeepMetadata
from realesrgan_arch.upscaling.names import Extension
from realesrgan_arch.upscaling.picture import AlphaUpsampler
from realesrgan_arch.upscaling.picture_files import WriteOptions


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
    metadata: KeepMetadata = "keep"
    to_srgb: bool = False
    dpi: int | None = None
    tile: int | None = None
    """None: as large as the memory allows; 0: the whole picture."""
    tile_pad: int = 16
    pre_pad: int = 0
    device: str = "auto"
    precision: str = "auto"
    backend: str = "auto"
    compiled: bool = False
    consistency: float = 0.0
    """0 to 1: strength of back-projection, see `consistency`; 0 for none."""
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

        Padding changes what the network sees at edges, and tiles that are smaller than a picture what it sees around
        them. `tile` is as asked: where it is `auto`, machines with more or less memory may choose other tiles. The
        device is left out, and whether the network was compiled: with them a pixel differs by rounding at most.
        Backend and precision are added by the session, which knows what was chosen where `auto` was asked.
        """
        names = (
            "denoise_strength", "outscale", "width", "max_side", "suffix", "ext", "quality", "subsampling", "metadata",
            "to_srgb", "dpi", "alpha_upsampler", "tile_pad", "pre_pad",
        )  # fmt: skip
        # Only where it is asked for, so that results of earlier versions stay finished.
        consistency = {"consistency": self.consistency} if self.consistency else {}
        tile = "auto" if self.tile is None else self.tile
        return {**{name: getattr(self, name) for name in names}, **consistency, "tile": tile}

    def write_options(self) -> WriteOptions:
        """Return how the files of results are to be written."""
        return WriteOptions(self.quality, self.subsampling, self.metadata, to_srgb=self.to_srgb, dpi=self.dpi)
