"""How much of the machine's memory is free."""

from collections.abc import Iterator
from pathlib import Path

MEMORY_INFO = Path("/proc/meminfo")
CONTAINER = Path("/sys/fs/cgroup")
_GROUPS = (
    ("", "memory.max", "memory.current", "inactive_file"),
    ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def free_memory() -> int | None:
    """Return the bytes that Linux, or the container where its limit is nearer, could hand out now; None elsewhere."""
    if not MEMORY_INFO.is_file():
        return None
    fields = dict(line.split(":", 1) for line in MEMORY_INFO.read_text().splitlines())
    if "MemAvailable" not in fields:
        return None
    available = int(fields["MemAvailable"].split()[0]) * 1024
    return max(0, min([available, *_free_in_container()]))


def _free_in_container() -> Iterator[int]:
    """Yield what each control group leaves, version 2 or 1; the kernel gives its page cache back before it refuses."""
    for folder, limit, usage, cache in _GROUPS:
        most, used = _number(CONTAINER / folder / limit), _number(CONTAINER / folder / usage)
        if most is not None and used is not None:
            yield most - max(0, used - _statistic(CONTAINER / folder / "memory.stat", cache))


def _statistic(file: Path, name: str) -> int:
    fields = [line.split() for line in file.read_text().splitlines()] if file.is_file() else []
    return next((int(words[1]) for words in fields if len(words) == 2 and words[0] == name), 0)


def _number(file: Path) -> int | None:
    text = file.read_text().strip() if file.is_file() else ""
    return int(text) if text.isdecimal() else None
