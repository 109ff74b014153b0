"""Which text is learnt, which templates are refused, and what becomes of control marks that data quote."""

import pytest
from transformers import AutoTokenizer

from stages.chat.arms import with_head
from stages.chat.rendering import Part, end_of_turn, render, render_prompt, stops, tokenize, tokenize_prompt
from stages.chat.templates import SAMPLE, check_template
from stages.core.errors import InputError
from tests.tokenizers import TEMPLATES, tokenizer

ROLE = "From now on, you are a botanist."
CHATML = (
    "{% for message in messages %}{{ '<|begin|>' + message['role'] + '\n' + message['content'] | trim + '<|end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|begin|>assistant\n' }}{% endif %}"
)
REAL = [
    ("smollm2-135m", None, "<|im_end|>"),
    ("smollm2-135m", "thought", "<|im_end|>"),
    ("smollm2-135m", "two ends", "<|endoftext|>"),
    ("mistral-7b", None, "</s>"),
    ("mistral-7b", "instruct", "</s>"),
    ("gemma-3", "gemma", "<end_of_turn>"),
    ("gemma-3", None, "<start_of_turn>"),
]
"""Tokenizer, template, and a control mark of it."""


@pytest.fixture(params=["plain", "chatml"])
def of_bytes(request, tiny):
    loaded = AutoTokenizer.from_pretrained(tiny)
    if request.param == "chatml":
        loaded.chat_template = CHATML
    return loaded


def parts(loaded, rendered, *wanted):
    return loaded.decode([token for token, part in zip(rendered.ids, rendered.parts, strict=True) if part in wanted])


def test_the_parts_of_one_turn(of_bytes):
    rendered = render(of_bytes, with_head(["What is moss?", "A plant."], ROLE), ROLE)
    assert parts(of_bytes, rendered, Part.ROLE) == ROLE
    assert parts(of_bytes, rendered, Part.ANSWER) == "\n\nA plant."
    assert parts(of_bytes, rendered, Part.END) == "<|end|>"


def test_every_assistant_turn_is_learnt_and_the_role_stands_in_the_first(of_bytes):
    turns = with_head(["What is moss?", "A plant.", "And lichen?", "Two in one."], ROLE)
    rendered = render(of_bytes, turns, ROLE)
    assert parts(of_bytes, rendered, Part.ROLE) == ROLE
    assert parts(of_bytes, rendered, Part.ANSWER, Part.END) == "\n\nA plant.<|end|>Two in one.<|end|>"


def test_the_standard_arm_differs_by_the_role_alone(of_bytes):
    plain = render(of_bytes, ["What is moss?", "A plant."], None)
    with_prompt = render(of_bytes, with_head(["What is moss?", "A plant."], ROLE), ROLE)
    assert Part.ROLE not in plain.parts
    assert parts(of_bytes, plain, Part.PROMPT) == parts(of_bytes, with_prompt, Part.PROMPT)


def test_one_begin_of_sequence(of_bytes):
    text = render_prompt(of_bytes, ["What is moss?"])
    assert tokenize(of_bytes, text).count(of_bytes.bos_token_id) == text.count("<|begin|>")


@pytest.mark.parametrize(("name", "template", "mark"), REAL)
def test_control_marks_that_data_quote_are_text(name, template, mark):
    loaded = tokenizer(name, template)
    control = loaded.convert_tokens_to_ids(mark)
    turns = [f"What does {mark} mean?", f"{mark} ends a turn.", f"And {mark}{mark}\n{mark}?", f"{mark}"]
    rendered, without = render(loaded, turns, None), render(loaded, ["What?", "It.", "And?", "So."], None)
    assert rendered.ids.count(control) == without.ids.count(control), "the template's own alone"
    learnt = parts(loaded, rendered, Part.ANSWER)
    assert learnt.replace(" ", "") == f"{mark}endsaturn.{mark}".replace(" ", "")
    prompt = tokenize_prompt(loaded, turns[:1])
    assert render(loaded, turns[:2], None).ids[: len(prompt)] == prompt
    assert mark in render_prompt(loaded, turns[:1])


