"""The judge is asked about each comparison twice, with either answer first."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from stages.chat_models import Bill, ChatModel, ChatReply, ChatRequest, Message, Outcome
from stages.chat_models.preset import ChatPreset, LocalPreset
from stages.core.errors import InputError
from stages.judging.comparisons import Comparison, count_words, shown
from stages.judging.judges import describe_judge, judge_folder, judges_itself, open_judge
from stages.judging.verdict import read_verdict
from stages.records.judgement import Judgement

INSTRUCTION = Path(__file__).with_name("instruction.md")
WITHHELD = {"content filter", "refused"}
"""Failures after which whatever text came is no verdict."""


class Showing(BaseModel):
    """A comparison in one order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    comparison: Comparison
    left_first: bool
    answer_words: int | None

    @property
    def variants(self) -> tuple[str, str]:
        pair = self.comparison.pair
        return self._ordered(pair.left.variant, pair.right.variant)

    @property
    def answers(self) -> tuple[str, str]:
        return self._ordered(self.comparison.left, self.comparison.right)

    @property
    def request(self) -> ChatRequest:
        first, second = (shown(answer, self.answer_words) for answer in self.answers)
        text = instruction().format(request=self.comparison.request, first=first, second=second)
        pair = self.comparison.pair
        identity = f"{pair.model}/{pair.seed}/{'/'.join(self.variants)}/{self.comparison.id}"
        return ChatRequest(id=identity, messages=(Message(role="user", content=text),))

    def _ordered(self, left: str, right: str) -> tuple[str, str]:
        return (left, right) if self.left_first else (right, left)


@cache
def instruction() -> str:
    return INSTRUCTION.read_text(encoding="utf-8").strip()


def showings(comparisons: Sequence[Comparison], answer_words: int | None) -> list[Showing]:
    return [
        Showing(comparison=comparison, left_first=left_first, answer_words=answer_words)
        for comparison in comparisons
        for left_first in (True, False)
    ]


def judge(
    compared: Sequence[Comparison], preset: ChatPreset, answer_words: int | None, base_models: Path, bill: Bill
) -> list[Judgement]:
    """All judgements, in the order of the comparisons; no judge is opened where there is nothing to compare."""
    judgements: list[Judgement] = []
    for model, shown_pairs in by_judge(showings(compared, answer_words), preset).items():
        if isinstance(preset, LocalPreset):
            judgements += by_log_odds(judge_folder(preset, model, base_models), shown_pairs, preset, bill)
        else:
            judgements += ask(open_judge(preset, model, base_models), shown_pairs, preset, bill)
    return judgements


def by_log_odds(folder: Path, shown_pairs: Sequence[Showing], preset: LocalPreset, bill: Bill) -> Iterator[Judgement]:
    """A local judge's judgements: what it finds likelier, "A" or "B", and by how much.

    A small model's reply is "A" in either order; how much its likelihood changes with the order is a preference.
    """
    from stages.judging.local import log_odds

    requests = _requests(shown_pairs)
    texts = [request.messages[0].content for request in requests]
    for showing, request, odds in zip(shown_pairs, requests, log_odds(folder, texts, preset), strict=True):
        value, failure = odds.log_odds, "prompt too long" if odds.log_odds is None else None
        text = "" if value is None else "A" if value > 0 else "B" if value < 0 else "tie"
        reply = ChatReply(
            text=text, finish_reason="stop", prompt_tokens=odds.prompt_tokens, completion_tokens=1, model=folder.name
        )
        outcome = Outcome(request, text, failure, (reply,))
        bill.count(outcome)
        judged = _judgement(showing, outcome, describe_judge(preset, showing.comparison.pair.model, reply))
        yield judged.model_copy(update={"log_odds": None if value is None else round(value, 5)})


def estimates(
    compared: Sequence[Comparison], preset: ChatPreset, answer_words: int | None, base_models: Path
) -> Iterator[str]:
    """A line for each judge: what asking it would take."""
    for model, shown_pairs in by_judge(showings(compared, answer_words), preset).items():
        found = open_judge(preset, model, base_models).estimate(_requests(shown_pairs), any_reply)
        yield (
            f"{describe_judge(preset, model, None)}: {found.requests} requests, of which {found.missing} are missing "
            f"in the cache (about {found.prompt_tokens} tokens in, ${found.cost:.2f} to ${found.cost_at_most:.2f})"
        )


def by_judge(shown_pairs: Sequence[Showing], preset: ChatPreset) -> dict[str, list[Showing]]:
    """Showings by the model that judges itself, or all together under the first model's name."""
    groups: dict[str, list[Showing]] = {}
    for showing in shown_pairs:
        model = showing.comparison.pair.model
        groups.setdefault(model if judges_itself(preset) else next(iter(groups), model), []).append(showing)
    return groups


def any_reply(_: ChatRequest, text: str) -> str:
    """The check takes any reply: asking again until one can be read would favour what is easy to say."""
    return text


def _requests(shown_pairs: Sequence[Showing]) -> list[ChatRequest]:
    return [showing.request for showing in shown_pairs]


def ask(model: ChatModel, shown_pairs: Sequence[Showing], preset: ChatPreset, bill: Bill) -> Iterator[Judgement]:
    """One judge's judgements, in the order of the showings; what they took is put on the bill."""
    with closing(model.ask(_requests(shown_pairs), any_reply)) as outcomes:
        for showing, outcome in zip(shown_pairs, outcomes, strict=True):
            bill.count(outcome)
            yield _judgement(showing, outcome, describe_judge(preset, showing.comparison.pair.model, outcome.reply))


def _judgement(showing: Showing, outcome: Outcome[str], judge: str) -> Judgement:
    reply = outcome.reply.text if outcome.reply else None
    verdict = read_verdict(reply) if reply and outcome.failure not in WITHHELD else None
    first, second = showing.variants
    first_words, second_words = (count_words(answer) for answer in showing.answers)
    limit = showing.answer_words
    return Judgement(
        id=showing.comparison.id,
        model=showing.comparison.pair.model,
        seed=showing.comparison.pair.seed,
        judge=judge,
        first=first,
        second=second,
        first_words=first_words,
        second_words=second_words,
        first_words_shown=first_words if limit is None else min(first_words, limit),
        second_words_shown=second_words if limit is None else min(second_words, limit),
        verdict={"A": first, "B": second, "tie": "tie", None: None}[verdict],
        reply=reply,
        failure=outcome.failure,
    )


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
