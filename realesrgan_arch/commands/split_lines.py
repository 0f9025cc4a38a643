"""What `data split` tells about the split that it made: counts, joined scenes, what was left out, what looks odd."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from realesrgan_arch.commands.report import tell_first
from realesrgan_arch.commands.scoring_choices import SCENES_TO_CLAIM
from realesrgan_arch.data.manifest import SPLIT_NAMES, ManifestRow, SplitName
from realesrgan_arch.data.scan import LeftOut
from realesrgan_arch.data.scenes import Join, SceneRule
from realesrgan_arch.data.split import MadeSplit, SplitSettings, proving_settings
from realesrgan_arch.image_header import shown
from realesrgan_arch.plural import count_of

_SHOWN_JOINS = 5
_MANY_TIMES_THE_MEAN = 3


def tell_split(made: MadeSplit, settings: SplitSettings) -> Iterator[str]:
    """Yield the lines, most important first."""
    yield from _counts(made.rows)
    yield from _joins(made.groups.joins)
    for name, part in made.assignment.borrowed.items():
        yield f"{part} would be empty: it takes the scene that is next to it by its name's hash, '{shown(Path(name))}'"
    yield from (f"note: {words}" for words in tell_oddities(made, settings))
    yield from _left_out(made.scan.unreadable)


def tell_oddities(made: MadeSplit, settings: SplitSettings) -> Iterator[str]:
    """Yield what is worth a look before training: a flat folder, a large group, parts too small to prove anything."""
    yield from _flat_folder(made.rows, settings.by)
    sizes = Counter(made.groups.group_by_scene[row.scene] for row in made.rows)
    largest, num_images = sizes.most_common(1)[0]
    share = num_images / len(made.rows)
    smallest_part = min((part for part in (settings.val_share, settings.test_share) if part > 0), default=1.0)
    if share > smallest_part and num_images > _MANY_TIMES_THE_MEAN * len(made.rows) / len(sizes):
        yield (
            f"the largest group, '{shown(Path(largest))}', holds {num_images} of {count_of(len(made.rows), 'image')} "
            f"({share:.1%}): look whether they are of one scene"
        )
    yield from _few_scenes(made, settings)


def _counts(rows: Sequence[ManifestRow]) -> Iterator[str]:
    images = Counter(row.split for row in rows)
    for split in SPLIT_NAMES:
        numbers = f"{count_of(images[split], 'image'):>14}  {count_of(_num_scenes(rows, split), 'scene'):>13}"
        yield f"{split:<5} {numbers}  {images[split] / len(rows):6.1%}"


def _num_scenes(rows: Sequence[ManifestRow], split: SplitName) -> int:
    return len({row.scene for row in rows if row.split == split})


def _few_scenes(made: MadeSplit, settings: SplitSettings) -> Iterator[str]:
    scenes = {part: _num_scenes(made.rows, part) for part, share in settings.judging_shares.items() if share}
    few = [count_of(count, f"{part} scene") for part, count in scenes.items() if count < SCENES_TO_CLAIM]
    if not few:
        return
    wider = proving_settings(made, settings, fewest=SCENES_TO_CLAIM)
    shares = wider.judging_shares.items() if wider else ()
    flags = [f"--{part} {share:g}" for part, share in shares if share != settings.judging_shares[part]]
    mend = " ".join(flags) or "photographs of more scenes"
    yield f"{' and '.join(few)} can prove nothing (a claim takes {SCENES_TO_CLAIM} or more): give {mend}"


def _joins(joins: Sequence[Join]) -> Iterator[str]:
    if not joins:
        return
    yield f"kept together {count_of(len(joins), 'pair')} of scenes that share a picture:"
    yield from tell_first([_join_line(join) for join in joins], most=_SHOWN_JOINS)


def _join_line(join: Join) -> str:
    why = "the same bytes" if join.distance is None else f"{join.distance} of 64 bits differ"
    return f"{shown(Path(join.first))} and {shown(Path(join.second))} ({why})"


def _flat_folder(rows: Sequence[ManifestRow], by: SceneRule) -> Iterator[str]:
    loose = sum(row.scene == row.path for row in rows)
    if by == "folder" and loose > len(rows) / 2:
        yield (
            f"{loose} of {count_of(len(rows), 'image')} lie directly in the folder, each a scene of its own: two views "
            "of one building may be in two parts; --by stem joins what has one title, --by cluster what looks alike"
        )


def _left_out(left_out: Sequence[LeftOut]) -> Iterator[str]:
    if not left_out:
        return
    yield f"left out {count_of(len(left_out), 'file or folder', 'files or folders')} that cannot be read:"
    yield from tell_first([item.reason for item in left_out])
