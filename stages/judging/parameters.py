"""What ``params.yaml`` says of judging."""

from pydantic import PositiveInt

from stages.core.parameters import Section


class Judging(Section):
    """``scales.<scale>.preference.judging``.

    Attributes:
        prompts: How many of the answered prompts are judged, evenly spaced over them; None for all.
        answer_words: The judge sees this many words of each answer at most; None for whole answers.
    """

    prompts: PositiveInt | None = None
    answer_words: PositiveInt | None = None
