"""The judge is asked about each comparison twice, with either answer first.

A judge behind a server replies. Of a judge in this process the log-odds of the replies "A" and "B" are read: a small
model replies "A" in either order, and how much its likelihood changes with the order is a preference.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tqdm import tqdm

from stages.chat_models import Bill, ChatModel, ChatReply, ChatRequest, Message, Outcome, any_reply
from stages.chat_models.local_model import load_weights, open_chat_model, room
from stages.chat_models.preset import ChatPreset, LocalPreset
from stages.core.errors import InputError
from stages.judging.comparisons import Comparison, shown
from stages.judging.judge_reply import read_verdict
from stages.records.results import Judgement

INSTRUCTION = Path(__file__).with_name("instruction.md")
REPLIES = ("A", "B")
WITHHELD = {"content filter", "refused"}
"""Failures after which whatever text came is no verdict."""
BATCH_TOKENS = 1 << 16


@cache
def instruction() -> str:
    return INSTRUCTION.read_text(encoding="utf-8").strip()


@dataclass(frozen=True)
class Showing:
    """A comparison in one order: the variants and their answers, as shown first and second."""

    comparison: Comparison
    variants: tuple[str, str]
    answers: tuple[str, str]
    answer_words: int | None

    @property
    def request(self) -> ChatRequest:
        first, second = (shown(answer, self.answer_words) for answer in self.answers)
        text = instruction().format(request=self.comparison.request, first=first, second=second)
        pair = self.comparison.pair
        identity = f"{pair.model}/{pair.seed}/{'/'.join(self.variants)}/{self.comparison.id}"
        return ChatRequest(id=identity, messages=(Message(role="user", content=text),))


def showings(comparisons: Sequence[Comparison], answer_words: int | None) -> list[Showing]:
    found = []
    for each in comparisons:
        variants, answers = (each.pair.left.variant, each.pair.right.variant), (each.left, each.right)
        found.append(Showing(each, variants, answers, answer_words))
        found.append(Showing(each, variants[::-1], answers[::-1], answer_words))
    return found


def judge(
    compared: Sequence[Comparison], preset: ChatPreset, answer_words: int | None, base_models: Path, bill: Bill
) -> list[Judgement]:
    """All judgements, in the order of the comparisons; no judge is opened where there is nothing to compare.

    Raises:
        InputError: The judge cannot be opened; or it is the compared model, which is not in ``base_models``.
    """
    judgements: list[Judgement] = []
    for model, group in by_judge(showings(compared, answer_words), preset).items():
        if isinstance(preset, LocalPreset):
            judgements += by_log_odds(judge_folder(preset, model, base_models), group, preset, bill)
        else:
            judgements += ask(open_chat_model(preset), group, preset, bill)
    return judgements


def ask(model: ChatModel, group: Sequence[Showing], preset: ChatPreset, bill: Bill) -> Iterator[Judgement]:
    """One judge's judgements, in the order of the showings; what they took is put on the bill."""
    with closing(model.ask([showing.request for showing in group], any_reply)) as outcomes:
        yield from judged(group, ((outcome, None) for outcome in outcomes), preset, bill)


def by_log_odds(folder: Path, group: Sequence[Showing], preset: LocalPreset, bill: Bill) -> Iterator[Judgement]:
    """A local judge's judgements: which reply it finds likelier at the head of its turn, and by how much, in nats."""
    from stages.decoding.choices import Row, loglikelihoods
    from stages.decoding.context import continuations, opened

    loaded = load_weights(folder, preset)

    def outcomes() -> Iterator[tuple[Outcome[str], float | None]]:
        for begin in tqdm(range(0, len(group), preset.batch_size), unit="batch", desc=f"{folder.name} judges"):
            requests = [showing.request for showing in group[begin : begin + preset.batch_size]]
            heads = [opened(loaded.tokenizer, [request.messages[0].content]) for request in requests]
            rows = [Row(*continuations(loaded.tokenizer, head, REPLIES)) for head in heads]
            fits = [len(row.before) + max(map(len, row.texts)) <= room(loaded) for row in rows]
            fitting = [row for row, fit in zip(rows, fits, strict=True) if fit]
            found = iter(loglikelihoods(loaded, fitting, BATCH_TOKENS))
            for request, row, fit in zip(requests, rows, fits, strict=True):
                first, second = next(found) if fit else (0.0, 0.0)
                text = "A" if first > second else "B" if first < second else "tie" if fit else ""
                reply = ChatReply(
                    text=text,
                    finish_reason="stop",
                    prompt_tokens=len(row.before),
                    completion_tokens=1,
                    model=folder.name,
                )
                failure = None if fit else "prompt too long"
                yield Outcome(request, text, failure, (reply,)), round(first - second, 5) if fit else None

    yield from judged(group, outcomes(), preset, bill)


