"""The Batch API for the test server: files, batches, and what may become of them."""

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from tests.chat_models.server import Asked, Reaction, Server, error, good, item_of

NOT_REACHED = 0
"""Status of a line that the server did not come to."""

Answer = Callable[[Asked], dict[str, Any] | Reaction]


class BatchApi:
    """Batches that end after a number of polls.

    Attributes:
        answer: What becomes of a line: a completion, or a reaction with another status.
        status: How batches end.
        created: Requests of each batch that was made, by custom id.
        most_lines: Longer files are refused.
        queue_of_lines: Longer batches fail.
        not_yet: How often the server does not find a file that it was just given.
        change_lines: What becomes of the lines of a file of answers.
        prefix: What the server's ids begin with.
    """

    def __init__(self, server: Server, answer: Answer = good, polls: int = 1) -> None:
        self.answer = answer
        self.polls = polls
        self.status = "completed"
        self.errors: Any = None
        self.created: list[dict[str, Any]] = []
        self.paid: Counter[str] = Counter()
        self.lose_first_answer = False
        self.most_lines = 10**9
        self.queue_of_lines = 10**9
        self.not_yet = 0
        self.change_lines: Callable[[list[bytes]], list[bytes]] = lambda lines: lines
        self.prefix = ""
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self._polled: Counter[str] = Counter()
        server.routes["/v1/files"] = self._serve_files
        server.routes["/v1/batches"] = self._serve_batches

    def _serve_files(self, asked: Asked) -> Reaction:
        if found := re.fullmatch(r"/v1/files/(.+)/content", asked.path):
            content = self.files.get(unquote(found[1]))
            return Reaction(404, error("No such File object")) if content is None else Reaction(body=content)
        lines = [line for line in asked.body["raw"].split(b"\n") if line.startswith(b'{"custom_id"')]
        if len(lines) > self.most_lines:
            return Reaction(413, b"<html>Request Entity Too Large</html>")
        name = f"{self.prefix}file-{len(self.files)}"
        self.files[name] = b"\n".join(lines)
        return Reaction(body={"id": name, "object": "file", "bytes": 1, "created_at": 1, "purpose": "batch"})

    def _serve_batches(self, asked: Asked) -> Reaction:
        path = asked.path.partition("?")[0]
        if path == "/v1/batches":
            if "input_file_id" not in asked.body:
                return Reaction(body={"object": "list", "data": list(self.batches.values()), "has_more": False})
            return self._create(asked.body)
        return self._poll(unquote(path.removeprefix("/v1/batches/")))

    def _create(self, body: dict[str, Any]) -> Reaction:
        if self.not_yet:
            self.not_yet -= 1
            return Reaction(404, error(f"No such File object: {body['input_file_id']}"))
        lines = [json.loads(line) for line in self.files[body["input_file_id"]].split(b"\n")]
        self.created.append({line["custom_id"]: line["body"] for line in lines})
        batch = {
            "id": f"{self.prefix}batch-{len(self.batches)}",
            "object": "batch",
            "endpoint": body["endpoint"],
            "completion_window": body["completion_window"],
            "created_at": 1,
            "input_file_id": body["input_file_id"],
            "status": "validating",
            "request_counts": {"total": len(lines), "completed": 0, "failed": 0},
        }
        self.batches[batch["id"]] = batch
        if self.lose_first_answer:
            self.lose_first_answer = False
            return Reaction(cut=True)
        return Reaction(body=batch)

    def _poll(self, name: str) -> Reaction:
        if name not in self.batches:
            return Reaction(404, error("No such batch"))
        batch = self.batches[name]
        self._polled[name] += 1
        if self._polled[name] > self.polls and batch["status"] not in {"completed", "failed", "expired", "cancelled"}:
            if batch["request_counts"]["total"] > self.queue_of_lines:
                fault = {"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}
                batch |= {"status": "failed", "errors": {"object": "list", "data": [fault]}}
            else:
                batch |= {"status": self.status, "errors": self.errors} | self._work(batch)
        elif batch["status"] == "validating":
            batch["status"] = "in_progress"
        return Reaction(body=batch)

    def _work(self, batch: dict[str, Any]) -> dict[str, Any]:
        if self.status == "failed":
            return {}
        outputs, errors = [], []
        for key, body in self.created[int(batch["id"].rpartition("-")[2])].items():
            item = item_of(body)
            told = self.answer(Asked("", {}, body, item, self.paid[item], 0))
            if not isinstance(told, Reaction):
                self.paid[item] += 1
                told = Reaction(body=told)
            # As raw text: a line may hold U+2028 and other ends of lines, but not its own.
            line = json.dumps({"id": "x", "custom_id": key} | outcome(told), ensure_ascii=False).encode()
            (outputs if told.status == 200 else errors).append(line)
        files = {}
        for field, lines in (("output_file_id", outputs), ("error_file_id", errors)):
            if lines:
                files[field] = f"{self.prefix}file-{len(self.files)}"
                # The order of the lines is not that of the requests.
                self.files[files[field]] = b"\n".join(self.change_lines(lines[::-1])) + b"\n"
        return files


def outcome(told: Reaction) -> dict[str, Any]:
    if told.status == NOT_REACHED:
        return {"response": None, "error": told.body["error"]}
    return {"response": {"status_code": told.status, "request_id": "r", "body": told.body}, "error": None}


def refused(status: int, message: str, **more: Any) -> Reaction:
    return Reaction(status, error(message, **more))


def not_reached(code: str) -> Reaction:
    return Reaction(NOT_REACHED, error("This request could not be executed.", code))
