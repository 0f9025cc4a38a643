"""A connection to a Ray cluster, and the devices that it has."""

import logging
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from realesrgan_arch.errors import UserError
from realesrgan_arch.extras import require_extra

_ADDRESS = "RAY_ADDRESS"
_OBJECT_STORE_BYTES = 80 * 2**20
"""About the least that Ray takes: pictures go through the file system, and containers have little shared memory."""


class ClusterError(UserError):
    """A cluster that is not there, or none of whose devices can be used."""


@dataclass(frozen=True)
class Place:
    """A device: a GPU, or all CPU cores of the node `node_id`."""

    number: int
    node_id: str
    num_cpus: float
    num_gpus: int


@contextmanager
def connected() -> Iterator[ModuleType]:
    """Yield `ray`: connected to the cluster RAY_ADDRESS, or else to one on this machine, which ends with the block.

    A connection that the process has already is used, and stays.

    Raises:
        MissingExtraError: Ray is not installed.
        ClusterError: there is no cluster at RAY_ADDRESS, or none starts.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray = require_extra("ray", extra="cluster", purpose="--engine ray")
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):  # Ray tells there of each worker that dies.
        if ray.is_initialized():
            yield ray
            return
        _connect(ray)
        try:
            yield ray
        finally:
            ray.shutdown()


def find_places(nodes: Sequence[Mapping[str, Any]], device: str) -> tuple[Place, ...]:
    """Return the devices of `nodes`, of `ray.nodes()`: all GPUs, or else a place for each node.

    Args:
        nodes: those that are not alive are left out.
        device: as on the command line; `cpu` takes no GPU, `cuda` nothing else.

    Raises:
        ClusterError: `device` is one certain GPU, or there is none of its kind.
    """
    kind, _, number = device.partition(":")
    if number:
        raise ClusterError(f"Ray hands out the GPUs itself: use --device {kind}, got {device}.")
    alive = [(node["NodeID"], node["Resources"]) for node in nodes if node["Alive"]]
    gpus = [(node, min(1.0, has.get("CPU", 0.0)), 1) for node, has in alive for _ in range(int(has.get("GPU", 0)))]
    cpus = [(node, has["CPU"], 0) for node, has in alive if has.get("CPU", 0) > 0]
    found = gpus if kind == "cuda" or (kind == "auto" and gpus) else cpus
    if not found:
        raise ClusterError(f"The Ray cluster has nothing for --device {device}; `ray status` shows what it has.")
    return tuple(Place(number, *facts) for number, facts in enumerate(found))


def _connect(ray: ModuleType) -> None:
    address = os.environ.get(_ADDRESS)
    how: dict[str, Any] = {"address": address}
    if not address:
        how = {"address": "local", "include_dashboard": False, "object_store_memory": _OBJECT_STORE_BYTES}
    try:
        with _signals_kept():
            ray.init(**how, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:
        where = f"There is no Ray cluster at {_ADDRESS}={address}" if address else "Ray does not start here"
        raise ClusterError(f"{where}: {' '.join(str(error).split())}") from error


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Undo that Ray takes over SIGTERM."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)
