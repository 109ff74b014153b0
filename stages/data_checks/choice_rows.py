"""A row of each bundled set of multiple-choice questions, in the schema of the data set whose place it takes."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from stages.data_checks.rows import BundledRow, Text


def _distinct(texts: list[str]) -> list[str]:
    if len({text.lower() for text in texts}) < len(texts):
        raise ValueError("expected choices that differ")
    return texts


Texts = Annotated[list[Text], AfterValidator(_distinct)]


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
