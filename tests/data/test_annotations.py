"""The recorded role prompts, and those written by hand for benchmarks and subjects."""

import json

import pytest

from stages.records.conversation import Conversation, RecordedRole
from stages.scoring.domains import SUBJECTS
from tests.data import role_prompts
from tests.data.rows import ANNOTATIONS, BUNDLED, Line, read_lines
from tests.data.sets import CORPUS

MANUAL = BUNDLED / "manual_roles.json"
MANUAL_KEYS = {f"mmlu/{subject}" for subject in SUBJECTS} | set(
    "mmlu strategyqa commonsenseqa openbookqa truthfulqa hotpotqa gsm8k humaneval open_ended".split()  # noqa: SIM905
)
ITEMS = {"bundled": 320, "lima": 1030}
LEAKS = {"none", "slight leak", "plain leak"}


def recorded(name):
    faults: list[str] = []
    lines = list(read_lines(ANNOTATIONS / f"{name}.jsonl", RecordedRole, faults))
    assert faults == []
    return lines


def prompts(lines):
    return [Line(line.path, line.number, line.row.role) for line in lines]


def corpus():
    rows = (line.row for line in read_lines(CORPUS.path, CORPUS.row, []))
    return [Conversation(id="", source=row.source, turns=row.conversations) for row in rows]


def before_last_revision(review):
    return (review.get("last_revision") or review)["role"]


@pytest.mark.parametrize("name", ITEMS)
def test_each_role_is_in_form_and_at_its_place(name):
    lines = recorded(name)
    assert len(lines) == ITEMS[name]
    assert list(role_prompts.check_places(lines)) == []
    assert list(role_prompts.check_form(prompts(lines), role_prompts.WORDS)) == []


@pytest.mark.parametrize("name", ITEMS)
def test_roles_are_of_several_shapes_and_unlike_each_other(name):
    lines = prompts(recorded(name))
    assert list(role_prompts.check_shapes(lines)) == []
    assert list(role_prompts.check_variety(lines)) == []


def test_roles_of_the_bundled_corpus_belong_to_its_items():
    lines, items = recorded("bundled"), corpus()
    assert list(role_prompts.check_keys(lines, items)) == []
    assert list(role_prompts.check_form(prompts(lines), role_prompts.WORDS, items)) == []
    assert list(role_prompts.check_fit(prompts(lines), items)) == []


@pytest.mark.parametrize("name", ITEMS)
def test_the_reviews_end_in_the_roles_and_what_leaked_was_rewritten(name):
    text = (ANNOTATIONS / f"{name}.reviews.jsonl").read_text(encoding="utf-8")
    reviews = [json.loads(line) for line in text.splitlines()]
    assert [(one["index"], one["role"]) for one in reviews] == [
        (line.row.index, line.row.role) for line in recorded(name)
    ]
    again = [(before_last_revision(one), one["second_review"]) for one in reviews if one["second_review"]]
    assert {review["leak"] for _, review in again} == LEAKS - ({"plain leak"} if name == "lima" else set())
    assert all((role != review["role"]) == (review["leak"] != "none") for role, review in again)


def test_what_the_third_review_found_was_rewritten_and_other_revisions_changed_an_opening_alone():
    text = (ANNOTATIONS / "bundled.reviews.jsonl").read_text(encoding="utf-8")
    reviews = [json.loads(line) for line in text.splitlines()]
    leaking = [one["index"] for one in reviews if one["third_review"] and one["third_review"]["leak"] != "none"]
    revised = [one for one in reviews if one["last_revision"]]
    assert [one["index"] for one in revised if one["last_revision"]["why"] == "third review"] == leaking
    assert all(one["role"] != one["last_revision"]["role"] for one in revised)
    opened = [one for one in revised if one["last_revision"]["why"] == "opening"]
    assert len(opened) == len(revised) - len(leaking)
    parts = [(role_prompts.sentences(one["role"]), role_prompts.sentences(before_last_revision(one))) for one in opened]
    assert all(now[1:] == before[1:] for now, before in parts)


def test_each_benchmark_and_subject_has_one_role_written_by_hand():
    text = MANUAL.read_text(encoding="utf-8").splitlines()
    roles = json.loads("\n".join(text))
    assert roles.keys() == MANUAL_KEYS
    places = {key: next(at for at, line in enumerate(text, start=1) if f"{json.dumps(key)}:" in line) for key in roles}
    lines = [Line(MANUAL, places[key], role) for key, role in roles.items()]
    assert list(role_prompts.check_form(lines, role_prompts.WORDS_BY_HAND)) == []
    assert list(role_prompts.check_variety(lines)) == []
