"""How much of the machine's memory is free."""

from pathlib import Path

MEMORY_INFO = Path("/proc/meminfo")
CONTAINER = Path("/sys/fs/cgroup")


def free_memory() -> int | None:
    """Return the bytes that Linux, or the container where its limit is nearer, could hand out now; None elsewhere."""
    if not MEMORY_INFO.is_file():
        return None
    fields = dict(line.split(":", 1) for line in MEMORY_INFO.read_text().splitlines())
    if "MemAvailable" not in fields:
        return None
    available = int(fields["MemAvailable"].split()[0]) * 1024
    limit, used = _number(CONTAINER / "memory.max"), _number(CONTAINER / "memory.current")
    return available if limit is None or used is None else max(0, min(available, limit - used))


def _number(file: Path) -> int | None:
    text = file.read_text().strip() if file.is_file() else ""
    return int(text) if text.isdecimal() else None
