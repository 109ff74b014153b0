"""A row of each bundled set, in the schema of the data set on the Hub whose place it takes."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


def _clean(text: str) -> str:
    if not text or text != text.strip():
        raise ValueError("expected a text without space at its ends")
    return text


Text = Annotated[str, AfterValidator(_clean)]


class BundledRow(BaseModel):
    """Base of every row.

    ``asked`` is the question; ``group`` the subject or field; ``identifier`` the row's id, where the schema has one.
    """

    model_config = ConfigDict(extra="forbid")

    @property
    def asked(self) -> str:
        raise NotImplementedError

    @property
    def group(self) -> str | None:
        return None

    @property
    def identifier(self) -> str | None:
        return None


class Gsm8kRow(BundledRow):
    question: Text
    answer: str = Field(pattern=r"\S\n#### -?\d[\d,]*(\.\d+)?$")

    @property
    def asked(self) -> str:
        return self.question


class StrategyRow(BundledRow):
    qid: Text
    term: Text
    description: Text
    question: Text
    answer: bool
    facts: list[Text] = Field(min_length=2)
    decomposition: list[Text] = Field(min_length=2)

    @property
    def asked(self) -> str:
        return self.question

    @property
    def group(self) -> str:
        return "yes" if self.answer else "no"

    @property
    def identifier(self) -> str:
        return self.qid


class HotpotRow(BundledRow):
    id: Text
    question: Text
    answer: Text
    type: Literal["bridge", "comparison"]
    level: Literal["easy", "medium", "hard"]

    @property
    def asked(self) -> str:
        return self.question

    @property
    def group(self) -> str:
        return self.type

    @property
    def identifier(self) -> str:
        return self.id


class PromptRow(BundledRow):
    """A request for the preference stage."""

    conversations: list[Text] = Field(min_length=1, max_length=1)
    source: Text

    @property
    def asked(self) -> str:
        return self.conversations[0]

    @property
    def group(self) -> str:
        return self.source


class ConversationRow(PromptRow):
    """An item of the corpus: the user's and the assistant's turns in alternation."""

    conversations: list[Text] = Field(min_length=2, max_length=20)

    @model_validator(mode="after")
    def _answered(self) -> "ConversationRow":
        if len(self.conversations) % 2:
            raise ValueError("conversations: expected an answer to each of the user's turns")
        return self

    @property
    def answers(self) -> list[str]:
        return self.conversations[1::2]
