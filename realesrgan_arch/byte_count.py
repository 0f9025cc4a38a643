"""How a number of bytes is told to people."""

from realesrgan_arch.plural import count_of


def say_bytes(count: float) -> str:
    """Return `12 bytes`, `950 kB`, `12.3 MB` (10^6 bytes) or, from 1 GiB (2^30 bytes) on, `1.5 GiB`."""
    if count >= 2**30:
        return f"{count / 2**30:,.1f} GiB"
    if count < 1e3:
        return count_of(round(count), "byte")
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.0f} kB"