def judged(
    group: Sequence[Showing], outcomes: Iterable[tuple[Outcome[str], float | None]], preset: ChatPreset, bill: Bill
) -> Iterator[Judgement]:
    """A judgement of each showing from its outcome and, where the judge gives them, its log-odds."""
    for showing, (outcome, log_odds) in zip(group, outcomes, strict=True):
        bill.count(outcome)
        reply = outcome.reply.text if outcome.reply else None
        verdict = read_verdict(reply) if reply and outcome.failure not in WITHHELD else None
        first, second = showing.variants
        words = [len(answer.split()) for answer in showing.answers]
        pair = showing.comparison.pair
        yield Judgement(
            id=showing.comparison.id,
            model=pair.model,
            seed=pair.seed,
            judge=describe_judge(preset, pair.model, outcome.reply),
            first=first,
            second=second,
            first_words=words[0],
            second_words=words[1],
            first_words_shown=min(words[0], showing.answer_words or words[0]),
            second_words_shown=min(words[1], showing.answer_words or words[1]),
            verdict={"A": first, "B": second, "tie": "tie", None: None}[verdict],
            reply=reply,
            failure=outcome.failure,
            log_odds=log_odds,
        )


def estimates(
    compared: Sequence[Comparison], preset: ChatPreset, answer_words: int | None, base_models: Path
) -> Iterator[str]:
    """A line for each judge: what asking it would take."""
    for model, group in by_judge(showings(compared, answer_words), preset).items():
        folder = judge_folder(preset, model, base_models) if isinstance(preset, LocalPreset) else None
        requests = [showing.request for showing in group]
        found = open_chat_model(preset, model_path=folder).estimate(requests, any_reply)
        yield f"{describe_judge(preset, model, None)}: {found}"


def by_judge(all_showings: Sequence[Showing], preset: ChatPreset) -> dict[str, list[Showing]]:
    """Showings by the model that judges itself, or all together under the first model's name."""
    groups: dict[str, list[Showing]] = {}
    for showing in all_showings:
        model = showing.comparison.pair.model
        groups.setdefault(model if judges_itself(preset) else next(iter(groups), model), []).append(showing)
    return groups


def judges_itself(preset: ChatPreset) -> bool:
    """A local preset that names no model: the judge is the base model of the systems compared, before fine-tuning."""
    return isinstance(preset, LocalPreset) and preset.model is None


def judge_folder(preset: LocalPreset, model: str, base_models: Path) -> Path:
    """The local judge of the systems of one model: a folder, or a name on the Hub."""
    if preset.model is not None:
        return Path(preset.model)
    folder = base_models / model
    if not (folder / "config.json").is_file():
        raise InputError(f"{folder} holds no model, and it is the judge of {model}: run `dvc repro`, which makes it")
    return folder


def describe_judge(preset: ChatPreset, model: str, reply: ChatReply | None) -> str:
    """The judge's name for people; a server's own name of the model that replied counts more than the one asked for."""
    if judges_itself(preset):
        return f"{model} itself, before fine-tuning"
    asked = str(getattr(preset, "model", preset.kind))
    return asked if reply is None else reply.model


def require_replies(judgements: Sequence[Judgement], tolerated: float) -> None:
    """Stop where more requests than ``tolerated``, a share, brought no reply: that is a fault, no verdict.

    Raises:
        InputError: Too few replies came; nothing that was paid for is lost.
    """
    silent = [each for each in judgements if each.reply is None and each.failure not in WITHHELD]
    if len(silent) > tolerated * len(judgements):
        raise InputError(
            f"the judge gave no reply to {len(silent)} of {len(judgements)} requests (first: {silent[0].failure}): "
            f"run `dvc repro` again, which asks only what is missing; judges.<name>.tolerated_failures lets some pass"
        )
