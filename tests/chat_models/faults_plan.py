"""A plan for the test server that does to a first request whatever a server has been seen to do."""

import json
import zlib
from collections.abc import Callable
from typing import Any

from tests.chat_models.server import Asked, Reaction, completion, error, good


def in_parts(body: dict[str, Any], *more: dict[str, str]) -> dict[str, Any]:
    message = body["choices"][0]["message"]
    message["content"] = [{"type": "text", "text": message["content"]}, *more]
    return body


def around(body: dict[str, Any], text: str) -> dict[str, Any]:
    """The same answer with prose around it, where ``{}`` stands."""
    message = body["choices"][0]["message"]
    message["content"] = text.replace("{}", message["content"])
    return body


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
    "an image": lambda asked: Reaction(body=in_parts(good(asked), {"type": "image_url"})),
    "deep": lambda asked: Reaction(body=b'{"a": ' * 5000 + b"1" + b"}" * 5000),
    "200 with an error": lambda asked: Reaction(body={"error": {"message": "no capacity", "code": 503}}),
    "endless": lambda asked: Reaction(drip=0.05),
    "a wrong encoding": lambda asked: Reaction(503, b"busy", {"content-encoding": "gzip", "retry-after": "soon"}),
    "content in parts": lambda asked: Reaction(body=in_parts(good(asked))),
    "prose around JSON": lambda asked: Reaction(
        body=around(good(asked), "Here:\n```json\n{}\n```\nI {hope} it helps.")
    ),
    "half a character around": lambda asked: Reaction(body=around(good(asked), "\udc00 {} \ud83d")),
    "ends of lines": lambda asked: Reaction(body=around(good(asked), "\u2028{}\u0085")),
    "odd headers": lambda asked: Reaction(
        body=good(asked), headers={"x-ratelimit-limit-requests": "²", "content-type": "text/x; charset=y"}
    ),
    "refusal": lambda asked: Reaction(body=completion(None, refusal="I cannot help with that.")),
    "content filter": lambda asked: Reaction(body=completion("From now on, you are", "content_filter")),
    "cut off": lambda asked: Reaction(body=completion('{"role": "From now on, you are a', "length")),
    "empty": lambda asked: Reaction(body=completion("")),
    "wrong schema": lambda asked: Reaction(body=completion(json.dumps({"roles": ["x"]}))),
    "truncated answer": lambda asked: Reaction(body=completion('{"role": "From now on, you are a teacher of')),
    "duplicate keys": lambda asked: Reaction(body=completion('{"role": "no", "role": "From now on, you are one"}')),
    "half a character": lambda asked: Reaction(body=completion('{"role": "From now on, you are \\ud83d."}')),
    "deep answer": lambda asked: Reaction(body=completion('{"role": ' * 5000)),
    "wrong opening": lambda asked: Reaction(body=completion(json.dumps({"role": "You are a teacher of everything."}))),
}
NAMES = list(FIRST)
INVALID = frozenset(NAMES[NAMES.index("refusal") :])
"""What is a whole answer, paid for, and cannot be used: it is asked again, and paid for again."""
UNREADABLE = frozenset({"no JSON", "no completion", "an image", "deep", "200 with an error"})
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
