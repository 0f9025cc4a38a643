"""Pictures beside each other with their names above: what a person compares with."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

GAP = 4
HEADER = 22
_FONT_SCALE = 0.45


def crop_busiest(image: Tensor, size: int) -> tuple[int, int]:
    """Return `(top, left)` of the `size` x `size` window of `image` `(3, H, W)` with the most detail.

    Detail is the mean absolute difference of neighbours; windows lie half a side apart, and the first of equals wins.
    """
    gray = image.mean(0)
    detail = F.pad((gray[:, 1:] - gray[:, :-1]).abs(), (0, 1)) + F.pad((gray[1:] - gray[:-1]).abs(), (0, 0, 0, 1))
    stride = max(1, size // 2)
    means = F.avg_pool2d(detail[None, None], (min(size, gray.shape[0]), min(size, gray.shape[1])), stride=stride)[0, 0]
    row, column = divmod(int(means.argmax()), means.shape[1])
    return row * stride, column * stride


def side_by_side(images: Mapping[str, Tensor]) -> Tensor:
    """Return one picture of `images` `(3, H, W)` in [0, 1] from left to right, each under its name, `(3, H', W')`.

    The largest height and width count; smaller ones are magnified without smoothing, so that their pixels show.
    """
    height = max(image.shape[1] for image in images.values())
    width = max(image.shape[2] for image in images.values())
    columns = [
        torch.cat((_header(name, width), _magnify(image, height, width)), dim=1) for name, image in images.items()
    ]
    return torch.cat(_with_gaps(columns, dim=2), dim=2)


def stack(rows: Sequence[Tensor]) -> Tensor:
    """Return the pictures `(3, H, W)` below one another; narrower ones are filled up with white."""
    width = max(row.shape[2] for row in rows)
    filled = [F.pad(row, (0, width - row.shape[2]), value=1.0) for row in rows]
    return torch.cat(_with_gaps(filled, dim=1), dim=1)


def _with_gaps(parts: Sequence[Tensor], *, dim: int) -> list[Tensor]:
    shape = list(parts[0].shape)
    shape[dim] = GAP
    gap = torch.ones(shape)
    return [piece for part in parts for piece in (part, gap)][:-1]


def _magnify(image: Tensor, height: int, width: int) -> Tensor:
    return F.interpolate(image[None].float().cpu(), size=(height, width), mode="nearest")[0].clamp(0, 1)


def _header(text: str, width: int) -> Tensor:
    canvas = np.full((HEADER, width), 255, np.uint8)
    cv2.putText(canvas, text, (3, HEADER - 7), cv2.FONT_HERSHEY_SIMPLEX, _FONT_SCALE, 0, 1, cv2.LINE_AA)
    return torch.from_numpy(canvas).float().div(255).expand(3, HEADER, width)
