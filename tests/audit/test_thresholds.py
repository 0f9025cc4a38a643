"""The one file of thresholds."""

from pathlib import Path

import pytest

from realesrgan_arch.audit.thresholds import AuditThresholds, Limits, load_thresholds
from realesrgan_arch.options.load import OptionsError

SHIPPED = Path(__file__).parents[2] / "options" / "audit.yml"


def load(tmp_path, text):
    path = tmp_path / "audit.yml"
    path.write_text(text)
    return load_thresholds(path)


def test_the_shipped_file_holds_the_defaults_key_by_key():
    assert load_thresholds(SHIPPED) == AuditThresholds()
    lines = [line.split(":")[0] for line in SHIPPED.read_text().splitlines() if line and not line.startswith("#")]
    assert lines == list(AuditThresholds.model_fields)
    assert all(" # " in line for line in SHIPPED.read_text().splitlines() if line and not line.startswith("#"))


def test_a_file_changes_what_it_names_only(tmp_path):
    found = load(tmp_path, "too_small: {drop: 512}\nblank: {note: never, drop: 1e-1}\n")
    assert found.too_small == Limits(note="never", drop=512)
    assert found.blank == Limits(note="never", drop=0.1)
    assert found.blurred == AuditThresholds().blurred


def test_every_mistake_is_reported_with_its_line_and_the_nearest_key(tmp_path):
    text = "blured: {drop: 1}\nblank:\n  note: high\n  dropp: 2\ngray: 5\nalpha: {note: true}\nwxyz: 1\n"
    with pytest.raises(OptionsError) as caught:
        load(tmp_path, text)
    assert list(caught.value.problems)[:-1] == [
        "line 1: blured: unknown key; did you mean blurred?",
        "line 3: blank.note: expected a number or never, got 'high'",
        "line 4: blank.dropp: unknown key; did you mean drop?",
        "line 5: gray: expected something like {note: 60, drop: 30}, got 5",
        "line 6: alpha.note: expected a number or never, got true",
    ]
    assert caught.value.problems[-1].startswith("line 7: wxyz: unknown key; expected one of animated, cmyk, gray")


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "empty"), ("- 1\n", "a list"), ("a: [\n", "is not YAML"), ("blank: {drop: .nan}", "number")],
)
def test_what_is_no_file_of_thresholds_is_one_sentence(tmp_path, text, message):
    with pytest.raises(OptionsError, match=message):
        load(tmp_path, text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(OptionsError, match="none.yml"):
        load_thresholds(tmp_path / "none.yml")
