"""Entries about how a file is called and where it lies: rows 8, 26 (by suffix) and 27 to 31 of the catalogue."""

import os
import socket
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.corpus import pictures
from tests.corpus.entries import Audited, Entry, LeftOut, Make, Read, broken, junk, one, several, usable

_SYSTEM = "left there by a system"
_NO_FILE = "not a regular file; never opened"
_LONG = "n" * 251 + ".png"


def outside(folder: Path) -> Path:
    """A place beside the data set for what its links point at; `folder` is that of an entry."""
    place = folder.parent.parent / "outside" / folder.name
    place.mkdir(parents=True)
    return place


def _named(seed: int, *names: str) -> Make:
    return several({name: lambda seed=seed + i: pictures.png(seed) for i, name in enumerate(names)})


def _folder_called_like_a_picture(folder: Path) -> Sequence[Path]:
    (folder / "x.jpg").mkdir()
    return [folder / "x.jpg"]


def _linked(make_link: Callable[[Path], None], name: str) -> Make:
    def make(folder: Path) -> Sequence[Path]:
        make_link(folder / name)
        return [folder / name]

    return make


def _link_to_a_file(link: Path) -> None:
    link.symlink_to(one("b.png", lambda: pictures.png(311))(outside(link.parent))[0])


def _linked_folder(folder: Path) -> Sequence[Path]:
    target = outside(folder)
    one("b.png", lambda: pictures.png(312))(target)
    (folder / "elsewhere").symlink_to(target)
    return [folder / "elsewhere" / "b.png"]


def _socket(path: Path) -> None:
    here = os.open(path.parent, os.O_RDONLY)  # The name of a socket may have 108 bytes only.
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"/proc/self/fd/{here}/{path.name}")
    finally:
        os.close(here)


_JUNK = (
    junk(
        "08-folder-called-jpg", "A folder that is called `x.jpg`.", _folder_called_like_a_picture, "walked as a folder"
    ),
    *(
        junk(f"08-{id}", what, one(name, b"\0\5\x16\7junk"), _SYSTEM)
        for id, what, name in (
            ("thumbs-db", "`Thumbs.db`, which Windows leaves.", "Thumbs.db"),
            ("ds-store", "`.DS_Store`, which macOS leaves.", ".DS_Store"),
            ("desktop-ini", "`desktop.ini`, which Windows leaves.", "desktop.ini"),
            ("appledouble", "`._a.jpg`, which macOS leaves on foreign disks: no picture.", "._a.jpg"),
            ("macosx-folder", "A `__MACOSX` folder out of a ZIP archive.", "__MACOSX/._a.jpg"),
            ("nas-thumbnails", "The `@eaDir` of a NAS, full of thumbnails.", "@eaDir/a.jpg"),
            ("hidden-file", "A hidden picture, `.a.png`.", ".a.png"),
        )
    ),
    *(
        junk(f"26-called-{suffix}", what, one(f"a.{suffix}", data), "not named like a picture", finding="other_file")
        for suffix, what, data in (
            ("svg", "A vector drawing under its own name.", b"<svg/>"),
            ("eps", "A PostScript drawing under its own name.", b"%!PS-Adobe-3.0 EPSF-3.0"),
            ("pdf", "A document under its own name.", b"%PDF-1.7"),
        )
    ),
)

_NAMES = (
    *(
        usable(f"27-{id}", f"A picture whose name {what}; the name stays as it is.", _named(2700 + 10 * n, *names))
        for n, (id, what, names) in enumerate(
            (
                ("non-ascii", "has letters of other scripts", ("Fassade-süd-建築.png",)),
                ("emoji", "has an emoji", ("haus-🏠.png",)),
                (
                    "nfc-and-nfd",
                    "is written in two ways that look the same (NFC and NFD): two files",
                    tuple(unicodedata.normalize(form, "é-façade.png") for form in ("NFC", "NFD")),
                ),
                ("spaces", "has spaces, at its ends too", (" villa  nord .png", "a (480,480,3).png")),
                ("leading-dash", "starts like an option", ("-rf.png", "--help.png")),
                ("newline", "has a line break", ("first\nsecond.png",)),
                ("carriage-return", "has a carriage return", ("first\rsecond.png",)),
                ("comma-and-quote", "has what CSV files are made of", ('a,"b";c.png',)),
            )
        )
    ),  # fmt: skip
    broken(
        "27-newline-in-a-broken-file",
        "An empty file whose name has a line break; it is shown in one line, with an escape.",
        one("first\nsecond.png", b""),
        "is empty (0 bytes)",
        "empty",
    ),
    Entry(
        "27-name-of-255-bytes",
        "A picture whose name is as long as names can be.",
        _named(2790, _LONG),
        split=Read((60, 40)),
        training=Read((60, 40)),
        upscaling=LeftOut("its name would have"),
        audit=Audited(True),
    ),
    usable(
        "28-name-not-utf8",
        "A picture whose name is not valid UTF-8, as old archives make; shown with an escape.",
        _named(2800, os.fsdecode(b"caf\xe9.png")),
    ),
    usable(
        "29-same-stem",
        "`a.jpg`, `a.png`, `A.JPG`: three pictures that differ in the suffix only; no result overwrites another.",
        several(
            {
                "a.jpg": lambda: pictures.jpeg(291),
                "a.png": lambda: pictures.png(292),
                "A.JPG": lambda: pictures.jpeg(293),
            }
        ),
    ),  # fmt: skip
    usable(
        "30-same-name-in-folders",
        "Pictures of the same name in several folders; results mirror the folders.",
        _named(3000, "north/1.png", "south/1.png", "south/attic/1.png"),
    ),
)

_LINKS = (
    usable(
        "31-link-to-a-file",
        "A link to a picture outside of the folder; used under the link's name.",
        _linked(_link_to_a_file, "a.png"),
    ),
    usable(
        "31-link-to-a-folder",
        "A link to a folder outside of the data set: the user put it there, so it is followed, once.",
        _linked_folder,
    ),
    junk(
        "31-loop-of-links",
        "A link to a folder above it: a loop.",
        _linked(lambda link: link.symlink_to(link.parent.parent), "loop"),
        "every folder is walked once",
    ),
    junk(
        "31-link-to-itself",
        "A link that points at itself.",
        _linked(lambda link: link.symlink_to(link), "a.png"),
        _NO_FILE,
    ),
    junk(
        "31-broken-link",
        "A link to nowhere.",
        _linked(lambda link: link.symlink_to("nowhere.png"), "a.png"),
        _NO_FILE,
    ),
    junk(
        "31-pipe", "A named pipe called `a.png`; opening it would wait for ever.", _linked(os.mkfifo, "a.png"), _NO_FILE
    ),
    junk("31-socket", "A socket called `a.png`.", _linked(_socket, "a.png"), _NO_FILE),
    junk(
        "31-device",
        "A link to a device that never ends.",
        _linked(lambda link: link.symlink_to("/dev/zero"), "a.png"),
        _NO_FILE,
    ),
)

NAMES: tuple[Entry, ...] = (*_JUNK, *_NAMES, *_LINKS)
