"""A perceptual distance for machines without torchvision's weights: LPIPS' formula on the features of a small VGG19.

The network is that of `networks.distilled_vgg19`. The weights of the channels are those of LPIPS v0.1 for VGG16 (Zhang
et al., arXiv 1801.03924; `lpips_v0.1/vgg.pth` of richzhang/PerceptualSimilarity), which were learned for other layers.
So its numbers are like LPIPS and not LPIPS: compare methods with it, never with printed numbers, and never let it alone
judge what was trained on it or on its features (`train.feature_opt`).
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from realesrgan_arch.image_header import shown
from realesrgan_arch.networks.distilled_vgg19 import CHANNELS, NETWORK_FILE, DistilledVgg19
from realesrgan_arch.weights.load import load_into, load_weights
from realesrgan_arch.weights.table import WeightsError

LINEAR_FILE = "lpips_v0.1/vgg.pth"
TILE = 512
SMALLEST = 32
"""Pixels each way: a map of the last block must have two."""
REACH = 96
"""Pixels that a tile sees beyond its edge: the features reach 85 at most, and tiles start at multiples of 16."""

_EPS = 1e-10
_CACHED = 2**18


@dataclass(frozen=True)
class _Tile:
    """A piece of a side: `start` to `end` is what counts, `low` to `high` what the network sees."""

    start: int
    end: int
    low: int
    high: int


class LpipsLike(nn.Module):
    """The distance of pictures to one truth; computed in fp32, tile by tile, so that memory does not grow with them.

    The tiles overlap by what the network sees, so the distance is that of whole pictures.

    Args:
        network: of features.
        linear: the weight of each channel, by map.
    """

    def __init__(self, network: DistilledVgg19, linear: Sequence[Tensor]) -> None:
        super().__init__()
        self.network = network
        self.linear = [weight.flatten() for weight in linear]
        self.requires_grad_(requires_grad=False).eval()

    @torch.inference_mode()
    def distances(self, images: Sequence[Tensor], truth: Tensor, *, tile: int = TILE) -> list[float]:
        """Return the distance of each image to `truth`; the features of the truth are computed once for all of them.

        Args:
            images: RGB (3, H, W) in [0, 1].
            truth: the same shape, at least 32 pixels each way.
            tile: side in pixels, a multiple of 16.

        Raises:
            ValueError: a picture that is too small.
        """
        height, width = truth.shape[1:]
        if min(height, width) < SMALLEST:
            raise ValueError(f"LPIPS-like needs {SMALLEST} pixels each way, got {tuple(truth.shape[1:])}")
        sums = torch.zeros(len(CHANNELS), len(images), dtype=torch.float64)
        for rows, columns in itertools.product(_tiles(height, tile), _tiles(width, tile)):
            window = (slice(None), slice(rows.low, rows.high), slice(columns.low, columns.high))
            seen = [picture[window][None].contiguous(memory_format=torch.channels_last) for picture in (truth, *images)]
            sums += self._sums(seen, rows, columns)
        sizes = torch.tensor([(height >> level) * (width >> level) for level in range(len(CHANNELS))])
        return (sums / sizes[:, None]).sum(0).tolist()

    def _sums(self, seen: Sequence[Tensor], rows: _Tile, columns: _Tile) -> Tensor:
        """Return the sum of the distances of one tile by map and image: (5, images)."""
        features = zip(*(self.network(picture.float()) for picture in seen), strict=True)
        sums: list[Tensor] = []
        for level, maps in enumerate(features):
            place = (_counted(rows, level), _counted(columns, level))
            sums.append(self._sums_of_map(level, [one[0][place].flatten(0, 1) for one in maps]))
        return torch.stack(sums)

    def _sums_of_map(self, level: int, maps: Sequence[Tensor]) -> Tensor:
        """Return the sums of one map, given narrow as (pixels, channels): first that of the truth, then the images'."""
        weights = self.linear[level]
        sums = torch.zeros(len(maps) - 1, dtype=torch.float64)
        # So many pixels at a time that the wide vectors stay in the processor's cache.
        for parts in zip(*(one.split(_CACHED // len(weights)) for one in maps), strict=True):
            truth, *others = (_unit(self.network.widen(level, part)) for part in parts)
            sums += torch.stack([((one.sub_(truth).square_()) @ weights).sum(dtype=torch.float64) for one in others])
        return sums


def load_lpips_like(folder: Path) -> LpipsLike:
    """Return the distance with the weights in `folder`, which holds `NETWORK_FILE` and `LINEAR_FILE`.

    Raises:
        WeightsError: a file that is absent, damaged or of another network.
    """
    network = DistilledVgg19()
    states: dict[str, Mapping[str, Tensor]] = {}
    for name in (NETWORK_FILE, LINEAR_FILE):
        if not (folder / name).is_file():
            raise WeightsError(
                f"LPIPS-like needs {NETWORK_FILE} and {LINEAR_FILE}, but {shown(folder)} holds no {name}; "
                "name the folder that holds both"
            )
        states[name] = load_weights(folder / name).state
    load_into(network, states[NETWORK_FILE], strict=True, name=shown(folder / NETWORK_FILE))
    linear = [states[LINEAR_FILE].get(f"lin{index}.model.1.weight") for index in range(len(CHANNELS))]
    fits = zip(linear, CHANNELS, strict=True)
    found = [weight for weight, channels in fits if weight is not None and weight.numel() == channels]
    if len(found) != len(CHANNELS):
        raise WeightsError(f"{shown(folder / LINEAR_FILE)} does not hold the five linear layers of LPIPS v0.1 for VGG")
    return LpipsLike(network.to(memory_format=torch.channels_last), found)  # pyright: ignore[reportCallIssue]


def _unit(vectors: Tensor) -> Tensor:
    """Return `vectors` (n, channels) with length 1, in place."""
    return vectors.div_(torch.linalg.vector_norm(vectors, dim=1, keepdim=True).add_(_EPS))


def _counted(part: _Tile, level: int) -> slice:
    """Return where the part that counts lies in the map of `level`, whose pixels are 2^level wide."""
    return slice((part.start - part.low) >> level, (part.end - part.low) >> level)


def _tiles(length: int, tile: int) -> Iterator[_Tile]:
    # A last tile of a few pixels would be mostly reach: it goes to the one before.
    starts = [start for start in range(0, length, tile) if start == 0 or length - start >= REACH]
    for start, end in itertools.pairwise([*starts, length]):
        yield _Tile(start, end, max(start - REACH, 0), min(end + REACH, length))
