"""What each bundled file must hold, row by row, and the faults that a row or a file can have."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from stages.core.errors import describe

BUNDLED, ANNOTATIONS = Path("data/bundled"), Path("data/annotations")

Content = TypeVar("Content")
Content_co = TypeVar("Content_co", covariant=True)


@dataclass(frozen=True)
class Line(Generic[Content_co]):
    """A row, and where it stands."""

    path: Path
    number: int
    row: Content_co

    def fault(self, message: str) -> str:
        return f"{self.path}, line {self.number}: {message}"


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
    """Base of every row; the schemas are those of the data sets on the Hub.

    ``ASKED``, ``GROUP`` and ``IDENTIFIER`` name the fields that hold the question, the subject or field that the row
    belongs to, and the row's id.
    """

    model_config = ConfigDict(extra="forbid")
    ASKED: ClassVar[str] = "question"
    GROUP: ClassVar[str] = ""
    IDENTIFIER: ClassVar[str] = ""

    @property
    def asked(self) -> str:
        return str(getattr(self, self.ASKED))

    @property
    def group(self) -> str:
        return str(getattr(self, self.GROUP)) if self.GROUP else ""

    @property
    def identifier(self) -> str | None:
        return getattr(self, self.IDENTIFIER) if self.IDENTIFIER else None


class ChoiceRow(BundledRow):
    """A row with choices, of which the one at the place ``right`` is right."""

    def choices_and_key(self) -> tuple[list[str], int]:
        raise NotImplementedError

    @property
    def offered(self) -> list[str]:
        return self.choices_and_key()[0]

    @property
    def right(self) -> int:
        return self.choices_and_key()[1]


class MmluRow(ChoiceRow):
    GROUP = "subject"
    question: Text
    subject: str
    choices: Texts = Field(min_length=4, max_length=4)
    answer: int = Field(ge=0, le=3)

    def choices_and_key(self) -> tuple[list[str], int]:
        return self.choices, self.answer


class LabelledChoices(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Texts
    label: list[str]


class LabelledRow(ChoiceRow):
    """Choices as CommonsenseQA and OpenBookQA have them, ``LETTERS`` being their labels."""

    IDENTIFIER = "id"
    LETTERS: ClassVar[str]
    id: Text
    choices: LabelledChoices
    answerKey: str  # noqa: N815  the Hub's name

    @model_validator(mode="after")
    def _labels_are_letters(self) -> "LabelledRow":
        if self.choices.label != list(self.LETTERS) or len(self.choices.text) != len(self.LETTERS):
            raise ValueError(f"expected choices with the labels {', '.join(self.LETTERS)}")
        if self.answerKey not in self.choices.label:
            raise ValueError(f"expected an answerKey of {', '.join(self.LETTERS)}")
        return self

    def choices_and_key(self) -> tuple[list[str], int]:
        return self.choices.text, self.choices.label.index(self.answerKey)


class CommonsenseRow(LabelledRow):
    LETTERS = "ABCDE"
    question: Text
    question_concept: Text


class OpenBookRow(LabelledRow):
    LETTERS = "ABCD"
    ASKED = "question_stem"
    question_stem: Text


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

    def choices_and_key(self) -> tuple[list[str], int]:
        return self.mc1_targets.choices, 0


class Gsm8kRow(BundledRow):
    question: Text
    answer: str = Field(pattern=r"\S\n#### -?\d[\d,]*(\.\d+)?$")


class StrategyRow(BundledRow):
    GROUP, IDENTIFIER = "answer", "qid"
    qid: Text
    term: Text
    description: Text
    question: Text
    answer: bool
    facts: list[Text] = Field(min_length=2)
    decomposition: list[Text] = Field(min_length=2)


class HotpotRow(BundledRow):
    GROUP, IDENTIFIER = "type", "id"
    id: Text
    question: Text
    answer: Text
    aliases: Texts
    type: Literal["bridge", "comparison"]
    level: Literal["easy", "medium", "hard"]


class PromptRow(BundledRow):
    """A request for the preference stage."""

    GROUP = "source"
    conversations: list[Text] = Field(min_length=1, max_length=1)
    source: Text

    @property
    def asked(self) -> str:
        return self.conversations[0]


class ConversationRow(PromptRow):
    """An item of the corpus: the user's and the assistant's turns in alternation."""

    conversations: list[Text] = Field(min_length=2, max_length=20)

    @property
    def said(self) -> str:
        return "\n".join(self.conversations)

    @model_validator(mode="after")
    def _answered(self) -> "ConversationRow":
        if len(self.conversations) % 2:
            raise ValueError("conversations: expected an answer to each of the user's turns")
        return self


def read_lines(path: Path, kind: type[BaseModel], faults: list[str]) -> Iterator[Line]:
    """The lines of a JSONL file that are rows of this kind; of the others a fault is kept and the rest is read."""
    if not path.is_file():
        faults.append(f"{path}: the file is missing")
        return
    with path.open(encoding="utf-8") as file:
        for number, text in enumerate(file, start=1):
            try:
                yield Line(path, number, kind.model_validate_json(text))
            except ValidationError as error:
                faults.append(f"{path}, line {number}: {describe(error)}")
