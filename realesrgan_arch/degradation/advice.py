"""What a comparison of low-quality pictures means, in sentences, and the keys of an option file that it is about."""

from collections.abc import Iterator, Sequence

from realesrgan_arch.degradation.matching import Comparison

_WORDS = {
    "noise": ("noise", "noise is", "noise_range and poisson_scale_range"),
    "colour noise": ("colour noise", "colour noise is", "noise_range, or gray_noise_prob, which takes the colour out"),
    "blur": ("blur", "blur is", "blur_sigma and resize_range, which cannot be told apart by it"),
    "blockiness": ("JPEG blocks", "JPEG blocks are", "jpeg_range"),
}
_ONE_SIDED = 0.75


def advise(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Yield one sentence for each statistic: which side is stronger, and what sets it."""
    for comparison in comparisons:
        words, it_is, keys = _WORDS[comparison.name]
        more, less = comparison.share_above, 1 - comparison.share_above
        if comparison.distance < comparison.chance:
            yield f"{words}: alike"
        elif more >= _ONE_SIDED:
            yield (
                f"your pictures have less {words} than {more:.0%} of the synthetic ones: the preset's {it_is} too "
                f"strong (see {keys})"
            )
        elif less >= _ONE_SIDED:
            yield (
                f"your pictures have more {words} than {less:.0%} of the synthetic ones: the preset's {it_is} too "
                f"weak (see {keys})"
            )
        else:
            yield f"your pictures differ in {words} from the synthetic ones by spread, not by strength (see {keys})"
