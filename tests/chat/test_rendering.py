import pytest
from transformers import AutoTokenizer

from stages.arms import with_role
from stages.chat.rendering import Part, render, render_prompt, tokenize

ROLE = "From now on, you are a botanist."
CHATML = (
    "{% for message in messages %}{{ '<|begin|>' + message['role'] + '\n' + message['content'] | trim + '<|end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|begin|>assistant\n' }}{% endif %}"
)


@pytest.fixture(params=["plain", "chatml"])
def tokenizer(request, tiny):
    loaded = AutoTokenizer.from_pretrained(tiny)
    if request.param == "chatml":
        loaded.chat_template = CHATML
    return loaded


def parts(tokenizer, rendered, part):
    return tokenizer.decode([token for token, its in zip(rendered.ids, rendered.parts, strict=True) if its is part])


def test_the_parts_of_one_turn(tokenizer):
    rendered = render(tokenizer, with_role(["What is moss?", "A plant."], ROLE), ROLE)
    assert parts(tokenizer, rendered, Part.ROLE) == ROLE
    assert parts(tokenizer, rendered, Part.ANSWER) == "\n\nA plant.<|end|>"


def test_every_assistant_turn_is_learnt_and_the_role_stands_in_the_first(tokenizer):
    turns = with_role(["What is moss?", "A plant.", "And lichen?", "Two in one."], ROLE)
    rendered = render(tokenizer, turns, ROLE)
    assert parts(tokenizer, rendered, Part.ROLE) == ROLE
    assert parts(tokenizer, rendered, Part.ANSWER) == "\n\nA plant.<|end|>Two in one.<|end|>"


def test_the_standard_arm_differs_by_the_role_alone(tokenizer):
    plain = render(tokenizer, ["What is moss?", "A plant."], None)
    with_prompt = render(tokenizer, with_role(["What is moss?", "A plant."], ROLE), ROLE)
    assert Part.ROLE not in plain.parts
    assert parts(tokenizer, plain, Part.PROMPT) == parts(tokenizer, with_prompt, Part.PROMPT)


def test_training_begins_with_the_very_tokens_that_inference_gives(tokenizer):
    turns = ["What is moss?\n", "A plant."]
    prompt = tokenize(tokenizer, render_prompt(tokenizer, turns[:1]))
    rendered = render(tokenizer, turns, None)
    assert rendered.ids[: len(prompt)] == prompt
    assert set(rendered.parts[: len(prompt)]) == {Part.PROMPT}


def test_one_begin_of_sequence(tokenizer):
    text = render_prompt(tokenizer, ["What is moss?"])
    assert tokenize(tokenizer, text).count(tokenizer.bos_token_id) == text.count("<|begin|>")


def test_a_template_that_rewrites_earlier_turns_is_refused(tokenizer):
    tokenizer.chat_template = "{{ messages | length }}{{ messages[-1]['content'] }}<|end|>"
    with pytest.raises(ValueError, match="changes earlier text"):
        render(tokenizer, ["What is moss?", "A plant."], None)
