"""How a number of things is told to people."""


def count_of(count: int, noun: str, plural: str | None = None) -> str:
    """Return `1 file`, `2,000 files`; `plural` where it is more than an s: `2 boxes`, `2 files are`."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"
