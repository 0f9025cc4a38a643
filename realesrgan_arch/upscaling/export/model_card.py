"""The model card, `README.md`, whose front matter the Hugging Face Hub reads. What is not known is said to be so.

Source of the keys: Hugging Face Hub documentation, "Model Cards". `base_model` and `datasets` take names of the Hub,
which no run knows; they are told in the text instead.
"""

from collections.abc import Iterator
from dataclasses import asdict

import yaml

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.upscaling.export.formats import FORMATS
from realesrgan_arch.upscaling.export.record import Record, Selection
from realesrgan_arch.upscaling.export.run_facts import RunFacts, Score
from realesrgan_arch.upscaling.export.source import spandrel_obstacle

_UNKNOWN = "not known"
_NOT_EVALUATED = "The blend was not evaluated."
_BASES_LICENCE = "The licence of Real-ESRGAN's released weights, BSD-3-Clause, applies to the base only."


def card(record: Record) -> str:
    """Return the whole page."""
    front = yaml.safe_dump(front_matter(record), sort_keys=False, allow_unicode=True)
    return f"---\n{front}---\n\n" + "\n".join(_sections(record)) + "\n"


def front_matter(record: Record) -> dict[str, object]:
    """Return the keys of the Hub that are known."""
    spec = record.source.spec
    values: dict[str, object] = {"license": record.licence.lower()} if record.licence else {}
    values["pipeline_tag"] = "image-to-image"
    values["library_name"] = "realesrgan_arch" if spandrel_obstacle(spec) else "spandrel"
    values["tags"] = ["super-resolution", "real-esrgan", *dict.fromkeys(_tag(file.format) for file in record.files)]
    scores = record.run.scores if record.run else ()
    if scores:
        values["metrics"] = list(dict.fromkeys(score.metric for score in scores))
        values["model-index"] = [{"name": record.name, "results": list(_results(scores))}]
    return values


def _tag(form: str) -> str:
    return {"pth": "pytorch"}.get(form, form)


def _results(scores: tuple[Score, ...]) -> Iterator[dict[str, object]]:
    for name in dict.fromkeys(score.set_name for score in scores):
        metrics = [{"type": score.metric, "value": score.value} for score in scores if score.set_name == name]
        dataset = {"name": name, "type": name}
        yield {"task": {"type": "image-to-image"}, "dataset": dataset, "metrics": metrics}


def _sections(record: Record) -> Iterator[str]:
    spec = record.source.spec
    yield f"# {record.name}\n"
    yield f"A {spec.type} that magnifies RGB pictures by {spec.scale}. Exported on {record.date}.\n"
    yield "## Use\n"
    yield "For pictures that people look at. The detail that it adds is likely, not true: nothing may be measured,"
    yield "surveyed, identified or proved by it.\n"
    yield from _file_lines(record)
    yield "\n## Network\n"
    yield from (f"- `{key}`: {value}" for key, value in {**asdict(spec), "scale": spec.scale}.items())
    yield f"- weights: `{record.source.file.path.name}`, SHA-256 `{record.source.file.sha256}`"
    if record.source.blended:
        blended = record.source.blended
        yield f"- of these, {blended.share:.0%} are `{blended.file.path.name}`, SHA-256 `{blended.file.sha256}`"
    yield "\n## Training\n"
    if record.source.blended and record.run:
        doubt = "" if record.selection else f"{_NOT_EVALUATED} "
        yield f"{doubt}What follows is the training of `{record.source.file.path.name}` alone.\n"
    yield from _training_lines(record.run)
    yield "\n## Evaluation\n"
    yield from _evaluation_lines(record)
    yield "\n## Limits\n"
    yield "Not known: how it does on pictures unlike those of its training and evaluation."
    yield from (f"- {note}" for note in record.notes)
    yield "\n## Licence\n"
    yield f"{record.licence or f'Not stated. {_BASES_LICENCE}'}"


def _file_lines(record: Record) -> Iterator[str]:
    yield "| file | size | SHA-256 | goes to |"
    yield "|---|---|---|---|"
    for file in record.files:
        yield f"| `{file.name}` | {say_bytes(file.size)} | `{file.sha256}` | {FORMATS[file.format].where} |"
    yield "\nEach file was read again and compared with the source network:\n"
    yield "| format | runtime | largest difference | mean | in levels of 255 |"
    yield "|---|---|---|---|---|"
    for one in record.checks:
        yield f"| {one.format} | {one.runtime} | {one.max_abs:.2g} | {one.mean_abs:.2g} | {255 * one.max_abs:.2g} |"


def _training_lines(run: RunFacts | None) -> Iterator[str]:
    if run is None:
        yield "Not known: the weights did not lie in the folder of a run."
        return
    base, data = run.base, run.data
    rows = (
        ("run", run.name),
        ("steps", run.step),
        ("base", base and f"`{base.name}`"),
        ("SHA-256 of the base", base and base.sha256),
        ("licence of the base", base and base.licence),
        ("data", data and data.name),
        ("pictures", data and data.pictures),
        ("SHA-256 of the list of pictures", data and data.split_sha256),
        ("degradation", data and data.degradation),
        ("batch", data and data.batch_size),
        ("side of the crops", data and data.gt_size),
        ("with a discriminator", {True: "yes", False: "no", None: None}[run.has_discriminator]),
    )
    yield from (f"- {label}: {_UNKNOWN if value is None else value}" for label, value in rows)


def _evaluation_lines(record: Record) -> Iterator[str]:
    if record.selection:
        yield from _selection_lines(record.selection)
    elif record.source.blended:
        yield _NOT_EVALUATED
    if not record.source.blended:
        yield from _score_lines(record.run)


def _selection_lines(selection: Selection) -> Iterator[str]:
    data = f"{selection.data} [frozen {selection.set_hash}]" if selection.set_hash else selection.data
    tried = ", ".join(f"{share:g}" for share in selection.tried)
    yield f"A share of {selection.share:g} of the tuned weights was chosen by the rule `{selection.rule}` among {tried}"
    yield f"on {data}: {selection.sentence}\n"
    yield "These pictures chose the model, so their numbers flatter it: they are no proof. Other pictures give that."
    yield f"\n- SHA-256 of the base: `{selection.base_sha256}`"
    yield f"- SHA-256 of the tuned weights: `{selection.tuned_sha256}`"
    yield f"- identity of the pictures: `{selection.identity}`\n"


def _score_lines(run: RunFacts | None) -> Iterator[str]:
    if run is None or not run.scores:
        yield "Not known."
        return
    is_apart = run.data is not None and run.data.is_apart
    yield f"Means over the validation pictures{', whose scenes training never saw' if is_apart else ''}.\n"
    yield "| set | metric | this model | its base | bicubic |"
    yield "|---|---|---|---|---|"
    for score in run.scores:
        name = f"{score.set_name} [frozen {score.set_hash}]" if score.set_hash else score.set_name
        yield f"| {name} | {score.metric} | {_number(score.value)} | {_number(score.base)} | {_number(score.bicubic)} |"


def _number(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:.4f}"
