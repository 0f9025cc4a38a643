"""Whose audit a folder holds: `audit.json` names the audited folder from the first moment on, so that none is lost."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from realesrgan_arch import __version__, atomic
from realesrgan_arch.audit.keep_list import KEEP_LIST
from realesrgan_arch.data.files import DataError, name_of
from realesrgan_arch.file_lock import file_lock
from realesrgan_arch.image_header import shown

CARD = "audit.json"
_LOCK = ".audit.lock"


def default_folder(root: Path) -> Path:
    """Return where the audit of `root` is written, and where `data split` looks for its keep-list."""
    return Path("audit") / name_of(root)


def read_audited_root(folder: Path) -> Path | None:
    """Return the folder that the audit in `folder` looked at; None where it does not say."""
    try:
        root = json.loads((folder / CARD).read_bytes())["root"]
    except (OSError, ValueError, KeyError, TypeError):  # No card, or not one of ours.
        return None
    return Path(root) if isinstance(root, str) else None


@contextmanager
def claim(out: Path, root: Path) -> Iterator[None]:
    """Hold `out` for the audit of `root`, and write there that it is, unless it says so already.

    Raises:
        DataError: another process is auditing into it, or it holds an audit of another or of an unknown folder.
        OSError: it cannot be written to.
    """
    with ExitStack() as held:
        try:
            held.enter_context(file_lock(out / _LOCK))
        except BlockingIOError as error:
            raise DataError(
                f"Another audit is writing into {shown(out)} now; wait for it, or choose another --out."
            ) from error
        check_claim(out, root)
        if not (out / CARD).exists():
            write_card(out, root, {})
        yield


def check_claim(out: Path, root: Path) -> None:
    """Check that `out` is free, or holds an audit of `root`.

    Raises:
        DataError: it holds the audit of another folder, or a keep-list of which nobody knows whose it is.
    """
    owner = read_audited_root(out)
    if owner is not None and owner.resolve() == root.resolve():
        return
    if owner is None and not (out / CARD).exists() and not (out / KEEP_LIST).exists():
        return
    whose = f"an audit without a readable {CARD}" if owner is None else f"the audit of {shown(owner)}"
    raise DataError(
        f"{shown(out)} holds {whose}, not that of {shown(root)}; choose another folder with --out. To take your edits "
        f"along to a data set that moved, copy {KEEP_LIST} into that folder after its first audit, and audit again."
    )


def write_card(out: Path, root: Path, facts: Mapping[str, Any]) -> None:
    """Write `audit.json`. Names that are not UTF-8 are kept: JSON escapes what they are decoded to.

    Raises:
        OSError: it cannot be written.
    """
    card = {"root": root.resolve().as_posix(), "tool": __version__, **facts}
    atomic.write_text(out / CARD, json.dumps(card, indent=2) + "\n")
