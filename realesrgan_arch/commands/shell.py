"""Commands that a report proposes, as a shell takes them."""

import shlex
from pathlib import Path

from realesrgan_arch.data.split_folder import SplitCard
from realesrgan_arch.image_header import shown


def data_command(verb: str, *words: object) -> str:
    """Return `realesrgan-arch data VERB WORD ...`; a path that cannot be printed as it is, is left to the user."""
    printable = [shown(Path(word)) == str(word) if isinstance(word, Path) else True for word in words]
    texts = [shlex.quote(str(word)) if is_ok else "FOLDER" for word, is_ok in zip(words, printable, strict=True)]
    command = " ".join(["realesrgan-arch", "data", verb, *texts])
    if all(printable):
        return command
    return f"{command} (give the folder by hand: its name has characters that cannot be printed)"


def split_command(card: SplitCard, root: Path, out: Path | None, **changed: object) -> str:
    """Return the `data split` that made `card`, of the images in `root`, with some of its fields changed."""
    values: dict[str, object] = {
        "by": card.by,
        "scenes": card.scenes,
        "seed": card.seed,
        "val": card.val,
        "test": card.test,
        "near_distance": card.near_distance,
        **changed,
    }
    words: list[object] = [root]
    for name in ("by", "scenes", "seed", "val", "test"):
        if values[name] != "":
            words += [f"--{name}", values[name]]
    near = values["near_distance"]
    words += ["--no-near"] if near is None else ["--near-distance", near]
    words += ["--keep", Path(card.keep) if card.keep else "none"]
    return data_command("split", *words, *(() if out is None else ("--out", out)))
