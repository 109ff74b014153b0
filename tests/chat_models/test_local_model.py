from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from stages.chat_models import ChatRequest, InvalidAnswer, Message
from stages.chat_models.local_model import LocalModel, open_chat_model
from stages.chat_models.preset import LocalPreset
from stages.core.errors import InputError
from tests.chat_models.support import as_it_is

# The first lengths differ, so that padding has something to do.
QUESTIONS = ["Why?", "What is a hedgehog, and what does it eat in winter?", "Name a river.", "Sing!", "How so?" * 9]


def preset(**changes: object) -> LocalPreset:
    return LocalPreset.model_validate({"kind": "local", "max_new_tokens": 12, "batch_size": 2} | changes)


def ask(count: int = len(QUESTIONS)) -> list[ChatRequest]:
    return [
        ChatRequest(id=str(number), messages=(Message(role="user", content=QUESTIONS[number % len(QUESTIONS)]),))
        for number in range(count)
    ]


def texts(model: LocalModel, requests: list[ChatRequest]) -> list[str]:
    return [outcome.reply.text for outcome in model.ask(requests, as_it_is) if outcome.reply]


def test_answers_come_in_order_and_do_not_depend_on_the_batch(tiny: Path) -> None:
    together = texts(LocalModel(preset(batch_size=3), tiny), ask(12))
    alone = [texts(LocalModel(preset(batch_size=1), tiny), [one])[0] for one in ask(5)]
    assert together == [alone[number % 5] for number in range(12)]
    assert len(set(together)) > 1


def test_an_answer_that_was_cut_off_is_no_answer_but_its_text_is_kept(tiny: Path) -> None:
    outcome = next(LocalModel(preset(max_new_tokens=3), tiny).ask(ask(1), as_it_is))
    assert (outcome.value, outcome.failure) == (None, "cut off")
    assert outcome.reply
    assert outcome.reply.completion_tokens == 3


def ending(folder: Path, made: LocalPreset, *stops: int) -> LocalModel:
    """A model that ends its turn by other tokens."""
    model = LocalModel(made, folder)
    model._loaded = replace(model._loaded, stops=frozenset(stops))
    return model


def greedy(folder: Path, prompt: list[int], count: int) -> list[int]:
    """What transformers' own generation writes, which ends at no token."""
    model = AutoModelForCausalLM.from_pretrained(folder)
    ids = torch.tensor([prompt])
    model.generation_config.eos_token_id = None
    out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=count, do_sample=False)
    return out[0, len(prompt) :].tolist()


def test_it_writes_what_transformers_writes_and_ends_where_the_model_ends_it(tiny: Path) -> None:
    whole = ending(tiny, preset(max_new_tokens=8))
    written = greedy(tiny, whole._prompt(ask(1)[0]), 8)
    assert texts(whole, ask(1)) == [whole._loaded.tokenizer.decode(written, skip_special_tokens=True).strip()]
    outcome = next(ending(tiny, preset(max_new_tokens=8), written[5]).ask(ask(1), as_it_is))
    assert outcome.reply
    assert outcome.reply.finish_reason == "stop"
    assert outcome.reply.completion_tokens == written.index(written[5])


def test_invalid_answers_are_asked_again_and_the_others_are_not(tiny: Path) -> None:
    model = ending(tiny, preset(attempts=3), *range(0, 258, 5))
    asked: list[str] = []

    def check(request: ChatRequest, text: str) -> str:
        asked.append(request.id)
        if request.id == "1":
            raise InvalidAnswer("never good enough")
        return text

    outcomes = {outcome.request.id: outcome for outcome in model.ask(ask(3), check)}
    assert outcomes["1"].value is None
    assert len(outcomes["1"].replies) == 3
    assert [outcome.request.id for outcome in outcomes.values()] == ["0", "1", "2"]
    assert asked.count("1") <= 3
    assert all(outcomes[name].failure or len(outcomes[name].replies) < 3 for name in ("0", "2"))


def test_a_prompt_that_does_not_fit_fails_alone(tiny: Path) -> None:
    model = LocalModel(preset(max_new_tokens=4), tiny)
    long = ChatRequest(id="long", messages=(Message(role="user", content="long " * 1000),))
    outcomes = list(model.ask([*ask(2), long, *ask(2)], as_it_is))
    assert [outcome.failure for outcome in outcomes] == ["cut off", "cut off", "prompt too long", "cut off", "cut off"]


def test_the_dry_run_counts_tokens_and_no_cost(tiny: Path) -> None:
    told = LocalModel(preset(), tiny).estimate(ask(3), as_it_is)
    assert (told.requests, told.missing, told.cost) == (3, 3, 0.0)
    assert told.prompt_tokens > sum(len(question) for question in QUESTIONS[:3])


def test_a_folder_takes_the_place_of_the_presets_model(tiny: Path) -> None:
    model = open_chat_model(preset(model="nobody/has-this"), model_path=tiny)
    outcome = next(model.ask(ask(1), as_it_is))
    assert outcome.reply
    assert outcome.reply.model == tiny.name


def test_a_model_that_is_missing_or_has_no_chat_template_is_named(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty holds no model"):
        LocalModel(preset(), tmp_path / "empty")
    with pytest.raises(InputError, match="'not/a/name/at/all' cannot be loaded"):
        LocalModel(preset(model="not/a/name/at/all"))
    with pytest.raises(InputError, match="has no name"):
        LocalModel(preset())
    for file in tiny.iterdir():
        if "template" not in file.name:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(InputError, match="has no chat template"):
        LocalModel(preset(), tmp_path)
