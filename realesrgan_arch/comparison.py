"""The base model against a tuned one on unseen pictures: what `test.py` does."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor
from tqdm import tqdm

from realesrgan_arch.atomic import try_writing, write_text
from realesrgan_arch.data.assembly import build_whole_images, named_sets
from realesrgan_arch.devices import choose_device, choose_dtype
from realesrgan_arch.evaluation.evaluate import (
    EvaluationError,
    ImageScore,
    Method,
    score_outputs,
    score_truth,
    write_scores_csv,
)
from realesrgan_arch.evaluation.pairs import EvaluationPair, ReadableSamples, picture_names
from realesrgan_arch.evaluation.panels import crop_busiest, side_by_side
from realesrgan_arch.evaluation.table import format_table, with_hash
from realesrgan_arch.images import from_tensor, write_image
from realesrgan_arch.options.datasets import ValDataset
from realesrgan_arch.options.load import OptionsError
from realesrgan_arch.options.types import Options
from realesrgan_arch.resampling import magnify_bicubic
from realesrgan_arch.training.validation import TILE, score_rules
from realesrgan_arch.upscaling.backends.torch_backend import TorchBackend
from realesrgan_arch.upscaling.engine import Upscaler
from realesrgan_arch.weights.download import find_or_download
from realesrgan_arch.weights.load import load_generator

PANEL_SIZE = 256


@dataclass(frozen=True)
class Comparison:
    """The scores of one test set and where they are."""

    title: str
    table: str
    folder: Path
    scores: tuple[ImageScore, ...]
    left_out: tuple[str, ...]
    """Files that could not be read."""

    def text(self) -> str:
        """Return the table with the files that belong to it."""
        return f"{self.title}\n{self.table}\nscores   {self.folder / 'scores.csv'}\npictures {self.folder}"


def compare(options: Options, *, folder: Path) -> list[Comparison]:
    """Score bicubic, `path.base_network_g` and `path.pretrain_network_g` on every test set of `options`.

    Writes `scores.csv`, `table.txt` and, with `val.save_img`, the pictures into a sub-folder for each set.

    Raises:
        UserError: no test set; data, weights or an output folder that cannot be used.
    """
    sets = options.datasets.test_sets()
    if not sets:
        raise OptionsError(options.name, ["datasets.test: this section is required to test; expected type, ..."])
    _check_writable(folder)
    methods = build_methods(options)
    return [compare_on(section, title, options, methods, folder / title) for title, section in named_sets(sets).items()]


def build_methods(options: Options) -> dict[str, Method]:
    """Return bicubic, the base and the model by their names in the table.

    With a base the model is called `tuned` and the table shows differences; alone it is called `model`.

    Raises:
        UserError: no weights at all, weights that are absent, or that magnify by another factor than the options say.
    """
    if options.path.base_network_g is None and options.path.pretrain_network_g is None:
        raise OptionsError(
            options.name, ["path.pretrain_network_g: expected the weights to test, got none; name a file"]
        )
    methods: dict[str, Method] = {"bicubic": partial(magnify_bicubic, scale=options.scale)}
    if options.path.base_network_g is not None:
        methods["base"] = load_method(options.path.base_network_g, None, options)
    if options.path.pretrain_network_g is not None:
        name = "tuned" if "base" in methods else "model"
        methods[name] = load_method(options.path.pretrain_network_g, options.path.param_key_g, options)
    return methods


def load_method(source: str, key: str | None, options: Options) -> Method:
    """Return the generator in `source`, a file or a known name, as a method on the device of `options`.

    Raises:
        UserError: weights that are absent or damaged, or that magnify by another factor than the options say.
    """
    network, spec = load_generator(find_or_download(source), key)
    if spec.scale != options.scale:
        raise OptionsError(options.name, [f"scale: expected {spec.scale}, that of {source}, got {options.scale}"])
    device = choose_device("cpu" if options.num_gpu == 0 else options.device)
    dtype = choose_dtype(device, options.precision, training=False)
    backend = TorchBackend(network, scale=spec.scale, device=device, dtype=dtype)
    return Upscaler(backend, tile=TILE, tile_pad=16).upscale


def compare_on(
    section: ValDataset, title: str, options: Options, methods: Mapping[str, Method], target: Path
) -> Comparison:
    """Score `methods` on one set; `scores.csv`, `table.txt` and, with `val.save_img`, the pictures go into `target`.

    Args:
        section: the set.
        title: of the set, for the bar and the table.
        options: the scores and the degradation.
        methods: by their names in the table.
        target: a folder, made where it is absent.

    Raises:
        UserError: data that cannot be used, or an output folder that cannot be written to.
    """
    dataset = build_whole_images(section, scale=options.scale, degradation=options.degradation())
    rules = score_rules(options)
    write = None
    if options.val and options.val.save_img:
        write = PictureFiles(target / "visualization", picture_names(dataset.names)).write
    scores: list[ImageScore] = []
    readable = ReadableSamples(dataset[index] for index in range(len(dataset)))
    for sample in tqdm(readable, total=len(dataset), desc=title, unit="picture", disable=None):
        pair = EvaluationPair.from_sample(sample)
        outputs = {name: upscale(pair.lq) for name, upscale in methods.items()}
        scores += [*score_truth(pair, rules), *score_outputs(pair, outputs, rules)]
        if write is not None:
            write(pair, outputs)
    if not scores:
        raise EvaluationError(f"expected at least one readable picture in the test set {title}, got none")
    table = format_table(scores, border=rules.border, y_channel=rules.y_channel)
    table = "\n".join(part for part in (table, readable.note()) if part)
    write_scores_csv(target / "scores.csv", scores, set_hash=dataset.set_hash)
    heading = with_hash(title, dataset.set_hash)
    write_text(target / "table.txt", "\n".join([*([heading] if dataset.set_hash else []), table, ""]))
    return Comparison(heading, table, target, tuple(scores), tuple(readable.left_out))


@dataclass(frozen=True)
class PictureFiles:
    """Writes every method's picture, and all side by side, under names that are the same in each folder."""

    folder: Path
    names: Mapping[str, str]
    """File name without suffix by the name of the pair."""

    def write(self, pair: EvaluationPair, outputs: Mapping[str, Tensor]) -> None:
        """Write `<method>/<name>.png` of the whole pictures and `panels/<name>.png` of their busiest place."""
        file = f"{self.names[pair.name]}.png"
        for name, output in outputs.items():
            write_image(self.folder / name / file, from_tensor(output))
        top, left = crop_busiest(pair.gt, PANEL_SIZE)
        window = (slice(None), slice(top, top + PANEL_SIZE), slice(left, left + PANEL_SIZE))
        panel = side_by_side({name: image[window] for name, image in {**outputs, "ground truth": pair.gt}.items()})
        write_image(self.folder / "panels" / file, from_tensor(panel))


def _check_writable(folder: Path) -> None:
    """Find out before hours of scoring."""
    try:
        try_writing(folder)
    except OSError as error:
        raise EvaluationError(
            f"expected a folder that can be written to, got {folder} ({error.strerror}); choose another with --output"
        ) from error
