"""Questions answered by trained models beside one another, and by ``standard`` also under a role written by hand."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stages import conditions
from stages.chat import self_prompt
from stages.chat.rendering import render_prompt, tokenize
from stages.decoding.generating import Completion, Prompt, batches, generate
from stages.decoding.model import Loaded, load
from stages.decoding.parameters import Decoding, Sampling
from stages.decoding.sampling import Chooser
from stages.systems import System

MODELS = Path("data/models")


@dataclass(frozen=True)
class Put:
    """A question as the user's message, the role written for it by hand, and the seed of what is drawn for it."""

    message: str
    manual_role: str
    seed: int = 0


@dataclass(frozen=True)
class Answered:
    """One system's answers, in the order of the questions."""

    system: System
    answers: list["Answer"]


@dataclass(frozen=True)
class Answer:
    """An answer, its role prompt apart."""

    role: str | None
    text: str
    finished: bool


def side_by_side(
    trained: Iterable[System],
    questions: Sequence[Put],
    decoding: Decoding,
    max_new_tokens: int,
    sampling: Sampling | None = None,
) -> Iterator[Answered]:
    """Each trained model's answers, those of ``standard`` also under the roles by hand; greedy without ``sampling``."""
    for system in trained:
        loaded = load(MODELS / system.name, decoding)
        for condition in (None, "manual") if system.arm == "standard" else (None,):
            put = [conditions.ask(condition, each.message, each.manual_role, None).message for each in questions]
            prompts = [
                Prompt(tokenize(loaded.tokenizer, render_prompt(loaded.tokenizer, [message])), max_new_tokens)
                for message in put
            ]
            chooser = Chooser(sampling, [each.seed for each in questions])
            completions = _completions(loaded, prompts, chooser, decoding)
            answers = [_answer(loaded, completion) for completion in completions]
            yield Answered(system.model_copy(update={"condition": condition}), answers)


def _completions(loaded: Loaded, prompts: list[Prompt], chooser: Chooser, decoding: Decoding) -> list[Completion]:
    found: dict[int, Completion] = {}
    for batch in batches(prompts, decoding.batch_tokens):
        chosen = [prompts[index] for index in batch]
        found |= zip(batch, generate(loaded, chosen, chooser, batch, lambda tokens: None), strict=True)
    return [found[index] for index in range(len(prompts))]


def _answer(loaded: Loaded, completion: Completion) -> Answer:
    role, text = self_prompt.split(str(loaded.tokenizer.decode(completion.ids, skip_special_tokens=True)))
    return Answer(role, text.strip(), completion.finished)
