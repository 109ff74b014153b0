"""A row of each bundled set, in the schema of the data set on the Hub whose place it takes."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


def _clean(text: str) -> str:
    if not text or text != text.strip():
        raise ValueError("expected a text without space at its ends")
    return text


def _distinct(texts: list[str]) -> list[str]:
    if len({text.lower() for text in texts}) < len(texts):
        raise ValueError("expected choices that differ")
    return texts


Text = Annotated[str, AfterValidator(_clean)]
Texts = Annotated[list[Text], AfterValidator(_distinct)]


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


class ChoiceRow(BundledRow):
    """A row with choices, of which one is right."""

    @property
    def offered(self) -> Sequence[str]:
        raise NotImplementedError

    @property
    def right(self) -> int:
        raise NotImplementedError


class MmluRow(ChoiceRow):
    question: Text
    subject: str
    choices: Texts = Field(min_length=4, max_length=4)
    answer: int = Field(ge=0, le=3)

    @property
    def asked(self) -> str:
        return self.question

    @property
    def group(self) -> str:
        return self.subject

    @property
    def offered(self) -> Sequence[str]:
        return self.choices

    @property
    def right(self) -> int:
        return self.answer


class LabelledChoices(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Texts
    label: list[str]


class LabelledRow(ChoiceRow):
    """Choices as CommonsenseQA and OpenBookQA have them."""

    id: Text
    choices: LabelledChoices
    answerKey: str  # noqa: N815  the Hub's name

    @model_validator(mode="after")
    def _labels_are_letters(self) -> "LabelledRow":
        letters = list("ABCDE"[: self.how_many()])
        if self.choices.label != letters or len(self.choices.text) != len(letters):
            raise ValueError(f"expected choices with the labels {', '.join(letters)}")
        if self.answerKey not in letters:
            raise ValueError(f"expected an answerKey of {', '.join(letters)}")
        return self

    @classmethod
    def how_many(cls) -> int:
        raise NotImplementedError

    @property
    def identifier(self) -> str:
        return self.id

    @property
    def offered(self) -> Sequence[str]:
        return self.choices.text

    @property
    def right(self) -> int:
        return self.choices.label.index(self.answerKey)


class CommonsenseRow(LabelledRow):
    question: Text
    question_concept: Text

    @classmethod
    def how_many(cls) -> int:
        return 5

    @property
    def asked(self) -> str:
        return self.question


class OpenBookRow(LabelledRow):
    question_stem: Text

    @classmethod
    def how_many(cls) -> int:
        return 4

    @property
    def asked(self) -> str:
        return self.question_stem


class Targets(BaseModel):
    model_config = ConfigDict(extra="forbid")

    choices: Texts = Field(min_length=2)
    labels: list[Literal[0, 1]]

    @model_validator(mode="after")
    def _label_for_each(self) -> "Targets":
        if len(self.labels) != len(self.choices):
            raise ValueError("expected one label for each choice")
        return self

    def labelled(self, label: int) -> set[str]:
        return {choice for choice, own in zip(self.choices, self.labels, strict=True) if own == label}


class TruthfulRow(ChoiceRow):
    """The right choice stands first, as in the source: it is shuffled when the questions are made."""

    question: Text
    mc1_targets: Targets
    mc2_targets: Targets

    @model_validator(mode="after")
    def _targets_agree(self) -> "TruthfulRow":
        one, many = self.mc1_targets, self.mc2_targets
        if one.labels[0] != 1 or sum(one.labels) != 1:
            raise ValueError("mc1_targets: expected one right choice, the first")
        if not (one.labelled(1) <= many.labelled(1) and one.labelled(0) <= many.labelled(0)):
            raise ValueError("expected mc1_targets' choices among mc2_targets', with the same labels")
        return self

    @property
    def asked(self) -> str:
        return self.question

    @property
    def offered(self) -> Sequence[str]:
        return self.mc1_targets.choices

    @property
    def right(self) -> int:
        return 0


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
