"""Images -> training samples: uint8 crops, drawn from the numbers of the request and from nothing else.

The place of the crop is drawn from the size in the file's header, and little more than the crop is decoded, turned and
copied; upstream decodes the whole image, converts it to float and turns it first.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypedDict, TypeVar

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.image_source import ReadBytes
from realesrgan_arch.data.sampler import SampleRequest
from realesrgan_arch.data.turn import Place, Turn, draw_turn, interval
from realesrgan_arch.image_header import parse_header, shown
from realesrgan_arch.images import Box, ImageError, Pixels, decode_rgb, decode_rgb_part, read_bytes
from realesrgan_arch.seeding import Stream, numpy_generator

_MAX_SUBSTITUTES = 5
Read = TypeVar("Read")


class GtSample(TypedDict):
    """`gt` uint8 (3, H, W) RGB; `failed_path`: the file that this image stands in for, else ""; `padded`: see below."""

    gt: torch.Tensor
    gt_path: str
    failed_path: str
    padded: bool


class PairSample(GtSample):
    """`lq` uint8 (3, H / scale, W / scale) RGB."""

    lq: torch.Tensor
    lq_path: str


class GtDataset(Dataset[GtSample]):
    """Random `crop_size` crops of ground-truth images; an index is a `SampleRequest`, or an int from a foreign sampler.

    Crop, flips and turn depend on (seed, step, slot) only. A smaller image is padded at the right and bottom by
    reflection as upstream does, and `padded` is True. An unreadable file is replaced by another image, which one
    depends on (seed, step, slot) only, and its path is in `failed_path`.

    With plain ints (BasicSR's samplers) there is no step: one is drawn from torch's generator, which the DataLoader
    seeds anew in every worker and epoch, so crops still differ from epoch to epoch.

    `read` brings the bytes of an image by its path: from a file, or from an LMDB.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        crop_size: int,
        seed: int,
        use_hflip: bool = True,
        use_rot: bool = True,
        read: ReadBytes = read_bytes,
    ) -> None:
        self.paths = tuple(paths)
        self.read = read
        self.crop_size = crop_size
        self.seed = seed
        self.use_hflip = use_hflip
        self.use_rot = use_rot

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: SampleRequest | int) -> GtSample:
        """Return one sample.

        Raises:
            DataError: five substitutes in a row cannot be read either.
        """
        request = as_request(index)
        turn, share = self._draw(request)
        part, chosen = read_or_substitute(
            lambda i: decode_rgb_part(
                self.read(self.paths[i]),
                self.paths[i],
                lambda height, width: self._place(turn, share, height, width),
            ),
            request,
            num_images=len(self.paths),
            seed=self.seed,
        )
        turned = turn.apply(part)
        fitting = _pad(turned, self.crop_size, border=cv2.BORDER_REFLECT_101)
        return GtSample(
            gt=_to_planes(fitting),
            gt_path=str(self.paths[chosen]),
            failed_path="" if chosen == request.index else str(self.paths[request.index]),
            padded=fitting is not turned,
        )

    def place_of(self, request: SampleRequest, path: Path) -> Place:
        """Return which part of the picture `path` is the sample of `request`.

        Raises:
            ImageError: it cannot be read.
        """
        turn, share = self._draw(request)
        width, height = parse_header(self.read(path), path).size
        return Place(turn, self._place(turn, share, height, width))

    def _draw(self, request: SampleRequest) -> tuple[Turn, np.ndarray]:
        generator = numpy_generator(self.seed, Stream.CROP, request.step, request.slot)
        return draw_turn(generator, use_hflip=self.use_hflip, use_rot=self.use_rot), generator.random(2)

    def _place(self, turn: Turn, share: np.ndarray, height: int, width: int) -> Box:
        """The part of an upright picture that is the crop after the turn; all of a side that is too short."""
        rows, columns = (width, height) if turn.transpose else (height, width)
        top, bottom = interval(rows, self.crop_size, share[0])
        left, right = interval(columns, self.crop_size, share[1])
        return turn.undo(Box(top, left, bottom, right), height=height, width=width)


