"""What a probe and a sweep leave is told in a report: decided, tabled and drawn, and nothing that is damaged is."""

import json
import re
from pathlib import Path

import pytest

from realesrgan_arch.evaluation.report import Content, FoundProof, ReportError, write_report
from realesrgan_arch.evaluation.report_story import Trial
from realesrgan_arch.evaluation.report_trials import SWEEP_FILE, find_trials, read_probe, read_sweep
from realesrgan_arch.layer_study.probe_files import PROBE_FILE
from tests.evaluation.proof_builders import proof
from tests.evaluation.trial_records import write_probe, write_sweep

TAKEN, GONE, LEFT_OVER = "#c0392b", "#999999", "#1f5fa8"


def marks(svg: str) -> list[tuple[float, float, str]]:
    """Return (x, y, colour) of the marks, in their order."""
    found = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="5" fill="([^"]+)"', svg)
    return [(float(x), float(y), colour) for x, y, colour in found]


def test_a_probe_is_told_with_intervals_and_the_one_that_is_taken(tmp_path: Path) -> None:
    found = read_probe(write_probe(tmp_path))
    assert found.words == "body.2: it dominates every other candidate."
    assert found.reading.startswith("2 candidates with 3 seeds, scored after 4 steps; ")
    assert found.head == (
        *("Trains", "Parameters", "Memory", "Steps/s", "Steps", "PSNR [dB]", "NIQE", "Composite [points]", ""),
    )
    first, second = found.rows
    assert first[:5] == ("body.2", "100", "3 kB", "2.00", "4")
    assert re.fullmatch(r"\+1\.00 \[\+0\.\d\d, \+1\.\d\d\]", first[5])
    assert re.fullmatch(r"-0\.500 \[-0\.\d{3}, -0\.\d{3}\]", first[6])
    assert (first[-1], second[-1]) == ("winner", "dominated by body.2 at 4")
    assert second[3] == "–"


def test_a_probe_of_a_network_that_can_recompute_tells_what_that_costs(tmp_path: Path) -> None:
    found = read_probe(write_probe(tmp_path, recomputes=True))
    assert found.head[:6] == ("Trains", "Parameters", "Memory", "Steps/s", "With checkpointing", "Steps")
    first, second = found.rows
    assert first[:6] == ("body.2", "100", "3 kB", "2.00", "2 kB, 1.25 steps/s", "4")
    assert second[:6] == ("body.6", "100", "1 kB", "2.50 (checkpointing)", "–", "4")
    assert {len(row) for row in found.rows} == {len(found.head)}


def test_the_plot_of_a_probe_has_the_better_one_up_and_to_the_right(tmp_path: Path) -> None:
    [svg] = read_probe(write_probe(tmp_path)).plots
    (x, y, colour), (other_x, other_y, other_colour) = marks(svg)
    assert x > other_x
    assert y < other_y
    assert (colour, other_colour) == (TAKEN, GONE)
    # Two gray lines through the base, and two arms of each mark.
    assert svg.count("<line") == 2 + 2 * 2
    assert "<polyline" not in svg


def test_a_sweep_is_a_curve_from_the_base_to_the_tuned_model_with_the_chosen_share_red(tmp_path: Path) -> None:
    found = read_sweep(write_sweep(tmp_path))
    assert found.words == "By the rule not-worse, It is worse in nothing."
    assert "on houses/val: 20 pictures of 20 scenes" in found.reading
    assert found.head == ("Share", "PSNR [dB]", "NIQE", "Composite [points]", "")
    assert found.rows[0] == ("base", "+0.00", "+0.000", "+0.00", "")
    assert found.rows[1] == (
        "blend 0.5",
        "+0.70 [+0.69, +0.71]",
        "-0.200 [-0.210, -0.190]",
        "+0.00 [-0.10, +0.10]",
        "chosen",
    )
    [svg] = found.plots
    assert [colour for *_, colour in marks(svg)] == [LEFT_OVER, TAKEN, LEFT_OVER]
    [path] = re.findall(r'<polyline points="([^"]+)"', svg)
    assert path == " ".join(f"{x},{y}" for x, y, _ in marks(svg))


