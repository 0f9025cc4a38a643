import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realesrgan_arch.options.yaml_dialect import MAX_BYTES, YamlError, parse_document, parse_value, read_document


def values(text):
    return parse_document(text).values


def test_plain_values_keep_their_kinds():
    assert values("a: 1\nb: 0.5\nc: true\nd: ~\ne: text\nf: [1, 'x']\ng: {h: 2}\n") == {
        "a": 1,
        "b": 0.5,
        "c": True,
        "d": None,
        "e": "text",
        "f": [1, "x"],
        "g": {"h": 2},
    }


def test_the_float_tag_of_upstream_files_is_read():
    assert values("lr: !!float 1e-4\nfreq: !!float 5e3\n") == {"lr": 1e-4, "freq": 5000.0}


@pytest.mark.parametrize("text", ["1e-4", "2024-01-01", "1:30", "0010", "-010", "1:30.5", "="])
def test_what_yaml_1_1_reads_as_something_else_stays_text(text):
    assert values(f"a: {text}") == {"a": text}


def test_zero_and_decimals_are_no_octal_numbers():
    assert values("a: 0\nb: 0.5\nc: -0\nd: 0x10") == {"a": 0, "b": 0.5, "c": 0, "d": 16}


def test_keys_are_the_text_that_was_written():
    assert values("on: 1\n2: 3\n1e-4: 4\n") == {"on": 1, "2": 3, "1e-4": 4}


def test_every_key_and_item_has_its_line():
    lines = parse_document("a: 1\nb:\n  c:\n    - 2\n    - 3\n").lines
    assert lines == {("a",): 1, ("b",): 2, ("b", "c"): 3, ("b", "c", 0): 4, ("b", "c", 1): 5}


def test_a_merge_brings_in_keys_that_own_keys_win_over():
    document = parse_document("x: &x {b: 1, c: 2}\ny:\n  c: 3\n  <<: *x\n")
    assert document.values["y"] == {"b": 1, "c": 3}
    assert document.lines["y", "c"] == 3
    assert document.lines["y", "b"] == 1


def test_of_several_merges_the_first_wins():
    assert values("x: &x {b: 1}\nz: &z {b: 2, c: 4}\ny:\n  <<: [*x, *z]\n")["y"] == {"b": 1, "c": 4}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", None, "is empty"),
        ("# only words\n", None, "is empty"),
        ("- 1\n", 1, "expected keys .* got a list"),
        ("words", 1, "expected keys .* got the text 'words'"),
        ("a: 1\nb:\n\tc: 2\n", 3, "a tab is used where YAML wants spaces"),
        ("a: 1\nb: 2\na: 3\n", None, "^a is given twice, in lines 1 and 3; keep one$"),
        ("t:\n  a: 1\n  'a': 3\n", None, "^t.a is given twice, in lines 2 and 3"),
        (
            "x: 1\na: !!python/object/apply:os.system [ls]\n",
            2,
            "the tag !!python/object/apply:os.system is not allowed",
        ),
        ("a: !!python/name:os.system ''\n", 1, "the tag !!python/name:os.system is not allowed"),
        ("a: !!binary aGk=\n", 1, "the tag !!binary is not allowed"),
        ("a: !!set {b}\n", 1, "the tag !!set is not allowed"),
        ("a: !mine b\n", 1, "the tag !mine is not allowed"),
        ("a: !!int many\n", 1, "expected a whole number, got 'many'"),
        ("a: 0x_\n", 1, "expected a whole number, got '0x_'"),
        ("a: " + "9" * 5000, 1, "expected a whole number, got '9{60}'"),
        ("a: !!bool maybe\n", 1, "expected true or false, got 'maybe'"),
        ("? [a]\n: 1\n", 1, "expected a text as key, got a list"),
        ("?\n: 1\n", 1, "expected a text as key, got nothing"),
        ("a: 1\n---\nb: 2\n", 2, "got a second one after `---`"),
        ("a: 'open\n", 2, "is not YAML: while scanning a quoted scalar"),
        ("a: *nobody\n", 1, "undefined alias 'nobody'"),
        ("a: &a [*a]\n", 1, "expected at most 50 levels"),
        ("a: &a {<<: *a}\n", 1, "expected at most 50 levels"),
        ("a: " + "[" * 3000, None, "expected at most 50 levels"),
        ("<<: 3\n", 1, "expected a mapping after `<<:`"),
        ("a: \x00", None, "is not YAML .*special characters"),
    ],
)
def test_bad_text_is_refused_with_its_line(text, line, message):
    with pytest.raises(YamlError, match=message) as caught:
        parse_document(text)
    assert caught.value.line == line


def test_an_alias_bomb_is_stopped_before_it_is_written_out():
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(YamlError, match="at most 50000 values, got more once its aliases are written out"):
        parse_document("\n".join(levels))


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfa: 1\r\nb: [1,\r\n  2]\r\n",
        "a: 1\nb: [1, 2]\n".encode("utf-16"),
        b"a: 1\rb: [1, 2]\r",
    ],
    ids=["byte order mark and Windows newlines", "UTF-16", "old Mac newlines"],
)
def test_files_of_other_editors_are_read(tmp_path, data):
    path = tmp_path / "a.yml"
    path.write_bytes(data)
    assert read_document(path).values == {"a": 1, "b": [1, 2]}


def test_a_missing_file_is_named_with_the_nearest(tmp_path):
    (tmp_path / "finetune.yml").write_text("a: 1")
    with pytest.raises(YamlError, match=r"no such file; did you mean .*finetune\.yml\?"):
        read_document(tmp_path / "fintune.yml")
    with pytest.raises(YamlError, match="there is no folder .*nowhere"):
        read_document(tmp_path / "nowhere" / "x.yml")


def test_folders_bytes_and_large_files_are_refused(tmp_path):
    with pytest.raises(YamlError, match="expected a YAML file, got a folder"):
        read_document(tmp_path)
    weights = tmp_path / "net.pth"
    weights.write_bytes(b"PK\x03\x04\xff\xfe\x80")
    with pytest.raises(YamlError, match="expected a text file in UTF-8"):
        read_document(weights)
    large = tmp_path / "large.yml"
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(YamlError, match="at most 1000 kB"):
        read_document(large)


def test_one_value_is_read_as_in_a_file():
    assert parse_value("[1, last:2]") == [1, "last:2"]
    assert parse_value("1e-4") == "1e-4"
    assert parse_value("") is None
    assert math.isinf(parse_value(".inf"))


_PIECES = [
    "a",
    "b: ",
    ": ",
    "- ",
    "\n",
    "  ",
    "\t",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&x ",
    "*x",
    "<<: ",
    "? ",
    "!!int ",
    "!!float ",
]
_PIECES += [
    "!!python/name:os ",
    "!!set ",
    "!!timestamp ",
    "'",
    '"',
    "#",
    "|",
    ">",
    "%",
    "@",
    "---\n",
    "1e-4",
    "0x_",
    "1:30",
    "=",
    "~",
]


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(_PIECES), max_size=25).map("".join)))
def test_no_text_raises_anything_but_a_yaml_error(text):
    for read in (parse_document, parse_value):
        try:
            read(text)
        except YamlError as error:
            assert str(error)
