"""Released weights that the project knows: where they come from, how to recognise them, where they lie here."""

import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from realesrgan_arch.errors import EXIT_BAD_MODEL, UserError
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.networks.spec import (
    CompactSpec,
    DiscriminatorSpec,
    GeneratorSpec,
    RRDBNetSpec,
    UNetDiscriminatorSpec,
)

FOLDER_VARIABLE = "REALESRGAN_ARCH_WEIGHTS"
_RELEASES = "https://github.com/xinntao/Real-ESRGAN/releases/download"
_PYTORCH = "https://download.pytorch.org/models"
_DISTILLED = "https://github.com/MingSun-Tse/Collaborative-Distillation/raw/75c1b81c1dbea11c96d3fb04e96f207dee16dcbb"
_BSD = "BSD-3-Clause"
_TORCHVISION = "BSD-3-Clause (torchvision); trained on ImageNet"


class WeightsError(UserError):
    """Weights that are absent, damaged, unsafe, or of another network."""


class BadModelError(WeightsError):
    """A file that is damaged, no model at all, or not to be trusted."""

    exit_code = EXIT_BAD_MODEL


@dataclass(frozen=True)
class KnownWeights:
    """One released file."""

    name: str
    url: str
    spec: GeneratorSpec | DiscriminatorSpec | None
    """None: not a network of this project (those that give perceptual losses their features)."""
    size: int | None = None
    """In bytes; None where it is not known for certain."""
    sha256: str | None = None
    """64 hexadecimal digits, or the leading ones where only those are published; None where not known for certain."""
    licence: str = _BSD
    kept_as: str = ""
    """The name of the file here, where that of its release says nothing."""

    @property
    def file_name(self) -> str:
        """The name under which the file is kept; mostly that of its release."""
        return self.kept_as or self.url.rsplit("/", 1)[-1]


_X4PLUS = RRDBNetSpec()
_NET_D = UNetDiscriminatorSpec()

_TABLE = (
    KnownWeights(
        "RealESRGAN_x4plus",
        f"{_RELEASES}/v0.1.0/RealESRGAN_x4plus.pth",
        _X4PLUS,
        size=67_040_989,
        sha256="4fa0d38905f75ac06eb49a7951b426670021be3018265fd191d2125df9d682f1",
    ),
    KnownWeights("RealESRGAN_x4plus_netD", f"{_RELEASES}/v0.2.2.3/RealESRGAN_x4plus_netD.pth", _NET_D),
    KnownWeights(
        "RealESRNet_x4plus",
        f"{_RELEASES}/v0.1.1/RealESRNet_x4plus.pth",
        _X4PLUS,
        size=67_040_989,
        sha256="a820b9bde89a874d7599d545567308ce6c128fc8754a53208eda016d40aa81df",
    ),
    KnownWeights(
        "RealESRGAN_x2plus",
        f"{_RELEASES}/v0.2.1/RealESRGAN_x2plus.pth",
        RRDBNetSpec(scale=2),
        size=67_061_725,
        sha256="49fafd45f8fd7aa8d31ab2a22d14d91b536c34494a5cfe31eb5d89c2fa266abb",
    ),
    KnownWeights("RealESRGAN_x2plus_netD", f"{_RELEASES}/v0.2.2.3/RealESRGAN_x2plus_netD.pth", _NET_D),
    KnownWeights(
        "RealESRGAN_x4plus_anime_6B",
        f"{_RELEASES}/v0.2.2.4/RealESRGAN_x4plus_anime_6B.pth",
        RRDBNetSpec(num_block=6),
        size=17_938_799,
        sha256="f872d837d3c90ed2e05227bed711af5671a6fd1c9f7d7e91c911a61f155e99da",
    ),
    KnownWeights(
        "RealESRGAN_x4plus_anime_6B_netD", f"{_RELEASES}/v0.2.2.4/RealESRGAN_x4plus_anime_6B_netD.pth", _NET_D
    ),
    KnownWeights(
        "realesr-general-x4v3",
        f"{_RELEASES}/v0.2.5.0/realesr-general-x4v3.pth",
        CompactSpec(num_conv=32),
        size=4_885_111,
        sha256="8dc7edb9ac80ccdc30c3a5dca6616509367f05fbc184ad95b731f05bece96292",
    ),
    KnownWeights(
        "realesr-general-wdn-x4v3",
        f"{_RELEASES}/v0.2.5.0/realesr-general-wdn-x4v3.pth",
        CompactSpec(num_conv=32),
        size=4_885_111,
        sha256="1641f8c4464b9f097c9fdda5589273713f67cf59f3d909e0bd688f0cee269dca",
    ),
    KnownWeights(
        "realesr-animevideov3",
        f"{_RELEASES}/v0.2.5.0/realesr-animevideov3.pth",
        CompactSpec(),
        sha256="b8a8376811077954d82ca3fcf476f1ac3da3e8a68a4f4d71363008000a18b75d",
    ),
    KnownWeights(
        "vgg19",
        f"{_PYTORCH}/vgg19-dcbb9e9d.pth",
        None,
        size=574_673_361,
        sha256="dcbb9e9d",
        licence=_TORCHVISION,
    ),
    KnownWeights("vgg16", f"{_PYTORCH}/vgg16-397923af.pth", None, sha256="397923af", licence=_TORCHVISION),
    KnownWeights("alexnet", f"{_PYTORCH}/alexnet-owt-7be5be79.pth", None, sha256="7be5be79", licence=_TORCHVISION),
    KnownWeights(
        "squeezenet1_1", f"{_PYTORCH}/squeezenet1_1-b8a52dc0.pth", None, sha256="b8a52dc0", licence=_TORCHVISION
    ),
    KnownWeights(
        "vgg19_distilled_se5",
        f"{_DISTILLED}/trained_models/wct_se_16x_new/5SE.pth",
        None,
        licence="MIT",
        kept_as="vgg19_distilled_se5.pth",
    ),
)

