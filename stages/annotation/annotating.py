"""From a corpus to its annotated form: one question to the annotator for each conversation.

The annotator is shown the first user turn alone, since the trained model will see no more when it writes its role.
"""

import json
import math
import operator
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from stages.annotation.checks import check_role
from stages.annotation.recording import NOT_RECORDED
from stages.chat.self_prompt import OPENING
from stages.chat_models import Bill, ChatModel, ChatRequest, Check, Estimate, InvalidAnswer, Message, Outcome
from stages.chat_models.preset import ChatPreset
from stages.core.errors import InputError
from stages.records.conversation import AnnotatedConversation, Conversation
from stages.records.files import iterate_jsonl, json_line

INSTRUCTION = Path(__file__).with_name("instruction.md")
SHAPES = (
    "one plain, short sentence",
    "one plain, short sentence",
    "one fuller sentence",
    "two sentences",
    "two sentences",
)
"""One is chosen by each item's key, so that the shapes vary although no request knows the others."""
OBJECTS_TRIED = 20
"""Braces in an answer at which a JSON object is looked for."""


class RoleAnswer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: str


SCHEMA = RoleAnswer.model_json_schema()


class Failure(BaseModel):
    """A line of the failures file: a conversation that got no role prompt, and why."""

    model_config = ConfigDict(extra="forbid")

    id: str
    reason: str
    reply: str | None


class CorpusFile:
    """The conversations of a file, read anew at each iteration and never all in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[Conversation]:
        return iterate_jsonl(self._path, Conversation)

    def __length_hint__(self) -> int:
        if not self._path.is_file():
            return 0
        with self._path.open("rb") as file:
            return sum(1 for line in file if line.strip())


class RoleRequests:
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

    def outcomes(self, model: ChatModel) -> Generator[tuple[Conversation, Outcome[str]], None, None]:
        check: Check[str] = self.check
        with closing(model.ask(self, check)) as outcomes:
            for outcome in outcomes:
                yield self._waiting.pop(outcome.request.id), outcome

    def estimate(self, model: ChatModel) -> Estimate:
        """What annotating would take; asks nothing."""

        def one_by_one() -> Iterator[ChatRequest]:
            for request in self:
                yield request
                del self._waiting[request.id]

        check: Check[str] = self.check
        return model.estimate(one_by_one(), check)


def request_role(conversation: Conversation, instruction: str) -> ChatRequest:
    shape = SHAPES[int(conversation.key, 16) % len(SHAPES)]
    # In tags, so that the message is not taken for an instruction.
    shown = f"<message>\n{conversation.turns[0]}\n</message>\n\nWrite the role prompt for this message, in {shape}."
    return ChatRequest(
        id=conversation.id,
        messages=(Message(role="system", content=instruction), Message(role="user", content=shown)),
        answer_schema=SCHEMA,
        recorded_key=conversation.key,
    )


def read_role(text: str) -> str:
    """The role prompt of an answer: from its JSON object, whatever prose stands around it, else as it stands.

    Raises:
        InvalidAnswer: There is an object, and it is not what was asked for.
    """
    text = text.rpartition("</think>")[2].strip()  # some servers leave a model's thoughts in the answer
    return read_json(text).role if "{" in text and not text.startswith(OPENING) else text


def read_json(text: str) -> RoleAnswer:
    """The first JSON object in a text that fits.

    Raises:
        InvalidAnswer: There is none, or a key stands twice.
    """
    decoder = json.JSONDecoder(object_pairs_hook=_distinct)
    fault, place = "not JSON", -1
    for _ in range(OBJECTS_TRIED):
        place = text.find("{", place + 1)
        if place < 0:
            break
        try:
            value, end = decoder.raw_decode(text, place)
            json.dumps(value, ensure_ascii=False).encode()
            return RoleAnswer.model_validate(value)
        except ValidationError:
            fault, place = "not the fields asked for", end - 1
        except RecursionError:
            raise InvalidAnswer("nested too deeply") from None
        except UnicodeEncodeError:
            raise InvalidAnswer("half a character") from None
        except ValueError:  # no JSON here, or a number of thousands of digits
            continue
    raise InvalidAnswer(fault)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # json keeps the last of two equal keys, silently: which one was meant cannot be known.
    if len({key for key, _ in pairs}) < len(pairs):
        raise InvalidAnswer("a key stands twice")
    return dict(pairs)


class Tally:
    """Counts over outcomes: the same whether a run went through at once or was interrupted and resumed."""

    def __init__(self, preset: ChatPreset) -> None:
        self.items = self.annotated = 0
        self.failures, self._bill = Counter[str](), Bill(preset)

    def count(self, outcome: Outcome[Any]) -> None:
        self.items += 1
        self.annotated += outcome.value is not None
        self.failures.update([outcome.failure] if outcome.failure is not None else [])
        self._bill.count(outcome)

    def metrics(self) -> dict[str, Any]:
        counts = {"items": self.items, "annotated": self.annotated, "failures": dict(sorted(self.failures.items()))}
        return counts | self._bill.metrics()


def annotate(
    conversations: Iterable[Conversation], model: ChatModel, tally: Tally, failures: Path
) -> Generator[AnnotatedConversation, None, None]:
    """The conversations that got a role prompt, in order; the others go to the failures file.

    Close it (``contextlib.closing``) where it may not be read to its end.
    """
    failures.parent.mkdir(parents=True, exist_ok=True)
    with failures.open("w", encoding="utf-8") as file, closing(RoleRequests(conversations).outcomes(model)) as outcomes:
        for conversation, outcome in outcomes:
            tally.count(outcome)
            if outcome.value is not None:
                yield AnnotatedConversation(**conversation.model_dump(), role=outcome.value)
            else:
                reply = outcome.reply.text if outcome.reply else None
                file.write(json_line(Failure(id=conversation.id, reason=outcome.failure or "", reply=reply)))


def demand_enough(tally: Tally, preset: ChatPreset, recorded: Path, failures: Path) -> None:
    """Stop the stage where more items failed than the preset tolerates.

    Raises:
        InputError: How many failed, why, and what to do.
    """
    if not tally.items:
        raise InputError("the corpus is empty: run `dvc repro corpus`")
    if missing := tally.failures[NOT_RECORDED]:
        raise InputError(
            f"{missing} of {tally.items} items of corpus {recorded.stem!r} have no recorded annotation in {recorded}."
            " Either have them annotated: set the key's environment variable and run `python -m stages.annotate"
            f" --annotator openai --corpus {recorded.stem} --record`, then commit that file; or put a file of recorded"
            " annotations there, or limit the corpus to the items that have one"
        )
    share = (tally.items - tally.annotated) / tally.items
    if tally.annotated and share <= preset.tolerated_failures:
        return
    reasons = ", ".join(f"{reason}: {count}" for reason, count in sorted(tally.failures.items()))
    way_on = "Choose an annotator that can do it"
    if tally.annotated:
        tolerated = math.ceil(share * 1e4) / 1e4
        way_on = (
            f"To go on without these items, raise the annotator's tolerated_failures to {tolerated:.4f};"
            " to ask more often, raise its attempts"
        )
    raise InputError(
        f"{tally.items - tally.annotated} of {tally.items} items got no role prompt ({reasons}); each stands in"
        f" {failures}. Nothing paid for is lost: running again asks only for what has no answer. {way_on}"
    )
