"""`realesrgan-arch data get`: what it prints and its exit codes."""

import json
from dataclasses import replace

import pytest

from realesrgan_arch.commands import data as command
from realesrgan_arch.entry import run
from realesrgan_arch.sources import table
from realesrgan_arch.sources.table import SOURCES
from tests.sources.tiny_set import serve_tiny_set, source_of


@pytest.fixture
def tiny(in_tmp_path, monkeypatch):
    with serve_tiny_set() as site:
        monkeypatch.setitem(table.SOURCES, "tiny", source_of(site.address))
        yield site


def call(capsys, *arguments: str) -> tuple[int, str, str]:
    code = run(command.main, ("get", *arguments))
    output = capsys.readouterr()
    return code, output.out, output.err


def test_the_licence_is_told_before_and_the_counts_after(capsys, tiny):
    code, out, err = call(capsys, "tiny", "--parts", "validation")
    assert code == 0
    assert "licence: for tests (https://l)\n" in err
    assert out.splitlines() == [
        "tiny: fetched",
        "20 files, 400 kB in datasets/tiny (validation-hr 10, validation-x4 10)",
        "licence: for tests (https://l)",
        "cite: Nobody",
        "wrote datasets/tiny",
        "next: realesrgan-arch data audit datasets/tiny",
    ]


def test_a_second_run_says_that_there_was_nothing_to_do(capsys, tiny):
    call(capsys, "tiny", "--out", "sets")
    tiny.requests.clear()
    code, out, err = call(capsys, "tiny", "--out", "sets", "--json")
    facts = json.loads(out)
    assert (code, err, tiny.requests) == (0, "", [])
    assert (facts["made"], facts["fetched"]) == ([], [])
    assert facts["files"] == {"validation-hr": 10, "validation-x4": 10, "list": 1}
    assert facts["next"] == "realesrgan-arch data audit sets/tiny"
    assert "nothing to do: all of it is here" in call(capsys, "tiny", "--out", "sets")[1]


def test_the_list_names_every_set_with_its_licence(capsys):
    code, out, _ = call(capsys, "--list")
    assert code == 0
    for source in SOURCES.values():
        assert source.title in out
        assert source.licence in out
    rows = json.loads(call(capsys, "--list", "--json")[1])["sources"]
    assert [row["name"] for row in rows] == list(SOURCES)
    assert rows[1]["bytes"] == 4_258_017_526


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "error: Expected the name of a data set (modernarchitecture, div2k"),
        (
            ("div3k",),
            "error: Expected one of modernarchitecture, div2k, set5, set14, celeba, got 'div3k'; did you mean",
        ),
        (("div2k", "--parts", "x2"), "error: Expected parts of div2k (train-hr, train-x4,"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(capsys, in_tmp_path, arguments, message):
    code, out, err = call(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(message)
    assert err.count("\n") == 1
    assert list(in_tmp_path.iterdir()) == []


def test_a_server_that_refuses_is_one_sentence_and_exit_code_2(capsys, tiny, monkeypatch):
    source = table.SOURCES["tiny"]
    first = replace(source.files[0], remote=replace(source.files[0].remote, url=f"{tiny.address}/absent.zip"))
    monkeypatch.setitem(table.SOURCES, "tiny", replace(source, files=(first,)))
    code, out, err = call(capsys, "tiny")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].endswith(
        "/absent.zip answered 404 Not Found: try later, or open https://example.org/tiny, download hr.zip in the "
        "browser, put it into datasets/archives and run the command again."
    )
