"""Whole images with low-quality twins that are the same at every call and in every run."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch.utils.data import Dataset

from realesrgan_arch.data.dataset import PairSample
from realesrgan_arch.data.files import DataError
from realesrgan_arch.degradation.pipeline import degrade
from realesrgan_arch.degradation.recipe import Recipe, draw_recipe
from realesrgan_arch.degradation.settings import DegradationSettings
from realesrgan_arch.image_header import shown
from realesrgan_arch.images import read_rgb
from realesrgan_arch.resampling import resize_bicubic


class SyntheticPairs(Dataset[PairSample]):
    """The middle of each image and its LQ: MATLAB's bicubic (`settings` None), or the two-pass degradation.

    The middle is at most `max_size` a side and a multiple of `scale`. The recipe of image `index` depends on (seed,
    index) only. The LQ is made from the picture itself, not from a sharpened one: that is what the result is scored by.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        scale: int,
        settings: DegradationSettings | None,
        seed: int,
        max_size: int | None,
    ) -> None:
        self.paths = tuple(paths)
        self.scale = scale
        self.settings = settings
        self.seed = seed
        self.max_size = max_size

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> PairSample:
        """Return uint8 `gt` (3, H, W) and `lq` (3, H / scale, W / scale); a pair has one file, named twice.

        Raises:
            ImageError: the file cannot be read; a stand-in would make scores incomparable.
            DataError: the image is smaller than `scale`.
        """
        gt = self._read_middle(self.paths[index])
        image = gt.float().div_(255)
        recipe = self.recipe(index)
        if recipe is None:
            lq = resize_bicubic(image, scale=1 / self.scale)
        else:
            lq = degrade(image[None], recipe, scale=self.scale)[0]
        path = str(self.paths[index])
        lq = lq.clamp(0, 1).mul(255).round_().to(torch.uint8)
        return PairSample(gt=gt, lq=lq, gt_path=path, lq_path=path, failed_path="", padded=False)

    def recipe(self, index: int) -> Recipe | None:
        """Return how the LQ of an image is made; None for bicubic."""
        if self.settings is None:
            return None
        return draw_recipe(self.settings, seed=self.seed, step=index, batch_size=1)

    def _read_middle(self, path: Path) -> torch.Tensor:
        pixels = read_rgb(path)
        height, width = (self._fitting(side) for side in pixels.shape[:2])
        if not height or not width:
            raise DataError(
                f"Expected {shown(path)} to be at least {self.scale} pixels a side, got "
                f"{pixels.shape[1]} x {pixels.shape[0]}; leave it out of the validation set."
            )
        top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
        middle = pixels[top : top + height, left : left + width]
        return torch.from_numpy(middle.transpose(2, 0, 1).copy())

    def _fitting(self, side: int) -> int:
        most = side if self.max_size is None else min(side, self.max_size)
        return most // self.scale * self.scale
