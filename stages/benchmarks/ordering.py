"""The order in which a benchmark's questions stand: any first n of them are a fair sample."""

import random
from collections import Counter
from collections.abc import Sequence

from stages.core.errors import InputError
from stages.records.question import Question


def ordered(questions: Sequence[Question], rng: random.Random, *, equal: bool = False) -> list[Question]:
    """Test questions in a random order in which groups keep their shares, then the shots as they came.

    A limit on questions is then a prefix: each group has in it what its size asks for, give or take one question, and
    a larger limit holds all of a smaller one. The k-th of a group's N questions stands at (k - 1/2) / N of the way.

    Args:
        questions: All of a benchmark's.
        rng: Where the order comes from.
        equal: Groups are taken in turn instead, so that a prefix has equally many of each as long as they last.

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
    sizes = Counter(question.group for question in tests)
    seen: Counter[str | None] = Counter()
    ranked: list[tuple[float, int]] = []
    for index, question in enumerate(tests):
        seen[question.group] += 1
        rank = seen[question.group]
        ranked.append((rank if equal else (rank - 0.5) / sizes[question.group], index))
    shots = [question for question in questions if question.use == "shot"]
    return [tests[index] for _, index in sorted(ranked)] + shots
