"""Step 2: training, validation and test scenes, none of which shares a scene with another part."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from realesrgan_arch.audit.keep_list import KEEP_LIST, KeepList, read_keep_list
from realesrgan_arch.data.frozen_card import hash_json
from realesrgan_arch.data.manifest import SPLIT_NAMES, ManifestRow, check_manifest, write_split
from realesrgan_arch.data.scenes import SceneRule, label_by_folder, label_by_stem
from realesrgan_arch.data.split import MadeSplit, SplitSettings, assign_groups, make_split
from realesrgan_arch.data.split_folder import SplitCard, begin_anew, write_card
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.guided.chain import Step, Work
from realesrgan_arch.guided.journal import Facts
from realesrgan_arch.guided.request import AUTO, GuidedError
from realesrgan_arch.image_header import shown
from realesrgan_arch.plural import count_of

NAME = "split"
_WANTED_SCENES = 4
"""Of validation and of the test on average."""
_LEAST_SCENES = 2
_LEAST_SHARE, _MOST_SHARE = 0.05, 0.2
_SEEDS = 100


def digest_of(folder: Path) -> str:
    """Return one hash over the manifests in `folder`; those that are absent count, too."""
    files = {part: folder / f"{part}.csv" for part in SPLIT_NAMES}
    return hash_json({part: hash_file(path) if path.is_file() else "" for part, path in files.items()})


def scene_rule(paths: list[str]) -> SceneRule:
    """Return `folder` where most pictures lie in sub-folders; else what their titles say."""
    loose = sum("/" not in path for path in paths)
    return "stem" if loose > len(paths) / 2 else "folder"


def share_for(num_scenes: int) -> float:
    """Return the share of validation, and of the test, of so many scenes."""
    return min(_MOST_SHARE, max(_LEAST_SHARE, _WANTED_SCENES / num_scenes))


def _inputs(work: Work) -> object:
    return {"keep": hash_file(work.folder.audit / KEEP_LIST), "files": _audited(work), "by": work.request.by}


def _audited(work: Work) -> str:
    entry = work.journal.entry("audit")
    return entry.inputs if entry else ""


def _make(work: Work) -> Facts:
    keep = read_keep_list(work.folder.audit / KEEP_LIST)
    settings = _settings(work, keep)
    made = make_split(work.request.data, settings, keep=keep)
    seed, rows = _with_intervals(made, settings)
    check_manifest(rows, work.request.data)
    begin_anew(work.folder.split)
    write_split(rows, work.folder.split)
    write_card(_card(work, replace(settings, seed=seed)), work.folder.split)
    return {"by": settings.by, "parts": _parts(rows), "digest": digest_of(work.folder.split)}


def _with_intervals(made: MadeSplit, settings: SplitSettings) -> tuple[int, list[ManifestRow]]:
    """Return the first seed, and its rows, with which validation and test have the two scenes that an interval needs.

    Training keeps at least half of the scenes, so that it takes eight. Where no seed does, the split stays as it is.
    """
    groups, shares = made.groups.group_by_scene, {"val_share": settings.val_share, "test_share": settings.test_share}
    for seed in range(_SEEDS):
        parts = assign_groups(groups.values(), seed=seed, **shares).part_by_group
        counts = Counter(parts.values())
        if min(counts["val"], counts["test"]) >= _LEAST_SCENES and counts["train"] >= len(parts) / 2:
            return seed, [replace(row, split=parts[groups[row.scene]]) for row in made.rows]
    return settings.seed, list(made.rows)


def _settings(work: Work, keep: KeepList) -> SplitSettings:
    paths = sorted(keep.kept)
    by = scene_rule(paths) if work.request.by == AUTO else work.request.by
    labels = label_by_folder(paths) if by == "folder" else label_by_stem(paths)
    num_scenes = len(paths) if by == "cluster" else len({label.scene for label in labels.values()})
    if num_scenes < len(SPLIT_NAMES):
        raise GuidedError(
            f"expected photographs of at least {len(SPLIT_NAMES)} scenes, one each to train, to validate and to test, "
            f"got {num_scenes} (--by {by}) in {count_of(len(paths), 'picture')} of {shown(work.request.data)}; put "
            "each building into a sub-folder of its own, or tell scenes by --by folder, stem or cluster"
        )
    share = share_for(num_scenes)
    return SplitSettings(val_share=share, test_share=share, by=by)


def _card(work: Work, settings: SplitSettings) -> SplitCard:
    return SplitCard(
        root=work.request.data.as_posix(),
        by=settings.by,
        seed=settings.seed,
        val=settings.val_share,
        test=settings.test_share,
        near_distance=settings.near_distance,
        keep=(work.folder.audit / KEEP_LIST).as_posix(),
    )


def _parts(rows: Sequence[ManifestRow]) -> dict[str, dict[str, int]]:
    images = Counter(row.split for row in rows)
    scenes = Counter(part for _, part in {(row.scene, row.split) for row in rows})
    return {part: {"images": images[part], "scenes": scenes[part]} for part in SPLIT_NAMES}


def _told(facts: Facts) -> str:
    parts = (
        f"{part} {count_of(numbers['images'], 'picture')} of {count_of(numbers['scenes'], 'scene')}"
        for part, numbers in facts["parts"].items()
    )
    return f"{', '.join(parts)} (a scene is a {facts['by']})"


SPLIT = Step(
    name=NAME,
    depends="the photographs, the keep-list or --by have",
    inputs=_inputs,
    aim=lambda _: "dividing by scene: no scene is in two parts",
    make=_make,
    told=_told,
    holds=lambda work, facts: digest_of(work.folder.split) == facts["digest"],
    is_settled=True,
)
