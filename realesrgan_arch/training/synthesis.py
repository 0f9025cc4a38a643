"""From ground-truth crops to training pairs: sharpen, degrade, crop, exchange with the pool."""

from dataclasses import dataclass

import torch
from torch import Tensor

from realesrgan_arch.degradation.operators import usm_sharpen
from realesrgan_arch.degradation.pair_pool import PairPool, exchange_generator
from realesrgan_arch.degradation.pipeline import crop_pair, degrade
from realesrgan_arch.degradation.plain import PlainRecipe, PlainSettings, degrade_plainly, draw_plain_recipe
from realesrgan_arch.degradation.recipe import Recipe, draw_recipe
from realesrgan_arch.degradation.settings import Degradation


@dataclass
class PairSynthesis:
    """Real-ESRGAN's second-order degradation with its pair pool (arXiv 2107.10833, sections 3 and 4), or bicubic.

    All numbers of step `s` come from `(seed, s)` and the slot in the batch alone; the pool is the only state.
    """

    settings: Degradation | PlainSettings
    scale: int
    gt_size: int
    seed: int
    lq_from_usm: bool = True
    pool: PairPool | None = None
    rank: int = 0
    """Whose slice of the batch of all ranks is made; each rank has a pool of its own."""

    def draw(self, *, step: int, batch_size: int) -> Recipe | PlainRecipe:
        """Return the recipe of this rank's `batch_size` samples of `step`."""
        first = self.rank * batch_size
        if isinstance(self.settings, PlainSettings):
            settings = self.settings
            return draw_plain_recipe(settings, seed=self.seed, step=step, batch_size=batch_size, first_sample=first)
        return draw_recipe(self.settings, seed=self.seed, step=step, batch_size=batch_size, first_sample=first)

    @torch.no_grad()
    def make_pairs(self, gt: Tensor, *, step: int) -> tuple[Tensor, Tensor]:
        """Return `(lq, gt)` for RGB crops `(B, 3, H, W)` in [0, 1] that are at least `gt_size` on each side.

        The result is `(B, 3, gt_size / scale, gt_size / scale)` and `(B, 3, gt_size, gt_size)`; with a pool that is
        full, pairs of earlier steps.
        """
        lq, gt = self.apply(gt, self.draw(step=step, batch_size=len(gt)))
        if self.pool is None:
            return lq, gt
        return self.pool.exchange(lq, gt, generator=exchange_generator(self.seed, step=step, rank=self.rank))

    @torch.no_grad()
    def apply(self, gt: Tensor, recipe: Recipe | PlainRecipe) -> tuple[Tensor, Tensor]:
        """Return the pairs `(lq, gt)` that `recipe` makes of the crops `gt`, before any exchange with the pool."""
        source = usm_sharpen(gt) if self.lq_from_usm else gt
        if isinstance(recipe, PlainRecipe):
            lq = degrade_plainly(source, recipe, scale=self.scale)
        else:
            lq = degrade(source, recipe, scale=self.scale)
        gt, lq = crop_pair(gt, lq, gt_size=self.gt_size, scale=self.scale, recipe=recipe)
        return lq.contiguous(), gt.contiguous()
