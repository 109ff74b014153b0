"""A chat model answers prompts as the systems do: one generation for each, in order."""

from collections.abc import Sequence

from stages.chat import self_prompt
from stages.chat_models.bill import Bill
from stages.chat_models.interface import ChatModel, ChatRequest, Message, Outcome
from stages.errors import InputError
from stages.records.generation import Generation
from stages.records.question import Question


def answers(model: ChatModel, prompts: Sequence[Question], tolerated: float, bill: Bill) -> list[Generation]:
    """What was said to each prompt: a refusal as it stands, an answer cut off as far as it goes.

    Raises:
        InputError: More than ``tolerated`` of the prompts, a share, brought no reply at all.
    """
    outcomes = list(model.ask(map(_request, prompts), any_reply))
    silent = [outcome for outcome in outcomes if outcome.reply is None]
    if len(silent) > tolerated * len(outcomes):
        raise InputError(
            f"no reply to {len(silent)} of {len(outcomes)} prompts (first: {silent[0].failure}): run `dvc repro` "
            "again, which asks only what is missing; rivals.<name>.tolerated_failures lets some pass"
        )
    for outcome in outcomes:
        bill.count(outcome)
    return [_generation(outcome) for outcome in outcomes]


def estimate(model: ChatModel, prompts: Sequence[Question]) -> str:
    found = model.estimate(map(_request, prompts), any_reply)
    return (
        f"{found.requests} requests, of which {found.missing} are missing in the cache (about {found.prompt_tokens} "
        f"tokens in, ${found.cost:.2f} to ${found.cost_at_most:.2f})"
    )


def any_reply(_: ChatRequest, text: str) -> str:
    """The check takes any reply: a rival is judged by what it said first."""
    return text


def _request(prompt: Question) -> ChatRequest:
    return ChatRequest(id=prompt.id, messages=(Message(role="user", content=prompt.question),))


def _generation(outcome: Outcome[str]) -> Generation:
    reply = outcome.reply
    output = (reply.text or reply.refusal or "").strip() if reply else ""
    return Generation(
        id=outcome.request.id,
        prompt=outcome.request.messages[0].content,
        role=self_prompt.split(output)[0],
        output=output,
        output_tokens=reply.completion_tokens if reply else 0,
        finished=reply is not None and reply.finish_reason == "stop",
    )
