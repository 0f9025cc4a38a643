"""What was lost comes back, and nothing that the user did to the files is lost for it."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from realesrgan_arch.data.files import DataError
from realesrgan_arch.sources import get as module
from tests.sources.archives import content

DAMAGED_RECEIPTS = ["{", "[]", '{"parts": 3}', '{"parts": {"list": [{"path": 3}]}}']


@pytest.mark.parametrize("damage", ["lost", *DAMAGED_RECEIPTS])
def test_what_was_lost_is_fetched_again(get, damage):
    get()
    whole = content(get.out)
    picture = get.out / "tiny/HR/c.png"
    if damage == "lost":
        picture.unlink()
    else:
        (get.out / "tiny/.receipt.json").write_text(damage)
    get()
    assert content(get.out) == whole
    if damage not in DAMAGED_RECEIPTS:
        assert get.paths == ["/hr.zip"]
        assert "has lost files of validation-hr: fetching that again" in get.told[-1]


def test_pictures_that_the_user_changed_are_moved_aside_when_the_set_is_repaired(get):
    get()
    whole = content(get.out / "tiny")
    (get.out / "tiny/HR/c.png").write_bytes(b"cut, or edited")
    (get.out / "tiny/HR/d.png").write_bytes(b"e" * 40_000)
    (get.out / "tiny/HR/e.png").unlink()
    (get.out / "tiny/list.txt").write_bytes(b"my own list")
    get()
    assert content(get.out / "tiny") == whole
    asides = sorted(get.out.glob("tiny.replaced-*"), key=lambda path: (path / "list.txt").exists())
    assert [content(aside) for aside in asides] == [
        {"HR/c.png": b"cut, or edited", "HR/d.png": b"e" * 40_000},
        {"list.txt": b"my own list"},
    ]
    assert [f"moved to {aside}" in line for aside, line in zip(asides, get.told[-2:], strict=True)] == [True] * 2


def test_a_folder_of_the_user_where_the_set_has_a_file_is_named(get):
    (get.out / "tiny/list.txt").mkdir(parents=True)
    (get.out / "tiny/list.txt/mine.txt").write_bytes(b"mine")
    with pytest.raises(DataError, match=r"list\.txt holds what is not of the set \(mine\.txt\); move it away"):
        get(parts=("list",))
    assert (get.out / "tiny/list.txt/mine.txt").read_bytes() == b"mine"


def test_files_that_the_user_added_are_named_before_any_download(get):
    get()
    (get.out / "tiny/HR/mine.png").write_bytes(b"mine")
    with pytest.raises(DataError, match=r"HR holds 11 files, expected the 10 of the set: move the others away"):
        get()
    assert get.site.requests == []
    (get.out / "tiny/HR/mine.png").rename(get.out / "tiny/HR/Thumbs.db")
    get()


def test_a_process_killed_while_unpacking_is_completed_by_the_next(get):
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from realesrgan_arch.sources import get, unpack; from tests.sources.tiny_set import source_of\n"
        "copy, copied = unpack.shutil.copyfileobj, []\n"
        "def die(source, target):\n"
        "    copy(source, target); copied.append(1)\n"
        "    if len(copied) == 5: os.kill(os.getpid(), signal.SIGKILL)\n"
        "unpack.shutil.copyfileobj = die\n"
        "get.get_source(source_of(sys.argv[1]), Path(sys.argv[2]), tell=print)\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", code, get.site.address, str(get.out)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr
    assert not (get.out / "tiny/HR").exists()
    assert (get.out / "tiny/.unpacking/new/HR").exists()
    get()
    assert get.paths == ["/x4.tgz", "/list.txt"]  # The archive was whole already.
    assert len(content(get.out / "tiny")) == 22
    assert not (get.out / "tiny/.unpacking").exists()


def test_a_disk_that_is_full_at_the_very_end_is_one_sentence_and_the_next_run_goes_on(get, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(module, "_copy", full)
        with pytest.raises(DataError, match="cannot read or write .*datasets: No space left on device; mend that"):
            get()
    get()
    assert get.site.requests == []


def test_the_archive_is_there_until_the_receipt_is(get, monkeypatch):
    seen = []

    def fail(*_):
        seen.extend(content(get.out / "archives"))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_receipt", fail)
        with pytest.raises(DataError, match="No space left on device"):
            get(parts=("list",))
    assert seen == ["list.txt"]
    get(parts=("list",))
    assert get.site.requests == []
