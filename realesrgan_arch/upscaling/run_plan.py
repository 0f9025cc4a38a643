"""All that a run will do, before it begins: the pictures, the names of the results, their sizes and the room they need.

Only headers are read, so that a folder of 50,000 pictures is planned in seconds.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from realesrgan_arch.disk_room import free_bytes
from realesrgan_arch.image_header import ImageError, shown
from realesrgan_arch.images import check_writable_size
from realesrgan_arch.upscaling.job import Job, RunPlan
from realesrgan_arch.upscaling.manifest import Manifest
from realesrgan_arch.upscaling.names import Extension, result_names, with_room_for_alpha
from realesrgan_arch.upscaling.output_place import (
    OutputError,
    check_name,
    check_nothing_is_lost,
    check_room,
    check_writable,
    is_streamed,
    longest_name,
)
from realesrgan_arch.upscaling.prescan import Scanned, has_alpha, scan
from realesrgan_arch.upscaling.sources import Sources

Size = tuple[int, int]
"""(width, height)"""

_BYTES_PER_PIXEL: Mapping[str, float] = {".png": 1.3, ".tif": 1.4, ".tiff": 1.4, ".webp": 0.2}
_BYTES_PER_PIXEL_OF_JPEG = 0.35
"""Of photographs magnified four times, at quality 95: between what Lanczos gives (0.9, 0.9, 0.1, 0.2 on 16 pictures of
facades and rooms) and the sharpness of an original (1.5, 1.5, 0.25, 0.45)."""
_SCANNED_AT_ONCE = 256
_TRANSPARENT = "it has transparency, which JPEG cannot hold: the result is {}"


@dataclass(frozen=True)
class _Rules:
    """What makes a job of a picture, or finds out why there can be none."""

    output: Path
    longest_name: int
    output_size: Callable[[Size], Size]
    network_scale: int | None

    def job_of(self, scanned: Scanned, name: Path) -> Job | tuple[Path, str]:
        if scanned.fault:
            return scanned.path, scanned.fault
        target = with_room_for_alpha(name) if scanned.has_alpha else name
        try:
            size = self._checked_size(scanned.size, target)
        except (ImageError, OutputError) as error:
            return scanned.path, str(error)
        notes = () if target == name else (_TRANSPARENT.format(shown(Path(target.name))),)
        return Job(scanned.path, target, scanned.size, size, scanned.num_bytes, scanned.mtime_ns, notes)

    def _checked_size(self, size: Size, target: Path) -> Size:
        check_name(target.relative_to(self.output), longest=self.longest_name)
        width, height = self.output_size(size)
        has_network_size = self.network_scale is not None and (width, height) == tuple(
            side * self.network_scale for side in size
        )
        streamed = is_streamed(target, (width, height), has_network_size=has_network_size)
        check_writable_size(target, width=width, height=height, streamed=streamed)
        return width, height


def plan_run(
    sources: Sources,
    *,
    output_size: Callable[[Size], Size],
    manifest: Manifest,
    network_scale: int | None = None,
    suffix: str = "out",
    ext: Extension = "auto",
    shard: tuple[int, int] | None = None,
    limit: int | None = None,
    resume: bool = False,
    verify: bool = False,
    overwrite: bool = False,
) -> RunPlan:
    """Plan what `find_sources` found; the tree of sub-folders is mirrored.

    Args:
        sources: the pictures, and the folder of the results, which is made if it is absent.
        output_size: (width, height) of a result from that of its picture.
        manifest: of that folder, for the model and settings of this run.
        network_scale: the network's magnification; without it no result counts as one that goes to the disk in strips.
        suffix: added to each name; see `result_names`.
        ext: see `result_names`.
        shard: (i, n) takes the i-th (from 1) of n shares, which depend on nothing but the relative paths.
        limit: only the first so many pictures of those that are to do.
        resume: leave out what `manifest` knows as finished.
        verify: with `resume`, hash inputs and results instead of trusting sizes and times.
        overwrite: replace files that are no results of an earlier run, too.

    Raises:
        OutputError: the output folder cannot be written, or a result would replace a source or a file of
            somebody else.
        NoRoomError: the results need more than twice the room that is free.
    """
    targets = _targets(sources, suffix=suffix, ext=ext)
    mine = [path for path in sources.asked if shard is None or is_in_shard(path.relative_to(sources.root), shard)]
    done = _finished(mine, manifest, verify=verify) if resume else frozenset[Path]()
    waiting = [path for path in mine if path not in done]
    rules = _Rules(sources.output, longest_name(sources.output), output_size, network_scale)
    outcomes = _scanned_jobs(waiting, targets, rules)
    jobs, faults = _first_jobs(outcomes, limit=limit)
    check_nothing_is_lost(jobs, sources=sources.all, is_ours=manifest.is_ours, overwrite=overwrite)
    check_writable(sources.output)
    needed, free = _estimated_bytes(jobs), free_bytes(sources.output)
    check_room(sources.output, needed=needed, free=free)
    return RunPlan(
        jobs=tuple(jobs),
        done=tuple(path for path in mine if path in done),
        skipped=sources.skipped,
        unreadable=(*sources.unreadable, *faults),
        num_ignored=sources.num_ignored,
        output_bytes=needed,
        free_bytes=free,
    )


def is_in_shard(name: Path, shard: tuple[int, int]) -> bool:
    """Return whether the picture `name`, relative to the input folder, belongs to share i of n (`shard`, i from 1).

    It depends on the bytes of the name alone, so that machines that never talk divide the work, and a picture that is
    added moves no other.
    """
    index, count = shard
    digest = hashlib.sha256(os.fsencode(name.as_posix())).digest()
    return int.from_bytes(digest[:8], "big") % count == index - 1


def _targets(sources: Sources, *, suffix: str, ext: Extension) -> dict[Path, Path]:
    names = result_names(
        [path.relative_to(sources.root) for path in sources.all], suffix=suffix, ext=ext,
        has_alpha=lambda name: has_alpha(sources.root / name),
    )  # fmt: skip
    return {path: sources.output / name for path, name in zip(sources.all, names, strict=True)}


def _finished(paths: Sequence[Path], manifest: Manifest, *, verify: bool) -> frozenset[Path]:
    with ThreadPoolExecutor() as pool:
        flags = pool.map(partial(manifest.is_finished, verify=verify), paths)
        return frozenset(path for path, is_finished in zip(paths, flags, strict=True) if is_finished)


def _scanned_jobs(
    paths: Sequence[Path], targets: Mapping[Path, Path], rules: _Rules
) -> Iterator[Job | tuple[Path, str]]:
    """A job for each picture, or the reason why there can be none; headers are read as they are asked for."""
    for start in range(0, len(paths), _SCANNED_AT_ONCE):
        for scanned in scan(paths[start : start + _SCANNED_AT_ONCE]):
            yield rules.job_of(scanned, targets[scanned.path])


def _first_jobs(
    outcomes: Iterator[Job | tuple[Path, str]], *, limit: int | None
) -> tuple[list[Job], list[tuple[Path, str]]]:
    """The first `limit` jobs, and the faults that were met on the way to the last of them."""
    faults: list[tuple[Path, str]] = []

    def jobs() -> Iterator[Job]:
        for outcome in outcomes:
            if isinstance(outcome, Job):
                yield outcome
            else:
                faults.append(outcome)

    return list(islice(jobs(), limit)), faults


def _estimated_bytes(jobs: Sequence[Job]) -> int:
    return round(sum(
        job.output_megapixels * 1e6 * _BYTES_PER_PIXEL.get(job.target.suffix.lower(), _BYTES_PER_PIXEL_OF_JPEG)
        for job in jobs
    ))  # fmt: skip
