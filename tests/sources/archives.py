"""Archives for tests: honest ones, and ones that an honest packer would not make."""

import io
import stat
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path


def zip_bytes(members: Mapping[str, bytes], *, links: Mapping[str, str] | None = None) -> bytes:
    """Pack members as they are named, and symbolic links."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
        for name, goal in (links or {}).items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            file.writestr(info, goal)
    return stream.getvalue()


def tar_bytes(members: Mapping[str, bytes | tarfile.TarInfo], *, mode: str = "w") -> bytes:
    """Pack members as they are named; a TarInfo stands for a link or a device."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as file:
        for name, data in members.items():
            if isinstance(data, tarfile.TarInfo):
                file.addfile(data)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                file.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def tar_link(name: str, kind: bytes, goal: str = "/etc/passwd") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, goal
    return info


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def content(root: Path) -> dict[str, bytes]:
    """Every file below `root` with its bytes."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
