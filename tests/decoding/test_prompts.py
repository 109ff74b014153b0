"""Prompts that begin the answer are tokenized as training tokenizes an answer."""

import pytest
from stages.decoding.prompting import Job, begun, warn_of_missing_shots
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from stages.benchmarks import mmlu
from stages.chat.rendering import tokenize
from stages.decoding.parameters import Asking, Decoding
from stages.records.question import Question


@pytest.fixture(scope="module")
def tokenizer():
    """As of GPT-2 and SmolLM: bytes, and one token for two line ends where these are not parted."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {byte: index for index, byte in enumerate([*alphabet, "ĊĊ"])}
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=[("Ċ", "Ċ")]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=core)


@pytest.mark.parametrize("text", ["From now on, you are a cook.\n\n", "Let's think.\n\n", "é\n\n", "no blank line"])
def test_a_begun_answer_has_the_ids_that_training_gives_it(tokenizer, text):
    whole = tokenize(tokenizer, f"{text}Answer: B")
    ids = begun(tokenizer, text)
    assert ids == whole[: len(ids)]
    assert tokenizer.decode(ids) == text


def test_the_blank_line_that_ends_a_text_would_be_another_token(tokenizer):
    text = "a cook.\n\n"
    assert len(begun(tokenizer, text)) == len(tokenize(tokenizer, text)) + 1


SHOTS = [Question(id=f"s-{n}", use="shot", group="moss", question="Which?", answer="A") for n in range(2)]
TESTS = [Question(id=f"t-{n}", group=("moss", "fern")[n % 2], question="Which?", answer="A") for n in range(4)]


@pytest.mark.parametrize(
    ("shots", "limit", "told"),
    [
        (0, None, None),
        (2, 1, None),
        (5, 1, "shots is 5, and 1 of 1 questions have fewer worked examples of their group, some only 2"),
        (1, None, "shots is 1, and 2 of 4 questions have fewer worked examples of their group, some only 0"),
    ],
)
def test_fewer_worked_examples_than_asked_for_are_told_once(tmp_path, caplog, shots, limit, told):
    asking = Asking(limit=limit, max_new_tokens=8, shots=shots)
    decoding = Decoding(dtype="float32", batch_tokens=256)
    job = Job(tmp_path, "mmlu", mmlu.show, mmlu.TRIGGER, False, None, asking, decoding, 17, tmp_path)
    warn_of_missing_shots(job, [*TESTS, *SHOTS])
    if told is None:
        assert not caplog.records
    else:
        (record,) = caplog.records
        assert told in record.getMessage()
        assert "generate.benchmarks.mmlu.shots" in record.getMessage()
