"""Cut the pictures of a split into overlapping tiles: a training crop then decodes a tile instead of a photograph.

The grid is BasicSR's (`extract_subimages.py`); the choice by detail and the cap on a scene are ours. Nothing of the
source is changed. A run that was stopped goes on where it was and ends with the same bytes.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tqdm import tqdm

from realesrgan_arch import atomic
from realesrgan_arch.cores import usable_cores
from realesrgan_arch.data import tile_grid, tile_journal
from realesrgan_arch.data.derived import check_apart, check_room, read_source
from realesrgan_arch.data.files import DataError, check_folder
from realesrgan_arch.data.manifest import ManifestRow
from realesrgan_arch.data.tile_grid import TileSettings
from realesrgan_arch.image_header import ImageError, shown
from realesrgan_arch.images import Picture, Pixels, encode
from realesrgan_arch.plural import count_of

_BYTES_PER_PIXEL = 2
"""Of a PNG tile; 5000 tiles of 480 from 279 photographs needed 1.5, sharp ones 1.9."""


@dataclass(frozen=True)
class TileTask:
    """One picture, the name of its tiles without number, and for each scale the places of the tiles that are kept."""

    row: ManifestRow
    base: str
    places: tuple[tuple[float, tuple[int, ...]], ...]

    @property
    def num_tiles(self) -> int:
        """How many tiles are kept, of all scales."""
        return sum(len(places) for _, places in self.places)


@dataclass(frozen=True)
class TileResult:
    """The rows of all tiles, in the order of the pictures; `failed` is (path, one sentence); `too_small` are paths."""

    rows: tuple[ManifestRow, ...]
    num_pictures: int
    failed: tuple[tuple[str, str], ...]
    too_small: tuple[str, ...]


def make_tiles(
    rows: Sequence[ManifestRow], root: Path, out: Path, settings: TileSettings, *, num_copies: int = 1
) -> TileResult:
    """Cut the pictures of `rows` below `root` into PNG tiles below `out`.

    Args:
        rows: the pictures; scene and split pass to their tiles.
        root: the folder of the pictures.
        out: new, empty, or left by a run of the same rows and settings.
        settings: how to cut.
        num_copies: how often the bytes of the tiles will lie on the disk (2 with an LMDB), to ask for the space.

    Raises:
        DataError: a folder or the space cannot be used, or no picture gives a tile. Pictures that cannot be read are
            in the result.
        OSError: the disk fails while the journal is written; `derived.alone_in` makes a sentence of it.
    """
    check_folder(root)
    check_apart(out, root)
    tasks = plan_tiles(rows, settings)
    if not any(task.num_tiles for task in tasks):
        raise DataError(
            f"No picture in {shown(root)} gives a tile; each of the {len(rows):,} is smaller than "
            f"{settings.smallest} pixels: lower --smallest, or --size."
        )
    tile_journal.claim_folder(out, _card(rows, settings), _possible_names(tasks, settings))
    done = tile_journal.read_journal(out)
    tile_journal.write_journal(out, done)
    left = [task for task in tasks if task.num_tiles and task.row.path not in done]
    _check_space(left, out, settings, num_copies=num_copies)
    failed = _cut_all(left, root, out, settings, done)
    ordered = {task.row.path: done[task.row.path] for task in tasks if task.row.path in done}
    tile_journal.write_journal(out, ordered)
    tiles = tuple(tile for each in ordered.values() for tile in each)
    if not tiles:
        raise DataError(f"No picture in {shown(root)} gives a tile, of {len(rows):,}; first: {failed[0][1]}")
    too_small = tuple(row.path for row in rows if min(row.width, row.height) < settings.smallest)
    return TileResult(tiles, len(ordered), tuple(failed), too_small)


def plan_tiles(rows: Sequence[ManifestRow], settings: TileSettings) -> list[TileTask]:
    """Return what is cut from each picture, from the sizes in the manifest alone.

    The choice depends on the seed and on the names of picture and scene: other scenes change nothing.
    """
    bases = tile_grid.base_names([row.path for row in rows])
    scenes: defaultdict[str, dict[tuple[str, float], tuple[int, ...]]] = defaultdict(dict)
    for row in rows:
        generator = tile_grid.named_generator(settings.seed, row.path)
        for scale in settings.scales:
            boxes = tile_grid.grid(*tile_grid.scaled_size(row.height, row.width, scale), settings)
            places = tile_grid.kept_places(len(boxes), detail=settings.detail, generator=generator)
            scenes[row.scene][row.path, scale] = places
    chosen: dict[tuple[str, float], tuple[int, ...]] = {}
    for scene, places in scenes.items():
        generator = tile_grid.named_generator(settings.seed, f"scene {scene}")
        most = settings.most_per_scene
        chosen |= places if most is None else tile_grid.choose_at_most(places, most, generator)
    return [
        TileTask(row, bases[row.path], tuple((scale, chosen[row.path, scale]) for scale in settings.scales))
        for row in rows
    ]


def cut_picture(task: TileTask, root: Path, out: Path, settings: TileSettings) -> list[ManifestRow]:
    """Write the tiles of one picture and return their rows.

    Raises:
        ImageError: the picture cannot be read, or is not the one of the manifest.
        DataError: a tile cannot be written.
    """
    rgb = read_source(task.row, root)
    rows: list[ManifestRow] = []
    for scale, places in task.places:
        if places:
            scaled = tile_grid.shrink(rgb, scale)
            boxes = tile_grid.grid(scaled.shape[0], scaled.shape[1], settings)
            for index in tile_grid.tiles_at(boxes, scaled, places):
                name = tile_grid.tile_name(task.base, index + 1, scale)
                rows.append(_write_tile(tile_grid.cut(scaled, boxes[index]), out, replace(task.row, path=name)))
    return rows


def _write_tile(pixels: Pixels, out: Path, row: ManifestRow) -> ManifestRow:
    path = out / row.path
    # OpenCV's own settings: of 43 tried, none is decoded more than a tenth faster for at most as many bytes.
    data = encode(Picture(pixels), path).data
    try:
        atomic.write_bytes(path, data)
    except OSError as error:
        raise DataError(f"{shown(path)} cannot be written: {error.strerror}; mend it and run this again.") from error
    height, width = pixels.shape[:2]
    return replace(row, width=width, height=height, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def _cut_all(
    tasks: Sequence[TileTask],
    root: Path,
    out: Path,
    settings: TileSettings,
    done: dict[str, list[ManifestRow]],
) -> list[tuple[str, str]]:
    """Cut with all cores, add to `done` and to the journal, and return the pictures that failed."""
    failed: list[tuple[str, str]] = []
    pool = ThreadPoolExecutor(usable_cores())
    journal = (out / tile_journal.JOURNAL).open("a", encoding="utf-8")
    try:
        with journal:
            futures = [pool.submit(cut_picture, task, root, out, settings) for task in tasks]
            for task, future in _with_bar(tasks, futures):
                try:
                    done[task.row.path] = future.result()
                except ImageError as error:
                    failed.append((task.row.path, str(error)))
                else:
                    journal.write(tile_journal.journal_line(task.row.path, done[task.row.path]))
                    journal.flush()
    finally:
        pool.shutdown(cancel_futures=True)
    return failed


def _with_bar(
    tasks: Sequence[TileTask], futures: Sequence[Future[list[ManifestRow]]]
) -> Iterator[tuple[TileTask, Future[list[ManifestRow]]]]:
    pairs = zip(tasks, futures, strict=True)
    return iter(tqdm(pairs, total=len(tasks), desc="cutting tiles", unit="picture", disable=None))


def _card(rows: Sequence[ManifestRow], settings: TileSettings) -> Mapping[str, object]:
    """What two runs must have in common to go on with one another's tiles, as JSON gives it back."""
    pictures = hashlib.sha256()
    for row in rows:
        pictures.update(f"{row.path}\n{row.scene}\n{row.split}\n{row.sha256}\n".encode("utf-8", "surrogateescape"))
    return json.loads(json.dumps({**asdict(settings), tile_journal.PICTURES: pictures.hexdigest()}))


def _possible_names(tasks: Iterable[TileTask], settings: TileSettings) -> frozenset[str]:
    return frozenset(
        tile_grid.tile_name(task.base, number, scale)
        for task in tasks
        for scale in settings.scales
        for number in range(1, 1 + len(_boxes(task.row, scale, settings)))
    )


def _boxes(row: ManifestRow, scale: float, settings: TileSettings) -> list[tile_grid.Box]:
    return tile_grid.grid(*tile_grid.scaled_size(row.height, row.width, scale), settings)


def _check_space(tasks: Iterable[TileTask], out: Path, settings: TileSettings, *, num_copies: int) -> None:
    num_tiles = sum(task.num_tiles for task in tasks)
    check_room(
        out,
        num_tiles * settings.size**2 * _BYTES_PER_PIXEL * num_copies,
        what=f"A set of {count_of(num_tiles, 'tile')}",
        advice="make fewer with --step, --detail or --most-per-scene",
    )
