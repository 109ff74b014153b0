"""The report's page in Chromium: its first screen, its look in light, dark and print. ``make test-browser`` runs it.

Named so that pytest collects it only when asked for it by name.
"""

import re

import pypdfium2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import ALL_VIEWS, DESKTOP, PHONE


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_first_screen_holds_the_verdict_the_figure_and_few_words(chromium, plain_report, size):
    view = chromium.new_page(viewport=size)
    view.goto(plain_report.as_uri())
    ends = "(one) => document.querySelector(one).getBoundingClientRect().bottom"
    assert view.evaluate(ends, ".run-line") < view.evaluate(ends, ".first img") <= size["height"]
    assert view.locator(".first .cautions li").count() <= 3
    words = view.evaluate(WORDS_ABOVE, size["height"])
    assert 40 < words <= 120
    assert len(view.locator("#findings").inner_text().split()) <= 250


WORDS_ABOVE = """(fold) => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let words = 0;
    while (walker.nextNode()) {
        const text = walker.currentNode;
        const around = text.parentElement;
        if (around.closest("figure, script, style, .skip") || !around.checkVisibility()) continue;
        for (const word of text.textContent.matchAll(/\\S+/g)) {
            const range = document.createRange();
            range.setStart(text, word.index);
            range.setEnd(text, word.index + word[0].length);
            words += range.getBoundingClientRect().bottom <= fold;
        }
    }
    return words;
}"""


def test_nothing_sticks_out_to_the_side(page: Page):
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("page", ALL_VIEWS, indirect=True)
def test_axe_finds_no_fault(page: Page):
    page.locator("#items details").first.locator("summary").click()
    for folded in page.locator("main > section > details > summary").all():
        folded.click()
    page.evaluate("location.hash = '#open_ended-3'")
    page.evaluate("location.hash = '#humaneval-3'")
    found = Axe().run(page)
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found.response["violations"]] == []


def test_the_main_table_shows_role_and_difference_without_being_moved(page: Page):
    rights = page.evaluate(
        """() => [...document.querySelectorAll("#table-main thead th")]
            .map((head) => [head.textContent, head.getBoundingClientRect().right])"""
    )
    width = page.evaluate("window.innerWidth")
    ends = dict(rights)
    assert max(ends["standard"], ends["role (self-prompt)"], ends["Difference"]) <= width


def test_pictures_stand_on_the_paper_of_the_scheme(page: Page):
    """On a dark screen each had a white frame."""
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    papers = page.evaluate("[...new Set([...document.images].map((each) => getComputedStyle(each).backgroundColor))]")
    assert papers == ["rgb(23, 25, 29)" if dark else "rgb(255, 255, 255)"]


def test_every_picture_is_drawn(page: Page):
    page.wait_for_function("[...document.images].every((picture) => picture.complete)")
    assert page.evaluate("[...document.images].every((picture) => picture.naturalWidth > 0)")


def test_the_first_stop_of_the_keyboard_skips_to_the_content(page: Page):
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_print_keeps_within_the_page(chromium, report, tmp_path):
    """A4 less its margins is 680 CSS pixels wide."""
    opened = chromium.new_page(viewport={"width": 680, "height": 1000})
    opened.goto(report.as_uri())
    opened.emulate_media(media="print")
    beyond = "[...document.querySelectorAll('table, img')].filter((each) => each.getBoundingClientRect().right > 681)"
    assert opened.evaluate(f"{beyond}.map((each) => each.id || each.alt)") == []


def test_two_answers_side_by_side_fill_the_page_in_print(chromium, plain_report):
    """A third column, for the answer to a role prompt written by hand, stood empty."""
    opened = chromium.new_page(viewport={"width": 680, "height": 1000})
    opened.goto(plain_report.as_uri())
    opened.emulate_media(media="print")
    ends = "(one) => document.querySelector(one).getBoundingClientRect().right"
    assert opened.locator(".example").first.locator(".answer").count() == 2
    assert opened.evaluate(ends, ".example .answer:last-child") == opened.evaluate(ends, ".example .answers")


@pytest.fixture(scope="module")
def pages_in_print(chromium, report, tmp_path_factory) -> list[str]:
    """The text of each page."""
    opened = chromium.new_page()
    opened.goto(report.as_uri())
    path = tmp_path_factory.mktemp("print") / "report.pdf"
    opened.pdf(path=path, format="A4")
    document = pypdfium2.PdfDocument(path)
    return [document[number].get_textpage().get_text_bounded() for number in range(len(document))]


def test_print_numbers_its_pages(pages_in_print):
    assert len(pages_in_print) > 5
    for number, text in enumerate(pages_in_print, start=1):
        assert re.search(rf"{number} / {len(pages_in_print)}\b", text)


def test_print_opens_what_is_folded(pages_in_print):
    text = " ".join(pages_in_print)
    assert "matplotlib" in text
    assert "finetune.learning_rate" in text
    assert "a run of 13 words with the training corpus" in text


def test_print_strands_no_heading(pages_in_print):
    """None is the last of its page."""
    for text in pages_in_print:
        lines = [line for line in text.splitlines() if line.strip() and not re.fullmatch(r"\d+ / \d+", line.strip())]
        assert not lines[-1].startswith(HEADINGS)


def test_print_does_not_tear_the_caption_of_figure_1_from_its_first_example(pages_in_print):
    (page,) = [text for text in pages_in_print if "Figure 1." in text]
    assert "Right answer" in page


HEADINGS = ("Results", "The same question", "Figure 1.", "Main results", "Training", "What was run", "Libraries")
