"""The base model against a tuned one on the test sets of an option file: what `test.py` does."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from torch import Tensor

from realesrgan_arch.data.assembly import build_whole_images, named_sets, scenes_of
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.frozen_card import hash_json
from realesrgan_arch.data.frozen_set import FrozenPairs
from realesrgan_arch.data.scenes import folder_scene
from realesrgan_arch.data.validation_set import SyntheticPairs, WholePairs
from realesrgan_arch.disk_room import existing_folder
from realesrgan_arch.evaluation.chosen_set import (
    DataChoice,
    Photograph,
    UnreadablePairError,
    build_choice,
    file_stamp,
    name_below,
    top_folder,
    why_unreadable,
)
from realesrgan_arch.evaluation.contender import BASE, MODEL, TUNED, Contender, Machine, bicubic, choose_machine
from realesrgan_arch.evaluation.data_choice import frozen_photographs
from realesrgan_arch.evaluation.evaluate import ImageScore
from realesrgan_arch.evaluation.group_choice import choose_groups
from realesrgan_arch.evaluation.pairs import EvaluationPair, picture_names
from realesrgan_arch.evaluation.panels import crop_busiest, side_by_side
from realesrgan_arch.evaluation.proof import SCORES_FILE, Kind, Proof
from realesrgan_arch.evaluation.proof_text import proof_lines
from realesrgan_arch.evaluation.proved import Proved
from realesrgan_arch.evaluation.proving import ProofRequest, check_beside, check_writable, prove, usable_rules
from realesrgan_arch.evaluation.seen_pictures import find_seen
from realesrgan_arch.image_header import shown
from realesrgan_arch.images import from_tensor, write_image
from realesrgan_arch.options.datasets import ValDataset
from realesrgan_arch.options.load import OptionsError
from realesrgan_arch.options.types import Options
from realesrgan_arch.training.validation import score_rules

PANEL_SIZE = 256
_NAMES_AND_PLACES = {"name", "dataroot_gt", "dataroot_lq", "manifest", "meta_info", "meta_info_file"}
"""What says where a set lies, and not what it is."""
Dataset = SyntheticPairs | WholePairs | FrozenPairs


@dataclass(frozen=True)
class Comparison:
    """The scores of one test set and where they are."""

    proved: Proved

    @property
    def title(self) -> str:
        """The name of the set with the hash of a frozen one."""
        return self.proved.heading

    @property
    def table(self) -> str:
        """The means."""
        return self.proved.table

    @property
    def folder(self) -> Path:
        """Where everything is."""
        return self.proved.folder

    @property
    def scores(self) -> tuple[ImageScore, ...]:
        """Of all pictures and methods."""
        return self.proved.scored.scores

    @property
    def proof(self) -> Proof:
        """What was found."""
        return self.proved.proof

    @property
    def left_out(self) -> tuple[str, ...]:
        """Pictures that could not be read or scored, with the reason."""
        return self.proof.left_out

    def text(self) -> str:
        """Return the verdict and the table, with the files that belong to it."""
        files = [f"scores   {shown(self.folder / SCORES_FILE)}", f"pictures {shown(self.folder)}"]
        return "\n".join([*proof_lines(self.proved), *files])


def compare(options: Options, *, folder: Path) -> list[Comparison]:
    """Score bicubic, `path.base_network_g` and `path.pretrain_network_g` on every test set of `options`.

    Writes what `evaluation.proving.prove` writes and, with `val.save_img`, all pictures into a sub-folder for each set.

    Raises:
        UserError: no test set; data, weights or an output folder that cannot be used.
    """
    sets = options.datasets.test_sets()
    if not sets:
        raise OptionsError(
            options.name,
            ["datasets.test: this section is required to test; copy it from options/test_architecture.yml"],
        )
    for section in sets.values():
        check_beside(folder, _walked(section))
    check_writable(folder)
    contenders = build_contenders(options)
    return [
        compare_on(section, title, options, contenders, folder / title) for title, section in named_sets(sets).items()
    ]


def build_contenders(options: Options) -> list[Contender]:
    """Return bicubic, the base and the model by their names in the table.

    With a base the model is called `tuned` and is judged against it; alone it is called `model`.

    Raises:
        UserError: no weights at all, weights that are absent, or that magnify by another factor than the options say.
    """
    base, model = options.path.base_network_g, options.path.pretrain_network_g
    if base is None and model is None:
        raise OptionsError(
            options.name, ["path.pretrain_network_g: expected the weights to test, got none; name a file"]
        )
    contenders = [bicubic(options.scale)]
    if base is not None:
        contenders.append(load_contender(base, options, name=BASE, kind="base"))
    if model is not None:
        name = MODEL if base is None else TUNED
        contenders.append(load_contender(model, options, name=name, kind="tuned", key=options.path.param_key_g))
    return contenders


def load_contender(source: str, options: Options, *, name: str, kind: Kind, key: str | None = None) -> Contender:
    """Return the generator in `source`, a file or a known name, on the device of `options`.

    Raises:
        UserError: weights that are absent or damaged, or that magnify by another factor than the options say.
    """
    loaded = _machine(options).load(source, name=name, kind=kind, key=key)
    if loaded.scale != options.scale:
        raise OptionsError(options.name, [f"scale: expected {loaded.scale}, that of {source}, got {options.scale}"])
    return loaded.contender


def compare_on(
    section: ValDataset, title: str, options: Options, contenders: Sequence[Contender], target: Path
) -> Comparison:
    """Score the contenders on one set and write the proof into `target`.

    Args:
        section: the set.
        title: of the set, for the bar and the table.
        options: the scores and the degradation.
        contenders: of different names.
        target: a folder, made where it is absent.

    Raises:
        UserError: data that cannot be used, or an output folder that cannot be written to.
    """
    choice = choose_section(section, title, options)
    weights = [name for name in (options.path.base_network_g, options.path.pretrain_network_g) if name is not None]
    keeper = None
    if options.val and options.val.save_img:
        keeper = PictureFiles(target / "visualization", picture_names(choice.pairs.names))
    machine = _machine(options)
    rules, notes = usable_rules(score_rules(options))
    computed = f"{machine.backend} {machine.device} {machine.precision}"
    request = ProofRequest(
        choice=choice,
        contenders=contenders,
        rules=rules,
        folder=target,
        scale=options.scale,
        groups=choose_groups(choice, None),
        replaces_others=True,  # The folder is that of the option file, whose weights are trained on.
        computed=computed,
        notes=notes,
        seen=find_seen(choice, weights),
        facts={**machine.facts(computed), "option file": options.name},
    )
    return Comparison(prove(request, keeper=keeper))


def choose_section(section: ValDataset, title: str, options: Options) -> DataChoice:
    """Return a test set of an option file as a set to score on; its pairs are named by the file of the LQ.

    Raises:
        DataError: data that cannot be used.
    """
    degradation = options.degradation()
    dataset = build_whole_images(section, scale=options.scale, degradation=degradation)
    truths, roots = _truths(dataset), _roots(section, dataset)
    names, below = _names_below(dataset.names, roots[0]), _names_below(truths, roots[-1])

    def read(number: int) -> EvaluationPair:
        try:
            sample = dataset[number]
        except DataError as error:
            if isinstance(dataset, FrozenPairs):
                raise  # It changed, and with it the set; others are of a size that cannot be scored.
            raise UnreadablePairError(str(error)) from error
        if sample["failed_path"]:
            raise UnreadablePairError(why_unreadable(Path(sample["failed_path"])))
        return replace(EvaluationPair.from_sample(sample), name=names[number])

    said = scenes_of(section, dataset)
    settings = [section.model_dump(mode="json", exclude=_NAMES_AND_PLACES), asdict(degradation), options.scale]
    files = [
        file_stamp(existing_folder(Path(path)), root)
        for paths, root in ((dataset.names, roots[0]), (truths, roots[-1]))
        for path in paths
    ]
    return build_choice(
        title,
        names,
        read,
        dataset.card.hash if isinstance(dataset, FrozenPairs) else hash_json([settings, names, files]),
        scenes=[said.get(truth, folder_scene(name)) for truth, name in zip(truths, below, strict=True)],
        folders=[top_folder(pair.source) for pair in dataset.card.pairs]
        if isinstance(dataset, FrozenPairs)
        else [top_folder(name) for name in below],
        roots=[root for root in dict.fromkeys(roots) if root.name],
        set_hash=dataset.set_hash,
        made=f"{section.type} of the option file {options.name}",
        photographs=frozen_photographs(dataset.card, dataset.card.pairs)
        if isinstance(dataset, FrozenPairs)
        else [Photograph((Path(path),)) for path in truths],
    )


@dataclass(frozen=True)
class PictureFiles:
    """Writes every method's picture, and all side by side, under names that are the same in each folder."""

    folder: Path
    names: Mapping[str, str]
    """File name without suffix by the name of the pair."""

    def holds(self, name: str) -> bool:
        """Return whether the pictures of a pair were written: the panel is the last of them."""
        return (self.folder / "panels" / f"{self.names[name]}.png").is_file()

    def keep(self, pair: EvaluationPair, outputs: Mapping[str, Tensor]) -> None:
        """Write `<method>/<name>.png` of the whole pictures and `panels/<name>.png` of their busiest place."""
        file = f"{self.names[pair.name]}.png"
        for name, output in outputs.items():
            write_image(self.folder / name / file, from_tensor(output))
        top, left = crop_busiest(pair.gt, PANEL_SIZE)
        window = (slice(None), slice(top, top + PANEL_SIZE), slice(left, left + PANEL_SIZE))
        panel = side_by_side({name: image[window] for name, image in {**outputs, "ground truth": pair.gt}.items()})
        write_image(self.folder / "panels" / file, from_tensor(panel))


