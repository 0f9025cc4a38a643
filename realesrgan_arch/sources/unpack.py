"""From an archive to folders of pictures: into a folder beside them first, renamed when they are whole."""

import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

from tqdm import tqdm

from realesrgan_arch.atomic import move_into_place
from realesrgan_arch.data.files import IMAGE_SUFFIXES, DataError, some_names
from realesrgan_arch.downloading.fetch import check_disk_space
from realesrgan_arch.image_header import shown
from realesrgan_arch.sources.archive import ARCHIVE_FAULTS, Limits, Member, is_junk, open_archive
from realesrgan_arch.sources.table import Folder

UNPACKING = ".unpacking"
"""Hidden, so that nothing takes a half-unpacked set for a set."""


def unpack(archive: Path, folders: Sequence[Folder], root: Path, *, limits: Limits | None = None) -> None:
    """Unpack the `folders` of a zip or tar file to their places below `root`; other members stay packed.

    A place that is there already is replaced when every file in it is one of the archive's, as after an unpacking that
    was stopped or a file that was lost. The caller sees to it that no other process unpacks into `root`.

    Raises:
        DataError: an archive that is unsafe, damaged or not the expected one; files in the place that are not of the
            set; a full disk. Nothing under a final name has changed then.
        DownloadError: no room on the disk.
    """
    work = root / UNPACKING
    try:
        shutil.rmtree(work, ignore_errors=True)
        with open_archive(archive, limits) as members:
            chosen = {folder: _members_of(members, folder, archive) for folder in folders}
            everything = [member for members in chosen.values() for member in members]
            check_disk_space(root, sum(member.num_bytes for member in everything), f"unpacking {archive.name}")
            for folder, members in chosen.items():
                inside = f"{folder.inside}/"
                check_place(root / folder.to, {member.name.removeprefix(inside) for member in members})
            _extract(chosen, work, archive)
        for folder in folders:
            install(work / "new" / folder.to, root / folder.to, work / "old" / folder.to)
    except OSError as error:
        raise DataError(
            f"cannot unpack {shown(archive)} into {shown(root)}: {error.strerror or error}; the archive is kept: mend "
            "that and run the command again."
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def files_below(folder: Path) -> list[Path]:
    """Return every file below `folder`, hidden ones too, links not followed; nothing when it is absent."""
    return [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]


def _members_of(everything: Sequence[Member], folder: Folder, archive: Path) -> list[Member]:
    inside = f"{folder.inside}/"
    members = [member for member in everything if member.name.startswith(inside) and not is_junk(member.name)]
    num_images = sum(Path(member.name).suffix.lower() in IMAGE_SUFFIXES for member in members)
    if num_images != folder.num_images:
        raise DataError(
            f"{shown(archive)} holds {num_images:,} images in {folder.inside}, expected {folder.num_images:,}: it is "
            "another archive or its layout has changed; nothing was unpacked."
        )
    return members


def check_place(place: Path, known: Collection[str]) -> None:
    """Check that nothing lies at `place` but files called as in `known` (paths below it), so that it may be replaced.

    Raises:
        DataError: something else is there.
    """
    names = [path.relative_to(place).as_posix() for path in files_below(place)]
    strangers = sorted(name for name in names if name not in known and not is_junk(name))
    if strangers or (place.exists() and not place.is_dir()):
        raise DataError(
            f"{shown(place)} holds what is not of the set ({shown(Path(some_names(strangers or [place.name])))}); "
            "move it away and run the command again."
        )


def install(new: Path, place: Path, old: Path) -> None:
    """Give `new` the name `place`; what is there goes to `old` first."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        old.parent.mkdir(parents=True, exist_ok=True)
        place.rename(old)
    move_into_place(new, place)


def _extract(chosen: dict[Folder, list[Member]], work: Path, archive: Path) -> None:
    pairs = [
        (member, work / "new" / folder.to / member.name.removeprefix(f"{folder.inside}/"))
        for folder, members in chosen.items()
        for member in members
    ]
    for member, path in tqdm(pairs, desc=f"unpacking {archive.name}", unit="file", leave=False, disable=None):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with member.open() as stream, path.open("xb") as file:
                shutil.copyfileobj(stream, file)
        except ARCHIVE_FAULTS as error:
            raise DataError(
                f"{shown(archive)} is damaged at {shown(Path(member.name))} ({error}); remove it and get it again."
            ) from error
        if path.stat().st_size != member.num_bytes:
            raise DataError(f"{shown(archive)} is cut off at {shown(Path(member.name))}; remove it and get it again.")
