"""`LQ | base | now | GT` of the first pictures of a validation set, at their busiest place."""

from collections.abc import Iterable

from torch import Tensor

from realesrgan_arch.evaluation.pairs import EvaluationPair
from realesrgan_arch.evaluation.panels import crop_busiest, side_by_side, stack

GRID_IMAGES = 4
GRID_SIZE = 192


class ValidationPanels:
    """Crops of the base, kept, and of the network now, side by side.

    Args:
        scale: of the networks.
    """

    def __init__(self, *, scale: int) -> None:
        self._scale = scale
        self._base: list[Tensor] = []
        self._rows: list[Tensor] = []

    def base_crop(self, index: int, pair: EvaluationPair, base: Tensor) -> Tensor | None:
        """Return the base's crop of picture `index`; None where it is not one of the first."""
        return self._crop_large(base, self._place(pair)) if index < GRID_IMAGES else None

    def keep_base(self, crops: Iterable[Tensor | None]) -> None:
        """Keep what `base_crop` returned for each picture in turn."""
        self._base = [crop for crop in crops if crop is not None]

    def row(self, index: int, pair: EvaluationPair, now: Tensor) -> Tensor | None:
        """Return the row of picture `index`, without the base where none was kept; None where it is not a first one."""
        if index >= GRID_IMAGES:
            return None
        place = self._place(pair)
        base = dict(zip(["base"], self._base[index : index + 1], strict=False))
        large = {name: self._crop_large(image, place) for name, image in (("now", now), ("GT", pair.gt))}
        return side_by_side({"LQ": pair.lq[(..., *place)], **base, **large})

    def keep_rows(self, rows: Iterable[Tensor | None]) -> None:
        """Keep what `row` returned for each picture in turn."""
        self._rows = [row for row in rows if row is not None]

    def grid(self) -> Tensor:
        """Return the rows below each other, `(3, H, W)` in [0, 1]."""
        return stack(self._rows)

    def _place(self, pair: EvaluationPair) -> tuple[slice, slice]:
        """The busiest rows and columns of the LQ."""
        size = GRID_SIZE // self._scale
        top, left = crop_busiest(pair.lq, size)
        return slice(top, top + size), slice(left, left + size)

    def _crop_large(self, image: Tensor, place: tuple[slice, slice]) -> Tensor:
        rows, columns = (slice(part.start * self._scale, part.stop * self._scale) for part in place)
        return image[:, rows, columns].clone()