def _machine(options: Options) -> Machine:
    return choose_machine(
        "cpu" if options.num_gpu == 0 else options.device, backend="torch", precision=options.precision
    )


def _walked(section: ValDataset) -> tuple[Path, ...]:
    """The folders of a section all of whose pictures are taken: none where a list says which."""
    if section.is_frozen or section.manifest is not None or section.list_file is not None:
        return ()
    return tuple(root for root in (section.dataroot_gt, section.dataroot_lq) if root is not None)


def _truths(dataset: Dataset) -> list[str]:
    """The file of each pair's truth."""
    if isinstance(dataset, FrozenPairs):
        return [str(dataset.folder / pair.gt) for pair in dataset.card.pairs]
    if isinstance(dataset, WholePairs):
        return [str(gt_path) for gt_path, _ in dataset.pairs]
    return dataset.names


def _roots(section: ValDataset, dataset: Dataset) -> tuple[Path, ...]:
    """The folders of the LQ and of the truths."""
    if isinstance(dataset, FrozenPairs):
        return (dataset.folder,)
    gt_root = section.dataroot_gt or Path()
    return (section.dataroot_lq or gt_root, gt_root) if isinstance(dataset, WholePairs) else (gt_root,)


def _names_below(paths: Sequence[str], root: Path) -> list[str]:
    """The names of files below the root; of files that lie elsewhere those below the folder of all of them.

    Keys of an LMDB are names already.
    """
    if all(Path(path).is_relative_to(root) for path in paths):
        return [name_below(Path(path), root) for path in paths]
    if not all(Path(path).is_absolute() for path in paths):
        return list(paths)
    common = Path(os.path.commonpath([Path(path).parent for path in paths]))
    return [name_below(Path(path), common) for path in paths]
