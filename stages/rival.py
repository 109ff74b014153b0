"""Have a chat model behind a server answer the open-ended prompts, as a rival of the role arm where answers are judged.

It is asked each prompt as it stands, with the sampling of its own preset. Whatever is paid for is stored first.
Writes data/generations/rival-<name>/open_ended.jsonl, and beside it requests.json: what that took.
"""

from collections.abc import Sequence
from pathlib import Path

from stages.chat import self_prompt
from stages.chat_models import Bill, ChatModel, ChatRequest, Message, Outcome, any_reply
from stages.chat_models.local_model import open_chat_model
from stages.chat_models.preset import ChatPreset
from stages.core import command_line, parameters
from stages.core.errors import InputError
from stages.records.files import read_jsonl, write_json, write_jsonl
from stages.records.question import Question
from stages.records.results import Generation
from stages.records.systems import System

QUESTIONS = Path("data/questions/open_ended.jsonl")
GENERATIONS = Path("data/generations")


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--rival", required=True, help="key of rivals in params.yaml")
    parser.add_argument("--scale", required=True, help="key of scales in params.yaml")
    parser.add_argument("--dry-run", action="store_true", help="say what is stored, missing, and what it would cost")
    arguments = parser.parse_args()
    preset: ChatPreset = parameters.load(f"rivals.{arguments.rival}", ChatPreset)  # type: ignore[arg-type]
    limit = parameters.load(f"scales.{arguments.scale}.preference.decoding.limit", int | None)  # type: ignore[arg-type]
    prompts = [question for question in read_jsonl(QUESTIONS, Question) if question.use == "test"][:limit]
    model = open_chat_model(preset)
    if arguments.dry_run:
        print(f"{arguments.rival}: {model.estimate(map(_request, prompts), any_reply)}")
        return
    bill = Bill(preset)
    folder = GENERATIONS / System(model=arguments.rival, rival="chat").name
    write_jsonl(folder / "open_ended.jsonl", answers(model, prompts, preset.tolerated_failures, bill))
    write_json(folder / "requests.json", bill.metrics())


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


if __name__ == "__main__":
    command_line.run(main)
