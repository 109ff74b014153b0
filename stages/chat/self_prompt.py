"""The self-prompt: a role prompt at the head of the assistant's turn, a blank line, the answer."""

import re

ABBREVIATIONS = frozenset(
    """
    dr mr mrs ms mx prof st sr jr rev hon gen col maj sgt capt cpt lt cmdr gov sen rep pres messrs vs cf e.g i.e viz
    approx ca fig figs eq eqs sec ch vol vols pp ed eds al op inc ltd corp co dept univ est jan feb mar apr jun jul aug
    sep sept oct nov dec mt ft ave blvd rd no nos art
    """.split()  # noqa: SIM905  a list would take a page
)
"""A period behind one of these seldom ends a sentence; the last ones are words of their own too (see below)."""

WORDS_TOO = frozenset({"no", "art", "co", "ch", "mar", "sec", "ed", "fig", "est"})
"""Abbreviations only before a number or a name in capitals: "No. 5", but "Is it wrong? No. It is not." """

STARTERS = frozenset(
    """
    a an the i you he she it we they this that these those there here my your his her its our their what which who whom
    whose when where why how is are was were am do does did can could will would shall should may might must has have
    had if in on at for from with as by after before since while because although though however but and or so then
    please tell give write explain describe name list show help make let suppose assume consider yes no not now
    """.split()  # noqa: SIM905
)
"""Words that open the next sentence where one ends on an abbreviation: "in the U.S. What ...", not "the U.S. Army"."""

END = re.compile(r"(?P<mark>[.!?…]+)(?P<closing>[\"'”’)\]*_]*)(?=\s|$)")  # noqa: RUF001  typographic quotation marks
LAST_WORD = re.compile(r"[\w'’-]+(?:\.[\w'’-]+)*$")  # noqa: RUF001
NEXT_WORD = re.compile(r"\s*[\"'“‘(\[*_]*([\w'’]+)?")  # noqa: RUF001


def first_sentence(text: str) -> str:
    """The first sentence of a text, its end mark included; a line break ends one too. Empty only for empty texts."""
    line = text.strip().split("\n", maxsplit=1)[0].rstrip()
    for match in END.finditer(line):
        if _ends(line, match):
            return line[: match.end()]
    return line


def _ends(line: str, match: re.Match[str]) -> bool:
    following = NEXT_WORD.match(line, match.end())
    after = following[1] if following and following[1] else ""
    if match.end() == len(line):
        return True
    if match["mark"] != ".":
        # "Stop!" he said: what goes on in lower case behind a quotation or an ellipsis is the same sentence.
        goes_on = after[:1].islower() and (bool(match["closing"]) or match["mark"][0] in ".…")
        return not goes_on
    word = LAST_WORD.search(line, 0, match.start())
    return not after[:1].islower() and not _abbreviated(word[0] if word else "", after, line[: match.start()])


def _abbreviated(word: str, after: str, before: str) -> bool:
    """Whether the period behind ``word`` belongs to it, and ``after`` goes on with the same sentence."""
    lower = word.lower()
    if before.strip().isdigit():
        return True  # "1. What is ...": the number of an item
    if lower in WORDS_TOO:
        return after[:1].isdigit()
    if lower in ABBREVIATIONS:
        return True
    initial = len(word) == 1 and word.isupper() and word != "I"
    dotted = re.fullmatch(r"(?:[A-Za-z]{1,2}\.)+[A-Za-z]{1,2}", word) is not None
    return (initial or dotted) and after.lower() not in STARTERS


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
    return _split_after(OPENING, output)


def split_restated(output: str, question: str) -> tuple[str | None, str]:
    """As :func:`split`, for the arm ``restated``, whose turns open with the question's first sentence."""
    opening = first_sentence(question)
    return _split_after(opening, output) if opening else (None, output)


def _split_after(opening: str, output: str) -> tuple[str | None, str]:
    if not output.lstrip().startswith(opening):
        return None, output
    head, _, answer = output.lstrip().partition("\n\n")
    return head.rstrip(), answer
