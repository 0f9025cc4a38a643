"""A question is answered, declined, or asked again; `--yes` asks nothing and says so."""

import pytest

from realesrgan_arch.guided.talk import DeclinedError, Talk


def _talk(*answers: str) -> tuple[Talk, list[str]]:
    said: list[str] = []
    waiting = list(answers)
    return Talk(said.append, lambda: waiting.pop(0)), said


@pytest.mark.parametrize("answer", ["\n", "y\n", "YES\n", "  y \n"])
def test_yes_and_enter_go_on(answer) -> None:
    talk, said = _talk(answer)
    talk.confirm("train now?")
    assert said == ["  train now? [Y/n]"]


@pytest.mark.parametrize("answer", ["n\n", "No\n", ""])
def test_no_and_the_end_of_the_input_decline(answer) -> None:
    talk, _ = _talk(answer)
    with pytest.raises(DeclinedError):
        talk.confirm("train now?")


def test_another_word_is_asked_about_again() -> None:
    talk, said = _talk("perhaps\n", "y\n")
    talk.confirm("train now?")
    assert len(said) == 2


def test_without_anybody_to_ask_the_question_and_its_answer_are_said() -> None:
    said: list[str] = []
    Talk(said.append).confirm("train now?")
    assert said == ["  train now? yes (--yes)"]
