"""What is refused is refused with one sentence, and nothing is written."""

from pathlib import Path

import pytest

from realesrgan_arch.errors import EXIT_BAD_INPUT, UserError
from tests.corpus.refusals import REFUSALS, Refusal


def everything_below(folder: Path) -> dict[str, bytes | None]:
    """Every path with its bytes; None for a folder."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.id)
def test_each_refusal_is_one_sentence_and_writes_nothing(refusal: Refusal, in_tmp_path: Path):
    call = refusal.prepare(in_tmp_path)
    before = everything_below(in_tmp_path)
    with pytest.raises(UserError) as caught:
        call()
    assert everything_below(in_tmp_path) == before
    assert caught.value.exit_code == EXIT_BAD_INPUT
    sentence = str(caught.value)
    assert refusal.words in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
