"""Each check names the fault that it is for, with file and line, and is silent about what is right."""

from pathlib import Path

import pytest

from stages.records.conversation import Conversation, RecordedRole
from tests.data import checks, role_prompts
from tests.data.guessing import guessed
from tests.data.rows import (
    CommonsenseRow,
    ConversationRow,
    Gsm8kRow,
    Line,
    MmluRow,
    StrategyRow,
    TruthfulRow,
    read_lines,
)
from tests.data.sets import BundledSet, check_counts

PATH = Path("set.jsonl")
TREES = "ash birch cedar elm fir hazel larch maple oak pine rowan willow".split()  # noqa: SIM905
ROLE = "From now on, you are a hydrologist who has spent twenty winters measuring the snow of high valleys."
OTHER = "From now on, you are the caretaker of an old theatre. Ropes, pulleys and traps have no secrets from you."


def lines(rows):
    return [Line(PATH, number, row) for number, row in enumerate(rows, start=1)]


def mmlu(choices=("Venus", "Mercury", "Mars", "Earth"), answer=1, subject="astronomy"):
    return MmluRow(
        question="Which planet has the shortest year?", subject=subject, choices=list(choices), answer=answer
    )


def keyed(right, wrong, count=60):
    """Rows whose right choice stands at each place in turn."""
    rows = []
    for number in range(count):
        choices = [f"{wrong} {TREES[(number + step) % 12]}".strip() for step in (1, 2, 3)]
        choices.insert(number % 4, f"{right} {TREES[number % 12]}".strip())
        rows.append(mmlu(choices, number % 4))
    return lines(rows)


def gsm8k(answer):
    return lines([Gsm8kRow(question="How many eggs?", answer=answer)])


def strategy(last):
    fields = {"qid": "s", "term": "t", "description": "d", "question": "Could a sloth outrun a cheetah?"}
    return lines([StrategyRow(**fields, answer=False, facts=["a", "b"], decomposition=["c?", last])])


def truthful(*choices):
    target = {"choices": list(choices), "labels": [1, *[0] * (len(choices) - 1)]}
    return TruthfulRow(question="Why?", mc1_targets=target, mc2_targets=target)


def talk(answer):
    return lines([ConversationRow(conversations=["Why?", answer, "And?", "So."], source="advice")] * 20)


def recorded(key, index=0):
    return lines([RecordedRole(key=key, index=index, source="advice", role=ROLE)])


def roles(check, *texts):
    return list(check(lines(texts)))


ITEM = Conversation(id="", source="advice", turns=["Why?", "Because."])
TWO_SUBJECTS = BundledSet("s", MmluRow, 2, frozenset({"astronomy", "virology"}), 2)

