"""Cut the pictures of a split into overlapping tiles, which training reads several times as fast as photographs."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.commands.arguments import count, positive_number
from realesrgan_arch.commands.report import Report, tell_first
from realesrgan_arch.commands.split_parts import chosen_parts
from realesrgan_arch.data.derived import alone_in
from realesrgan_arch.data.files import DataError, name_of
from realesrgan_arch.data.lmdb_store import SUFFIX, write_lmdb
from realesrgan_arch.data.manifest import SPLIT_NAMES, write_split
from realesrgan_arch.data.split_folder import (
    CARD,
    SplitCard,
    SplitFolder,
    open_split,
    read_card,
    read_parts,
    write_card,
)
from realesrgan_arch.data.tile_grid import TileSettings
from realesrgan_arch.data.tile_journal import PARTIAL, read_journal
from realesrgan_arch.data.tiles import TileResult, make_tiles
from realesrgan_arch.errors import EXIT_OK, EXIT_SOME_FILES_FAILED
from realesrgan_arch.extras import require_extra
from realesrgan_arch.image_header import shown
from realesrgan_arch.plural import count_of

_DEFAULTS = TileSettings()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `make` reads."""
    whole, default = {"type": count, "metavar": "N"}, _DEFAULTS
    parser.add_argument("split", type=Path, help="a folder that `data split` wrote: data_split/NAME")
    parser.add_argument("--root", type=Path, help="the folder of the pictures (default: as split.json says)")
    parser.add_argument("--size", **whole, default=default.size, help=f"side of a tile (default {default.size})")
    parser.add_argument("--step", **whole, default=default.step, help=f"from tile to tile (default {default.step})")
    parser.add_argument("--thresh", **whole, default=default.thresh, help="a rest of so few pixels is left (default 0)")
    parser.add_argument("--scales", type=positive_number, nargs="+", default=default.scales, metavar="SCALE",
                        help="cut smaller copies of each picture too: 1 0.75 0.5 (default 1)")  # fmt: skip
    parser.add_argument("--detail", type=positive_number, default=default.detail, metavar="SHARE",
                        help="keep the most detailed share, and a tenth of the other tiles (default 1)")  # fmt: skip
    parser.add_argument("--most-per-scene", **whole, help="keep at most so many tiles of a scene, drawn at random")
    parser.add_argument("--smallest", **whole,
                        help=f"leave pictures with a side below this out (default {default.smallest})")  # fmt: skip
    parser.add_argument("--seed", type=count, default=default.seed, help="of the draws (default 0)")
    parser.add_argument("--parts", nargs="+", choices=SPLIT_NAMES, help="default train")
    parser.add_argument("--out", type=Path, help="folder of the tiles (default datasets/NAME_tilesSIZE)")
    parser.add_argument("--lmdb", action="store_true", help="write OUT.lmdb too, in BasicSR's layout")


def make(arguments: argparse.Namespace) -> Report:
    """Cut, write the manifest of the tiles beside that of the pictures, and say what to change in the options.

    Raises:
        DataError: the split, the folders or the settings cannot be used.
        MissingExtraError: an LMDB is wanted without its package.
    """
    settings = _settings(arguments)
    if arguments.lmdb:
        require_extra("lmdb", extra="lmdb", purpose="Writing an LMDB")
    split = open_split(arguments.split, root=arguments.root)
    out: Path = arguments.out or Path("datasets") / f"{name_of(split.folder)}_tiles{settings.size}"
    parts = chosen_parts(split, arguments.parts, usual=["train"])
    rows = [row for part in SPLIT_NAMES for row in parts.get(part, [])]
    split_out = _parent(split.folder) / name_of(out)
    card = _card(split, out)
    _check_own(split_out, card, out)
    with alone_in(out):
        result = make_tiles(rows, split.root, out, settings, num_copies=2 if arguments.lmdb else 1)
        written = write_split(result.rows, split_out)
        write_card(card, split_out)
        root = _write_lmdb(result, out) if arguments.lmdb else out
    made = [out, *written, *([] if root == out else [root])]
    return _report(result, made, root=root, manifest=written[0])


def _write_lmdb(result: TileResult, out: Path) -> Path:
    folder = out.with_name(out.name + SUFFIX)
    write_lmdb(result.rows, out, folder)
    return folder


def _settings(arguments: argparse.Namespace) -> TileSettings:
    return TileSettings(
        size=arguments.size,
        step=arguments.step,
        thresh=arguments.thresh,
        scales=tuple(arguments.scales),
        detail=arguments.detail,
        most_per_scene=arguments.most_per_scene,
        smallest=min(_DEFAULTS.smallest, arguments.size) if arguments.smallest is None else arguments.smallest,
        seed=arguments.seed,
    )


def _parent(folder: Path) -> Path:
    return folder.parent if folder.name not in ("", "..") else folder.resolve().parent


def _card(split: SplitFolder, out: Path) -> SplitCard:
    card = split.card
    origin = card.origin or split.root.as_posix()
    return SplitCard(out.as_posix(), card.by, card.seed, card.val, card.test, origin=origin)


def _check_own(folder: Path, card: SplitCard, out: Path) -> None:
    """Check that `folder` is free, or holds the manifests of these tiles."""
    if not folder.exists():
        return
    is_own = read_card(folder) == card if (folder / CARD).is_file() else _was_left_without_card(folder, out)
    if not is_own:
        raise DataError(
            f"Expected {shown(folder)} to be free for the manifest of the tiles, but it holds something else; "
            "choose another --out: its name is that of the manifest."
        )


def _was_left_without_card(folder: Path, out: Path) -> bool:
    """Whether all that `folder` holds is what a run that was killed before the card wrote for the tiles in `out`."""
    if not folder.is_dir():
        return False
    names = {path.name for path in folder.iterdir() if not path.match(PARTIAL)}
    if not names <= {f"{part}.csv" for part in SPLIT_NAMES}:
        return False
    tiles = {tile.path: tile.split for rows in read_journal(out).values() for tile in rows}
    return read_parts(folder).items() <= tiles.items()


def _report(result: TileResult, made: list[Path], *, root: Path, manifest: Path) -> Report:
    backend = ", io_backend: {type: lmdb}" if root.suffix == SUFFIX else ""
    return Report(
        lines=tuple(_lines(result)),
        made=tuple(made),
        next_step=(
            f"set dataroot_gt: {shown(root)} and manifest: {shown(manifest)}{backend} under datasets.train "
            "in your options, then run train.py"
        ),
        facts={
            "tiles": len(result.rows),
            "pictures": result.num_pictures,
            "failed": [sentence for _, sentence in result.failed],
            "too_small": [shown(Path(path)) for path in result.too_small],
        },
        exit_code=EXIT_SOME_FILES_FAILED if result.failed else EXIT_OK,
    )


def _lines(result: TileResult) -> Iterator[str]:
    tiles = count_of(len(result.rows), "tile")
    size = say_bytes(sum(row.bytes for row in result.rows))
    scenes = len({row.scene for row in result.rows})
    yield f"{tiles} of {count_of(result.num_pictures, 'picture')} in {count_of(scenes, 'scene')}, {size}"
    yield from _first("too small for a tile and left out", [shown(Path(p)) for p in result.too_small])
    yield from _first("failed", [sentence for _, sentence in result.failed])


def _first(what: str, texts: list[str]) -> Iterator[str]:
    if not texts:
        return
    yield f"{count_of(len(texts), 'picture')} {what}:"
    yield from tell_first(texts)
