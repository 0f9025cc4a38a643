"""Free memory is that of the machine or of the container, whichever is less; page cache counts as free."""

from pathlib import Path

import pytest

from realesrgan_arch import host_memory

MIB = 2**20


@pytest.fixture
def machine(tmp_path, monkeypatch) -> Path:
    """A machine with 8000 MiB to give; return the folder of its control groups."""
    info, groups = tmp_path / "meminfo", tmp_path / "cgroup"
    info.write_text(f"MemTotal: {16000 * 1024} kB\nMemAvailable: {8000 * 1024} kB\n")
    (groups / "memory").mkdir(parents=True)
    monkeypatch.setattr(host_memory, "MEMORY_INFO", info)
    monkeypatch.setattr(host_memory, "CONTAINER", groups)
    return groups


def _write(folder: Path, **files: int | str) -> None:
    for name, text in files.items():
        (folder / f"memory.{name}").write_text(f"{text}\n")


def test_without_a_container_it_is_what_the_machine_has(machine) -> None:
    assert host_memory.free_memory() == 8000 * MIB


def test_a_container_without_a_limit_takes_nothing_away(machine) -> None:
    _write(machine, max="max", current=100 * MIB)
    assert host_memory.free_memory() == 8000 * MIB


def test_page_cache_that_can_be_given_back_is_free(machine) -> None:
    _write(machine, max=4000 * MIB, current=3000 * MIB)
    assert host_memory.free_memory() == 1000 * MIB
    _write(machine, stat=f"anon {900 * MIB}\nfile {2100 * MIB}\ninactive_file {2000 * MIB}\nactive_file {100 * MIB}")
    assert host_memory.free_memory() == 3000 * MIB


def test_control_groups_of_version_1_count_too(machine) -> None:
    counts = f"inactive_file 0\ntotal_inactive_file {500 * MIB}"
    _write(machine / "memory", limit_in_bytes=2000 * MIB, usage_in_bytes=1500 * MIB, stat=counts)
    assert host_memory.free_memory() == 1000 * MIB
    _write(machine / "memory", limit_in_bytes=2**63 - 4096)  # no limit
    assert host_memory.free_memory() == 8000 * MIB


def test_a_full_container_has_nothing(machine) -> None:
    _write(machine, max=1000 * MIB, current=1001 * MIB)
    assert host_memory.free_memory() == 0
