"""What is wrong with the arguments is one sentence, before anything is made."""

import math
from pathlib import Path

import pytest

from realesrgan_arch.errors import UserError
from realesrgan_arch.guided.request import check_request
from tests.guided.builders import build_request
from tests.tiny_run import write_pictures


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_pictures(tmp_path / "photos", scenes=1, views=1)
    return tmp_path


def test_a_folder_of_pictures_and_defaults_are_fine(root) -> None:
    check_request(build_request(root))
    assert {path.name for path in root.iterdir()} == {"photos"}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"data": Path("nowhere")}, "Expected a folder of images, but nowhere does not exist"),
        ({"name": "a/b"}, "--name: expected a name that a folder can have, got 'a/b'"),
        ({"name": ""}, "--name: expected a name that a folder can have, got ''"),
        ({"hours": 0.0}, "--hours: expected a number above 0, got 0.0"),
        ({"hours": math.inf}, "--hours: expected a number above 0, got inf"),
        ({"budget": "lots"}, "expected an amount of memory such as 8GB, 8GiB or 8192MB, got 'lots'"),
        ({"name": "a\udcff"}, r"--out: expected a path that can be written into an option file"),
    ],
)
def test_bad_arguments_are_one_sentence(root, changed, sentence) -> None:
    with pytest.raises(UserError) as raised:
        check_request(build_request(root, **changed))
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_empty_folder_is_no_data_set(tmp_path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(UserError, match="No image found in .*photos"):
        check_request(build_request(tmp_path))


def test_results_do_not_go_among_the_photographs(root) -> None:
    with pytest.raises(UserError, match="lies inside of"):
        check_request(build_request(root, out=root / "photos" / "out"))
