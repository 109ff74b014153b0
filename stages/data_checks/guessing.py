"""How far one gets without reading the question: by a letter, by the longest choice, by the shortest."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from stages.data_checks.choice_rows import ChoiceRow
from stages.data_checks.findings import Fault, Line
from stages.data_checks.rows import StrategyRow

MARGIN = 0.05
"""How far a guess may stray from chance."""
ENOUGH = 50
"""Sets with fewer rows (the shots) say nothing about guessing."""

Picks = Callable[[Sequence[str]], list[int]]


def _of_length(chosen: Callable[[list[int]], int]) -> Picks:
    def picks(choices: Sequence[str]) -> list[int]:
        lengths = [len(choice) for choice in choices]
        return [place for place, length in enumerate(lengths) if length == chosen(lengths)]

    return picks


longest, shortest = _of_length(max), _of_length(min)

# A guesser who meets several longest choices takes the first of them, or any.
GUESSES: dict[str, Picks] = {
    "the longest choice": longest,
    "the first of the longest choices": lambda choices: longest(choices)[:1],
    "the shortest choice": shortest,
}


def guessed(rows: Sequence[ChoiceRow], picks: Picks) -> float:
    """Expected share of right answers of someone who takes one of the picked choices at random."""
    right = 0.0
    for row in rows:
        picked = picks(row.offered)
        right += (row.right in picked) / len(picked)
    return right / len(rows)


def chance(rows: Sequence[ChoiceRow]) -> float:
    return sum(1 / len(row.offered) for row in rows) / len(rows)


def check_guessing(lines: Sequence[Line[ChoiceRow]]) -> Iterator[Fault]:
    rows = [line.row for line in lines]
    if len(rows) < ENOUGH:
        return
    by_chance = chance(rows)
    for name, picks in GUESSES.items():
        share = guessed(rows, picks)
        if abs(share - by_chance) > MARGIN:
            yield Fault(
                lines[0].path,
                None,
                f"{name} is right in {share:.1%}, by chance {by_chance:.1%}: reword choices until it stays within "
                f"{MARGIN:.0%} of chance",
            )


def check_letters(lines: Sequence[Line[ChoiceRow]]) -> Iterator[Fault]:
    """Each letter is right about equally often, so that guessing the first choice, say, gains nothing."""
    if len(lines) < ENOUGH:
        return
    counts = Counter(line.row.right for line in lines)
    letters = "ABCDE"[: len(lines[0].row.offered)]
    for place, letter in enumerate(letters):
        share = counts[place] / len(lines)
        if abs(share - 1 / len(letters)) > MARGIN:
            yield Fault(
                lines[0].path,
                None,
                f"{letter} is right in {share:.1%} of the rows: move right choices until each letter stays within "
                f"{MARGIN:.0%} of {1 / len(letters):.1%}",
            )


def check_yes(lines: Sequence[Line[StrategyRow]]) -> Iterator[Fault]:
    share = sum(line.row.answer for line in lines) / max(len(lines), 1)
    if len(lines) >= ENOUGH and abs(share - 0.5) > MARGIN:
        yield Fault(lines[0].path, None, f"yes is right in {share:.1%} of the rows, expected about half")


def measure_guessing(rows: Sequence[ChoiceRow]) -> str:
    shares = ", ".join(f"{name} {guessed(rows, picks):.1%}" for name, picks in GUESSES.items())
    return f"right by chance {chance(rows):.1%}, {shares}"
