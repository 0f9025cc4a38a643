"""Where photographs come from, and what is said where they do not."""

import zipfile

import pytest

from realesrgan_arch.data.files import DataError
from realesrgan_arch.notebook.call import CommandError, call
from realesrgan_arch.notebook.look import page, pictures, slider
from realesrgan_arch.notebook.place import photographs, work_folder
from realesrgan_arch.notebook.run import best_weights
from tests.tiny_run import write_pictures


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