KNOWN_WEIGHTS: dict[str, KnownWeights] = {known.name: known for known in _TABLE}


def find_known(name: str) -> KnownWeights | None:
    """Return the entry called `name` or `name` without `.pth`, or kept under this file name."""
    return next((known for known in _TABLE if name in (known.name, f"{known.name}.pth", known.file_name)), None)


def search_folders() -> tuple[Path, ...]:
    """Return the folders in which known weights are looked for, in order, but not below; they need not exist."""
    import torch  # takes seconds, which a mistyped name need not wait for

    return (
        *_chosen_folders(),
        Path("experiments/pretrained_models"),
        Path("weights"),
        Path.home() / ".cache" / "realesrgan_arch",
        Path(torch.hub.get_dir()) / "checkpoints",
    )


def download_folder() -> Path:
    """Return where `weights get` puts files: the first of `$REALESRGAN_ARCH_WEIGHTS`, else the user's cache folder."""
    return next(iter(_chosen_folders()), Path.home() / ".cache" / "realesrgan_arch")


def _chosen_folders() -> tuple[Path, ...]:
    """The folders that `$REALESRGAN_ARCH_WEIGHTS` names, parted as those of `$PATH` are."""
    parts = os.environ.get(FOLDER_VARIABLE, "").split(os.pathsep)
    return tuple(_at_home(part) for part in parts if part)


def _at_home(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise WeightsError(f"${FOLDER_VARIABLE} names {text}, but there is no such user; name a folder.") from error


def present_file(known: KnownWeights) -> Path | None:
    """Return the first file of `known` in the search folders."""
    files = (folder / known.file_name for folder in search_folders())
    return next((file for file in files if file.is_file()), None)


def find_weights(name_or_path: str | Path) -> Path:
    """Return the file for a path, or for the name of known weights that are present on this machine.

    Raises `WeightsError` with the place to put the file and the command that gets it.
    """
    path = Path(name_or_path).expanduser()
    if os.path.isfile(path):  # noqa: PTH113 - unlike `Path.is_file`, False for a name that is too long
        return path
    if os.path.isdir(path):  # noqa: PTH112
        raise WeightsError(f"expected a weights file, got the folder {path}: name a file in it.")
    known = find_known(path.name)
    if known and len(path.parts) == 1:
        found = present_file(known)
        if found:
            return found
    raise WeightsError(_absent_message(path, known))


def check_findable(name_or_path: str | Path) -> None:
    """Check that weights are a file, or known by name, so that they may be on this machine or be had.

    Raises:
        WeightsError: neither, with the nearest names.
    """
    if find_known(str(name_or_path)) is None:
        find_weights(name_or_path)


def _absent_message(path: Path, known: KnownWeights | None) -> str:
    if known:
        place = download_folder() if len(path.parts) == 1 else path.parent
        return (
            f"weights {path} not found: run `realesrgan-arch weights get {known.name} --to {place}`, "
            f"or put the file from {known.url} into {place} as {known.file_name}."
        )
    siblings = [file.name for file in path.parent.iterdir() if file.is_file()] if os.path.isdir(path.parent) else []  # noqa: PTH112
    near = difflib.get_close_matches(path.name, [*KNOWN_WEIGHTS, *siblings], n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "`realesrgan-arch weights list` shows the known names."
    return f"weights {path} not found: {hint}"


@dataclass(frozen=True)
class Verification:
    """What the checksum of a file says."""

    path: Path
    sha256: str
    known: KnownWeights | None
    status: Literal["verified", "unverified", "differs", "unknown"]
    """`verified`: the released bytes; `unverified`: a known name without a published checksum;
    `differs`: a known name with other bytes; `unknown`: neither name nor bytes are known."""


def verify(path: Path) -> Verification:
    """Compare a file with the table: by its bytes first, then by its name."""
    digest = sha256_of(path)
    same_bytes = next((known for known in _TABLE if _is_digest_of(known, digest)), None)
    if same_bytes:
        return Verification(path, digest, same_bytes, "verified")
    same_name = find_known(path.name)
    if same_name is None:
        return Verification(path, digest, None, "unknown")
    return Verification(path, digest, same_name, "unverified" if same_name.sha256 is None else "differs")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal; raises `WeightsError` when it cannot be read."""
    try:
        return hash_file(path)
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror or error}.") from error


def _is_digest_of(known: KnownWeights, digest: str) -> bool:
    return known.sha256 is not None and digest.startswith(known.sha256)
