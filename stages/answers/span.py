"""A short span of text, by exact match and F1 after HotpotQA's normalization.

Strict: what stands on the last line ``Answer: X``. Flexible: what follows "the answer is" on that line or in the last
sentence that says so, else a text that is one short line itself. A longer text without either is not read. Where the
question asks for a verdict ("Do whales and bats …?") and one is written, it is read as ``yes_no.py`` does: "yes, since
both are mammals" is "yes".
"""

import re
import string
from collections import Counter

from stages.answers import answer_line, yes_no
from stages.answers.answer_line import UNREAD, ReadAnswer, flexible, strict
from stages.records.question import Question

READING = "exact_match"

LONGEST = 15  # words of a text that is taken whole
OPENER = re.compile(
    r"(?:(?:so|thus|therefore|hence),?\s+)?(?:the|my)\s+(?:\w+\s+)?answer\s+(?:is|was|would\s+be)\b\s*:?\s*(?=\S)",
    re.IGNORECASE,
)
VERDICTS = {"yes", "no", "noanswer"}
ASKS_FOR_A_VERDICT = re.compile(r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would)\b", re.IGNORECASE)


def read(text: str, question: Question) -> ReadAnswer:
    if ASKS_FOR_A_VERDICT.match(question.question.strip()):
        verdict = yes_no.read(text, question)
        if verdict.value is not None:
            return verdict
    text = answer_line.before_next_question(text, question.question)
    stated = answer_line.last(text)
    if stated is not None:
        if opener := OPENER.match(stated):
            return flexible(_trimmed(answer_line.sentence(stated[opener.end() :])))
        return strict(_trimmed(stated))
    for phrase in answer_line.phrases(text):
        return flexible(_trimmed(phrase))
    whole = answer_line.plain(text).strip()
    says_nothing = whole.endswith(":") or answer_line.LINE.match(whole)  # such a line would have been read
    if whole and "\n" not in whole and len(whole.split()) <= LONGEST and not says_nothing:
        return flexible(_trimmed(whole))
    return UNREAD


def score(value: str | None, question: Question) -> float:
    """Exact match after normalization, with the answer or any of its other forms."""
    right = {normalized(target) for target in (question.answer, *question.aliases)}
    return float(value is not None and normalized(value) in right)


def f1(value: str | None, question: Question) -> float:
    """F1 over words, the best over the answer and its other forms."""
    if value is None:
        return 0.0
    return max(_f1(normalized(value), normalized(target)) for target in (question.answer, *question.aliases))


def _f1(prediction: str, truth: str) -> float:
    """As in HotpotQA's own script, "yes", "no" and "noanswer" match whole or not at all."""
    if prediction != truth and not VERDICTS.isdisjoint({prediction, truth}):
        return 0.0
    common = (Counter(prediction.split()) & Counter(truth.split())).total()
    if common == 0:
        return 0.0
    precision, recall = common / len(prediction.split()), common / len(truth.split())
    return 2 * precision * recall / (precision + recall)


def normalized(text: str) -> str:
    """Lower case without punctuation, articles and extra spaces, as in hotpot_evaluate_v1.py (Yang et al. 2018)."""
    text = "".join(character for character in text.lower() if character not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def _trimmed(text: str) -> str:
    return text.strip().strip("\"'`").strip()
