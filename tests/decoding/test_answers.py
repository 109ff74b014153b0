"""Batched answers against the library's own, one prompt at a time."""

import json
import shutil
import subprocess
import sys

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from stages.benchmarks import gsm8k
from stages.chat.rendering import tokenize
from stages.core.errors import InputError
from stages.decoding.answering import answer
from stages.decoding.choices import Row, loglikelihoods
from stages.decoding.generating import Chooser, Prompt, batches, generate, nucleus, penalize
from stages.decoding.model import load, stops
from stages.decoding.parameters import Asking, Decoding, OpenEnded, Sampling
from stages.decoding.prompts import Job
from stages.records.question import Question
from tests.conftest import tiny_model
from tests.import_graph import ROOT
from tests.tokenizers import tokenizer as real_tokenizer

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
def library(tiny):
    """The same model with the library's own attention."""
    return AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def prompts(loaded):
    return [Prompt(tokenize(loaded.tokenizer, text), NEW) for text in TEXTS]


def answers(loaded, prompts, sampling=None):
    chooser = Chooser(sampling, list(range(len(prompts))))
    return generate(loaded, prompts, chooser, list(range(len(prompts))), lambda tokens: None)


def test_greedy_answers_equal_the_librarys(loaded, library, prompts):
    for prompt, completion in zip(prompts, answers(loaded, prompts), strict=True):
        assert completion.ids == greedy(library, prompt, loaded.stops)


def greedy(library, prompt, stops):
    written = library.generate(
        torch.tensor([prompt.ids]), max_new_tokens=NEW, do_sample=False, eos_token_id=sorted(stops)
    )
    return [token for token in written[0, len(prompt.ids) :].tolist() if token not in stops]


def test_what_prompts_have_in_common_is_computed_once_and_changes_nothing(loaded, prompts):
    common = tokenize(loaded.tokenizer, "You answer questions about plants and rivers. ")
    longer = [Prompt(common + prompt.ids, NEW) for prompt in prompts]
    alone = [generate(loaded, [prompt], Chooser(None, [0]), [0], lambda tokens: None)[0] for prompt in longer]
    together = answers(loaded, longer)
    assert [completion.ids for completion in together] == [completion.ids for completion in alone]


WINDOW = 16
"""Tokens that a sliding layer attends to: fewer than prompts have, and than are read at once."""


@pytest.mark.parametrize("architecture", ["llama", "mistral", "gemma3"])
def test_prompts_longer_than_a_sliding_window_are_answered_as_the_library_does(architecture, tmp_path):
    folder = tiny_model(architecture, tmp_path / architecture)
    config = json.loads((folder / "config.json").read_text())
    if architecture != "llama":
        config |= {"sliding_window": WINDOW}
    if architecture == "gemma3":
        config |= {"layer_types": ["sliding_attention", "full_attention"]}
    (folder / "config.json").write_text(json.dumps(config))
    sliding = load(folder, Decoding(dtype="float32", batch_tokens=256, threads=1))
    assert getattr(sliding.model.config, "sliding_window", None) == (None if architecture == "llama" else WINDOW)
    head = "You answer questions about plants and rivers. "
    texts = [
        *TEXTS[:2],
        *(head + text for text in TEXTS),
        *(f"{head}Moss grows in the shade. {text}" for text in TEXTS),
    ]
    prompts = [Prompt(tokenize(sliding.tokenizer, text), NEW) for text in texts]
    library = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    for prompt, completion in zip(prompts, answers(sliding, prompts), strict=True):
        assert completion.ids == greedy(library, prompt, sliding.stops)


def test_rows_that_stop_early_leave_and_the_others_go_on(loaded, prompts):
    uncut = answers(loaded, prompts)
    stopping = type(loaded)(loaded.model, loaded.tokenizer, loaded.stops | {uncut[0].ids[3]})
    cut = answers(stopping, prompts)
    for whole, part in zip(uncut, cut, strict=True):
        stop = next((place for place, token in enumerate(whole.ids) if token in stopping.stops), None)
        assert part.ids == whole.ids[:stop]
        assert part.finished == (whole.finished or stop is not None)


def test_an_answer_ends_at_its_templates_mark_where_that_is_not_the_end_of_sequence(tiny, loaded, prompts, tmp_path):
    """As Gemma's <end_of_turn>, in a folder whose generation config names the end of sequence alone."""
    uncut = answers(loaded, prompts)[0].ids
    mark = loaded.tokenizer.convert_ids_to_tokens(uncut[3])
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    tokenizer.add_special_tokens({"additional_special_tokens": [mark]})
    tokenizer.chat_template = "{% for message in messages %}{{ message.content + '" + mark + "' }}{% endfor %}"
    folder = tmp_path / "other-end"
    shutil.copytree(tiny, folder)
    tokenizer.save_pretrained(folder)
    ending = load(folder, Decoding(dtype="float32", batch_tokens=256, threads=1))
    assert ending.stops == loaded.stops | {uncut[3]}
    (completion,) = answers(ending, prompts[:1])
    assert (completion.ids, completion.finished) == (uncut[: uncut.index(uncut[3])], True)


