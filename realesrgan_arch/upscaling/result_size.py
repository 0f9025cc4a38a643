"""How large a result is to be: by a magnification, by its width, by its longest side."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ResultSize:
    """A rule for all pictures of a run.

    `outscale`: magnification. `width`: of the result in pixels, instead of a magnification; the aspect stays.
    `max_side`: the result's longest side is at most so many pixels; smaller results stay as they are.
    """

    outscale: float
    width: int | None = None
    max_side: int | None = None

    def __post_init__(self) -> None:
        if self.outscale <= 0 or (self.width or 1) < 1 or (self.max_side or 1) < 1 or 0 in (self.width, self.max_side):
            raise ValueError(f"expected a magnification, a width and a longest side above 0, got {self}")

    def of(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the (width, height) of the result for a picture of `size` (width, height), at least 1 x 1."""
        width, height = size
        if self.width is not None:
            wanted = self.width, max(1, round(height * self.width / width))
        else:  # Upstream cuts, so that x1.5 of 7 pixels are 10.
            wanted = max(1, int(width * self.outscale)), max(1, int(height * self.outscale))
        longest = max(wanted)
        if self.max_side is None or longest <= self.max_side:
            return wanted
        across, down = (max(1, round(side * self.max_side / longest)) for side in wanted)
        return across, down
