"""Back-projection: the result, made small again, should be the picture that it came from.

One step of Irani & Peleg, "Improving resolution by image registration" (CVGIP 1991), which Timofte et al. put after any
other method (arXiv 1511.02228): the difference that is left at low resolution is magnified and added. It needs no
training, and mends colours as well as fidelity. But it gives back the noise and the JPEG blocks of the input, too; the
slight blur of the difference keeps some of them away.
"""

import torch
from torch import Tensor
from torch.nn import functional

from realesrgan_arch.gaussian_blur import blur_reach, gaussian_blur
from realesrgan_arch.upscaling.backends.interface import Backend

SIGMA = 0.6
"""Of the blur, in pixels of the input: of 0.6, 1, 2 and 4 it served PSNR, SSIM and NIQE best."""
_CUBIC_REACH = 2
REACH = 2 * _CUBIC_REACH + blur_reach(SIGMA)
"""Input pixels around one within which the network's result must be right: shrinking, blur and magnifying."""
_PICTURES_HELD, _INPUTS_HELD = 4, 8
"""At its peak, beside what the network holds no longer."""
_PIXEL_BYTES = 3 * 4


def back_project(sr: Tensor, lq: Tensor, *, strength: float) -> Tensor:
    """Return `sr` (B, 3, H * scale, W * scale), nearer to `lq` (B, 3, H, W), its input; RGB float in [0, 1].

    That is `sr + strength * up(blur(lq - down(sr)))`, unclamped. `down` and `up` are bicubic (Keys' kernel with a =
    -0.5), widened by the scale where it shrinks. What is beyond [0, 1] in `sr` is cut off first, as nobody would see
    it. Values that are not finite stay, infinities too, so that whoever looks for them finds them; the blur spreads
    them over all of their channel that it makes at once (see `gaussian_blur`).
    """
    shown = torch.where(sr.isfinite(), sr.clamp(0, 1), sr)
    missing = gaussian_blur(lq - _resized(shown, lq), sigma=SIGMA)
    return _resized(missing, sr).mul_(strength).add_(shown)


class ConsistentBackend:
    """A backend whose results are back-projected with a strength in (0, 1]; see `Backend`.

    As it works on the windows that the network sees, it takes no more memory than they do, and tiles are equal to the
    whole picture where the overlap is `REACH` more than the network needs by itself.
    """

    def __init__(self, backend: Backend, strength: float) -> None:
        if not 0 < strength <= 1:
            raise ValueError(f"expected 0 < strength <= 1, got {strength}")
        self._backend = backend
        self._strength = strength
        self.name: str = backend.name
        self.scale: int = backend.scale
        self.multiple: int = backend.multiple
        self.device: torch.device = backend.device
        self.dtype: torch.dtype = backend.dtype

    @torch.inference_mode()
    def run(self, batch: Tensor) -> Tensor:
        """See `Backend.run`."""
        return back_project(self._backend.run(batch), batch, strength=self._strength)

    @torch.inference_mode()
    def run_exactly(self, batch: Tensor) -> Tensor:
        """See `Backend.run_exactly`."""
        return back_project(self._backend.run_exactly(batch), batch, strength=self._strength)

    def bytes_per_pixel(self) -> int:
        """See `Backend.bytes_per_pixel`."""
        own = _PIXEL_BYTES * (_PICTURES_HELD * self.scale**2 + _INPUTS_HELD)
        return max(self._backend.bytes_per_pixel(), own)


def _resized(image: Tensor, like: Tensor) -> Tensor:
    # With antialiasing torch's kernel has a = -0.5, when magnifying too.
    return functional.interpolate(image, size=like.shape[-2:], mode="bicubic", antialias=True)