def test_a_template_that_no_training_could_use_leaves_the_folders_own_stops(tiny):
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    tokenizer.chat_template = "{% for message in messages %}{{ message.content }}{% endfor %}"
    assert stops(None, tokenizer) == {tokenizer.eos_token_id}
    tokenizer.chat_template = None
    assert stops(None, tokenizer) == {tokenizer.eos_token_id}


@pytest.mark.parametrize(
    ("name", "template", "marks"),
    [
        ("gemma-3", "gemma", {"<eos>", "<end_of_turn>"}),
        ("smollm2-135m", "two ends", {"<|im_end|>"}),
        ("mistral-7b", "instruct", {"</s>"}),
    ],
)
def test_the_marks_that_end_a_turn_under_real_tokenizers(name, template, marks):
    tokenizer = real_tokenizer(name, template)
    assert stops(None, tokenizer) == set(tokenizer.convert_tokens_to_ids(sorted(marks)))


def test_each_prompt_has_its_own_limit(loaded, prompts):
    limits = (1, 5, 24, 2, 9)
    limited = [Prompt(prompt.ids, limit) for prompt, limit in zip(prompts, limits, strict=True)]
    uncut = answers(loaded, prompts)
    expected = [whole.ids[:limit] for whole, limit in zip(uncut, limits, strict=True)]
    assert [completion.ids for completion in answers(loaded, limited)] == expected


CHOICES = (" A", " B", " yes", " no more", " a long choice of many words")
ARCHITECTURES = ["llama", "mistral", "gemma3"]


@pytest.mark.parametrize("known", ["nothing", "all", "a part", "another text"])
def test_choices_score_as_a_whole_forward_pass_does(loaded, library, prompts, known):
    choices = [tokenize(loaded.tokenizer, text) for text in CHOICES]
    rows = []
    for prompt, completion in zip(prompts, answers(loaded, prompts), strict=True):
        whole = [*prompt.ids, *completion.ids]
        before = {"a part": whole[: len(prompt.ids) + 3], "another text": [*prompt.ids[:4], 5, 6]}.get(known, whole)
        before = [*before, *tokenize(loaded.tokenizer, "\n\nAnswer:")]
        past = (whole[:-1], completion.past) if known != "nothing" else ()
        rows.append(Row(before, choices, *past))
    for row, found in zip(rows, loglikelihoods(loaded, rows, 4096), strict=True):
        assert found == pytest.approx(of_whole_passes(library, row.before, choices), abs=1e-4)


def test_rows_of_other_lengths_and_numbers_of_choices_change_no_likelihood(loaded, library):
    texts = ["a", "What is moss?", "Name a river. " * 12]
    rows = [
        Row(tokenize(loaded.tokenizer, text), [tokenize(loaded.tokenizer, choice) for choice in CHOICES[place:]])
        for place, text in enumerate(texts)
    ]
    for budget in (256, 100_000):
        for row, found in zip(rows, loglikelihoods(loaded, rows, budget), strict=True):
            assert found == pytest.approx(of_whole_passes(library, row.before, row.texts), abs=1e-4)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_choices_score_as_the_library_does_on_each_architecture(architecture, tmp_path):
    folder = tiny_model(architecture, tmp_path / architecture)
    model = load(folder, Decoding(dtype="float32", batch_tokens=256, threads=1))
    library = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    choices = [tokenize(model.tokenizer, text) for text in CHOICES]
    rows = [Row(tokenize(model.tokenizer, text), choices) for text in TEXTS]
    for row, found in zip(rows, loglikelihoods(model, rows, 2048), strict=True):
        assert found == pytest.approx(of_whole_passes(library, row.before, choices), abs=1e-4)


def test_choices_score_alike_by_the_librarys_attention_as_on_a_gpu(tiny, library, monkeypatch):
    monkeypatch.setattr("stages.decoding.model.implementation", lambda config, device: None)
    masked = load(tiny, Decoding(dtype="float32", batch_tokens=256, threads=1))
    assert not masked.skips_padding
    choices = [tokenize(masked.tokenizer, text) for text in CHOICES]
    rows = [Row(tokenize(masked.tokenizer, text * 3), choices) for text in TEXTS]
    for row, found in zip(rows, loglikelihoods(masked, rows, 4096), strict=True):
        assert found == pytest.approx(of_whole_passes(library, row.before, choices), abs=1e-4)


