"""What is finished stays finished, and a study of other settings is not mixed with it."""

import json
import math

import pytest

from realesrgan_arch.layer_study.candidates import StudyError
from realesrgan_arch.layer_study.journal import Finished, Journal

RECORD = Finished({"psnr": {"a": 24.5, "b": math.inf}, "niqe": {"a": 5.0, "b": math.nan}}, 0.25)


def test_a_record_comes_back_with_infinity_and_what_is_not_defined(tmp_path) -> None:
    Journal(tmp_path).keep("probe", RECORD)
    found = Journal(tmp_path).find("probe")
    assert found is not None
    assert found.step_s == 0.25
    assert found.scores["psnr"] == {"a": 24.5, "b": math.inf}
    assert found.scores["niqe"]["a"] == 5.0 and math.isnan(found.scores["niqe"]["b"])


@pytest.mark.parametrize("damage", [lambda text: text[:40], lambda text: text.replace("24.5", "29.5"), lambda text: ""])
def test_a_damaged_record_counts_as_none(tmp_path, damage) -> None:
    journal = Journal(tmp_path)
    journal.keep("probe", RECORD)
    path = tmp_path / "scores/probe.json"
    path.write_text(damage(path.read_text()))
    assert journal.find("probe") is None
    assert journal.find("absent") is None


def test_the_same_study_goes_on_and_another_one_is_refused_with_the_keys(tmp_path) -> None:
    identity = {"protocol": {"scale": 0.02, "subset": 40}, "digest": "ab"}
    Journal(tmp_path).claim(identity)
    Journal(tmp_path).claim(identity)
    with pytest.raises(StudyError, match=r"other settings \(protocol.scale\); give the same ones"):
        Journal(tmp_path).claim({**identity, "protocol": {"scale": 1.0, "subset": 40}})


@pytest.mark.parametrize("content", ["{", "[]", json.dumps("text")])
def test_a_damaged_card_of_a_study_is_one_sentence(tmp_path, content) -> None:
    (tmp_path / "study.json").write_text(content)
    with pytest.raises(StudyError, match="study.json is damaged; move it away"):
        Journal(tmp_path).claim({"scale": 1})


def test_a_place_that_cannot_be_written_to_is_one_sentence(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match="choose another --out"):
        Journal(tmp_path / "file").claim({"scale": 1})
    with pytest.raises(StudyError, match="mend that and run again"):
        Journal(tmp_path / "file").keep("probe", RECORD)
