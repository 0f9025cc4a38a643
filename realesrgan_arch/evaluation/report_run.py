"""What the folder of a training says for a report: its curves, the layers that moved, its data and its options.

No path of the machine is taken over: a report is made to be sent.
"""

import json
import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

import torch
import yaml

from realesrgan_arch.errors import UserError
from realesrgan_arch.evaluation.evaluate import METRICS
from realesrgan_arch.evaluation.proof import MethodFacts, Proof
from realesrgan_arch.evaluation.report import ReportError
from realesrgan_arch.evaluation.report_rows import source_of
from realesrgan_arch.evaluation.report_story import Curve, Layer, Story
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.image_header import shown
from realesrgan_arch.options.yaml_dialect import read_document
from realesrgan_arch.plural import count_of
from realesrgan_arch.training.metrics_log import SCORES
from realesrgan_arch.training.run_folder import RunFolder
from realesrgan_arch.upscaling.export.formats import FORMATS
from realesrgan_arch.upscaling.export.run_facts import DataFacts, RunFacts, find_run
from realesrgan_arch.weights.load import load_weights
from realesrgan_arch.weights.table import find_weights

_LOSS = "l_"
_NOT_CURVES = frozenset({"kind", "step", "set", "set_hash", "lr"})
Points = dict[str, list[tuple[float, float]]]


@dataclass(frozen=True)
class _Weights:
    """The files of the two models, where they are found."""

    base: Path | None
    tuned: Path | None


def read_story(proof: Proof, run: Path | None, *, weights: Sequence[str] = ()) -> Story:
    """Return what is known of the tuned model of `proof`.

    Args:
        proof: whose models are looked for, by their SHA-256.
        run: folder of the training; None where there is none.
        weights: files or known names among which the models are looked for, too.

    Returns:
        What cannot be read, or is not there, is missing, with a note that says so.

    Raises:
        UserError: one of `weights` is absent, or is not what was judged.
    """
    _check_named(weights, proof)
    by_kind = {method.kind: method for method in proof.methods}
    tuned, base = by_kind.get("tuned"), by_kind.get("base")
    judged = tuned or base
    files = _Weights(_find(base, [*weights, *_own_base(run)]), _find(tuned, [*weights, *_own_weights(run)]))
    notes: list[str] = []
    facts = find_run(files.tuned, sha256=tuned.sha256) if files.tuned and tuned else None
    if facts is not None:
        notes += facts.notes
    elif run is not None:
        notes.append(
            f"None of the weights in {shown(Path(run.name))} are those that were judged, so its step is not known."
        )
    layers, untouched = _layers(files, notes)
    return Story(
        step=facts.step if facts else None,
        curves=tuple(read_curves(RunFolder(run))) if run else (),
        layers=layers,
        untouched=untouched,
        data=tuple(_data_rows(facts)) if facts else (),
        options=_options(run, notes) if run else "",
        commands=tuple(_commands(judged, run, files.tuned or files.base)),
        places=tuple((name, form.where) for name, form in FORMATS.items()),
        notes=tuple(notes),
    )


def read_curves(run: RunFolder) -> Iterator[Curve]:
    """Yield a curve for each metric of the validations, then one of all losses; none for a run without a log."""
    scores: dict[str, Points] = {}
    losses: Points = {}
    for record in _records(run.metrics):
        values = {key: value for key, value in record.items() if key not in _NOT_CURVES and _is_number(value)}
        for key, value in values.items():
            if record.get("kind") == SCORES:
                line = scores.setdefault(key, {}).setdefault(str(record.get("set", "")), [])
            elif key.startswith(_LOSS):
                line = losses.setdefault(key.removeprefix(_LOSS), [])
            else:
                continue
            line.append((float(record["step"]), float(value)))
    order = [*METRICS, *sorted(scores.keys() - METRICS.keys())]
    yield from (_score_curve(name, scores[name]) for name in order if name in scores)
    if losses:
        yield Curve("Losses", losses)


def _score_curve(name: str, series: Points) -> Curve:
    first = next(iter(series.values()))
    base = next((value for step, value in first if step == 0), None)
    metric = METRICS.get(name)
    if metric is None:
        return Curve(name.replace("_", " ").capitalize(), series, base=base)
    return Curve(metric.label, series, metric.unit, base, metric.better)


def _records(path: Path) -> Iterator[dict]:
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    for line in text.splitlines():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue  # a kill cut it off
        if isinstance(record, dict) and _is_number(record.get("step")):
            yield record


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _find(method: MethodFacts | None, candidates: list[str]) -> Path | None:
    """Return the file with exactly the bytes that were scored."""
    if method is None or not method.sha256:
        return None
    for candidate in [*candidates, method.source]:
        try:
            path = find_weights(candidate)
            if path.is_file() and hash_file(path) == method.sha256:
                return path
        except (UserError, OSError):
            continue  # it is not there, or not ours to read: the next one
    return None


def _check_named(weights: Sequence[str], proof: Proof) -> None:
    judged = {method.sha256 for method in proof.methods if method.kind in ("base", "tuned")}
    for name in weights:
        path = find_weights(name)
        try:
            is_judged = hash_file(path) in judged
        except OSError as error:
            raise ReportError(f"--weights: {shown(path)} cannot be read: {error.strerror}") from error
        if not is_judged:
            raise ReportError(
                f"--weights: expected the base or the tuned model that was judged, got {shown(path)}, whose bytes are "
                "of neither; name those that were evaluated, or leave it out"
            )


