"""The page in headless Chromium: sliders move, at any width, without a word on the console."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from realesrgan_arch.evaluation.report import Content, FoundProof, write_report
from realesrgan_arch.evaluation.report_story import Curve, Layer, Story
from realesrgan_arch.evaluation.report_trials import find_trials
from tests.evaluation.proof_builders import judgement, proof, shown_picture
from tests.evaluation.trial_records import write_probe, write_sweep

api = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: pip install -r requirements-dev.txt"
)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: apt-get install chromium")
STORY = Story(
    step=50,
    curves=(
        Curve("PSNR", {"val": [(0, 20.0), (100, 21.0)]}, "dB", 20.0, "higher"),
        Curve("Losses", {f"g_{number}": [(0, 1.0 + number), (100, 0.5 + number)] for number in range(8)}),
    ),
    layers=(Layer("body.2.rdb3.conv5.of.a.very.deep.network", 1234, 0.0125),),
    options="name: houses\n" + "a_long_line: " + "x" * 300,
    commands=("realesrgan-arch upscale -n a_long_name_of_weights.pth -i photos/ -o upscaled/",),
)


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a page with three places, two of them 384 pixels wide."""
    folder = tmp_path_factory.mktemp("page")
    shown = (
        shown_picture(folder, "a house with a very long name/" + "x" * 80, "random", seed=1, side=384),
        shown_picture(folder, "worst house", "worst", seed=2, side=384),
        shown_picture(folder, "best house", "best", seed=3),
    )
    other = FoundProof(proof(judgements=(judgement(),)), folder)
    trials = find_trials([], probe=write_probe(folder / "probe"), sweep=write_sweep(folder / "sweep"))
    content = Content("Houses", FoundProof(proof(shown=shown), folder), {"General photographs": other}, STORY, trials)
    return write_report(content, folder / "report.html")[0]


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """Start Chromium once."""
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def visit(browser, page_file: Path) -> Iterator:
    """Return a function that opens the page; in the end nothing may have been said or fetched."""
    said: list[str] = []
    contexts = []

    def open_page(*, width: int = 1280, height: int = 900, **settings):
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **settings))
        page = contexts[-1].new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url) if request.url.startswith("http") else None)
        page.goto(page_file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []


def at(page) -> int:
    """Return where the first slider stands, in per cent."""
    return int(page.locator(".stage").first.get_attribute("aria-valuenow"))


def test_keys_move_the_line_and_it_stops_at_both_ends(visit):
    page = visit()
    stage = page.locator(".stage").first
    stage.focus()
    assert at(page) == 50
    for key, place in [
        ("ArrowRight", 52),
        ("ArrowLeft", 50),
        ("PageDown", 40),
        ("End", 100),
        ("ArrowUp", 100),
        ("Home", 0),
    ]:
        stage.press(key)
        assert at(page) == place, key
    stage.press(" ")
    assert at(page) == 100


def test_what_is_left_of_the_line_is_the_base_and_right_of_it_the_tuned_model(visit):
    page = visit()
    stage = page.locator(".stage").first
    clip = "one => getComputedStyle(one.querySelector('.half.left')).clipPath"
    stage.focus()
    stage.press("Home")
    assert stage.evaluate(clip) == "inset(0px 100% 0px 0px)"
    alts = [image.get_attribute("alt") for image in stage.locator("img").all()]
    assert alts == ["Tuned", "Base"]  # the left half lies on the right one
    assert "Base on the left, Tuned on the right" in stage.get_attribute("aria-label")


def test_the_mouse_drags_the_line(visit):
    page = visit()
    stage = page.locator(".stage").first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 50, steps=3)
    assert at(page) == 25
    page.mouse.up()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 50)
    assert at(page) == 25


def test_a_finger_moves_it_and_may_still_scroll_the_page(visit):
    page = visit(width=390, height=844, has_touch=True, is_mobile=True)
    stage = page.locator(".stage").first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] * 0.8, box["y"] + 60)
    assert at(page) == 80
    assert stage.evaluate("one => getComputedStyle(one).touchAction") == "pan-y"


def test_either_side_can_be_any_picture_and_one_button_changes_all(visit):
    page = visit()
    page.get_by_role("button", name="Input | Tuned").click()
    for stage in page.locator(".stage").all():
        assert [image.get_attribute("alt") for image in stage.locator("img").all()] == ["Tuned", "Input"]
    page.locator(".sides select").nth(1).select_option("ground truth")
    source = page.locator(".shot[data-method='ground truth'] img").first.get_attribute("src")
    assert page.locator(".stage").first.locator("img").first.get_attribute("src") == source
    assert page.locator("button[data-left][aria-pressed=true]").count() == 0


def test_at_1_to_1_a_pixel_is_a_pixel_and_every_method_lies_on_the_same_place(visit):
    page = visit()
    page.get_by_role("button", name="Input | Tuned").click()
    boxes = [image.bounding_box() for image in page.locator(".stage").first.locator("img").all()]
    assert boxes[0] == boxes[1]
    assert (boxes[0]["width"], boxes[0]["height"]) == (384, 384)
    page.get_by_role("button", name="2:1").click()
    assert page.locator(".stage").first.locator("img").first.bounding_box()["width"] == 768


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_page_is_wider_than_its_window(visit, width):
    page = visit(width=width)
    page.get_by_role("button", name="3:1").click()
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    verdict = page.locator(".headline").bounding_box()
    assert verdict["y"] + verdict["height"] < 500


@pytest.mark.parametrize("width", [390, 1280])
def test_the_plots_of_trials_can_be_read_on_any_window(visit, width):
    page = visit(width=width)
    plots = page.locator("#trials svg")
    assert plots.count() == 2
    for plot in plots.all():
        assert plot.is_visible()
        assert plot.bounding_box()["width"] >= 500


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_it_follows_the_reader_from_light_to_dark(visit, scheme, is_dark):
    page = visit(color_scheme=scheme)
    red = int(page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]"))
    assert (red < 60) is is_dark


def test_on_paper_and_without_scripts_all_pictures_are_there(visit):
    printed = visit()
    printed.emulate_media(media="print")
    assert not printed.locator(".stage").first.is_visible()
    assert all(image.is_visible() for image in printed.locator(".shot img").all())
    bare = visit(java_script_enabled=False)
    assert bare.locator(".shot img").count() == 15
    assert all(image.is_visible() for image in bare.locator(".shot img").all())
    assert not bare.locator(".tools").is_visible()


def test_what_is_wider_than_a_phone_scrolls_in_its_own_box_with_a_shade_that_says_so(visit) -> None:
    page = visit(width=390, height=844)
    chart = page.locator("figure.trial").first
    assert chart.evaluate("box => box.scrollWidth > box.clientWidth && getComputedStyle(box).overflowX === 'auto'")
    assert chart.evaluate("box => getComputedStyle(box).backgroundImage").count("linear-gradient") == 4
    assert chart.locator("svg > rect").first.evaluate("rect => getComputedStyle(rect).fill") == "none"


def test_each_of_eight_lines_has_a_colour_and_dash_of_its_own(visit) -> None:
    page = visit()
    looks = page.locator("path.line[class*='line-']").evaluate_all(
        "paths => paths.map(path => getComputedStyle(path)).map(style => style.stroke + style.strokeDasharray)"
    )
    losses = looks[-8:]
    assert len(set(losses)) == 8
