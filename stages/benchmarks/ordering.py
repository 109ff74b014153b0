"""The order in which a benchmark's questions stand: any first n of them are a fair sample."""

import random
from collections.abc import Sequence

from stages.core.errors import InputError
from stages.records.question import Question


def ordered(questions: Sequence[Question], rng: random.Random) -> list[Question]:
    """Test questions in a random order that takes groups in turn, then the shots as they came.

    A limit on questions is then a prefix, and a larger limit holds all of a smaller one.

    Raises:
        InputError: There is no test question, or two have the same id.
    """
    tests = [question for question in questions if question.use == "test"]
    if not tests:
        raise InputError("the benchmark has no test questions")
    repeated = len(questions) - len({question.id for question in questions})
    if repeated:
        raise InputError(f"{repeated} questions have an id that another has too")
    rng.shuffle(tests)
    seen: dict[str | None, int] = {}
    ranked: list[tuple[int, int]] = []
    for index, question in enumerate(tests):
        seen[question.group] = seen.get(question.group, 0) + 1
        ranked.append((seen[question.group], index))
    shots = [question for question in questions if question.use == "shot"]
    return [tests[index] for _, index in sorted(ranked)] + shots
