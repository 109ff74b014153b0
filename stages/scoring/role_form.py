"""Whether an output opens with a role prompt in the form that training gives it."""

from stages.chat import self_prompt
from stages.records.generation import Generation

FEWEST_WORDS, MOST_WORDS = 8, 90


def well_formed(generation: Generation) -> bool:
    """A role prompt of 8 to 90 words, ended by a blank line, with an answer after it.

    The answer may be missing only where the output was cut off by the limit right after the blank line.
    """
    role, answer = self_prompt.split(generation.output)
    if role is None or "\n\n" not in generation.output:
        return False
    answered = bool(answer.strip()) or not generation.finished
    return answered and FEWEST_WORDS <= len(role.split()) <= MOST_WORDS
