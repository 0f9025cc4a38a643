"""The table of sources holds to its own rules."""

from urllib.parse import urlsplit

import pytest

from realesrgan_arch.data.files import DataError
from realesrgan_arch.sources.table import SOURCES, choose_files, find_source

FILES = [(source, file) for source in SOURCES.values() for file in source.files]
HOSTS = {
    "div2k": {"data.vision.ee.ethz.ch"},
    "set5": {"cv.snu.ac.kr"},
    "set14": {"cv.snu.ac.kr"},
    "celeba": {"drive.usercontent.google.com"},
}


@pytest.mark.parametrize(("source", "file"), FILES, ids=[f"{source.name}-{file.part}" for source, file in FILES])
def test_every_file_comes_over_https_from_its_own_host_with_a_checksum(source, file):
    address = urlsplit(file.remote.url)
    assert address.scheme == "https"
    assert address.hostname in HOSTS[source.name]
    assert file.remote.redirect_hosts == ()
    algorithm, digits = file.remote.checksum.split(":")
    assert len(digits) == {"sha256": 64, "md5": 32}[algorithm]
    assert int(digits, 16)


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_every_set_says_its_licence_page_and_citation(source):
    assert all((source.title, source.licence, source.citation))
    assert source.page.startswith("https://")
    assert source.licence_url.startswith(("https://", "http://"))
    assert bool(source.files) != bool(source.kaggle_handle)
    assert len(set(source.parts)) == len(source.parts)


def test_the_counts_are_those_of_the_papers():
    counts = {
        source.name: [folder.num_images for file in source.files for folder in file.folders]
        for source in SOURCES.values()
    }
    assert counts == {
        "modernarchitecture": [],
        "div2k": [800, 800, 100, 100],
        "set5": [5, 5],
        "set14": [14, 14],
        "celeba": [202_599],
    }
    assert SOURCES["div2k"].num_bytes == 4_258_017_526
    assert SOURCES["set5"].num_bytes is None


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((), ["train-hr", "train-x4", "validation-hr", "validation-x4"]),
        (("validation",), ["validation-hr", "validation-x4"]),
        (("validation-hr", "train-hr"), ["train-hr", "validation-hr"]),
    ],
)
def test_parts_are_chosen_by_name_or_by_what_it_begins_with(parts, expected):
    assert [file.part for file in choose_files(SOURCES["div2k"], parts)] == expected


def test_an_unknown_name_or_part_is_one_sentence_with_the_known_ones():
    assert find_source("DIV2K").name == "div2k"
    with pytest.raises(
        DataError, match="Expected one of modernarchitecture, div2k, .*, got 'div2'; did you mean div2k"
    ):
        find_source("div2")
    with pytest.raises(DataError, match=r"Expected parts of div2k \(train-hr, .*\), got test, hr\."):
        choose_files(SOURCES["div2k"], ("test", "train", "hr"))
    with pytest.raises(DataError, match=r"modernarchitecture \(no --parts: it comes as a whole\), got a"):
        choose_files(SOURCES["modernarchitecture"], ("a",))
