"""Recorded annotations: ``data/annotations/<corpus>.jsonl``, in Git, so that no key is needed to rebuild a corpus."""

from collections.abc import Generator, Iterable
from pathlib import Path

from stages.chat_models import ChatRequest, Check, Estimate, InvalidAnswer, Outcome, Value
from stages.records.conversation import AnnotatedConversation, Conversation, RecordedRole
from stages.records.files import iterate_jsonl, read_jsonl, write_jsonl

NOT_RECORDED = "not recorded"


class RecordedModel:
    """Recorded answers behind the interface of a chat model; a missing file records nothing."""

    def __init__(self, path: Path) -> None:
        records = iterate_jsonl(path, RecordedRole) if path.is_file() else iter(())
        self._roles = {record.key: record.role for record in records}

    def ask(self, requests: Iterable[ChatRequest], check: Check[Value]) -> Generator[Outcome[Value], None, None]:
        for request in requests:
            text = self._roles.get(request.recorded_key or "")
            if text is None:
                yield Outcome(request, None, NOT_RECORDED)
                continue
            try:
                yield Outcome(request, check(request, text), cached=True)
            except InvalidAnswer as error:
                yield Outcome(request, None, str(error), cached=True)

    def estimate(self, requests: Iterable[ChatRequest], check: Check[Value]) -> Estimate:
        found = [request.recorded_key in self._roles for request in requests]
        return Estimate(len(found), sum(found), 0, 0, 0.0, 0.0)


def record(path: Path, annotated: Iterable[AnnotatedConversation], corpus: Iterable[Conversation]) -> int:
    """Write the role prompts in the corpus's order; how many there are.

    What the file holds for items outside this corpus (it may be a part of a larger one) is kept, at its index.
    """
    places = {conversation.id: place for place, conversation in enumerate(corpus)}
    new = {
        item.key: RecordedRole(key=item.key, index=places[item.id], source=item.source, role=item.role)
        for item in annotated
    }
    held: list[RecordedRole] = read_jsonl(path, RecordedRole) if path.is_file() else []
    kept = [old for old in held if old.key not in new]
    records: list[RecordedRole] = sorted([*new.values(), *kept], key=lambda one: (one.index, one.key))
    write_jsonl(path, records)
    return len(new)
