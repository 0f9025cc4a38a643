"""Which pictures of a set a run has trained on or was validated on, by the record that lies beside its weights."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from realesrgan_arch.data.assembly import spread
from realesrgan_arch.data.files import DataError, bytes_on_disk, read_meta_info
from realesrgan_arch.data.frozen_set import frozen_source
from realesrgan_arch.data.manifest import read_manifest
from realesrgan_arch.data.split_folder import CARD, read_card
from realesrgan_arch.errors import UserError
from realesrgan_arch.evaluation.chosen_set import DataChoice, Photograph, scene_of
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.image_header import shown
from realesrgan_arch.options.datasets import DatasetOptions, Datasets, ValDataset
from realesrgan_arch.options.load import load_options
from realesrgan_arch.plural import count_of
from realesrgan_arch.weights.table import find_weights


@dataclass(frozen=True)
class Seen:
    """Sentences on pictures of a set that are not new to the models; empty where no record says so."""

    trained: tuple[str, ...] = ()
    """Scores on these prove nothing."""
    validated: tuple[str, ...] = ()


@dataclass
class _Used:
    """The pictures that a section of an option file names."""

    paths: set[Path] = field(default_factory=set)
    folders: list[Path] = field(default_factory=list)
    """All below them is used."""
    hashes: set[str] = field(default_factory=set)
    sizes: set[int] = field(default_factory=set)
    """In bytes, where they are known."""
    scenes: set[str] = field(default_factory=set)

    def holds(self, photograph: Photograph) -> bool:
        """Return whether it is among them: by its place, or by its bytes, which are read only where sizes agree."""
        places = [path.resolve() for path in photograph.paths]
        if any(place in self.paths or any(map(place.is_relative_to, self.folders)) for place in places):
            return True
        if photograph.sha256:
            return photograph.sha256 in self.hashes
        return any(bytes_on_disk(place) in self.sizes and hash_file(place) in self.hashes for place in places)


def find_seen(choice: DataChoice, weights: Sequence[str]) -> Seen:
    """Return what the runs of `weights` have seen of a set.

    A run is known by its folder: its weights lie in `models` beside `options.yml`. A record that is absent or cannot be
    read says nothing. Pictures are compared by their place, then by their bytes, then by the scene of their split.

    Args:
        choice: the set.
        weights: files or known names.
    """
    trained: list[str] = []
    validated: list[str] = []
    for run, datasets in _runs(weights).items():
        advice = _advice(datasets, choice)
        used = _used_by([datasets.train] if datasets.train else [], run.parent.parent)
        pictures = {name for name, one in choice.photographs.items() if used.holds(one)}
        scenes = {name for name, one in choice.photographs.items() if one.scene in used.scenes} - pictures
        if said := _told(len(pictures), len(scenes), len(choice.pairs), f"that {_name(run)} was trained on"):
            trained.append(f"{said}: this says nothing about pictures that it has not seen; {advice}")
        used = _used_by(list(datasets.validation_sets().values()), run.parent.parent)
        left = choice.photographs.keys() - pictures - scenes
        held_out = sum(used.holds(choice.photographs[name]) for name in left)
        if said := _told(held_out, 0, len(choice.pairs), f"that {_name(run)} was validated on"):
            validated.append(f"{said}: where they chose its weights, they flatter them; {advice}")
    return Seen(tuple(trained), tuple(validated))


def _runs(weights: Sequence[str]) -> dict[Path, Datasets]:
    """The data sections of the runs in whose folders weights lie."""
    found: dict[Path, Datasets] = {}
    for source in weights:
        try:
            path = find_weights(source).resolve()
            record = path.parent.parent / "options.yml"
            if path.parent.name == "models" and record.is_file():
                found[record.parent] = load_options(record).options.datasets
        except (UserError, OSError):
            continue  # what cannot be read tells nothing
    return found


def _placed(section: DatasetOptions, home: Path) -> DatasetOptions:
    """Return the section with what is not here looked for in `home`, where the run was started."""
    paths = {key: getattr(section, key, None) for key in ("dataroot_gt", "dataroot_lq", "manifest")}
    moved = {key: home / path for key, path in paths.items() if path and not path.exists() and (home / path).exists()}
    return section.model_copy(update=moved)


def _used_by(sections: Sequence[DatasetOptions], home: Path) -> _Used:
    used = _Used()
    for section in sections:
        try:
            _add(_placed(section, home), used)
        except (DataError, OSError):
            continue  # it has moved since, and tells nothing
    return used


def _add(section: DatasetOptions, used: _Used) -> None:
    root = section.dataroot_gt
    if root is None:
        return
    if isinstance(section, ValDataset) and section.is_frozen:
        origin, pairs = frozen_source(root)
        used.paths |= {(origin / pair.source).resolve() for pair in pairs}
        used.hashes |= {pair.sha256 for pair in pairs}
        used.scenes |= {scene_of(pair.scene, origin) for pair in pairs}
    elif section.manifest is not None:
        most = section.max_images if isinstance(section, ValDataset) else None
        rows = spread(read_manifest(section.manifest), most)
        card = section.manifest.parent / CARD
        origin = Path((read_card(card.parent).origin if card.is_file() else "") or root)
        used.paths |= {(root / row.path).resolve() for row in rows}
        used.hashes |= {row.sha256 for row in rows}
        used.sizes |= {row.bytes for row in rows}
        used.scenes |= {scene_of(row.scene, origin) for row in rows}
    elif section.list_file is not None:
        used.paths |= {path.resolve() for path in read_meta_info(section.list_file, root, num_bytes=lambda _: 0)}
    else:
        used.folders += [folder.resolve() for folder in (root, section.dataroot_lq) if folder is not None]


def _told(pictures: int, scenes: int, total: int, whose: str) -> str:
    """`2 of 20 pictures are ones that x was trained on, and 3 more are of scenes that x was trained on`, or nothing."""
    return ", and ".join(_parts(pictures, scenes, total, whose))


def _parts(pictures: int, scenes: int, total: int, whose: str) -> Iterator[str]:
    if pictures:
        yield f"{pictures:,} of {count_of(total, 'picture')} {'is one' if pictures == 1 else 'are ones'} {whose}"
    if scenes:
        who = f"{scenes:,} more" if pictures else f"{scenes:,} of {count_of(total, 'picture')}"
        yield f"{who} {'is of a scene' if scenes == 1 else 'are of scenes'} {whose}"


def _name(run: Path) -> str:
    return shown(Path(run.name))


def _advice(datasets: Datasets, choice: DataChoice) -> str:
    """Name the test part of the split that a run was trained on, without a path of this machine."""
    manifest = datasets.train.manifest if datasets.train else None
    is_there = manifest is not None and manifest.with_name("test.csv").is_file()
    if manifest is None or not is_there or choice.title == f"{manifest.parent.name}/test":
        return "score pictures that were kept from it"
    folder = Path(manifest.parent.name) if manifest.is_absolute() else manifest.parent
    return f"score {shown(folder / 'test')}"