def of_whole_passes(library, before, choices):
    """Each choice's log-likelihood after some tokens, without a cache."""
    passes = [library(torch.tensor([before + choice])).logits[0].detach().log_softmax(-1) for choice in choices]
    return [
        sum(float(logits[len(before) - 1 + place, token]) for place, token in enumerate(choice))
        for logits, choice in zip(passes, choices, strict=True)
    ]


def test_an_answer_ends_where_its_own_rule_says(loaded, prompts):
    uncut = answers(loaded, prompts)
    ruled = [Prompt(prompt.ids, NEW, until=lambda ids: len(ids) == 5) for prompt in prompts]
    for whole, part in zip(uncut, answers(loaded, ruled), strict=True):
        assert part.ids == whole.ids[:5]
        assert part.finished


ANSWERS_THEN_TRAINS = """
import sys
from pathlib import Path
from stages.decoding import answering, references
from stages.decoding.generating import Prompt, generate_all
from stages.decoding.model import load
from stages.decoding.parameters import Decoding

loaded = load(Path(sys.argv[1]), Decoding(dtype="float32", batch_tokens=256, threads=1))
generate_all(loaded, [Prompt([5, 6], 2)], None, [0], 256)
assert "deepspeed" not in sys.modules, "answering imports DeepSpeed, which takes seconds"
import deepspeed
assert deepspeed.initialize
"""


def test_answering_imports_no_deepspeed_and_training_can_follow_in_the_same_process(tiny):
    subprocess.run([sys.executable, "-c", ANSWERS_THEN_TRAINS, str(tiny)], check=True, cwd=ROOT)


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


def test_prompts_that_share_worked_examples_follow_one_another():
    heads = {letter: [place] * 40 for place, letter in enumerate("ab")}
    names = ["a1", "b22", "a333", "b4444", "a5"]
    sharing = [Prompt(heads[name[0]] + [int(name[1])] * (len(name) - 1), 2) for name in names]
    assert [[names[index] for index in batch] for batch in batches(sharing, 10**6)] == [
        ["b4444", "b22", "a333", "a1", "a5"]
    ]
    alone = [Prompt([place] * length, 2) for place, length in enumerate((3, 9, 5))]
    assert list(batches(alone, 10**6)) == [[1, 2, 0]]


def test_nucleus_draws_in_proportion_and_never_outside():
    logits = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log()
    drawn = torch.linspace(0, 0.9999, 801)
    tokens = nucleus(logits.expand(801, -1), 0.75, drawn)
    assert set(tokens.tolist()) == {0, 1}
    assert float((tokens == 0).float().mean()) == pytest.approx(0.5 / 0.8, abs=0.01)


def test_the_penalty_counts_what_was_written_and_not_the_prompt(loaded, prompts):
    counted = []

    class Recording(Chooser):
        def choose(self, logits, rows, written):
            counted.append([list(tokens) for tokens in written])
            return super().choose(logits, rows, written)

    chooser = Recording(Sampling(temperature=0.7, top_p=0.9, repetition_penalty=1.2), [0])
    (answer,) = generate(loaded, prompts[:1], chooser, [0], lambda tokens: None)
    assert len(answer.ids) > 1
    assert counted == [[answer.ids[:place]] for place in range(len(counted))]


def test_penalty_divides_positive_and_multiplies_negative_logits():
    logits = torch.tensor([[2.0, -2.0, 1.0]])
    penalize(logits, [[0, 1, 1]], 1.25)
    torch.testing.assert_close(logits, torch.tensor([[1.6, -2.5, 1.0]]))


def test_a_prompt_and_answer_beyond_the_models_context_are_refused_before_any_work(tiny, tmp_path):
    questions = [
        Question(id="short", question="Why?", answer="1"),
        Question(id="long", question="Why? " * 60, answer="1"),
    ]

    def job(new, sampling=None):
        asking = (
            OpenEnded(max_new_tokens=new, sampling=sampling) if sampling else Asking(max_new_tokens=new, role_tokens=1)
        )
        decoding = Decoding(dtype="float32", batch_tokens=256, threads=1)
        return Job(tiny, "gsm8k", gsm8k, ["written"], None, asking, decoding, 1, tmp_path / "partial")

    told = r"long: a prompt of \d+ tokens and an answer of up to 4000 exceed the 4096 positions.*"
    with pytest.raises(InputError, match=told + r"`generate\.benchmarks\.gsm8k`"):
        answer(job(4000), questions)
    with pytest.raises(InputError, match=told + r"`preference\.decoding`"):
        answer(job(4000, Sampling(temperature=1.0, top_p=1.0)), questions)
    assert not list(tmp_path.rglob("*.jsonl"))
    assert len(answer(job(4), questions)) == 2
