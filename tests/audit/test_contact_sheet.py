"""The contact sheet: everything is on it, nothing on it is believed."""

from pathlib import Path

from realesrgan_arch.audit.contact_sheet import MOST_PICTURES, build_sections, render_sheet
from realesrgan_arch.audit.findings import Found, in_order, state_fault
from realesrgan_arch.audit.judge import Finding
from realesrgan_arch.audit.keep_list import KeepRow

PICTURE = "data:image/jpeg;base64,/9j/4AAQ"


def blurred(path, value=0.5, *, drop=True):
    return Found(path, Finding("blurred", value, 0.6 if drop else 0.8, drop, "Blurred."))


def render(found, rows=(), thumbnails=None, notes=()):
    return render_sheet(
        root=Path("photos"),
        sections=build_sections(in_order(found)),
        keep_rows=rows,
        thumbnails=thumbnails or {},
        notes=notes,
        split_command="realesrgan-arch data split photos",
    )


def test_a_name_cannot_put_anything_on_the_page():
    name = "<img src=x onerror=alert(1)>.png"
    page = render([blurred(name)], thumbnails={name: PICTURE})
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;.png" in page
    assert f'<img loading="lazy" alt="" src="{PICTURE}">' in page


def test_a_name_that_is_not_utf8_is_shown_escaped():
    name = b"\xff.jpg".decode("utf-8", "surrogateescape")
    page = render([blurred(name)], thumbnails={name: PICTURE})
    assert "\\udcff.jpg" in page
    assert PICTURE in page
    assert page.encode()


def test_the_summary_counts_and_links_every_section():
    page = render([blurred("a.jpg"), blurred("b.jpg"), blurred("c.jpg", 0.7, drop=False)])
    assert '<a href="#blurred-out">2</a>' in page
    assert '<a href="#blurred-noted">1</a>' in page
    assert 'id="blurred-out"' in page
    assert 'id="blurred-noted"' in page
    assert page.index("Left out</h2>") < page.index("Noted, but kept</h2>")


def test_the_numbers_at_the_top_follow_the_keep_list():
    rows = [KeepRow(True, "a.jpg"), KeepRow(False, "b.jpg", "blurred"), KeepRow(True, "c.jpg", "blurred")]
    page = render([blurred("b.jpg"), blurred("c.jpg")], rows, notes=["3 files appeared."])
    assert "<strong>3</strong>" in page
    assert "<strong>2</strong>" in page
    assert "<strong>1</strong>" in page
    assert page.count("kept, as you decided in keep.csv") == 1
    assert "(1 so far)" in page
    assert "3 files appeared." in page


def test_the_worst_come_first_with_their_number_and_limit():
    page = render([blurred("mild.jpg", 0.55), blurred("bad.jpg", 0.123)])
    assert page.index("bad.jpg") < page.index("mild.jpg")
    assert "0.123, below the limit of 0.6" in page


def test_the_side_of_the_limit_that_is_bad_is_said():
    drawing = Found("a.jpg", Finding("line_drawing", 0.91, 0.85, True, "Looks like a plan."))
    copy = Found("b.jpg", Finding("near_duplicate", 4.0, 8.0, False, "Looks like a.jpg."))
    page = render([drawing, copy])
    assert "0.91, at or above the limit of 0.85" in page
    assert "the limit of 8" not in page


def test_decisions_about_files_that_are_not_there_do_not_count():
    page = render([], [KeepRow(True, "a.jpg"), KeepRow(False, "gone.jpg", "(absent)", is_yours=True)])
    assert "<strong>1</strong>" in page
    assert "so far" not in page


def test_of_very_many_the_worst_are_shown_and_the_others_counted():
    found = [blurred(f"{number}.jpg") for number in range(MOST_PICTURES + 5)]
    page = render(found)
    assert page.count("<figure>") == MOST_PICTURES
    assert "and 5 more in <code>findings.csv</code>" in page


def test_what_is_no_picture_is_a_line_and_not_a_frame():
    page = render([state_fault("notes.txt", "other_file", "It looks like a text file.", drop=False)])
    assert "<figure>" not in page
    assert "It looks like a text file." in page


def test_nothing_found_is_said_and_how_to_put_a_file_back_too():
    page = render([], [KeepRow(True, "a.jpg")])
    assert "Nothing was found." in page
    assert "change <code>no</code> to <code>yes</code>" in page
    assert "http" not in page
