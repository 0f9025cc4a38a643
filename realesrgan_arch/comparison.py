"""The base model against a tuned one on unseen pictures: what `test.py` does."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor
from tqdm import tqdm

from realesrgan_arch.atomic import write_text
from realesrgan_arch.data.assembly import build_whole_images
from realesrgan_arch.devices import choose_device, choose_dtype
from realesrgan_arch.evaluation.evaluate import (
    EvaluationPair,
    ImageScore,
    Method,
    evaluate,
    read_pairs,
    write_scores_csv,
)
from realesrgan_arch.evaluation.panels import crop_busiest, side_by_side
from realesrgan_arch.evaluation.table import format_table
from realesrgan_arch.images import from_tensor, write_image
from realesrgan_arch.options.datasets import ValDataset
from realesrgan_arch.options.load import OptionsError
from realesrgan_arch.options.types import Options
from realesrgan_arch.resampling import magnify_bicubic
from realesrgan_arch.training.validation import TILE, ScoreRules, score_rules
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

    def text(self) -> str:
        """Return the table with the files that belong to it."""
        return f"{self.title}\n{self.table}\nscores   {self.folder / 'scores.csv'}\npictures {self.folder}"


def compare(options: Options, *, folder: Path) -> list[Comparison]:
    """Score bicubic, `path.base_network_g` and `path.pretrain_network_g` on every test set of `options`.

    Writes `scores.csv`, `table.txt` and, with `val.save_img`, the pictures into a sub-folder for each set.

    Raises:
        UserError: no test set, data or weights that cannot be used.
    """
    sets = options.datasets.test_sets()
    if not sets:
        raise OptionsError(options.name, ["datasets.test: this section is required to test; expected type, ..."])
    methods = build_methods(options)
    return [_compare_on(section, key, options, methods, folder=folder) for key, section in sets.items()]


def build_methods(options: Options) -> dict[str, Method]:
    """Return bicubic, the base (if one is named) and the model by their names in the table.

    Raises:
        UserError: weights that are absent, or that magnify by another factor than the options say.
    """
    methods: dict[str, Method] = {"bicubic": partial(magnify_bicubic, scale=options.scale)}
    if options.path.base_network_g is not None:
        methods["base"] = _load_method(options.path.base_network_g, None, options)
    if options.path.pretrain_network_g is not None:
        name = "tuned" if "base" in methods else "base"
        methods[name] = _load_method(options.path.pretrain_network_g, options.path.param_key_g, options)
    return methods


def _load_method(source: str, key: str | None, options: Options) -> Method:
    network, spec = load_generator(find_or_download(source), key)
    if spec.scale != options.scale:
        raise OptionsError(options.name, [f"scale: expected {spec.scale}, that of {source}, got {options.scale}"])
    device = choose_device("cpu" if options.num_gpu == 0 else options.device)
    dtype = choose_dtype(device, options.precision, training=False)
    return Upscaler(network, scale=spec.scale, device=device, dtype=dtype, tile=TILE, tile_pad=16).upscale


def _compare_on(
    section: ValDataset, key: str, options: Options, methods: dict[str, Method], *, folder: Path
) -> Comparison:
    dataset = build_whole_images(section, scale=options.scale, degradation=options.degradation())
    rules = score_rules(options)
    target = folder / (section.name or key)
    save = bool(options.val and options.val.save_img)
    scores: list[ImageScore] = []
    samples = (dataset[index] for index in range(len(dataset)))
    for pair in tqdm(read_pairs(samples), total=len(dataset), desc=section.name or key, unit="picture", disable=None):
        scores += _score_pair(pair, methods, rules, folder=target / "visualization" if save else None)
    table = format_table(scores, border=rules.border, y_channel=rules.y_channel)
    write_scores_csv(target / "scores.csv", scores)
    write_text(target / "table.txt", table + "\n")
    return Comparison(section.name or key, table, target, tuple(scores))


def _score_pair(
    pair: EvaluationPair, methods: dict[str, Method], rules: ScoreRules, *, folder: Path | None
) -> list[ImageScore]:
    outputs = {name: upscale(pair.lq) for name, upscale in methods.items()}
    if folder is not None:
        _write_pictures(pair, outputs, folder)
    ready: dict[str, Method] = {name: partial(_already, output) for name, output in outputs.items()}
    return evaluate([pair], methods=ready, border=rules.border, y_channel=rules.y_channel, metrics=rules.metrics)


def _already(output: Tensor, lq: Tensor) -> Tensor:
    del lq
    return output


def _write_pictures(pair: EvaluationPair, outputs: dict[str, Tensor], folder: Path) -> None:
    # The folder above keeps apart files of one name in two scenes.
    stem = "_".join(Path(pair.name).with_suffix("").parts[-2:])
    for name, output in outputs.items():
        write_image(folder / name / f"{stem}.png", from_tensor(output))
    top, left = crop_busiest(pair.gt, PANEL_SIZE)
    window = (slice(None), slice(top, top + PANEL_SIZE), slice(left, left + PANEL_SIZE))
    panel = side_by_side({name: image[window] for name, image in (outputs | {"ground truth": pair.gt}).items()})
    write_image(folder / "panels" / f"{stem}.png", from_tensor(panel))
