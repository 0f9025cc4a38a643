"""Step 3: validation and test pairs that never change."""

import dataclasses
import json
from pathlib import Path

from realesrgan_arch.data.assembly import spread
from realesrgan_arch.data.freeze import Freezer
from realesrgan_arch.data.frozen_card import CARD, FreezePlan, hash_json
from realesrgan_arch.data.split_folder import open_split
from realesrgan_arch.degradation.presets import PRESETS, PresetName
from realesrgan_arch.guided.chain import Step, Work
from realesrgan_arch.guided.journal import Facts
from realesrgan_arch.plural import count_of

NAME = "freeze"
VAL, TEST = "val", "test"
PRESET: PresetName = "full"
"""The degradation that the option file trains with, too."""
_MAX_SIZE = 512
_MAX_IMAGES = {VAL: 16, TEST: 32}


def _inputs(work: Work) -> object:
    return {"split": work.facts("split")["digest"], "scale": work.base.spec.scale}


def _make(work: Work) -> Facts:
    split = open_split(work.folder.split, root=work.request.data)
    settings = PRESETS[PRESET]
    plan = FreezePlan(
        preset=PRESET,
        settings=json.loads(json.dumps(dataclasses.asdict(settings))),
        seed=0,
        scale=work.base.spec.scale,
        per_image=1,
        max_size=_MAX_SIZE,
    )
    folder = work.folder.frozen(hash_json(_inputs(work)))
    sets = {}
    for part in (VAL, TEST):
        freezer = Freezer(settings, plan, folder / part, split.root)
        rows = spread(split.rows[part], _MAX_IMAGES[part])
        card, _ = freezer.freeze(rows, part=part, origin=split.root.as_posix())
        sets[part] = {"hash": card.short_hash, "pairs": len(card.pairs)}
    return {"folder": folder.name, "sets": sets}


def _told(facts: Facts) -> str:
    sets = (f"{part} {count_of(one['pairs'], 'pair')}, hash {one['hash']}" for part, one in facts["sets"].items())
    return "; ".join(sets)


def frozen_folder(work: Work, part: str) -> Path:
    """Return the frozen set of a part."""
    return work.folder.root / work.facts(NAME)["folder"] / part


def _holds(work: Work, facts: Facts) -> bool:
    return all((work.folder.root / facts["folder"] / part / CARD).is_file() for part in facts["sets"])


FREEZE = Step(
    name=NAME,
    depends="the split or the scale has",
    inputs=_inputs,
    aim=lambda _: "making the validation and test pairs once, so that every score is of the same pictures",
    make=_make,
    told=_told,
    holds=_holds,
    is_settled=True,
)
