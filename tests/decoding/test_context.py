"""Text is tokenized as it stands in its context, by tokenizers of each kind."""

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from stages.chat import self_prompt
from stages.chat.rendering import before_answer, render, render_prompt, tokenize, tokenize_prompt
from stages.decoding import conditions
from stages.decoding.context import (
    QuestionEnd,
    RoleEnd,
    continuations,
    next_question,
    opened,
    role_in,
    role_openings,
)
from tests.decoding.kinds import KINDS
from tests.decoding.kinds import tokenizer as of_kind

QUESTION = "Why does iron rust?"
ROLE = f"{self_prompt.OPENING} a chemist who works in Zürich."
ALL = [None, *(condition for of_arm in conditions.CONDITIONS.values() for condition in of_arm)]
CHOICES = [" A", " B", " iron oxide", " 70", " Über"]


@pytest.fixture(scope="module", params=KINDS)
def tokenizer(request):
    return of_kind(request.param)


def trained_ids(tokenizer, message, turn):
    """What training shows: the conversation whose assistant's turn is that text."""
    return render(tokenizer, [message, turn], None).ids


@pytest.mark.parametrize("condition", ALL)
def test_what_each_condition_begins_has_the_ids_that_training_gives_it(tokenizer, condition):
    put = conditions.ask(condition, QUESTION, ROLE, ROLE)
    whole = trained_ids(tokenizer, put.message, f"{put.prefix}The air does it.")
    ids = tokenize_prompt(tokenizer, [put.message], put.prefix)
    assert ids == whole[: len(ids)]
    assert tokenizer.decode(whole[len(ids) :]).lstrip().startswith("The air")


@pytest.mark.parametrize("condition", ALL)
@pytest.mark.parametrize("role", [None, ROLE])
def test_choices_after_each_head_have_the_ids_of_the_whole_text(tokenizer, condition, role):
    put = conditions.ask(condition, QUESTION, ROLE, ROLE)
    head = put.prefix or (self_prompt.join(role, "") if role else "")
    before, choices = continuations(tokenizer, f"{opened(tokenizer, [put.message])}{head}Answer:", CHOICES)
    for text, ids in zip(CHOICES, choices, strict=True):
        whole = trained_ids(tokenizer, put.message, f"{head}Answer:{text}")
        assert before + ids == whole[: len(before) + len(ids)]
        assert tokenizer.decode(ids).strip() == text.strip()


