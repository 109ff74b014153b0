"""The report's page in Chromium: what a reader does with it. Not part of the quick tests; it needs a browser.

Named so that pytest collects it only when asked for it by name.
"""

import shutil
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

from tests.reporting import example_run
from tests.reporting.conftest import run_stages

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-first-run"]  # fmt: skip
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
VIEWS = [(size, scheme) for size in (PHONE, DESKTOP) for scheme in ("light", "dark")]
# More than a screenful of many hundred items.
SIZES = example_run.SIZES | {"mmlu": 570, "gsm8k": 300}


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    folder = example_run.write(tmp_path_factory.mktemp("run"), example_run.plan(), sizes=SIZES)
    run_stages(folder)
    return folder / "plots/report.html"


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=VIEWS, ids=[f"{size['width']}-{scheme}" for size, scheme in VIEWS])
def page(request, chromium, report):
    size, scheme = request.param
    context = chromium.new_context(viewport=size, color_scheme=scheme)
    opened = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda sent: asked.append(sent.url))
    opened.goto(report.as_uri())
    yield opened
    assert complaints == []
    assert [url for url in asked if not url.startswith(("data:", report.as_uri()))] == []
    context.close()


def test_nothing_sticks_out_to_the_side(page: Page):
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_axe_finds_no_fault(page: Page):
    page.locator("#items details").first.locator("summary").click()
    for folded in page.locator("main > section > details > summary").all():
        folded.click()
    found = Axe().run(page)
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found.response["violations"]] == []


def test_filters_narrow_the_list_and_can_be_cleared(page: Page):
    count = page.locator("#count")
    expect(count).to_have_text("460 of 460 questions")
    page.select_option("#benchmark", "mmlu")
    expect(count).to_have_text("200 of 460 questions")
    page.select_option("#group", "d:chemistry")
    narrowed = int(count.inner_text().split()[0])
    assert 0 < narrowed < 30
    page.locator("[data-variant=role]").select_option("right")
    right = int(count.inner_text().split()[0])
    page.locator("[data-variant=role]").select_option("wrong")
    assert right + int(count.inner_text().split()[0]) == narrowed
    page.get_by_role("button", name="Clear").click()
    expect(count).to_have_text("460 of 460 questions")


def test_an_item_can_be_opened_right_after_a_search_for_a_role(page: Page):
    page.get_by_label("Search in questions and answers").fill("organic CHEMIST")
    expect(page.locator("#count")).not_to_have_text("460 of 460 questions")
    first = page.locator("#items details").first
    first.locator("summary").click()
    expect(first.locator(".role", has_text="organic chemist").first).to_be_visible()


def test_a_search_without_result_says_so(page: Page):
    page.locator("#search").fill("nosuchword")
    expect(page.locator("#count")).to_have_text("0 of 460 questions")
    expect(page.locator("#items li")).to_have_count(0)
    expect(page.locator("#more")).to_be_hidden()


def test_an_item_opens_by_keyboard_and_shows_every_answer(page: Page):
    summary = page.locator("#items summary").first
    summary.focus()
    page.keyboard.press("Enter")
    body = page.locator("#items .body").first
    expect(body).to_be_visible()
    expect(body.locator(".answer")).to_have_count(5)
    expect(body.locator(".answer b")).to_have_count(0)


def test_items_come_a_batch_at_a_time(page: Page):
    expect(page.locator("#items li")).to_have_count(40)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("#items li")).to_have_count(80)
    assert page.evaluate("document.activeElement.closest('li') === document.querySelectorAll('#items li')[40]")


def test_hundreds_of_items_are_searched_without_lag(page: Page):
    milliseconds = page.evaluate(
        """() => {
            const started = performance.now();
            document.getElementById("benchmark").dispatchEvent(new Event("change", { bubbles: true }));
            document.body.offsetHeight;
            return performance.now() - started;
        }"""
    )
    assert milliseconds < 300


def test_the_first_stop_of_the_keyboard_skips_to_the_content(page: Page):
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_every_picture_is_drawn(page: Page):
    page.wait_for_function("[...document.images].every((picture) => picture.complete)")
    assert page.evaluate("[...document.images].every((picture) => picture.naturalWidth > 0)")


def test_print_keeps_within_the_page(chromium, report, tmp_path):
    """A4 less its margins is 680 CSS pixels wide."""
    opened = chromium.new_page(viewport={"width": 680, "height": 1000})
    opened.goto(report.as_uri())
    opened.pdf(path=tmp_path / "report.pdf", format="A4")
    assert (tmp_path / "report.pdf").stat().st_size > 50_000
    opened.emulate_media(media="print")
    beyond = "[...document.querySelectorAll('table, img')].filter((each) => each.getBoundingClientRect().right > 681)"
    assert opened.evaluate(f"{beyond}.map((each) => each.id || each.alt)") == []
