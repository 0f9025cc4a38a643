"""How a guided run speaks with its user: a line before and after each step, and a question where there is a choice."""

from collections.abc import Callable
from dataclasses import dataclass

_YES, _NO = frozenset({"", "y", "yes"}), frozenset({"n", "no"})


class DeclinedError(Exception):
    """The user said no; what was done stays, and the same command asks again."""


@dataclass(frozen=True)
class Talk:
    """Writes lines, and reads answers where there is somebody to give them."""

    say: Callable[[str], None]
    read: Callable[[], str] | None = None
    """Returns one line of an answer; None takes every question for answered with yes (`--yes`)."""

    def confirm(self, question: str) -> None:
        """Ask `question [Y/n]` until the answer is one of both; nothing but Enter is yes.

        Raises:
            DeclinedError: the answer is no, or the input ends.
        """
        if self.read is None:
            self.say(f"  {question} yes (--yes)")
            return
        while True:
            self.say(f"  {question} [Y/n]")
            answer = self.read()
            word = answer.strip().casefold()
            if word in _NO or not answer:
                raise DeclinedError(question)
            if word in _YES:
                return
