"""Where a training crop lies in its picture, and how it is laid: flips and turns, and the way back."""

from dataclasses import dataclass

import numpy as np

from realesrgan_arch.images import Box, Pixels


@dataclass(frozen=True)
class Turn:
    """One of the eight ways to lay a picture: flips first, then rows and columns exchanged (BasicSR's `augment`)."""

    hflip: bool
    vflip: bool
    transpose: bool

    def apply(self, pixels: Pixels) -> Pixels:
        """Return (H, W, C) or, when transposed, (W, H, C) as a view; nothing is copied."""
        if self.hflip:
            pixels = pixels[:, ::-1]
        if self.vflip:
            pixels = pixels[::-1]
        return pixels.swapaxes(0, 1) if self.transpose else pixels

    def undo(self, box: Box, *, height: int, width: int) -> Box:
        """Return the box in a picture of `height` x `width` whose turned pixels are `box` of the turned picture."""
        top, left, bottom, right = box
        if self.transpose:
            top, left, bottom, right = left, top, right, bottom
        if self.vflip:
            top, bottom = height - bottom, height - top
        if self.hflip:
            left, right = width - right, width - left
        return Box(top, left, bottom, right)


@dataclass(frozen=True)
class Place:
    """The part `box` of an upright picture, in its pixels, and how it is laid afterwards."""

    turn: Turn
    box: Box


def draw_turn(generator: np.random.Generator, *, use_hflip: bool, use_rot: bool) -> Turn:
    """Draw each of the three with probability one half; `use_rot` allows the vertical flip and the transposition."""
    hflip, vflip, transpose = (bool(draw < 0.5) for draw in generator.random(3))
    return Turn(hflip=use_hflip and hflip, vflip=use_rot and vflip, transpose=use_rot and transpose)


def interval(length: int, size: int, share: float) -> tuple[int, int]:
    """Start and end of `size` out of `length`, or all of it; a uniform share in [0, 1) makes a uniform start."""
    start = int(share * (max(length, size) - size + 1))
    return start, min(length, start + size)
