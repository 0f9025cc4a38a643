"""Frozen pairs as a data set: read from PNG files, and every pixel checked against the hash that was given to it."""

from pathlib import Path

from torch.utils.data import Dataset

from realesrgan_arch.data.dataset import PairSample
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.frozen_card import FrozenCard, FrozenPair, hash_json, hash_pixels, read_card, read_recipe
from realesrgan_arch.data.middle import to_planes
from realesrgan_arch.image_header import shown
from realesrgan_arch.images import ImageError, Pixels, read_rgb


class FrozenPairs(Dataset[PairSample]):
    """The pairs that `data freeze` has made of one part of a split.

    Raises:
        DataError: no such set, a damaged one, or one of another scale.
    """

    def __init__(self, folder: Path, *, scale: int) -> None:
        self.folder = folder
        self.card = read_card(folder)
        if self.card.plan.scale != scale:
            raise DataError(
                f"Expected pairs of scale {scale}, that of the options, but {shown(folder)} was frozen for "
                f"{self.card.plan.scale}; freeze the split again with --scale {scale}."
            )

    @property
    def names(self) -> list[str]:
        """The `lq_path` of every sample."""
        return [str(self.folder / pair.lq) for pair in self.card.pairs]

    @property
    def scenes(self) -> dict[str, str]:
        """The scene of every sample by its `gt_path`."""
        return {str(self.folder / pair.gt): pair.scene for pair in self.card.pairs}

    @property
    def set_hash(self) -> str:
        """Eight hexadecimal digits that stand beside every score of this set."""
        return self.card.short_hash

    def __len__(self) -> int:
        return len(self.card.pairs)

    def __getitem__(self, index: int) -> PairSample:
        """Return uint8 `gt` (3, H, W) and `lq` (3, H / scale, W / scale).

        Raises:
            DataError: a file is absent, damaged or changed; a frozen set is scored whole or not at all.
        """
        pair = self.card.pairs[index]
        gt, lq = read_pair(self.folder, pair)
        return PairSample(
            gt=to_planes(gt),
            lq=to_planes(lq),
            gt_path=str(self.folder / pair.gt),
            lq_path=str(self.folder / pair.lq),
            failed_path="",
            padded=False,
        )


def read_pair(folder: Path, pair: FrozenPair) -> tuple[Pixels, Pixels]:
    """Return the GT and LQ pixels (H, W, 3) of a pair, whose recipe is checked too.

    Raises:
        DataError: a file is absent, damaged, or has other pixels, or another recipe, than were frozen.
    """
    _, recipe = read_recipe(folder / pair.recipe)
    if hash_json(recipe) != pair.recipe_sha256:
        raise DataError(
            f"{shown(folder / pair.recipe)} is another recipe than was frozen. Bring the file back, or run "
            "`data freeze` again into a new folder."
        )
    return _read_checked(folder / pair.gt, pair.gt_sha256), _read_checked(folder / pair.lq, pair.lq_sha256)


def frozen_source(folder: Path) -> tuple[Path, tuple[FrozenPair, ...]]:
    """Return the root of the pictures that a frozen set was made from, and its pairs with their scenes and SHA-256.

    Raises:
        DataError: no such set, or a damaged one.
    """
    card: FrozenCard = read_card(folder)
    return Path(card.root), card.pairs


def _read_checked(path: Path, sha256: str) -> Pixels:
    try:
        pixels = read_rgb(path)
    except ImageError as error:
        raise DataError(f"The frozen set is not whole: {error} Run `data freeze` again into a new folder.") from error
    if hash_pixels(pixels) != sha256:
        raise DataError(
            f"{shown(path)} has other pixels than were frozen; its scores could not be compared. Bring the file back, "
            "or run `data freeze` again into a new folder."
        )
    return pixels
