"""`scores.csv`: one row a picture and method, for people's own statistics."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from realesrgan_arch.atomic import write_bytes
from realesrgan_arch.evaluation.evaluate import ImageScore, measured_metrics


def write_scores(
    path: Path,
    scores: Sequence[ImageScore],
    *,
    scenes: Mapping[str, str],
    groups: Mapping[str, Mapping[str, str]],
    set_hash: str = "",
) -> None:
    """Write the columns `name,scene,` the kinds of group, `method,` the metrics and, of a frozen set, `set_hash`.

    What was not measured stays empty; what is not defined is `nan`, and PSNR of equal pictures `inf`.

    Args:
        path: of the file, which is complete or absent.
        scores: the rows, in their order.
        scenes: of the pictures.
        groups: by kind, then by picture.
        set_hash: of a frozen set.

    Raises:
        OSError: the file cannot be written.
    """
    metrics = measured_metrics(scores)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    last = ["set_hash"] if set_hash else []
    writer.writerow(["name", "scene", *groups, "method", *metrics, *last])
    for score in scores:
        cells = [score.values.get(metric) for metric in metrics]
        numbers = ["" if cell is None else f"{cell:.6f}" for cell in cells]
        kinds = [of.get(score.name, "") for of in groups.values()]
        scene = scenes.get(score.name, score.name)
        writer.writerow([score.name, scene, *kinds, score.method, *numbers, *([set_hash] if set_hash else [])])
    # Names that are not UTF-8 are lone surrogates.
    write_bytes(path, text.getvalue().encode("utf-8", "surrogateescape"))
