"""From an archive to folders of pictures: into a folder beside them first, renamed when they are whole."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from realesrgan_arch.data.files import IMAGE_SUFFIXES, DataError
from realesrgan_arch.downloading.fetch import check_disk_space
from realesrgan_arch.image_header import shown
from realesrgan_arch.plural import count_of
from realesrgan_arch.sources.archive import ARCHIVE_FAULTS, Limits, Member, is_junk, open_archive
from realesrgan_arch.sources.place import UNPACKING, Tell, check_place, install
from realesrgan_arch.sources.table import Folder


def unpack(archive: Path, folders: Sequence[Folder], root: Path, *, tell: Tell, limits: Limits | None = None) -> None:
    """Unpack the `folders` of a zip or tar file to their places below `root`; other members stay packed.

    A place that is there already is replaced when every file in it is called as one of the archive's, as after an
    unpacking that was stopped or a file that was lost. Files in it with other bytes than the archive's are moved to a
    folder beside `root`, which `tell` is told of. The caller sees to it that no other process unpacks into `root`.

    Raises:
        DataError: an archive that is unsafe, damaged or not the expected one; files in the place that are not of the
            set: nothing has changed then. Or the disk fails: a folder is then the old one, the new one or, between two
            renames, absent, never a mixture.
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
        install([folder.to for folder in folders], root, tell)
    except OSError as error:
        raise DataError(
            f"cannot unpack {shown(archive)} into {shown(root)}: {error.strerror or error}; the archive is kept: mend "
            "that and run the command again."
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _members_of(everything: Sequence[Member], folder: Folder, archive: Path) -> list[Member]:
    inside = f"{folder.inside}/"
    members = [member for member in everything if member.name.startswith(inside) and not is_junk(member.name)]
    num_images = sum(Path(member.name).suffix.lower() in IMAGE_SUFFIXES for member in members)
    if num_images != folder.num_images:
        raise DataError(
            f"{shown(archive)} holds {count_of(num_images, 'image')} in {folder.inside}, expected "
            f"{folder.num_images:,}: it is another archive or its layout has changed; nothing was unpacked."
        )
    return members


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
