"""What is refused is refused with one sentence, and nothing is written."""

from pathlib import Path

import pytest

from realesrgan_arch.errors import UserError
from tests.corpus.refusals import REFUSALS, Refusal


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.id)
def test_each_refusal_is_one_sentence(refusal: Refusal, in_tmp_path: Path):
    with pytest.raises(UserError) as caught:
        refusal.ask(in_tmp_path)
    sentence = str(caught.value)
    assert refusal.words in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