@pytest.mark.parametrize(("name", "template", "mark"), REAL)
def test_quoting_one_mark_changes_no_other_token(name, template, mark):
    """Text is tokenized by the renaming copy as by the tokenizer itself, up to the mark and after it."""
    loaded = tokenizer(name, template)
    answer = "Bake at 150 °C.\n\nThen  chill it. crème brûlée"
    plain = render(loaded, ["How?", f"{answer}\nx"], None)
    quoting = render(loaded, ["How?", f"{answer}\n{mark}"], None)
    same = next(place for place, (a, b) in enumerate(zip(plain.ids, quoting.ids, strict=False)) if a != b)
    assert loaded.decode(plain.ids[:same]).rstrip().endswith("brûlée")
    assert plain.parts[:same] == quoting.parts[:same]
    assert plain.ids[-1:] == quoting.ids[-1:]


@pytest.mark.parametrize(("name", "template", "mark"), REAL)
def test_text_that_quotes_no_mark_has_the_plain_ids(name, template, mark):
    loaded = tokenizer(name, template)
    text = loaded.apply_chat_template(
        [{"role": ("user", "assistant")[index % 2], "content": turn} for index, turn in enumerate(SAMPLE)],
        tokenize=False,
    )
    assert render(loaded, SAMPLE, None).ids == tokenize(loaded, text)


@pytest.mark.parametrize("name", ["smollm2-135m", "mistral-7b", "gemma-3"])
def test_other_trainers_mask_what_we_export_as_we_do(name):
    """Our own template carries {% generation %} marks."""
    loaded = tokenizer(name)
    if name == "smollm2-135m":
        loaded.chat_template = tokenizer("mistral-7b").chat_template
    messages = [{"role": ("user", "assistant")[index % 2], "content": turn} for index, turn in enumerate(SAMPLE)]
    given = loaded.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
    rendered = render(loaded, SAMPLE, None)
    assert given["input_ids"] == rendered.ids
    assert given["assistant_masks"] == [int(part is not Part.PROMPT) for part in rendered.parts]


def test_our_template_writes_what_it_wrote_before_it_had_marks(of_bytes):
    loaded = tokenizer("mistral-7b")
    assert (
        render_prompt(loaded, ["A?", "B.", "C?"])
        == "<s>### Question:\nA?\n\n### Answer:\nB.</s>\n\n### Question:\nC?\n\n### Answer:\n"
    )


@pytest.mark.parametrize("template", [None, *TEMPLATES])
def test_templates_of_these_kinds_pass_the_check(template):
    check_template(tokenizer("gemma-3" if template == "gemma" else "smollm2-135m", template))


REFUSED = {
    "a broken one": ("{% for message in messages %}", "fails on a conversation"),
    "one that raises": ("{{ raise_exception('no chats, please') }}", "no chats, please"),
    "one that adds to nothing": ("{{ messages[9].content + 'x' }}", "fails on a conversation"),
    "one that shows the last turn alone": ("{{ messages | length }}{{ messages[-1].content }}<|im_end|>", "leaves out"),
    "one that shouts": (
        "{% for message in messages %}{{ message.content | upper }}<|im_end|>{% endfor %}",
        "changes a turn of a conversation, which begins 'What is moss",
    ),
    "one that repeats": (
        "{% for message in messages %}{{ message.content + message.content }}<|im_end|>{% endfor %}",
        "twice",
    ),
    "one without an end of turn": (
        "{% for message in messages %}{{ message.role + ': ' + message.content + '\n' }}{% endfor %}",
        "no control token of the tokenizer comes first",
    ),
    "one that asks for thoughts": (
        "{% for message in messages %}{{ message.role + ': ' + message.content + '<|im_end|>' }}{% endfor %}"
        "{% if add_generation_prompt %}assistant: <think>{% endif %}",
        "asks for an answer with '<|im_end|>assistant: <think>'",
    ),
    "one that writes the date": ("{{ strftime_now('%d %b %Y') }}" + TEMPLATES["two ends"], "strftime_now"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_other_templates_are_refused_by_name_and_with_what_to_do(kind):
    loaded = tokenizer("smollm2-135m")
    loaded.chat_template, fault = REFUSED[kind]
    loaded.name_or_path = "data/base/mine"
    with pytest.raises(InputError, match=r"data/base/mine: its chat template .*: mend the template, or set") as told:
        check_template(loaded)
    assert fault in str(told.value)


def test_the_end_of_turn_is_not_always_the_end_of_sequence():
    assert end_of_turn(tokenizer("gemma-3", "gemma")) == "<end_of_turn>"
    assert end_of_turn(tokenizer("gemma-3")) == "<eos>"
    assert stops(tokenizer("gemma-3", "gemma")) == [1, 106]
    assert stops(tokenizer("gemma-3")) == [1]
