"""From a corpus to its annotated form: one question to the annotator for each conversation."""

import operator
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from stages.annotation.checks import check_role
from stages.annotation.requests import INSTRUCTION, RoleAnswer, request_role
from stages.annotation.tally import Tally
from stages.chat_models.interface import ChatModel, ChatRequest, Check, Estimate, Outcome
from stages.chat_models.reading import read_json
from stages.errors import InputError
from stages.files import json_line
from stages.records.conversation import AnnotatedConversation, Conversation


class Failure(BaseModel):
    """A line of the failures file: a conversation that got no role prompt, and why."""

    model_config = ConfigDict(extra="forbid")

    id: str
    reason: str
    reply: str | None


class Asking:
    """The requests for a corpus, and the check that knows which conversation each one is about.

    Only the conversations whose outcome is still to come are held.
    """

    def __init__(self, conversations: Iterable[Conversation]) -> None:
        self._conversations = conversations
        self._instruction = INSTRUCTION.read_text(encoding="utf-8")
        self._waiting: dict[str, Conversation] = {}

    def __length_hint__(self) -> int:
        return operator.length_hint(self._conversations, 0)

    def __iter__(self) -> Iterator[ChatRequest]:
        for conversation in self._conversations:
            if conversation.id in self._waiting:
                raise InputError(f"the corpus has the id {conversation.id!r} twice: ids must differ")
            self._waiting[conversation.id] = conversation
            yield request_role(conversation, self._instruction)

    def check(self, request: ChatRequest, text: str) -> str:
        return check_role(read_role(text), self._waiting[request.id])

    def outcomes(self, model: ChatModel) -> Iterator[tuple[Conversation, Outcome[str]]]:
        check: Check[str] = self.check
        for outcome in model.ask(self, check):
            yield self._waiting.pop(outcome.request.id), outcome

    def estimate(self, model: ChatModel) -> Estimate:
        check: Check[str] = self.check
        return model.estimate(self._one_by_one(), check)

    def _one_by_one(self) -> Iterator[ChatRequest]:
        for request in self:
            yield request
            del self._waiting[request.id]


def read_role(text: str) -> str:
    """The role prompt of an answer, in JSON where the server was asked for it, else as it stands."""
    text = text.rpartition("</think>")[2].strip()  # some servers leave a model's thoughts in the answer
    return read_json(text, RoleAnswer).role if text.startswith(("{", "```")) else text


def annotate(
    conversations: Iterable[Conversation], model: ChatModel, tally: Tally, failures: Path
) -> Iterator[AnnotatedConversation]:
    """The conversations that got a role prompt, in order; the others go to the failures file."""
    failures.parent.mkdir(parents=True, exist_ok=True)
    with failures.open("w", encoding="utf-8") as file:
        for conversation, outcome in Asking(conversations).outcomes(model):
            tally.count(outcome)
            if outcome.value is not None:
                yield AnnotatedConversation(**conversation.model_dump(), role=outcome.value)
            else:
                reply = outcome.reply.text if outcome.reply else None
                file.write(json_line(Failure(id=conversation.id, reason=outcome.failure or "", reply=reply)))


def estimate(conversations: Iterable[Conversation], model: ChatModel) -> Estimate:
    """What annotating would take; asks nothing."""
    return Asking(conversations).estimate(model)
