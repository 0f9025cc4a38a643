"""Where a notebook works, what it works on, and how its results leave it."""

import shutil
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from realesrgan_arch.atomic import write_text
from realesrgan_arch.data.files import IMAGE_SUFFIXES, DataError
from realesrgan_arch.data.sample import draw_sample
from realesrgan_arch.extras import require_extra
from realesrgan_arch.image_header import shown
from realesrgan_arch.plural import count_of
from realesrgan_arch.sources.archive import ARCHIVE_FAULTS, Member, is_junk, open_archive

COLAB = "google.colab"
_DRIVE = Path("/content/drive")
_DRIVE_FOLDER = "MyDrive/realesrgan_arch"
_UNPACKED = "photographs"


def is_colab() -> bool:
    """Say whether this is a notebook of Google Colab."""
    return find_spec("google") is not None and find_spec(COLAB) is not None


def work_folder(folder: str | Path = "work", *, drive: bool = False) -> Path:
    """Return the folder of everything that the notebook makes; with `drive`, on Google Drive, where it survives.

    Without Colab, `drive` changes nothing.
    """
    if drive and is_colab():
        import_module(f"{COLAB}.drive").mount(str(_DRIVE))
        folder = _DRIVE / _DRIVE_FOLDER / folder
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    return path


def photographs(source: str | Path, work: Path) -> Path:
    """Return a folder of photographs.

    Args:
        source: `sample` draws the embedded sample; `upload` asks for a zip file in Colab; or a zip file, unpacked once;
            or a folder, taken as it is.
        work: where drawn and unpacked pictures go; what lies there already is taken.

    Raises:
        DataError: there is no such file or folder, no picture in it, or an unsafe or damaged archive.
    """
    if source == "sample":
        folder = work / "sample"
        return folder if folder.exists() else draw_sample(folder, seed=0).folder
    unpacked = work / _UNPACKED
    if source == "upload":
        # Colab would give the same file another name, and ask for it after every disconnect.
        return unpacked if unpacked.exists() else _unpack(_uploaded(), unpacked)
    path = Path(source)
    if path.is_dir():
        return path
    if not path.is_file():
        raise DataError(f"expected `sample`, `upload`, a folder or a zip file of photographs, got {shown(path)}.")
    return unpacked if _is_from(path, unpacked) else _unpack(path, unpacked)


def offer(path: str | Path) -> object:
    """Hand a file over: the browser's download in Colab, a link elsewhere; return what shows it."""
    link = require_extra("IPython.display", extra="notebook", purpose="offering files in a notebook").FileLink

    if is_colab():
        return import_module(f"{COLAB}.files").download(str(path))
    return link(str(path))


def _uploaded() -> Path:
    if not is_colab():
        raise DataError("`upload` works in Google Colab; here name a folder or a zip file of photographs.")
    names = list(import_module(f"{COLAB}.files").upload())
    if len(names) != 1:
        raise DataError(f"expected one zip file, got {count_of(len(names), 'file')}; pack the photographs into one.")
    return Path(names[0])


def _is_from(archive: Path, folder: Path) -> bool:
    """Say whether `folder` holds what was unpacked from `archive`.

    Raises:
        DataError: it holds what was unpacked from another one.
    """
    if not folder.exists():
        return False
    note = _note_beside(folder)
    if note.exists() and note.read_text(encoding="utf-8") == _facts(archive):
        return True
    raise DataError(f"{shown(folder)} holds other photographs than {shown(archive)}; choose another NAME for these.")


def _unpack(archive: Path, folder: Path) -> Path:
    """Unpack the pictures of `archive`; `folder` is there when all of them are."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with open_archive(archive) as members:
            for member in members:
                if Path(member.name).suffix.lower() in IMAGE_SUFFIXES and not is_junk(member.name):
                    _extract(member, partial / member.name)
    except (OSError, *ARCHIVE_FAULTS) as error:
        raise DataError(f"cannot unpack {shown(archive)} ({error}); pack it again.") from error
    if not partial.exists():
        raise DataError(f"{shown(archive)} holds no photographs; pack one folder a scene.")
    write_text(_note_beside(folder), _facts(archive))
    partial.rename(folder)
    return folder


def _extract(member: Member, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with member.open() as stream, target.open("xb") as file:
        shutil.copyfileobj(stream, file)


def _note_beside(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}_from.txt")


def _facts(archive: Path) -> str:
    return f"{archive.name}, {archive.stat().st_size} bytes\n"
