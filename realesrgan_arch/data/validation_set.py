"""Whole images with low-quality twins that are the same at every call and in every run."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch.utils.data import Dataset

from realesrgan_arch.data.dataset import PairSample
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.image_source import ReadBytes
from realesrgan_arch.degradation.pipeline import degrade
from realesrgan_arch.degradation.plain import PlainRecipe, PlainSettings, degrade_plainly, draw_plain_recipe
from realesrgan_arch.degradation.recipe import Recipe, draw_recipe
from realesrgan_arch.degradation.settings import Degradation
from realesrgan_arch.image_header import shown
from realesrgan_arch.images import Box, ImageError, Pixels, decode_rgb, read_bytes
from realesrgan_arch.seeding import Stream


class SyntheticPairs(Dataset[PairSample]):
    """The middle of each image and its LQ: by MATLAB's bicubic (`settings` None), blurred before it, or by two passes.

    The middle is at most `max_size` a side and a multiple of `scale`. The recipe of image `index` depends on (seed,
    index) only. The LQ is made from the picture itself, not from a sharpened one: that is what the result is scored by.
    """

    set_hash = ""
    """Only a frozen set has one."""

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        scale: int,
        settings: Degradation | PlainSettings,
        seed: int,
        max_size: int | None,
        read: ReadBytes = read_bytes,
    ) -> None:
        self.paths = tuple(paths)
        self.read = read
        self.scale = scale
        self.settings = settings
        self.seed = seed
        self.max_size = max_size

    @property
    def names(self) -> list[str]:
        """The `lq_path` of every sample."""
        return [str(path) for path in self.paths]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> PairSample:
        """Return uint8 `gt` (3, H, W) and `lq` (3, H / scale, W / scale); a pair has one file, named twice.

        Of a file that cannot be read, `failed_path` is its name and both pictures are empty.

        Raises:
            DataError: the image is smaller than `scale`.
        """
        try:
            gt = self._read_middle(self.paths[index])
        except ImageError:
            return failed_sample(self.paths[index], self.paths[index], failed=self.paths[index])
        image = gt.float().div_(255)
        path = str(self.paths[index])
        lq = self._shrink(image, self.recipe(index)).clamp(0, 1).mul(255).round_().to(torch.uint8)
        return PairSample(gt=gt, lq=lq, gt_path=path, lq_path=path, failed_path="", padded=False)

    def recipe(self, index: int) -> Recipe | PlainRecipe:
        """Return how the LQ of an image is made."""
        draw = {"seed": self.seed, "step": index, "batch_size": 1, "stream": Stream.VALIDATION}
        if isinstance(self.settings, PlainSettings):
            return draw_plain_recipe(self.settings, **draw)
        return draw_recipe(self.settings, **draw)

    def _shrink(self, image: torch.Tensor, recipe: Recipe | PlainRecipe) -> torch.Tensor:
        if isinstance(recipe, PlainRecipe):
            return degrade_plainly(image[None], recipe, scale=self.scale)[0]
        return degrade(image[None], recipe, scale=self.scale)[0]

    def _read_middle(self, path: Path) -> torch.Tensor:
        pixels = decode_rgb(self.read(path), path)
        return to_planes(cut_middle(pixels, path, scale=self.scale, max_size=self.max_size))


class WholePairs(Dataset[PairSample]):
    """Whole pairs of (gt, lq) files, or their middle of at most `max_size` GT pixels a side.

    A GT that is larger than `scale` times its LQ loses rows below and columns at the right, as upstream does; see
    `pair_sizes` for how much larger it may be.
    """

    set_hash = ""
    """Only a frozen set has one."""

    def __init__(
        self, pairs: Sequence[tuple[Path, Path]], *, scale: int, max_size: int | None, read: ReadBytes = read_bytes
    ) -> None:
        self.pairs = tuple(pairs)
        self.read = read
        self.scale = scale
        self.max_size = max_size

    @property
    def names(self) -> list[str]:
        """The `lq_path` of every sample."""
        return [str(lq_path) for _, lq_path in self.pairs]

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> PairSample:
        """Return uint8 `gt` (3, H, W) and `lq` (3, H / scale, W / scale).

        Of a pair that cannot be read, `failed_path` is the file at fault and both pictures are empty.

        Raises:
            DataError: the gt is smaller than `scale` times the lq.
        """
        gt_path, lq_path = self.pairs[index]
        current = gt_path
        try:
            gt = decode_rgb(self.read(current), current)
            current = lq_path
            lq = decode_rgb(self.read(current), current)
        except ImageError:
            return failed_sample(gt_path, lq_path, failed=current)
        if gt.shape[0] < lq.shape[0] * self.scale or gt.shape[1] < lq.shape[1] * self.scale:
            raise DataError(
                f"Expected {shown(gt_path)} to be at least {self.scale} times as large as {shown(lq_path)}, got "
                f"{gt.shape[1]} x {gt.shape[0]} and {lq.shape[1]} x {lq.shape[0]}."
            )
        height, width = (_at_most(side, self.max_size, self.scale) for side in lq.shape[:2])
        small = middle(lq.shape, height=height, width=width)
        large = Box(*(side * self.scale for side in small))
        return PairSample(
            gt=to_planes(gt[large.top : large.bottom, large.left : large.right]),
            lq=to_planes(lq[small.top : small.bottom, small.left : small.right]),
            gt_path=str(gt_path),
            lq_path=str(lq_path),
            failed_path="",
            padded=False,
        )


def failed_sample(gt_path: Path, lq_path: Path, *, failed: Path) -> PairSample:
    """Return the sample of a pair that cannot be read: empty pictures; a stand-in would make scores incomparable."""
    empty = torch.empty(3, 0, 0, dtype=torch.uint8)
    return PairSample(
        gt=empty, lq=empty, gt_path=str(gt_path), lq_path=str(lq_path), failed_path=str(failed), padded=False
    )


def middle(shape: tuple[int, ...], *, height: int, width: int) -> Box:
    """Return the box of `height` x `width` in the middle of a picture of `shape` (H, W, ...)."""
    top, left = (shape[0] - height) // 2, (shape[1] - width) // 2
    return Box(top, left, top + height, left + width)


def cut_middle(pixels: Pixels, path: Path, *, scale: int, max_size: int | None) -> Pixels:
    """Return the middle of a picture (H, W, 3), at most `max_size` a side and a multiple of `scale`, as a view.

    Raises:
        DataError: the picture, which came from `path`, is smaller than `scale`.
    """
    height, width = (side // scale for side in pixels.shape[:2])
    if not height or not width:
        raise DataError(
            f"Expected {shown(path)} to be at least {scale} pixels a side, got "
            f"{pixels.shape[1]} x {pixels.shape[0]}; leave it out of the set."
        )
    height, width = (_at_most(side, max_size, scale) * scale for side in (height, width))
    box = middle(pixels.shape, height=height, width=width)
    return pixels[box.top : box.bottom, box.left : box.right]


def to_planes(pixels: Pixels) -> torch.Tensor:
    """Return a copy of uint8 pixels (H, W, 3) as (3, H, W)."""
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy())


def _at_most(lq_side: int, max_size: int | None, scale: int) -> int:
    return lq_side if max_size is None else min(lq_side, max(1, max_size // scale))
