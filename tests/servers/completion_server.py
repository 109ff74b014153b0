"""A real, small server of OpenAI's completions: a model answers, token by token, by the library's plain forward pass.

It knows what vLLM knows of the API as far as the stage asks for it: prompts as ids or as text, ``echo`` with
``logprobs``, ``logprob_token_ids``, ``logit_bias``, ``stop``, ``seed``, ``repetition_penalty``, ``return_token_ids``.
"""

import argparse
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


class Model:
    """The model and its tokenizer.

    Attributes:
        lacks: What this server does not know and silently leaves out.
        asked: All bodies that were answered.
        faults: Statuses of the next replies, which are errors; 200 for one that is none.
    """

    def __init__(self, folder: Path, name: str, lacks: tuple[str, ...] = ()) -> None:
        self.name, self.lacks = name, lacks
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self.asked: list[dict[str, Any]] = []
        self.faults: list[int] = []
        self.lock = threading.Lock()

    @torch.inference_mode()
    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            self.asked.append(body)
            body = {key: value for key, value in body.items() if key not in self.lacks}
            prompts = body["prompt"] if isinstance(body["prompt"], list) else [body["prompt"]]
            prompts = [prompts] if isinstance(prompts[0], int) else prompts
            choices = [self._choice(index, prompt, body) for index, prompt in enumerate(prompts)]
        usage = {"prompt_tokens": 1, "completion_tokens": sum(choice.pop("count") for choice in choices)}
        return {"object": "text_completion", "model": self.name, "choices": choices, "usage": usage}

    def _choice(self, index: int, prompt: Any, body: dict[str, Any]) -> dict[str, Any]:
        ids = prompt if isinstance(prompt, list) else self.tokenizer(prompt)["input_ids"]
        written, reason = self._write(ids, body)
        choice: dict[str, Any] = {"index": index, "finish_reason": reason, "count": len(written)}
        text = self.tokenizer.decode(written, skip_special_tokens=True)
        choice["text"] = min((text.partition(stop)[0] for stop in body.get("stop") or []), key=len, default=text)
        if body.get("return_token_ids"):
            choice["token_ids"] = written
        if body.get("logprobs") is not None:
            shown = ids + written if body.get("echo") else written
            choice["logprobs"] = {"token_logprobs": self._logprobs(ids + written)[-len(shown) :]}
            named = body.get("logprob_token_ids")
            choice["logprobs"]["top_logprobs"] = self._top_logprobs(ids, named or written[:1])
        return choice

    def _write(self, ids: list[int], body: dict[str, Any]) -> tuple[list[int], str]:
        written: list[int] = []
        generator = torch.Generator().manual_seed(body.get("seed") or 0)
        for _ in range(body["max_tokens"]):
            logits = self.model(torch.tensor([ids + written])).logits[0, -1]
            for token, bias in (body.get("logit_bias") or {}).items():
                logits[int(token)] += bias
            written.append(self._choose(logits, ids + written, body, generator))
            text = self.tokenizer.decode(written, skip_special_tokens=True)
            if written[-1] == self.tokenizer.eos_token_id or any(stop in text for stop in body.get("stop") or []):
                return written, "stop"
        return written, "length"

    def _choose(self, logits: torch.Tensor, seen: list[int], body: dict[str, Any], generator: torch.Generator) -> int:
        if not body["temperature"]:
            return int(logits.argmax())
        index, penalty = torch.tensor(sorted(set(seen))), body.get("repetition_penalty") or 1.0
        logits[index] = torch.where(logits[index] > 0, logits[index] / penalty, logits[index] * penalty)
        return int(torch.multinomial((logits / body["temperature"]).softmax(-1), 1, generator=generator))

    def _logprobs(self, ids: list[int]) -> list[float | None]:
        logprobs = self.model(torch.tensor([ids])).logits[0].log_softmax(-1)
        return [None, *(float(logprobs[place, token]) for place, token in enumerate(ids[1:]))]

    def _top_logprobs(self, ids: list[int], tokens: list[int]) -> list[dict[str, float]]:
        """Of the first token that was written, under the names of ``return_tokens_as_token_ids``."""
        logprobs = self.model(torch.tensor([ids])).logits[0, -1].log_softmax(-1)
        return [{f"token_id:{token}": float(logprobs[token]) for token in tokens}]


def handler(model: Model) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._reply({"object": "list", "data": [{"id": model.name, "object": "model", "created": 1}]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status = model.faults.pop(0) if model.faults else 200
            self._reply(model.complete(body) if status == 200 else {"error": {"message": "no"}}, status)

        def _reply(self, content: dict[str, Any], status: int = 200) -> None:
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def serving(model: Model, port: int = 0) -> Iterator[str]:
    """The address at which the model is served, in threads of this process."""
    server = ThreadingHTTPServer(("127.0.0.1", port), handler(model))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    with serving(Model(arguments.folder, str(arguments.folder)), arguments.port):
        threading.Event().wait()


if __name__ == "__main__":
    main()