FAULTS = {
    "too few rows": (check_counts(lines([mmlu()]), TWO_SUBJECTS), "at least 2 rows, found 1"),
    "a strange group": (check_counts(lines([mmlu(subject="x")]), TWO_SUBJECTS), "line 1: 'x' is none of"),
    "a repeated question": (checks.check_repeats(lines(["A b?", "a  B?"]), "question", str), "line 2: the same"),
    "a near duplicate": (
        checks.check_near_duplicates(lines([ROLE, OTHER, ROLE.replace("high", "low")]), str), "line 3: nearly the same"
    ),
    "one letter": (checks.check_keys(lines([mmlu(answer=0)] * 60)), "A is right in 60 of 60"),
    "long right choices": (checks.check_lengths(keyed("abcdefgh", "a")), "longest choice is right in 100.0%"),
    "short right choices": (checks.check_lengths(keyed("a", "abcdefgh")), "shortest choice is right in 100.0%"),
    "second smallest": (checks.check_ranks(lines([mmlu(["4 m", "2 m", "9 m", "8 m"], 0)] * 60)), "rank 2 of 4 in 60"),
    "right negations": (checks.check_negation(keyed("None but", "Some")), "is right in 100.0%"),
    "nested wrong choices": (
        checks.check_nested(lines([truthful("Fat", "Water", "Water for weeks", "Milk")])), "'Water' is nested in"
    ),
    "an open last step": (checks.check_decompositions(strategy("What is #1?")), "'What is #1?': expected"),
    "a wrong equation": (checks.check_arithmetic(gsm8k("Left: 3 * 12 = 38\n#### 38")), "line 1: 3 * 12 is 36, not 38"),
    "another result": (checks.check_arithmetic(gsm8k("Left: 3 * 12 = 36\n#### 31")), "31 is not in the last step"),
    "a short answer": (checks.check_conversations(talk("Because.")), "line 1: the first answer has 1 words"),
    "code that breaks": (checks.check_conversations(talk("```python\nfor x in y\n```")), "block does not compile"),
    "an open block": (checks.check_conversations(talk("```python\nx = 1")), "a code block is left open"),
    "an answered question": (
        checks.check_taught(lines([mmlu()]), talk("Mercury is the planet with the shortest year.")),
        "line 1: answered in set.jsonl, line 1",
    ),
    "another first turn": (role_prompts.check_keys(recorded("0" * 64), [ITEM]), "not the SHA-256 of the first turn"),
    "another place": (role_prompts.check_places(recorded("0" * 64, 3)), "index 3, expected 0"),
    "no opening": (role_prompts.check_form(lines([ROLE[8:]]), (12, 60)), "does not open as a role prompt"),
    "a quotation": (
        role_prompts.check_form(lines([ROLE]), (12, 60), [ITEM.model_copy(update={"turns": ["?", ROLE[21:]]})]),
        "gives the answer away",
    ),
    "too long": (role_prompts.check_form(lines([ROLE.replace("snow", "snow " * 50)]), (12, 60)), "expected 12 to 60"),
    "three sentences": (role_prompts.check_shapes(lines([f"{OTHER} You help."])), "3 sentences, expected one or two"),
    "a short first sentence": (role_prompts.check_shapes(lines(["From now on, you are a cook. Bake."])), "has 2"),
    "always two sentences": (role_prompts.check_shapes(lines([OTHER] * 3)), "0 of 3 roles are of one sentence"),
    "always 'You'": (role_prompts.check_shapes(lines([f"{ROLE} You ski."] * 3)), "3 of 3 second sentences begin"),
    "always 'Ropes'": (role_prompts.check_shapes(lines([ROLE, OTHER, OTHER])), "2 of 2 second sentences begin"),
    "one opening": (
        role_prompts.check_variety(lines([ROLE.replace("valleys", tree) for tree in TREES])), "12 roles open with"
    ),
    "ten historians": (
        role_prompts.check_variety(lines([f"From now on, you are a historian of {tree}." for tree in TREES[:10]])),
        "line 4: 10 roles open with 'a historian of', expected at most 3",
    ),
    "two long openings alike": (
        role_prompts.check_variety(lines([ROLE, OTHER, ROLE.replace("the snow of high valleys", "rain in a town")])),
        "line 3: 2 roles open with 'a hydrologist who has spent twenty winters measuring'",
    ),
    "roles of other items": (
        role_prompts.check_fit(
            lines(["snow", "theatre"]),
            [ITEM.model_copy(update={"turns": [turn, ""]}) for turn in ("theatre", "snow")],
        ),
        "nearer to their own item than to another: 0, farther: 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named(name):
    faults, message = FAULTS[name]
    assert any(message in fault for fault in faults)


def test_what_is_right_is_no_fault():
    rows = keyed("a", "a")
    even = [mmlu(["1 m", "2 m", "3 m", "4 m"], number % 4) for number in range(60)]
    assert [*checks.check_lengths(rows), *checks.check_keys(rows), *checks.check_negation(rows)] == []
    assert list(checks.check_ranks(lines(even))) == []
    assert list(checks.check_arithmetic(gsm8k("(28 + 4) * 7 = 224\n$1,120 / 2 - 0.5 = $559.50\n#### 559.50"))) == []
    assert list(checks.check_decompositions(strategy("Is #1 faster?"))) == []
    two = f"{ROLE} Avalanches are no news to you."
    vet = "From now on, you are Dr. Ames, a vet for horses."
    assert roles(role_prompts.check_shapes, ROLE, OTHER, two, vet) == []


def test_a_word_that_right_choices_alone_have_gives_them_away():
    telling, plain = (
        [line.row for line in keyed(right, wrong)] for right, wrong in (("perhaps", "always"), ("a", "a"))
    )
    assert guessed([row.offered for row in telling], [row.right for row in telling]) == pytest.approx(1.0)
    assert guessed([row.offered for row in plain], [row.right for row in plain]) < 0.4


@pytest.mark.parametrize("wrong", [{"answer": 4}, {"choices": ["a", "A", "b", "c"]}, {"question": "Why? "}, {"x": 1}])
def test_a_line_that_breaks_its_schema_is_named_and_the_rest_is_read(tmp_path, wrong):
    path, faults = tmp_path / "set.jsonl", []
    broken = mmlu().model_copy(update=wrong).model_dump_json() if "x" not in wrong else '{"x": 1}'
    path.write_text(f"{broken}\n{mmlu().model_dump_json()}\n")
    assert [line.number for line in read_lines(path, MmluRow, faults)] == [2]
    assert len(faults) == 1
    assert faults[0].startswith(f"{path}, line 1: ")


def test_labels_are_letters_in_order_and_the_true_choice_stands_first():
    choices = {"text": list("vwxyz"), "label": list("BACDE")}
    with pytest.raises(ValueError, match="labels A, B, C, D, E"):
        CommonsenseRow(id="c", question="Where?", question_concept="boots", choices=choices, answerKey="B")
    one, many = ({"choices": ["a", "b"], "labels": labels} for labels in ([0, 1], [1, 0]))
    with pytest.raises(ValueError, match="one right choice, the first"):
        TruthfulRow(question="Why?", mc1_targets=one, mc2_targets=many)
