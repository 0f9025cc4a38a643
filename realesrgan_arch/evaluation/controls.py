"""What costs no training: rows that a fine-tuned model has to beat before its gain means anything.

Back-projection is the honest rival. JPEG and sharpening are null controls: neither restores anything, so that what NIQE
gives them is what it gives for nothing.
"""

from functools import partial
from pathlib import Path

from torch import Tensor

from realesrgan_arch.degradation.operators import usm_sharpen
from realesrgan_arch.evaluation.evaluate import Method
from realesrgan_arch.image_encode import Picture, encode
from realesrgan_arch.images import decode_rgb, from_tensor, to_tensor
from realesrgan_arch.resampling import magnify_bicubic
from realesrgan_arch.upscaling.consistency import back_project

JPEG_QUALITY = 75
STRENGTHS = (0.5, 1.0)
"""Of back-projection, as `--consistency` takes them."""
_JPEG_NAME = Path("control.jpg")


class RememberedMethod:
    """A method that keeps its last picture, so that rows that start from it compute it once.

    It knows an input by the very tensor; asked for one picture after the other it never computes one twice.
    """

    def __init__(self, method: Method) -> None:
        self._method = method
        self._last: tuple[Tensor, Tensor] | None = None

    def __call__(self, lq: Tensor) -> Tensor:
        """Return what the method makes of `lq` (3, H, W); the caller leaves it as it is."""
        if self._last is None or self._last[0] is not lq:
            self._last = None  # Two large pictures need not live at once.
            self._last = lq, self._method(lq)
        return self._last[1]


def build_controls(base: Method, scale: int, *, name: str = "base") -> dict[str, Method]:
    """Return the control rows by their names in tables: bicubic, and what is done to the pictures of `base`.

    Pass a `RememberedMethod` that is the row `base` itself, too, and the network runs once for all of them.

    Args:
        base: the untouched model.
        scale: its magnification.
        name: of its row.
    """
    base = base if isinstance(base, RememberedMethod) else RememberedMethod(base)
    controls: dict[str, Method] = {"bicubic": partial(magnify_bicubic, scale=scale)}
    for strength in STRENGTHS:
        controls[f"{name} + back-projection {strength:.1f}"] = partial(_back_projected, base, strength=strength)
    controls[f"{name} + JPEG q{JPEG_QUALITY}"] = partial(_through_jpeg, base)
    controls[f"{name} + USM"] = partial(_sharpened, base)
    return controls


def _back_projected(base: Method, lq: Tensor, *, strength: float) -> Tensor:
    sr = base(lq)
    return back_project(sr[None], lq[None].to(sr.device), strength=strength)[0].clamp(0, 1)


def _through_jpeg(base: Method, lq: Tensor) -> Tensor:
    """The base's picture, saved as JPEG with half the colours in both directions, as most programs do, and read."""
    data = encode(Picture(from_tensor(base(lq))), _JPEG_NAME, quality=JPEG_QUALITY, subsampling="420").data
    return to_tensor(decode_rgb(data, _JPEG_NAME))


def _sharpened(base: Method, lq: Tensor) -> Tensor:
    """The base's picture under Real-ESRGAN's unsharp mask (`degradation.operators.usm_sharpen`)."""
    return usm_sharpen(base(lq)[None])[0]
