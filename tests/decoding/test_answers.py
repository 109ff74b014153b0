"""Batched answers against the library's own, one prompt at a time."""

import pytest
import torch

from stages.chat.rendering import tokenize
from stages.decoding.choices import choice_logprobs
from stages.decoding.generating import Prompt, batches, generate
from stages.decoding.model import load
from stages.decoding.parameters import Decoding, Sampling
from stages.decoding.sampling import Chooser, nucleus, penalize

TEXTS = [
    "What is moss?",
    "Name a river and the city at its mouth.",
    "2 + 2",
    "Why?",
    "Who wrote the first letter, and when?",
]
NEW = 24


@pytest.fixture(scope="module")
def loaded(tiny):
    return load(tiny, Decoding(dtype="float32", batch_tokens=256, threads=1))


@pytest.fixture(scope="module")
def prompts(loaded):
    return [Prompt(tokenize(loaded.tokenizer, text), NEW) for text in TEXTS]


def answers(loaded, prompts, sampling=None):
    chooser = Chooser(sampling, list(range(len(prompts))))
    return generate(loaded, prompts, chooser, list(range(len(prompts))), lambda tokens: None)


def test_greedy_answers_equal_the_librarys(loaded, prompts):
    for prompt, completion in zip(prompts, answers(loaded, prompts), strict=True):
        library = loaded.model.generate(
            torch.tensor([prompt.ids]), max_new_tokens=NEW, do_sample=False, eos_token_id=sorted(loaded.stops)
        )
        written = [token for token in library[0, len(prompt.ids) :].tolist() if token not in loaded.stops]
        assert completion.ids == written


def test_what_prompts_have_in_common_is_computed_once_and_changes_nothing(loaded, prompts):
    common = tokenize(loaded.tokenizer, "You answer questions about plants and rivers. ")
    longer = [Prompt(common + prompt.ids, NEW) for prompt in prompts]
    alone = [generate(loaded, [prompt], Chooser(None, [0]), [0], lambda tokens: None)[0] for prompt in longer]
    together = answers(loaded, longer)
    assert [completion.ids for completion in together] == [completion.ids for completion in alone]
    choices = [[tokenize(loaded.tokenizer, text) for text in (" A", " no")]] * len(prompts)
    apart = [choice_logprobs(loaded, [p], [c], [5], choices[:1])[0] for p, c in zip(longer, alone, strict=True)]
    for found, expected in zip(choice_logprobs(loaded, longer, together, [5], choices), apart, strict=True):
        assert found == pytest.approx(expected, abs=1e-4)


def test_rows_that_stop_early_leave_and_the_others_go_on(loaded, prompts):
    uncut = answers(loaded, prompts)
    stopping = type(loaded)(loaded.model, loaded.tokenizer, loaded.stops | {uncut[0].ids[3]})
    cut = answers(stopping, prompts)
    for whole, part in zip(uncut, cut, strict=True):
        stop = next((place for place, token in enumerate(whole.ids) if token in stopping.stops), None)
        assert part.ids == whole.ids[:stop]
        assert part.finished == (whole.finished or stop is not None)


def test_each_prompt_has_its_own_limit(loaded, prompts):
    limits = (1, 5, 24, 2, 9)
    limited = [Prompt(prompt.ids, limit) for prompt, limit in zip(prompts, limits, strict=True)]
    uncut = answers(loaded, prompts)
    expected = [whole.ids[:limit] for whole, limit in zip(uncut, limits, strict=True)]
    assert [completion.ids for completion in answers(loaded, limited)] == expected


def test_choices_score_as_a_whole_forward_pass_does(loaded, prompts):
    completions = answers(loaded, prompts)
    trigger = tokenize(loaded.tokenizer, "\n\nAnswer:")
    choices = [tokenize(loaded.tokenizer, text) for text in (" A", " B", " yes", " no more")]
    found = choice_logprobs(loaded, prompts, completions, trigger, [choices] * len(prompts))
    for prompt, completion, logprobs in zip(prompts, completions, found, strict=True):
        before = prompt.ids + completion.ids + trigger
        for choice, logprob in zip(choices, logprobs, strict=True):
            logits = loaded.model(torch.tensor([before + choice])).logits[0].detach().log_softmax(-1)
            expected = sum(float(logits[len(before) - 1 + place, token]) for place, token in enumerate(choice))
            assert logprob == pytest.approx(expected, abs=1e-4)


def test_the_first_token_can_be_forbidden(loaded, prompts):
    first = answers(loaded, prompts[:1])[0].ids[0]
    assert answers(loaded, [Prompt(prompts[0].ids, 1, [first])])[0].ids != [first]


def test_a_sampled_answer_does_not_depend_on_its_neighbours(loaded, prompts):
    sampling = Sampling(temperature=0.7, top_p=0.9, repetition_penalty=1.2)
    together = answers(loaded, prompts, sampling)
    alone = generate(loaded, prompts[2:3], Chooser(sampling, [2]), [0], lambda tokens: None)
    assert together[2].ids == alone[0].ids


def test_a_batch_keeps_to_its_budget_and_no_prompt_is_lost(prompts):
    found = list(batches(prompts, 120))
    assert sorted(index for batch in found for index in batch) == list(range(len(prompts)))
    for batch in found:
        assert len(batch) == 1 or len(batch) * max(len(prompts[index].ids) + NEW for index in batch) <= 120


def test_nucleus_draws_in_proportion_and_never_outside():
    logits = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log()
    drawn = torch.linspace(0, 0.9999, 801)
    tokens = nucleus(logits.expand(801, -1), 0.75, drawn)
    assert set(tokens.tolist()) == {0, 1}
    assert float((tokens == 0).float().mean()) == pytest.approx(0.5 / 0.8, abs=0.01)


def test_penalty_divides_positive_and_multiplies_negative_logits():
    logits = torch.tensor([[2.0, -2.0, 1.0]])
    penalize(logits, [[0, 1, 1]], 1.25)
    torch.testing.assert_close(logits, torch.tensor([[1.6, -2.5, 1.0]]))
