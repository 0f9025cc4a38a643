"""Where photographs come from, and what is said where they do not."""

import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from realesrgan_arch.data.files import DataError
from realesrgan_arch.notebook.call import CommandError, call
from realesrgan_arch.notebook.look import page, pictures, slider
from realesrgan_arch.notebook.place import photographs, work_folder
from realesrgan_arch.notebook.run import base_weights, best_weights, make_options
from realesrgan_arch.options.load import OptionsError
from tests.tiny_run import tiny_options, write_options, write_pictures

ROOT = Path(__file__).parents[2]


def test_the_sample_is_drawn_once(tmp_path) -> None:
    first = photographs("sample", tmp_path)
    marked = first / "note.txt"
    marked.touch()
    assert photographs("sample", tmp_path) == first
    assert marked.exists(), "it was drawn again"


def test_a_zip_file_is_unpacked_with_its_scenes_and_without_what_is_no_picture(tmp_path) -> None:
    pictures_of_it = write_pictures(tmp_path / "mine")
    archive = tmp_path / "photos.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in pictures_of_it:
            packed.write(path, path.relative_to(tmp_path / "mine"))
        packed.writestr("notes.txt", "no picture")
    folder = photographs(archive, tmp_path / "work")
    assert sorted(path.relative_to(folder) for path in folder.rglob("*.*")) == sorted(
        path.relative_to(tmp_path / "mine") for path in pictures_of_it
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [("nothing", "expected `sample`, `upload`, a folder or a zip file"), ("upload", "works in Google Colab")],
)
def test_photographs_that_are_not_there_are_one_sentence(tmp_path, name: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        photographs(name, tmp_path)


def test_a_zip_file_without_pictures_and_one_that_leaves_its_folder_are_refused(tmp_path) -> None:
    for name, inside, message in (("a.zip", "notes.txt", "holds no photographs"), ("b.zip", "../x.png", "leaves the")):
        with zipfile.ZipFile(tmp_path / name, "w") as packed:
            packed.writestr(inside, "text")
        with pytest.raises(DataError, match=message):
            photographs(tmp_path / name, tmp_path / "work")
    assert not (tmp_path / "x.png").exists()


def test_the_work_folder_is_made(tmp_path) -> None:
    assert work_folder(tmp_path / "new" / "work", drive=True).is_dir(), "without Colab, Drive changes nothing"


def test_a_command_that_fails_stops_the_notebook_and_its_words_are_shown(capsys) -> None:
    with pytest.raises(CommandError, match="`realesrgan-arch train` ended with exit code 2"):
        call("train")
    assert "required: -opt" in capsys.readouterr().out


def test_what_is_not_there_yet_is_one_sentence(tmp_path) -> None:
    for show in (lambda: page(tmp_path / "x.html"), lambda: pictures(tmp_path), lambda: slider(tmp_path)):
        with pytest.raises(DataError, match="run the cell that makes"):
            show()


def test_without_a_best_the_latest_weights_are_taken(tmp_path) -> None:
    assert best_weights(tmp_path, "mine").name == "net_g_latest.pth"
    folder = tmp_path / "experiments" / "mine"
    folder.mkdir(parents=True)
    (folder / "best.json").write_text('{"files": {"composite": 4}}')
    assert best_weights(tmp_path, "mine").name == "net_g_best_composite.pth"


def test_a_damaged_zip_file_is_one_sentence(tmp_path) -> None:
    archive = tmp_path / "photos.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("scene/x.png", b"0123456789" * 50)
    data = bytearray(archive.read_bytes())
    data[60] ^= 1
    archive.write_bytes(data)
    with pytest.raises(DataError, match="cannot unpack .*photos.zip"):
        photographs(archive, tmp_path / "work")
    assert not (tmp_path / "work" / "photographs").exists()


def test_another_zip_file_is_not_taken_for_the_one_that_was_unpacked(tmp_path) -> None:
    picture = write_pictures(tmp_path / "mine", scenes=1, views=1)[0]
    for name, inside in (("a.zip", "one/x.png"), ("b.zip", "another/x.png")):
        with zipfile.ZipFile(tmp_path / name, "w") as packed:
            packed.write(picture, inside)
    first = photographs(tmp_path / "a.zip", tmp_path / "work")
    assert photographs(tmp_path / "a.zip", tmp_path / "work") == first
    with pytest.raises(DataError, match="holds other photographs than .*b.zip"):
        photographs(tmp_path / "b.zip", tmp_path / "work")


_COUNTING = """
import signal, sys, time
count = 0
def note(number, frame):
    global count
    count += 1
signal.signal(signal.SIGINT, note)
print("ready", flush=True)
deadline = time.monotonic() + 60
while count == 0 and time.monotonic() < deadline:
    time.sleep(0.01)
time.sleep(1)  # a second signal would come at the same time
print(f"saved after {count} signal", flush=True)
sys.exit(130)
"""


def test_the_stop_button_reaches_a_command_once_and_its_last_words_are_shown(tmp_path) -> None:
    """Jupyter signals the whole process group of the notebook."""
    child = tmp_path / "child.py"
    child.write_text(_COUNTING)
    cell = (
        "import signal, subprocess, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a job in the background ignores it
        "from realesrgan_arch.notebook import call as module\n"
        "start = subprocess.Popen\n"
        f"module.subprocess.Popen = lambda _, **how: start([sys.executable, {str(child)!r}], **how)\n"
        "module.call('train')\n"
    )
    notebook = subprocess.Popen(
        [sys.executable, "-c", cell], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert notebook.stdout is not None
    assert notebook.stdout.readline() == "ready\n"
    os.killpg(notebook.pid, signal.SIGINT)
    assert notebook.stdout.read() == "saved after 1 signal\n"
    assert notebook.wait(timeout=120) != 0


def test_the_base_is_what_the_option_file_starts_from(tmp_path) -> None:
    mapping = tiny_options(tmp_path / "photos", tmp_path)
    with pytest.raises(OptionsError, match="expected the weights to compare with, got none"):
        base_weights(write_options(tmp_path / "none.yml", mapping))
    mapping["path"]["pretrain_network_g"] = "realesr-general-x4v3"
    assert base_weights(write_options(tmp_path / "some.yml", mapping)) == "realesr-general-x4v3"


def test_a_template_without_validation_is_one_sentence(tmp_path) -> None:
    mapping = tiny_options(tmp_path / "photos", tmp_path)
    del mapping["datasets"]["val"], mapping["val"]
    template = write_options(tmp_path / "none.yml", mapping)
    with pytest.raises(OptionsError, match="datasets.val: this section is required in a notebook"):
        make_options(template, tmp_path, photos=tmp_path, split=tmp_path, name="mine")