def test_a_sweep_that_chose_no_share_keeps_the_base(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path)
    assert not read_sweep(folder).keeps_base
    record = json.loads((folder / SWEEP_FILE).read_text())
    record["choice"]["alpha"] = 0.0
    (folder / SWEEP_FILE).write_text(json.dumps(record))
    assert read_sweep(folder).keeps_base


def test_the_page_and_the_short_text_have_both_and_no_mark_up_of_a_name(tmp_path: Path) -> None:
    trials = find_trials([], probe=write_probe(tmp_path / "p"), sweep=write_sweep(tmp_path / "s"))
    content = Content("Houses", FoundProof(proof(), tmp_path), trials=trials)
    page, short = (path.read_text(encoding="utf-8") for path in write_report(content, tmp_path / "report.html"))
    assert page.count('<figure class="wide trial"><svg ') == 2
    assert '<a href="#trials">' in page
    assert "tuned &lt;b&gt;.pth blended into base.pth" in page
    assert "<b>.pth" not in page + short
    assert "## Layers that were tried" in short
    assert "| Share | PSNR [dB] | NIQE | Composite [points] |  |" in short
    assert r"| blend 0.5 | +0.70 \[+0.69, +0.71\] |" in short
    without = write_report(Content("Houses", FoundProof(proof(), tmp_path)), tmp_path / "bare.html")
    assert all("tried" not in path.read_text(encoding="utf-8") for path in without)


def test_a_label_cannot_bring_mark_up_into_a_plot(tmp_path: Path) -> None:
    path = write_probe(tmp_path) / PROBE_FILE
    facts = json.loads(path.read_text())
    facts["candidates"][0]["short"] = "<script>x</script>"
    path.write_text(json.dumps(facts))
    found = read_probe(tmp_path)
    assert found.rows[0][0] == "<script>x</script>"
    assert "<script" not in found.plots[0]


def headings(trials: tuple[Trial, ...]) -> list[str]:
    return [trial.heading for trial in trials]


def test_they_are_found_in_the_run_and_with_its_results_and_named_ones_go_first(tmp_path: Path) -> None:
    run, results = tmp_path / "run", tmp_path / "results"
    assert find_trials([run, results], probe=None, sweep=None) == ()
    write_probe(run / "probe")
    assert headings(find_trials([run, results], probe=None, sweep=None)) == ["Layers that were tried"]
    write_sweep(results)
    both = ["Layers that were tried", "Blends that were tried"]
    assert headings(find_trials([run, results], probe=None, sweep=None)) == both
    other = write_sweep(tmp_path / "other") / SWEEP_FILE
    other.write_text(other.read_text().replace("houses/val", "barns/val"))
    found = find_trials([run, results], probe=None, sweep=other.parent)
    assert "barns/val" in found[1].reading


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"taken": "a", "candidates": 3, "steps": [], "seeds": []}'])
def test_a_damaged_record_is_one_sentence(tmp_path: Path, text: str) -> None:
    for name, read in ((PROBE_FILE, read_probe), (SWEEP_FILE, read_sweep)):
        (tmp_path / name).write_text(text)
        with pytest.raises(ReportError, match=f"{name}, in .* found a damaged or another record; make it with"):
            read(tmp_path)


def test_a_number_that_is_none_is_damage_and_one_that_is_not_defined_is_not(tmp_path: Path) -> None:
    path = write_sweep(tmp_path) / SWEEP_FILE
    facts = json.loads(path.read_text())
    facts["points"][1]["niqe_difference"] = None
    path.write_text(json.dumps(facts))
    found = read_sweep(tmp_path)
    assert found.rows[1][2] == "-"
    assert len(marks(found.plots[0])) == 2
    facts["points"][1]["niqe_difference"] = "0"
    path.write_text(json.dumps(facts))
    with pytest.raises(ReportError, match="damaged"):
        read_sweep(tmp_path)


def test_a_named_folder_without_a_record_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"sweep\.json, in .*, found none; make it with `realesrgan-arch sweep`"):
        find_trials([], probe=None, sweep=tmp_path)
