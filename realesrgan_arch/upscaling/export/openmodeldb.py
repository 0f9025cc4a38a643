"""The entry of a model for OpenModelDB, as its pages take it.

Rules: OpenModelDB/open-model-database, src/lib/schema.ts and src/lib/validate-model.ts. A field that only a person can
fill is empty or null; `LEFT_TO_A_PERSON` names those.
"""

import json
import re

from realesrgan_arch.networks.spec import CompactSpec, GeneratorSpec, RRDBNetSpec
from realesrgan_arch.upscaling.export.record import Record
from realesrgan_arch.upscaling.export.source import spandrel_obstacle

LEFT_TO_A_PERSON = ("tags", "images", "resources.urls")
_PLATFORMS = {"pth": "pytorch", "safetensors": "pytorch", "onnx": "onnx"}


def model_id(name: str, scale: int) -> str:
    """Return the identity `4x-my-model`: letters, digits and single hyphens; what else a name has becomes a hyphen."""
    words = [word for word in re.findall(r"[a-zA-Z0-9]+", name) if word.lower() != f"{scale}x"]
    return "-".join([f"{scale}x", *(words or ["model"])])


def knows(spec: GeneratorSpec) -> bool:
    """Say whether the database lists this architecture in the form that its tools load."""
    return isinstance(spec, (RRDBNetSpec, CompactSpec)) and not spandrel_obstacle(spec)


def entry(record: Record) -> str:
    """Return the JSON of `record`, with the database's indentation."""
    spec = record.source.spec
    values = {
        "name": record.name,
        "author": user_id(record.author) if record.author else None,
        "license": record.licence,
        "tags": [],
        "description": _description(record),
        "date": record.date,
        "architecture": "compact" if isinstance(spec, CompactSpec) else "esrgan",
        "size": _size(spec),
        "scale": spec.scale,
        "inputChannels": spec.num_in_ch,
        "outputChannels": spec.num_out_ch,
        "resources": _resources(record),
        "images": [],
        **_training(record),
    }
    return json.dumps(values, indent=4, ensure_ascii=False) + "\n"


def user_id(author: str) -> str:
    """Return the identity of a user: letters, digits and single hyphens."""
    return "-".join(re.findall(r"[a-zA-Z0-9]+", author)).lower()


def _size(spec: GeneratorSpec) -> list[str]:
    return [f"{spec.num_feat}nf", f"{spec.num_conv}nc" if isinstance(spec, CompactSpec) else f"{spec.num_block}nb"]


def _resources(record: Record) -> list[dict[str, object]]:
    return [
        {"platform": _PLATFORMS[file.format], "type": file.format, "size": file.size, "sha256": file.sha256, "urls": []}
        for file in record.files
        if file.format in _PLATFORMS
    ]


def _description(record: Record) -> str:
    run, lines = record.run, [f"Magnifies RGB pictures by {record.source.spec.scale}."]
    if run and run.base and not record.source.blended:
        lines.append(f"Fine-tuned from {run.base.name}.")
    if record.source.blended:
        share = record.source.blended.share
        lines.append(f"{share:.0%} of its weights are those of {record.source.blended.file.path.name}.")
    for score in run.scores if run else ():
        against = f" ({score.base:.4g} with its base)" if score.base is not None else ""
        lines.append(f"{score.metric.upper()} {score.value:.4g}{against} on the validation set {score.set_name}.")
    return " ".join(lines)


def _training(record: Record) -> dict[str, object]:
    """Return those optional fields that are known; of a blend none is, as it was not trained."""
    run = None if record.source.blended else record.run
    data = run.data if run else None
    values = {
        "trainingIterations": run.step if run else None,
        "trainingBatchSize": data.batch_size if data else None,
        "trainingHRSize": data.gt_size if data else None,
        "trainingOTF": data.is_synthetic if data else None,
        "dataset": data.name if data else None,
        "datasetSize": data.pictures if data else None,
    }
    return {key: value for key, value in values.items() if value is not None}
