"""A plan for the test server that does to a first request whatever a server has been seen to do."""

import json
import zlib
from collections.abc import Callable

from tests.chat_models.server import Asked, Reaction, completion, error, good

FIRST: dict[str, Callable[[Asked], Reaction]] = {
    "429 in a second": lambda asked: Reaction(429, error("slow down", "rate_limit_exceeded"), {"Retry-After": "1"}),
    "429 in milliseconds": lambda asked: Reaction(429, error("slow down"), {"retry-after-ms": "50"}),
    "429 without a time": lambda asked: Reaction(429, error("slow down")),
    "500": lambda asked: Reaction(500, error("the server had an error")),
    "503 without JSON": lambda asked: Reaction(503, b"<html>Service Unavailable</html>"),
    "408": lambda asked: Reaction(408, error("timeout")),
    "409": lambda asked: Reaction(409, error("conflict")),
    "hang": lambda asked: Reaction(body=good(asked), delay=60.0),
    "cut connection": lambda asked: Reaction(cut=True),
    "truncated JSON": lambda asked: Reaction(body=good(asked), truncate=80),
    "no JSON": lambda asked: Reaction(body=b"<html>all is well</html>"),
    "no completion": lambda asked: Reaction(body={"choices": []}),
    "refusal": lambda asked: Reaction(body=completion(None, refusal="I cannot help with that.")),
    "content filter": lambda asked: Reaction(body=completion("From now on, you are", "content_filter")),
    "cut off": lambda asked: Reaction(body=completion('{"role": "From now on, you are a', "length")),
    "empty": lambda asked: Reaction(body=completion("")),
    "wrong schema": lambda asked: Reaction(body=completion(json.dumps({"roles": ["x"]}))),
    "truncated answer": lambda asked: Reaction(body=completion('{"role": "From now on, you are a teacher of')),
    "duplicate keys": lambda asked: Reaction(body=completion('{"role": "no", "role": "From now on, you are one"}')),
    "wrong opening": lambda asked: Reaction(body=completion(json.dumps({"role": "You are a teacher of everything."}))),
}
NAMES = list(FIRST)
INVALID = frozenset(NAMES[NAMES.index("refusal") :])
"""What is a whole answer, paid for, and cannot be used: it is asked again, and paid for again."""
UNREADABLE = frozenset({"no JSON", "no completion"})
"""What comes with status 200 and is no reply: the server counts it as paid, the client as lost."""

BURST = 3
"""So many times in a row the server fails where it fails with 500."""


def fault_of(item: str) -> str | None:
    """The fault that an item meets; every other item meets none."""
    place = zlib.crc32(item.encode()) % (2 * len(NAMES))
    return NAMES[place] if place < len(NAMES) else None


def faulty(asked: Asked) -> Reaction:
    fault = fault_of(asked.item)
    if fault and asked.before < (BURST if fault == "500" else 1):
        return FIRST[fault](asked)
    return Reaction(body=good(asked))
