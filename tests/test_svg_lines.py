"""Lines and texts of an SVG picture."""

from realesrgan_arch.svg_lines import svg_line, svg_text


def test_a_line_says_no_more_than_it_must() -> None:
    assert svg_line(0, 1.04, 2, 3, "#888") == (
        '<line x1="0.0" y1="1.0" x2="2.0" y2="3.0" stroke="#888" stroke-width="1"/>'
    )
    assert svg_line(0, 0, 1, 1, "red", width=2, opacity=0.35, is_dashed=True).endswith(
        'stroke="red" stroke-width="2" stroke-opacity="0.35" stroke-dasharray="4 4"/>'
    )


def test_words_of_users_are_no_markup() -> None:
    assert svg_text(1, 2, "a<b&c", anchor="end", size=15) == (
        '<text x="1.0" y="2.0" fill="black" font-size="15" text-anchor="end">a&lt;b&amp;c</text>'
    )
