"""Recorded answers behind the interface of a chat model."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from stages.chat_models.interface import ChatRequest, Check, Estimate, InvalidAnswer, Outcome, Value
from stages.files import iterate_jsonl
from stages.records.conversation import RecordedRole

NOT_RECORDED = "not recorded"


class RecordedModel:
    """Answers from a file of recorded annotations, found by ``recorded_key``; a missing file records nothing."""

    def __init__(self, path: Path) -> None:
        records = iterate_jsonl(path, RecordedRole) if path.is_file() else iter(())
        self._roles = {record.key: record.role for record in records}

    def ask(self, requests: Iterable[ChatRequest], check: Check[Value]) -> Iterator[Outcome[Value]]:
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
