"""What a system made of a question, conversation or pair: a class for each file of such lines in ``data``."""

from typing import Literal

from pydantic import BaseModel, Field


class ChoiceReading(BaseModel, extra="forbid"):
    """How likely each choice is at the head of the assistant's turn.

    Attributes:
        prompt: All that the model was shown before the choices: chat template, role prompt and trigger included.
        role: The role prompt at the head of the turn, or None.
        logprobs: Log-likelihood of each choice in nats, summed over its tokens, in the order of the question's choices.
        unconditional: The same for the choices after the trigger without any question; only where the benchmark's
            normalisation is ``unconditional``.
    """

    prompt: str
    role: str | None
    logprobs: list[float]
    unconditional: list[float] | None = None


class Generation(BaseModel, extra="forbid"):
    """One question under one system: its written answer and its readings of the choices, as far as they were made.

    Attributes:
        role: The role prompt that opens the turn: of the written answer if there is one, else of ``letter``, else of
            ``cloze``; None where there is none.
        prompt: All that the model was shown before it wrote, chat template included.
        output: All that stands in the assistant's turn, the role prompt included.
        output_tokens: How many tokens of it the model wrote itself.
        finished: Whether the model ended its turn before the limit.
        letter: Choices shown, and the likelihood of their letters (of the words yes and no where those are asked for).
        cloze: Choices not shown, and the likelihood of each choice's own text.
    """

    id: str
    role: str | None
    prompt: str | None = None
    output: str | None = None
    output_tokens: int = 0
    finished: bool | None = None
    letter: ChoiceReading | None = None
    cloze: ChoiceReading | None = None


RoleGiven = Literal["own", "recorded", "other", "generic", "none"]


class ReferenceLikelihood(BaseModel, extra="forbid"):
    """The first reference answer of one held-out conversation.

    Attributes:
        id: The conversation's.
        tokens: Tokens of the reference answer that were measured: all with the end of turn, or the first ones.
        own_role: The role prompt that the system wrote for the conversation's first turn, or None.
        nats: Negative log-likelihood of these tokens, summed, by the role prompt that stands before it:
            the system's own (in the arm ``restated``, the question's first sentence), the recorded one, another
            conversation's, a generic one, or none.
    """

    id: str
    tokens: int = Field(ge=1)
    own_role: str | None
    nats: dict[RoleGiven, float]


class Execution(BaseModel, extra="forbid"):
    """The verdict on one program.

    Attributes:
        program: The whole program that was run: the problem's prompt completed by the model.
        passed: Whether all tests passed; None where programs could not be run safely on this machine.
        reason: ``passed``, or why not: the exception's type, a limit that was hit, or why nothing was run.
    """

    id: str
    program: str
    passed: bool | None
    reason: str


Reading = Literal["cloze", "letter", "written"]


class Scored(BaseModel, extra="forbid"):
    """Why an answer counts as right or wrong. What was not asked for is null.

    Attributes:
        role: The role prompt that the system wrote, or None.
        written: The answer as read from what was written after the role prompt; None where none could be read.
        written_correct: Whether that is right, from 0 to 1; an answer that could not be read is 0.
        pattern: Which pattern read it (``strict``, ``flexible``), or None.
        letter: The label of the highest likelihood, choices shown.
        cloze: The label of the choice whose text has the highest normalised likelihood, choices not shown.
        reading: Which reading the score is: one of multiple choice's three, ``exact_match`` or ``pass@1``.
        score: That reading's score of this item, from 0 to 1; None where it could not be had.
    """

    system: str
    model: str
    variant: str
    seed: int | None
    benchmark: str
    id: str
    group: str | None
    role: str | None
    role_well_formed: bool
    target: str
    written: str | None
    written_correct: float | None
    pattern: str | None
    letter: str | None
    letter_correct: float | None
    cloze: str | None
    cloze_correct: float | None
    f1: float | None
    reading: str
    score: float | None
    reason: str | None = None


class Judgement(BaseModel, extra="forbid"):
    """Two systems' answers to one prompt, compared in one order.

    Attributes:
        seed: The training seed of the two systems; the base model, which has none, is compared under its rival's.
        judge: What judged, in words for people.
        first: The variant whose answer was shown first; ``second`` likewise.
        first_words: Length of the whole answer; ``second_words`` likewise.
        first_words_shown: How many of them the judge saw; ``second_words_shown`` likewise.
        verdict: The variant preferred, ``tie``, or None where the judge's reply could not be read.
        reply: The judge's reply as it was; None where none came.
        failure: Why there is no ordinary reply (cut off, refused, …), or None.
        log_odds: Of a local judge: log-likelihood of "A", the first answer, less that of "B", in nats; else None.
    """

    id: str
    model: str
    seed: int | None
    judge: str
    first: str
    second: str
    first_words: int
    second_words: int
    first_words_shown: int
    second_words_shown: int
    verdict: str | Literal["tie"] | None
    reply: str | None
    failure: str | None = None
    log_odds: float | None = None