GOLDEN = {
    # (tokens that open a role prompt, the trigger at the head of the turn, " A", " B", " iron oxide")
    "smollm2-135m": ([3300, 5212], [21350, 42], [[330], [389], [4688, 14279]]),
    "mistral-7b": ([3400, 3672], [2820, 16981, 28747], [[330], [365], [8075, 18229, 547]]),
    "llama-2": ([3400, 3672], [26307, 28747], [[330], [365], [8075, 18229, 547]]),
    "gemma-3": ([3400, 3672], [2820, 16981, 28747], [[330], [365], [8075, 18229, 547]]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_ids_of_openings_trigger_and_choices(kind):
    loaded = of_kind(kind)
    openings, trigger, choices = GOLDEN[kind]
    assert role_openings(loaded, [QUESTION]) == openings
    before, found = continuations(loaded, opened(loaded, [QUESTION]) + "Answer:", CHOICES[:3])
    assert before[-len(trigger) :] == trigger
    assert before[: -len(trigger)] == tokenize(loaded, render_prompt(loaded, [QUESTION]))
    assert found == choices


def test_the_token_that_opens_a_role_prompt_in_training_is_among_the_forbidden(tokenizer):
    prompt = tokenize(tokenizer, render_prompt(tokenizer, [QUESTION]))
    rendered = render(tokenizer, [QUESTION, self_prompt.join(ROLE, "The air does it.")], ROLE)
    assert rendered.ids[: len(prompt)] == prompt
    assert rendered.ids[len(prompt)] in role_openings(tokenizer, [QUESTION])


def test_pieces_alone_would_have_other_ids_under_mistrals_tokenizer():
    mistral = of_kind("mistral-7b")
    assert tokenize(mistral, "From") == [3672]
    trained = render(mistral, [QUESTION, self_prompt.join(ROLE, "The air.")], ROLE).ids
    assert trained[len(tokenize(mistral, render_prompt(mistral, [QUESTION])))] == 3400


def test_a_space_that_the_template_puts_before_an_answer_stands_before_heads():
    llama = of_kind("llama-2")
    assert before_answer(llama, [QUESTION])[1] == " "
    assert opened(llama, [QUESTION]).endswith("[/INST] ")
    assert all(before_answer(of_kind(kind), [QUESTION])[1] == "" for kind in KINDS if kind != "llama-2")


def byte_tokenizer(*merges):
    """As of GPT-2 and SmolLM, without the rule that parts words: tokens may reach over any boundary."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*alphabet, *("".join(merge) for merge in merges)]
    core = Tokenizer(models.BPE(vocab={token: index for index, token in enumerate(tokens)}, merges=list(merges)))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    core.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=core)


def test_a_token_that_reaches_into_one_of_the_choices_counts_to_all_of_them():
    loaded = byte_tokenizer((":", "Ġ"), (":Ġ", "A"))
    before, (a, b) = continuations(loaded, "Answer:", [" A", " B"])
    assert loaded.decode(before) == "Answer"
    assert before + a == tokenize(loaded, "Answer: A")
    assert before + b == tokenize(loaded, "Answer: B")
    assert (len(a), len(b)) == (1, 2)


@pytest.mark.parametrize("text", ["From now on, you are a cook.\n\n", "Let's think.\n\n", "é\n\n"])
def test_a_begun_answer_has_the_ids_that_training_gives_it(tokenizer, text):
    ids = tokenize_prompt(tokenizer, [QUESTION], text)
    assert ids == trained_ids(tokenizer, QUESTION, f"{text}Answer: B")[: len(ids)]
    assert tokenizer.decode(ids).endswith(text)


def test_the_blank_line_that_ends_a_text_would_be_another_token():
    loaded = of_kind("smollm2-135m")
    text = "a cook.\n\n"
    alone = tokenize(loaded, render_prompt(loaded, [QUESTION]) + text)
    assert len(tokenize_prompt(loaded, [QUESTION], text)) == len(alone) + 1


@pytest.mark.parametrize("plain", [False, True])
def test_control_marks_that_choices_quote_are_text(tokenizer, plain):
    mark, control = tokenizer.eos_token, tokenizer.eos_token_id
    before = "Answer:" if plain else opened(tokenizer, [f"What does {mark} end?"]) + "Answer:"
    begun, choices = continuations(tokenizer, before, [f" {mark}", " a turn"], plain=plain)
    assert control not in choices[0]
    assert tokenizer.decode(choices[0]).strip() == mark
    written = continuations(tokenizer, "Answer:" if plain else opened(tokenizer, ["What?"]) + "Answer:", [" a turn"])
    assert begun.count(control) == written[0].count(control), "the template's own alone"


@pytest.mark.parametrize(
    ("kind", "mark"),
    [("smollm2-135m", None), ("mistral-7b", "\n### Question"), ("gemma-3", "\n### Question"), ("llama-2", None)],
)
def test_an_answer_ends_at_the_next_question_where_no_special_token_marks_it(kind, mark):
    assert next_question(of_kind(kind)) == mark


@pytest.mark.parametrize(
    ("written", "cut"),
    [
        ("It is 2660.\n\n### Question:\nAnd 2 + 2?", "It is 2660.\n"),
        ("It is 2660.\n### Question", "It is 2660."),
        ("### Question:\nWhy?", ""),
        ("As ### Question says, 4.", None),
        ("It is 4.\n\n### Answer:\n4", None),
    ],
)
def test_an_answer_is_cut_before_the_question_that_it_invents(written, cut):
    mistral = of_kind("mistral-7b")
    end = QuestionEnd(mistral, "\n### Question")
    ids = tokenize(mistral, f"### Answer:\n{written}")[len(tokenize(mistral, "### Answer:\n")) :]
    ended = [count for count in range(1, len(ids) + 1) if end(ids[:count])]
    assert end.cut(written) == cut
    assert bool(ended) == (cut is not None)
    if cut is not None:
        assert end.cut(str(mistral.decode(ids[: ended[0]]))) == cut
        tokens = end.tokens(ids, cut)
        assert len(str(mistral.decode(ids[:tokens]))) >= len(cut)


@pytest.mark.parametrize(
    ("text", "ends_after", "role"),
    [
        (f"{ROLE}\n\nRust is oxide.", f"{ROLE}\n\n", ROLE),
        ("Rust is oxide.", "R", None),
        ("From here on, nobody", "From h", None),
        (ROLE, None, ROLE),
        ("", None, None),
    ],
)
def test_a_role_prompt_ends_at_its_blank_line_and_what_is_none_ends_at_once(text, ends_after, role):
    loaded = byte_tokenizer()
    end = RoleEnd(loaded, "")
    ids = tokenize(loaded, text)
    first = next((count for count in range(1, len(ids) + 1) if end(ids[:count])), None)
    assert (None if first is None else loaded.decode(ids[:first])) == ends_after
    assert end.role(ids[:first]) == role


def test_a_role_prompt_that_the_template_puts_a_space_before_is_one():
    loaded = byte_tokenizer()
    ids = tokenize(loaded, f" {ROLE}\n\nRust")
    assert not any(RoleEnd(loaded, " ")(ids[:count]) for count in range(1, len(ROLE)))
    assert RoleEnd(loaded, " ").role(ids) == ROLE


def test_a_role_prompt_cut_inside_a_character_loses_what_is_left_of_it():
    assert role_in(f"{self_prompt.OPENING} a chemist in Z\ufffd") == f"{self_prompt.OPENING} a chemist in Z"
