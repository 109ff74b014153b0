import json
from dataclasses import replace

import pytest

from stages.reporting import browser
from stages.reporting.inputs import load


@pytest.fixture(scope="module")
def run(finished):
    return load(finished)


@pytest.fixture(scope="module")
def items(run):
    return browser.payload(run)["items"]


def test_items_are_evenly_spaced_where_there_are_many():
    names = [str(number) for number in range(1000)]
    chosen = browser.evenly_spaced(names)
    assert len(chosen) == browser.MOST
    assert chosen[:3] == ["0", "5", "10"]
    assert browser.evenly_spaced(names[:7]) == names[:7]


def test_long_answers_are_marked_as_cut():
    assert browser.clipped("x" * 5000).endswith("x […]")
    assert browser.clipped("short") == "short"


def test_json_in_the_page_cannot_end_its_element():
    value = {"o": "</script><!-- & <script>"}
    text = str(browser.as_script(value))
    assert "<" not in text
    assert json.loads(text) == value


def test_every_answer_has_the_score_that_was_given_to_it(run, items):
    told = {(each["m"], each["b"], each["id"], answer["v"], answer["s"]): answer.get("x")
            for each in items for answer in each["a"] if each["b"] != "open_ended" and "s" in answer}  # fmt: skip
    scored = {(each.model, each.benchmark, each.id, each.variant, each.seed): each.score
              for each in run.scored.values() if each.variant != "base"}  # fmt: skip
    assert told == scored


def test_open_ended_answers_stand_with_what_the_judge_said(items):
    item = next(each for each in items if each["id"] == "open_ended-3")
    assert {answer["v"] for answer in item["a"]} >= {"base", "standard", "role", "official", "gpt-x"}
    assert len(item["j"]) == 2 * 3
    assert item["j"][0].startswith("role first, standard second: the judge ")
    assert "j" not in next(each for each in items if each["b"] == "mmlu")


def test_only_code_questions_are_marked_as_code(items):
    assert {item["b"] for item in items if item.get("p")} == {"humaneval"}


def test_fenced_code_is_told_apart_also_where_it_was_cut_off():
    assert browser.pieces("Thus:\n```python\nx = 1\n```\nDone.") == [
        (False, "Thus:"),
        (True, "x = 1"),
        (False, "Done."),
    ]
    assert browser.pieces("```python\nx = (") == [(True, "x = (")]
    assert browser.pieces("no code") == [(False, "no code")]


def test_figure_1_shows_the_scored_answers_of_the_first_questions(run, items):
    shown = browser.examples(items)
    assert [each["id"] for each in shown] == ["mmlu-0", "gsm8k-0", "open_ended-0"]
    assert [[answer["v"] for answer in each["a"]] for each in shown] == [
        ["standard", "standard.manual", "role"], ["standard", "standard.manual", "role"], ["standard", "role"],
    ]  # fmt: skip
    for answer in shown[0]["a"]:
        assert answer["x"] == run.scored[f"small-{answer['v']}-1", "mmlu", "mmlu-0"].score
    assert len(shown[2]["j"]) > 0


def test_a_question_without_a_written_answer_is_no_example(items):
    silent = [item | {"a": [{k: v for k, v in answer.items() if k != "f"} for answer in item["a"]]} for item in items]
    assert browser.examples(silent) == []
    assert browser.examples([*(item for item in silent if item["id"] == "mmlu-0"), *items])[0]["id"] == "mmlu-0"
    standard = [item | {"a": [answer for answer in item["a"] if answer["v"] != "role"]} for item in items]
    assert browser.examples(standard) == []


def test_without_judgements_nothing_is_said_of_them(run):
    assert not [item for item in browser.payload(replace(run, judgements=[]))["items"] if "j" in item]