def _own_weights(run: Path | None) -> list[str]:
    return [] if run is None else sorted(str(path) for path in RunFolder(run).models.glob("net_g_*.pth"))


def _own_base(run: Path | None) -> list[str]:
    path = _read_options(run).get("path") if run is not None else None
    keys = ("base_network_g", "pretrain_network_g")
    return [path[key] for key in keys if isinstance(path.get(key), str)] if isinstance(path, Mapping) else []


def _layers(files: _Weights, notes: list[str]) -> tuple[tuple[Layer, ...], int]:
    if files.base is None or files.tuned is None:
        notes.append("Which layers moved is not told, as no files with the bytes of both models were found: --weights.")
        return (), 0
    try:
        before, after = (load_weights(path).state for path in (files.base, files.tuned))
    except UserError as error:
        notes.append(f"Which layers moved is not told: {_without_folders(str(error), files)}")
        return (), 0
    if before.keys() != after.keys() or any(before[name].shape != after[name].shape for name in before):
        notes.append("Which layers moved is not told, as the two models are of different networks.")
        return (), 0
    return compare_layers(before, after)


def compare_layers(
    before: Mapping[str, torch.Tensor], after: Mapping[str, torch.Tensor]
) -> tuple[tuple[Layer, ...], int]:
    """Return the layers that differ, in the order of the network, and the number of those that are the same bytes.

    Args:
        before: tensors by name, `body.0.weight`; the name up to its last dot is the layer.
        after: the same names and shapes.
    """
    names: dict[str, list[str]] = {}
    for name in before:
        names.setdefault(name.rpartition(".")[0] or name, []).append(name)
    moved = [
        Layer(layer, sum(before[name].numel() for name in own), _relative_change(before, after, own))
        for layer, own in names.items()
        if not all(torch.equal(before[name], after[name]) for name in own)
    ]
    return tuple(moved), len(names) - len(moved)


def _relative_change(before: Mapping[str, torch.Tensor], after: Mapping[str, torch.Tensor], names: list[str]) -> float:
    change = sum(float((after[name].double() - before[name].double()).square().sum()) for name in names)
    whole = sum(float(before[name].double().square().sum()) for name in names)
    return math.sqrt(change / whole) if whole else math.inf


def _without_folders(text: str, files: _Weights) -> str:
    for path in (files.base, files.tuned):
        text = text.replace(str(path), path.name if path else "")
    return text


def _data_rows(facts: RunFacts) -> Iterator[tuple[str, str]]:
    if facts.base is not None:
        licence = f", {facts.base.licence}" if facts.base.licence else ""
        yield "Tuned from", f"{facts.base.name}{licence}"
    if facts.has_discriminator is not None:
        yield "Training", "with a discriminator" if facts.has_discriminator else "without a discriminator"
    if facts.data is not None:
        yield from _set_rows(facts.data)


def _set_rows(data: DataFacts) -> Iterator[tuple[str, str]]:
    pictures = count_of(data.pictures, "photograph") if data.pictures is not None else "photographs"
    yield "Trained on", f"{pictures} of {data.name}" if data.name else pictures
    yield (
        "Apart",
        (
            "training and validation name their pictures and share no scene"
            if data.is_apart
            else "not shown that training and validation share no scene"
        ),
    )
    yield "Degradation", data.degradation
    yield "Batch", f"{data.batch_size} crops of {data.gt_size} x {data.gt_size} pixels"
    if data.split_sha256:
        yield "Training list", f"SHA-256 {data.split_sha256}"


def _read_options(run: Path) -> dict[str, object]:
    try:
        return dict(read_document(run / "options.yml").values)
    except UserError:
        return {}


def _options(run: Path, notes: list[str]) -> str:
    values = _read_options(run)
    if not values:
        notes.append("The options of the training cannot be read.")
        return ""
    return yaml.safe_dump(_published(values), sort_keys=False, allow_unicode=True)


def _published(value: object) -> object:
    """Return `value` with the last part of each absolute path alone."""
    if isinstance(value, Mapping):
        return {key: _published(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_published(one) for one in value]
    if isinstance(value, str):
        for kind in (PurePosixPath, PureWindowsPath):
            if kind(value).is_absolute():
                return f".../{kind(value).name}"
    return value


def _commands(judged: MethodFacts | None, run: Path | None, found: Path | None) -> Iterator[str]:
    if judged is None:
        return
    name = shlex.quote(_no_flag(_place_of(judged, run, found) or source_of(judged) or "model.pth"))
    yield f"realesrgan-arch upscale -n {name} -i photos/ -o upscaled/"
    yield f"realesrgan-arch export {name} --to pth safetensors onnx openvino ncnn"


def _place_of(judged: MethodFacts, run: Path | None, found: Path | None) -> str:
    """Return where the weights lie as seen from the current folder; empty where they do not lie below it.

    Of several files of a run with the same bytes it is the one whose name was judged.
    """
    own = [str(RunFolder(run).models / source_of(judged))] if run and judged.source else []
    path = _find(judged, own) or found
    if path is None or not path.resolve().is_relative_to(Path.cwd()):
        return ""
    return shown(path.resolve().relative_to(Path.cwd()))


def _no_flag(name: str) -> str:
    return f"./{name}" if name.startswith("-") else name
