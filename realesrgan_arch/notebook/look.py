"""Pictures in a notebook: side by side, under a slider, and whole pages."""

from pathlib import Path
from typing import TYPE_CHECKING

from realesrgan_arch.data.files import DataError
from realesrgan_arch.extras import require_extra
from realesrgan_arch.image_header import shown
from realesrgan_arch.images import read_rgb
from realesrgan_arch.pages import data_uri, render

if TYPE_CHECKING:
    from IPython.display import HTML

_PICTURE_SUFFIX = ".png"
_QUALITY = 92


def pictures(folder: str | Path, *, most: int = 6) -> "HTML":
    """Return the first pictures of a folder, by name, to be shown below each other.

    Raises:
        DataError: there are none.
    """
    return _html(
        render("pictures.html", pictures=[{"name": path.stem, "image": _uri(path)} for path in _first(folder, most)])
    )


def slider(results: str | Path, *, before: str = "base", after: str = "tuned", most: int = 4) -> "HTML":
    """Return sliders between two methods' pictures of a test (`results/<set>/visualization`).

    Args:
        results: folder of the test set that holds `visualization/<method>/`.
        before: method on the left.
        after: method on the right.
        most: pictures.

    Raises:
        DataError: one of the methods has no pictures there.
    """
    folder = Path(results) / "visualization"
    left = _first(folder / before, most)
    right = [folder / after / path.name for path in left]
    pairs = [{"name": one.stem, "before": _uri(one), "after": _uri(two)} for one, two in zip(left, right, strict=True)]
    return _html(render("slider.html", before=before, after=after, pairs=pairs))


def page(path: str | Path, *, height: int = 700) -> "HTML":
    """Return a page that a command wrote, in a frame of `height` pixels.

    Raises:
        DataError: it is not there.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"there is no page {shown(path)}; run the cell that makes it first.")
    return _html(render("frame.html", title=path.name, page=path.read_text(encoding="utf-8"), height=height))


def _first(folder: str | Path, most: int) -> list[Path]:
    found = sorted(Path(folder).glob(f"*{_PICTURE_SUFFIX}"))[:most]
    if not found:
        raise DataError(f"there are no pictures in {shown(Path(folder))}; run the cell that makes them first.")
    return found


def _uri(path: Path) -> str:
    return data_uri(read_rgb(path), quality=_QUALITY)


def _html(text: str) -> "HTML":
    return require_extra("IPython.display", extra="notebook", purpose="showing pictures in a notebook").HTML(text)
