"""The order in which a benchmark's questions stand: any first n of them are a fair sample."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from stages.core.errors import InputError
from stages.records.question import Question

Group = str | None


def ordered(questions: Sequence[Question], rng: random.Random, *, equal: bool = False) -> list[Question]:
    """Test questions in a random order in which groups and keys keep their shares, then the shots as they came.

    A limit on questions is then a prefix, and a larger limit holds all of a smaller one. In every prefix each group has
    what its size asks for, give or take less than one question. Of multiple choice, each key has its share as nearly
    as the groups allow: a model that always gives one letter then scores by chance also in a small sample.

    Where ``equal``, groups are taken in turn instead: a prefix has equally many of each as long as they last.

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
    turns = _in_turn(sizes) if equal else _in_proportion(sizes)
    shots = [question for question in questions if question.use == "shot"]
    return [*_with_balanced_keys(tests, turns), *shots]


def _in_turn(sizes: Mapping[Group, int]) -> Iterator[Group]:
    for rank in range(max(sizes.values())):
        yield from (group for group, size in sizes.items() if size > rank)


def _in_proportion(sizes: Mapping[Group, int]) -> Iterator[Group]:
    """Each group as often as it has questions, in every prefix less than one away from its share.

    Tijdeman's solution of the chairman assignment problem (1980, Discrete Mathematics 32:323-330): of the groups whose
    turn it may be, the one that must come soonest. Its bound for k groups is 1 - 1/(2k - 2), written as 1 - 1/slack.
    """
    total, slack = sum(sizes.values()), max(2 * len(sizes) - 2, 1)
    taken = dict.fromkeys(sizes, 0)
    for place in range(1, total + 1):
        behind = {group: slack * (size * place - total * taken[group]) for group, size in sizes.items()}
        due = [group for group in sizes if behind[group] >= total]
        soonest = min(due, key=lambda group: (total * (slack - 1) - behind[group]) / sizes[group])
        taken[soonest] += 1
        yield soonest


def _with_balanced_keys(tests: Sequence[Question], turns: Iterator[Group]) -> Iterator[Question]:
    """A question of each turn's group: with the key that lags most behind its share; of that key the first left."""
    keys = Counter(map(_key, tests))
    left: dict[Group, dict[str, list[Question]]] = {}
    for question in reversed(tests):  # so that the first is the last of its list
        left.setdefault(question.group, {}).setdefault(_key(question), []).append(question)
    taken: Counter[str] = Counter()
    for place, group in enumerate(turns, start=1):
        choice = left[group]
        key = max(choice, key=lambda each: keys[each] * place - len(tests) * taken[each])
        yield choice[key].pop()
        taken[key] += 1
        if not choice[key]:
            del choice[key]


def _key(question: Question) -> str:
    return question.answer if question.choices else ""
