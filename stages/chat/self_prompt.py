"""The self-prompt: a role prompt at the head of the assistant's turn, a blank line, the answer."""

from stages.chat.sentences import first_sentence

OPENING = "From now on, you are"

STEP_BY_STEP = "Let's think step by step."
"""What the condition ``cot`` begins the assistant's turn with (Kojima et al. 2022)."""


def join(role: str, answer: str) -> str:
    return f"{role}\n\n{answer}"


def answer_of(output: str) -> str:
    """What of an output may be read as an answer: no role prompt, and no :data:`STEP_BY_STEP` at its head.

    Small models write several role prompts, also between parts of an answer. None of them answers, nor do the first
    words of one where the output was cut off.
    """
    paragraphs = split(output.removeprefix(f"{STEP_BY_STEP}\n\n"))[1].split("\n\n")
    return "\n\n".join(paragraph for paragraph in paragraphs if not _is_role(paragraph)).removeprefix("\n\n")


def _is_role(paragraph: str) -> bool:
    text = paragraph.strip().lstrip("\"'")
    # The letter F alone answers a question of six choices.
    return text.startswith(OPENING) or (len(text) > 1 and OPENING.startswith(text))


def split(output: str) -> tuple[str | None, str]:
    """Role prompt and answer of an assistant's turn.

    There is a role only if the turn opens with :data:`OPENING`; it ends at the first blank line. A turn cut
    off inside the role has an empty answer.
    """
    if not output.lstrip().startswith(OPENING):
        return None, output
    role, _, answer = output.lstrip().partition("\n\n")
    return role.rstrip(), answer


def split_restated(output: str, question: str) -> tuple[str | None, str]:
    """Head and answer of a turn by the arm ``restated``, which begins by restating the question's first sentence.

    There is a head only if the turn opens with that sentence; it ends at the first blank line, as a role prompt does.
    """
    opening = first_sentence(question)
    if not opening or not output.lstrip().startswith(opening):
        return None, output
    head, _, answer = output.lstrip().partition("\n\n")
    return head.rstrip(), answer