class PairedDataset(Dataset[PairSample]):
    """Aligned crops of (gt, lq) image pairs, requested and replaced as in `GtDataset`; `WholePairs` has whole images.

    Small pairs are padded by reflection about the pixel's edge: unlike upstream's reflection about its centre this
    keeps both images aligned.

    Raises:
        DataError: `gt_size` is not a multiple of `scale`.
    """

    def __init__(
        self,
        pairs: Sequence[tuple[Path, Path]],
        *,
        gt_size: int,
        scale: int,
        seed: int,
        use_hflip: bool = False,
        use_rot: bool = False,
        read: ReadBytes = read_bytes,
    ) -> None:
        if gt_size % scale:
            raise DataError(f"Expected gt_size to be a multiple of the scale {scale}, got {gt_size}.")
        self.pairs = tuple(pairs)
        self.read = read
        self.gt_size = gt_size
        self.scale = scale
        self.seed = seed
        self.use_hflip = use_hflip
        self.use_rot = use_rot

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: SampleRequest | int) -> PairSample:
        """Return one sample.

        Raises:
            DataError: the gt is not exactly `scale` times the lq, or five substitutes in a row cannot be read either.
        """
        request = as_request(index)
        (gt, lq), chosen = read_or_substitute(self._read_pair, request, num_images=len(self.pairs), seed=self.seed)
        turn, share = self._draw(request)
        gt, lq, padded = self._crop(turn.apply(gt), turn.apply(lq), share)
        gt_path, lq_path = self.pairs[chosen]
        failed_path = "" if chosen == request.index else str(self.pairs[request.index][0])
        return PairSample(
            gt=_to_planes(gt),
            lq=_to_planes(lq),
            gt_path=str(gt_path),
            lq_path=str(lq_path),
            failed_path=failed_path,
            padded=padded,
        )

    def place_of(self, request: SampleRequest, path: Path) -> Place:
        """Return which part of the ground truth `path` is the sample of `request`; the LQ's is `scale` times smaller.

        Raises:
            ImageError: it cannot be read.
        """
        turn, share = self._draw(request)
        width, height = (side // self.scale for side in parse_header(self.read(path), path).size)
        rows, columns = (width, height) if turn.transpose else (height, width)
        lq_size = self.gt_size // self.scale
        top, bottom = interval(rows, lq_size, share[0])
        left, right = interval(columns, lq_size, share[1])
        box = turn.undo(Box(top, left, bottom, right), height=height, width=width)
        return Place(turn, Box(*(side * self.scale for side in box)))

    def _draw(self, request: SampleRequest) -> tuple[Turn, np.ndarray]:
        generator = numpy_generator(self.seed, Stream.CROP, request.step, request.slot)
        return draw_turn(generator, use_hflip=self.use_hflip, use_rot=self.use_rot), generator.random(2)

    def _read_pair(self, index: int) -> tuple[Pixels, Pixels]:
        gt_path, lq_path = self.pairs[index]
        gt, lq = (decode_rgb(self.read(path), path) for path in (gt_path, lq_path))
        if gt.shape[:2] != (lq.shape[0] * self.scale, lq.shape[1] * self.scale):
            raise DataError(
                f"Expected {shown(gt_path)} to be {self.scale} times as large as {shown(lq_path)}, got "
                f"{gt.shape[1]} x {gt.shape[0]} and {lq.shape[1]} x {lq.shape[0]}."
            )
        return gt, lq

    def _crop(self, gt: Pixels, lq: Pixels, share: np.ndarray) -> tuple[Pixels, Pixels, bool]:
        """The same place of both images, and whether they were padded."""
        lq_size = self.gt_size // self.scale
        fitting_lq = _pad(lq, lq_size, border=cv2.BORDER_REFLECT)
        fitting_gt = _pad(gt, self.gt_size, border=cv2.BORDER_REFLECT)
        (top, _), (left, _) = (interval(fitting_lq.shape[axis], lq_size, share[axis]) for axis in (0, 1))
        lq_crop = fitting_lq[top : top + lq_size, left : left + lq_size]
        top, left = top * self.scale, left * self.scale
        return fitting_gt[top : top + self.gt_size, left : left + self.gt_size], lq_crop, fitting_lq is not lq


def as_request(index: SampleRequest | int) -> SampleRequest:
    """Return the request itself, or one for a plain index with a step from torch's generator (see `GtDataset`)."""
    if isinstance(index, SampleRequest):
        return index
    return SampleRequest(index, step=int(torch.randint(2**31, ())), slot=0)


def read_or_substitute(
    read: Callable[[int], Read], request: SampleRequest, *, num_images: int, seed: int
) -> tuple[Read, int]:
    """Return what `read` makes of the requested index and that index, or those of another image when it fails.

    Raises:
        DataError: five others, drawn from (seed, step, slot), cannot be read either.
    """
    generator = numpy_generator(seed, Stream.SUBSTITUTE, request.step, request.slot)
    index, failures = request.index, []
    while len(failures) <= _MAX_SUBSTITUTES:
        try:
            return read(index), index
        except ImageError as error:
            failures.append(str(error))
            index = (index + 1 + int(generator.integers(max(1, num_images - 1)))) % num_images
    raise DataError(f"{len(failures)} images in a row cannot be read; check the data set. First: {failures[0]}")


def _pad(pixels: Pixels, size: int, *, border: int) -> Pixels:
    """At least `size` rows and columns, the missing ones added below and at the right; the same object if it fits."""
    bottom, right = max(0, size - pixels.shape[0]), max(0, size - pixels.shape[1])
    if not bottom and not right:
        return pixels
    return np.asarray(cv2.copyMakeBorder(np.ascontiguousarray(pixels), 0, bottom, 0, right, border))


def _to_planes(pixels: Pixels) -> torch.Tensor:
    """(H, W, 3) of any strides -> contiguous uint8 (3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
