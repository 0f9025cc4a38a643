"""What a report tells to people."""

from realesrgan_arch.commands.report import tell_first


def test_of_many_lines_the_first_are_told_and_how_many_more_there_are():
    texts = [f"fault {number}" for number in range(12)]
    assert [*tell_first(texts)] == [*(f"  {text}" for text in texts[:10]), "  and 2 more"]
    assert [*tell_first(texts, most=11, others=" (--json lists all)")][-1] == "  and 1 more (--json lists all)"


def test_as_many_as_fit_and_none_need_no_such_line():
    assert [*tell_first(["a", "b"], most=2)] == ["  a", "  b"]
    assert [*tell_first([])] == []
