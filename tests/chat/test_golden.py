"""Token ids and masks under real tokenizers and templates of every kind, held against what is written down.

``python -m tests.chat.test_golden`` writes golden.json anew; look at each line that changed.
"""

import json
from itertools import groupby

import pytest

from stages.chat.arms import with_head
from stages.chat.rendering import Part, render, render_prompt, tokenize, tokenize_prompt
from tests.tokenizers import FOLDER, tokenizer

PATH = FOLDER / "golden.json"
ROLE = "From now on, you are a cook who measures in °C."
TURNS = ["How warm\nis a crème brûlée?", "Bake at 150 °C.\n\nThen chill it.", "Why?  Eggs set.", "Yes: at 82."]
KINDS = [
    ("smollm2-135m", None, "<|im_end|>"),
    ("smollm2-135m", "thought", "<|im_end|>"),
    ("smollm2-135m", "two ends", "<|im_end|>"),
    ("smollm2-135m", "last end", "<|im_end|>"),
    ("mistral-7b", None, "</s>"),
    ("mistral-7b", "last end", "</s>"),
    ("mistral-7b", "instruct", "</s>"),
    ("gemma-3", None, "<eos>"),
    ("gemma-3", "gemma", "<end_of_turn>"),
]
"""Tokenizer, template, and what ends a turn."""
CASES = {
    f"{'standard' if role is None else 'role'}, {turns} turns": (role, turns)
    for role in (None, ROLE)
    for turns in (2, 4)
}


def rendered(name, template, case):
    role, turns = CASES[case]
    return render(tokenizer(name, template), with_head(TURNS[:turns], role), role)


def as_golden(row):
    return {"ids": row.ids, "parts": "".join(str(int(part)) for part in row.parts)}


def key(name, template):
    return name if template is None else f"{name}, {template}"


@pytest.fixture(scope="module")
def golden():
    return json.loads(PATH.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("name", "template", "end"), KINDS)
def test_ids_and_parts(golden, name, template, end, case):
    row = rendered(name, template, case)
    assert as_golden(row) == golden[key(name, template)][case], tokenizer(name).convert_ids_to_tokens(row.ids)


@pytest.mark.parametrize(("name", "template", "end"), KINDS)
@pytest.mark.parametrize("turns", [2, 4])
def test_learnt_are_role_answers_and_ends_and_nothing_else(name, template, end, turns):
    loaded = tokenizer(name, template)
    row = rendered(name, template, f"role, {turns} turns")
    stretches = [
        (part.name, loaded.decode([token for _, token in tokens], clean_up_tokenization_spaces=False).strip())
        for part, tokens in groupby(zip(row.parts, row.ids, strict=True), key=lambda pair: pair[0])
        if part is not Part.PROMPT
    ]
    expected = [("ROLE", ROLE), ("ANSWER", TURNS[1]), ("END", end), ("ANSWER", TURNS[3]), ("END", end)][: turns + 1]
    if template == "last end" and turns == 4:
        del expected[2]
    assert stretches == expected
    last = [token for token, part in zip(row.ids, row.parts, strict=True) if part is Part.END][-1]
    assert last == loaded.convert_tokens_to_ids(end)


@pytest.mark.parametrize(("name", "template", "end"), KINDS)
@pytest.mark.parametrize("answer", [f"{ROLE}\n\nBake it.", "3 eggs.", "Élan.", "  Bake."])
def test_training_begins_with_the_very_tokens_that_inference_gives(name, template, end, answer):
    loaded = tokenizer(name, template)
    prompt = tokenize_prompt(loaded, TURNS[:1])
    row = render(loaded, with_head([TURNS[0], answer], None), None)
    assert row.ids[: len(prompt)] == prompt
    assert row.parts.index(Part.ANSWER) == len(prompt)
    if template != "thought":  # it ends with two line breaks, which this tokenizer takes as one token at a text's end
        assert tokenize(loaded, render_prompt(loaded, TURNS[:1])) == prompt


@pytest.mark.parametrize(("name", "template", "end"), KINDS)
def test_an_answer_that_is_begun_is_tokenized_as_in_training(name, template, end):
    loaded = tokenizer(name, template)
    begun = tokenize_prompt(loaded, TURNS[:1], f"{ROLE}\n\n")
    row = render(loaded, with_head(TURNS[:2], ROLE), ROLE)
    assert row.ids[: len(begun)] == begun


if __name__ == "__main__":
    found = {
        key(name, template): {case: as_golden(rendered(name, template, case)) for case in CASES}
        for name, template, _ in KINDS
    }
    lines = [
        f"{json.dumps(kind)}: {{\n"
        + ",\n".join(f"{json.dumps(case)}: {json.dumps(row)}" for case, row in rows.items())
        + "}"
        for kind, rows in found.items()
    ]
    PATH.write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")
