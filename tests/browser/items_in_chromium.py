"""The page's list of questions and answers in Chromium: filters, order, links and keys. ``make test-browser`` runs it.

Named so that pytest collects it only when asked for it by name.
"""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

ALL = 476
"""Items of the list: at most 200 of a set."""


def shown(page: Page) -> int:
    return int(page.locator("#count").inner_text().split()[0])


def scores(page: Page, arm: str) -> list[str]:
    """What the list says of an arm, item by item."""
    marks = page.locator(".marks .mark").all_inner_texts()
    return [text.split()[-1] for text in marks if text.startswith(arm)]


def test_filters_narrow_the_list_and_can_be_cleared(page: Page):
    count = page.locator("#count")
    expect(count).to_have_text(f"{ALL} of {ALL} questions")
    page.select_option("#benchmark", "mmlu")
    expect(count).to_have_text(f"200 of {ALL} questions")
    page.select_option("#group", "d:chemistry")
    assert 0 < shown(page) < 30
    page.get_by_role("button", name="Clear").click()
    expect(count).to_have_text(f"{ALL} of {ALL} questions")
    expect(page.locator("#benchmark")).to_have_value("")


def test_outcomes_divide_the_scored_items(page: Page):
    page.select_option("#benchmark", "mmlu")
    counts = {}
    for outcome in ("differ", "role", "standard", "both", "neither"):
        page.select_option("#outcome", outcome)
        counts[outcome] = shown(page)
    assert counts["differ"] == counts["role"] + counts["standard"] > 0
    assert counts["differ"] + counts["both"] + counts["neither"] == 200


def test_where_the_arms_differ_one_is_right_and_the_other_wrong(page: Page):
    page.select_option("#outcome", "differ")
    pairs = list(zip(scores(page, "standard"), scores(page, "role"), strict=True))
    assert len(pairs) == 40
    assert set(pairs) == {("right", "wrong"), ("wrong", "right")}


def test_items_are_sorted_by_difference_and_by_subject(page: Page):
    page.select_option("#benchmark", "mmlu")
    assert len(set(zip(scores(page, "standard"), scores(page, "role"), strict=True))) == 4
    page.select_option("#order", "differ")
    assert set(zip(scores(page, "standard"), scores(page, "role"), strict=True)) == {
        ("right", "wrong"), ("wrong", "right"),
    }  # fmt: skip
    page.select_option("#order", "subject")
    subjects = [text.split(" · ")[2] for text in page.locator("#items .where").all_inner_texts()]
    assert subjects == sorted(subjects)


def test_a_link_opens_its_item_beyond_the_first_batch_and_whatever_is_filtered(page: Page, report: Path):
    page.select_option("#benchmark", "gsm8k")
    page.evaluate("location.hash = '#mmlu-399'")
    item = page.locator("li[data-id=mmlu-399]")
    expect(item.locator(".body")).to_be_visible()
    expect(item).to_be_in_viewport()
    page.goto(f"{report.as_uri()}#humaneval-3")
    page.reload()
    expect(page.locator("li[data-id=humaneval-3] .body")).to_be_visible()


def test_an_open_item_stands_in_the_address_and_links_to_itself(page: Page):
    page.locator("li[data-id=mmlu-5] summary").click()
    expect(page).to_have_url(re.compile("#mmlu-5$"))
    expect(page.locator("li[data-id=mmlu-5] .body a")).to_have_attribute("href", "#mmlu-5")


def opened(page: Page) -> list[str]:
    return page.eval_on_selector_all("#items details[open]", "all => all.map((each) => each.closest('li').dataset.id)")


@pytest.mark.parametrize(("on", "back"), [("ArrowRight", "ArrowLeft"), ("j", "k")])
def test_keys_step_from_one_item_to_the_next(page: Page, on: str, back: str):
    page.select_option("#benchmark", "gsm8k")
    first, second, third = (page.locator("#items > li").nth(place).get_attribute("data-id") for place in range(3))
    page.locator("#items summary").first.click()
    page.keyboard.press(on)
    page.keyboard.press(on)
    assert opened(page) == [third]
    expect(page).to_have_url(re.compile(f"#{third}$"))
    page.keyboard.press(back)
    assert opened(page) == [second]
    for _ in range(3):
        page.keyboard.press(back)
    assert opened(page) == [first]


def test_keys_step_past_the_end_of_a_batch_and_stop_at_the_last(page: Page):
    page.locator("#items summary").nth(39).click()
    page.keyboard.press("j")
    expect(page.locator("#items > li")).to_have_count(41)
    page.get_by_label("Search in questions and answers").fill("humaneval-")
    expect(page.locator("#count")).to_have_text(f"12 of {ALL} questions")
    page.locator("#items summary").last.click()
    last = opened(page)
    page.keyboard.press("j")
    assert opened(page) == last


def test_keys_write_into_the_search_and_move_nothing(page: Page):
    page.locator("#items summary").first.click()
    before = opened(page)
    page.get_by_label("Search in questions and answers").press_sequentially("jk")
    expect(page.locator("#search")).to_have_value("jk")
    page.locator("#search").fill("")
    page.keyboard.press("ArrowRight")
    assert page.url.endswith(before[0])


def test_code_is_shown_as_code(page: Page):
    page.select_option("#benchmark", "humaneval")
    page.locator("#items summary").first.click()
    body = page.locator("#items .body").first
    expect(body.locator("> pre code").first).to_contain_text("def f(x):")
    expect(body.locator(".answer pre code").first).to_contain_text("return x")
    expect(body.locator(".answer").first).not_to_contain_text("```")


def test_open_ended_pairs_stand_with_the_judges_verdicts(page: Page):
    page.select_option("#benchmark", "open_ended")
    expect(page.locator("#count")).to_have_text(f"16 of {ALL} questions")
    page.locator("#items summary").first.click()
    body = page.locator("#items .body").first
    expect(body.locator(".judged li")).to_have_count(6)
    expect(body.locator(".judged li").first).to_contain_text("role first, standard second: the judge")
    expect(body.locator(".answer.arm-official")).to_have_count(1)


def test_an_item_can_be_opened_right_after_a_search_for_a_role(page: Page):
    page.get_by_label("Search in questions and answers").fill("organic CHEMIST")
    expect(page.locator("#count")).not_to_have_text(f"{ALL} of {ALL} questions")
    first = page.locator("#items details").first
    first.locator("summary").click()
    expect(first.locator(".role", has_text="organic chemist").first).to_be_visible()


def test_a_search_without_result_says_so(page: Page):
    page.locator("#search").fill("nosuchword")
    expect(page.locator("#count")).to_have_text(f"0 of {ALL} questions")
    expect(page.locator("#items > li")).to_have_count(0)
    expect(page.locator("#more")).to_be_hidden()


def test_an_item_opens_by_keyboard_and_shows_every_answer(page: Page):
    summary = page.locator("#items summary").first
    summary.focus()
    page.keyboard.press("Enter")
    body = page.locator("#items .body").first
    expect(body).to_be_visible()
    expect(body.locator(".answer")).to_have_count(6)
    expect(body.locator(".answer b")).to_have_count(0)


def test_items_come_a_batch_at_a_time(page: Page):
    expect(page.locator("#items > li")).to_have_count(40)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("#items > li")).to_have_count(80)
    assert page.evaluate("document.activeElement.closest('li') === document.querySelectorAll('#items > li')[40]")


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
