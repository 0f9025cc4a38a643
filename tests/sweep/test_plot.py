"""The picture of a curve: every panel, every share, the chosen one marked."""

import math
from xml.etree import ElementTree

from realesrgan_arch.sweep.plot import draw_curve
from tests.sweep.curves import curve, point, tradeoff

SVG = "{http://www.w3.org/2000/svg}"
CURVE = tradeoff({0.5: 0.8, 1.0: 1.0}, {0.5: -0.2, 1.0: 0.6})


def panels(text: str) -> dict[str, ElementTree.Element]:
    """The panels by the title of both axes."""
    groups = ElementTree.fromstring(text).findall(f"{SVG}g")
    titles = [[one.text or "" for one in group.findall(f"{SVG}text")[:2]] for group in groups]
    return {" over ".join(title): group for title, group in zip(titles, groups, strict=True)}


def discs(panel: ElementTree.Element, radius: str) -> list[tuple[float, float]]:
    return [
        (float(one.get("cx", "")), float(one.get("cy", "")))
        for one in panel.findall(f"{SVG}circle")
        if one.get("r") == radius
    ]


def test_naturalness_is_drawn_over_fidelity_and_every_metric_over_the_share():
    assert list(panels(draw_curve(CURVE, chosen=0.5, title="t"))) == [
        "difference in NIQE over difference in PSNR [dB]",
        "difference in PSNR [dB] over share of the tuned weights",
        "difference in NIQE over share of the tuned weights",
        "composite [points] over share of the tuned weights",
    ]


def test_up_and_to_the_right_is_better_and_the_ring_is_round_the_chosen_share():
    plane = panels(draw_curve(CURVE, chosen=0.5, title="t"))["difference in NIQE over difference in PSNR [dB]"]
    (base_x, base_y), (half_x, half_y), (tuned_x, tuned_y) = discs(plane, "3.5")
    assert base_x < half_x < tuned_x
    assert half_y < base_y < tuned_y  # y grows downwards, and NIQE fell, then rose
    assert discs(plane, "8") == [(half_x, half_y)]


def test_intervals_are_as_long_as_they_are():
    plane = panels(draw_curve(curve(point(1.0, 0, psnr=(1.0, 0.5), niqe=(1.0, 0.25))), chosen=0, title="t"))
    drawn = plane["difference in NIQE over difference in PSNR [dB]"]
    (base_x, base_y), (x, y) = discs(drawn, "3.5")
    bars = [line for line in drawn.findall(f"{SVG}line") if line.get("stroke-opacity") == "0.35"][2:]
    across, up = (
        [float(line.get(f"{axis}{end}", "")) for end in (1, 2)] for line, axis in zip(bars, "xy", strict=True)
    )
    assert [round((end - base_x) / (x - base_x), 2) for end in across] == [0.5, 1.5]
    assert [round((end - base_y) / (y - base_y), 2) for end in up] == [0.75, 1.25]


def test_the_base_has_the_ring_where_it_stays():
    assert all(len(discs(panel, "8")) == 1 for panel in panels(draw_curve(CURVE, chosen=0, title="t")).values())


def test_without_psnr_there_is_no_plane_and_undefined_numbers_are_not_drawn():
    found = panels(draw_curve(curve(point(0.5, math.nan, niqe=(math.nan, 1))), chosen=0, title="<a & b>"))
    assert list(found) == [
        "difference in NIQE over share of the tuned weights",
        "composite [points] over share of the tuned weights",
    ]
    assert all(len(discs(panel, "3.5")) == 1 for panel in found.values())
    assert "nan" not in draw_curve(curve(point(0.5, math.nan, niqe=(math.nan, math.nan))), chosen=0, title="t")


def test_a_curve_of_nothing_at_all_can_be_drawn():
    flat = draw_curve(tradeoff({1.0: 0.0}, {1.0: 0.0}, reach=0.0), chosen=0, title="t")
    assert len(panels(flat)) == 4


def test_labels_keep_apart_and_the_chosen_share_has_its_own():
    dense = {round(0.001 * step, 3): 0.001 * step for step in range(1, 20)} | {1.0: 1.0}
    plane = panels(draw_curve(tradeoff(dense, dense), chosen=0.007, title="t"))[
        "difference in NIQE over difference in PSNR [dB]"
    ]
    labels = [one.text for one in plane.findall(f"{SVG}text") if one.get("fill") in ("black", "#c0392b")][2:]
    assert labels == ["0.007", "1"]
