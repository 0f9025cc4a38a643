"""The page for users says what the table says."""

from tests.corpus.page import PAGE, render_page


def test_the_committed_page_is_what_the_table_renders():
    assert PAGE.read_text(encoding="utf-8") == render_page(), "run scripts/render_bad_input.py"
