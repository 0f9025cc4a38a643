"""What a comparison of low-quality pictures means, in sentences, and the keys of an option file that it is about."""

from collections.abc import Iterator, Sequence

from realesrgan_arch.degradation.matching import Comparison

_WORDS = {
    "noise": ("noise", "noise_range and poisson_scale_range"),
    "colour noise": ("colour noise", "noise_range, or gray_noise_prob, which takes the colour out"),
    "blur": ("blur", "blur_sigma and resize_range, which cannot be told apart by it"),
    "blockiness": ("JPEG blocks", "jpeg_range"),
}
_ONE_SIDED = 0.75
_ALIKE = 0.3
"""Two samples of 64 and 64 of one distribution are further apart than this in less than 1 % of all cases."""


def advise(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Yield one sentence for each statistic: which side is stronger, and what sets it."""
    for comparison in comparisons:
        words, keys = _WORDS[comparison.name]
        more, less = comparison.share_above, 1 - comparison.share_above
        if comparison.distance < _ALIKE:
            yield f"{words}: alike"
        elif more >= _ONE_SIDED:
            yield f"your pictures have less {words} than {more:.0%} of the synthetic ones: too strong ({keys})"
        elif less >= _ONE_SIDED:
            yield f"your pictures have more {words} than {less:.0%} of the synthetic ones: too weak ({keys})"
        else:
            yield f"your pictures differ in {words} from the synthetic ones by spread rather than by strength ({keys})"
