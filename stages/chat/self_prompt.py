"""The self-prompt: a role prompt at the head of the assistant's turn, a blank line, the answer."""

OPENING = "From now on, you are"


def join(role: str, answer: str) -> str:
    return f"{role}\n\n{answer}"


def answer_of(output: str) -> str:
    """What follows the role prompt; small models write several of them, and none of them answers.

    Nor do the first words of one, where the output was cut off.
    """
    role, answer = split(output)
    while role is not None:
        role, answer = split(answer.lstrip())
    return "" if OPENING.startswith(answer.strip()) else answer


def split(output: str) -> tuple[str | None, str]:
    """Role prompt and answer of an assistant's turn.

    There is a role only if the turn opens with :data:`OPENING`; it ends at the first blank line. A turn cut
    off inside the role has an empty answer.
    """
    if not output.startswith(OPENING):
        return None, output
    role, _, answer = output.partition("\n\n")
    return role.rstrip(), answer
