"""What the annotator is asked for one conversation."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from stages.chat_models.interface import ChatRequest, Message
from stages.records.conversation import Conversation

INSTRUCTION = Path(__file__).with_name("instruction.md")


class RoleAnswer(BaseModel):
    """The annotator's answer: the role prompt alone."""

    model_config = ConfigDict(extra="forbid")

    role: str


SCHEMA = RoleAnswer.model_json_schema()


def request_role(conversation: Conversation, instruction: str) -> ChatRequest:
    return ChatRequest(
        id=conversation.id,
        messages=(
            Message(role="system", content=instruction),
            Message(role="user", content=show(conversation)),
        ),
        answer_schema=SCHEMA,
        recorded_key=conversation.key,
    )


def show(conversation: Conversation) -> str:
    """The conversation between marks, so that what stands in it is not taken for an instruction."""
    speakers = ("User", "Assistant")
    turns = [f"[{speakers[place % 2]}]\n{turn}" for place, turn in enumerate(conversation.turns)]
    body = "\n\n".join(turns)
    return f"<conversation>\n{body}\n</conversation>\n\nWrite the role prompt for this conversation."
