"""From single verdicts to one result for each prompt and training seed."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.core.errors import InputError
from stages.records.results import Judgement

LEFT = "role"
"""The system whose wins and losses are counted stands on the left of every pair."""

Array = NDArray[np.float64]


class PairKey(NamedTuple):
    model: str
    name: str

    @property
    def right(self) -> str:
        return self.name.removeprefix(f"{LEFT} - ")


class Compared(NamedTuple):
    """One prompt under one seed: the judgement with the left answer first, and the one with it second."""

    left_first: Judgement
    right_first: Judgement

    @property
    def scores(self) -> tuple[float | None, float | None]:
        """The left answer's score when shown first and when shown second."""
        return score(self.left_first.verdict), score(self.right_first.verdict)


def score(verdict: str | None) -> float | None:
    """1 where the left answer is preferred, 0 where the right one is, 0.5 for a tie."""
    if verdict is None:
        return None
    return {LEFT: 1.0, "tie": 0.5}.get(verdict, 0.0)


def by_pair(judgements: Iterable[Judgement]) -> dict[PairKey, list[Judgement]]:
    """Judgements by model and pair, in the order in which the pairs first appear."""
    pairs: dict[PairKey, list[Judgement]] = defaultdict(list)
    for judgement in judgements:
        right = judgement.second if judgement.first == LEFT else judgement.first
        pairs[PairKey(judgement.model, f"{LEFT} - {right}")].append(judgement)
    return dict(pairs)


def compared(judgements: Sequence[Judgement]) -> list[Compared]:
    """One pair's judgements, two and two.

    Raises:
        InputError: A comparison was not judged exactly once in each order.
    """
    orders: dict[tuple[str, int | None], list[Judgement]] = defaultdict(list)
    for judgement in judgements:
        orders[judgement.id, judgement.seed].append(judgement)
    both = []
    for (prompt, seed), found in orders.items():
        found.sort(key=lambda judgement: judgement.first != LEFT)
        if len(found) != 2 or found[0].first != LEFT or found[1].second != LEFT:
            raise InputError(f"data/judgements.jsonl: {prompt!r}, seed {seed}: expected one judgement in each order")
        both.append(Compared(*found))
    return both


@dataclass(frozen=True)
class Verdicts:
    """A pair's verdicts on the prompts that were read in both orders under every seed; arrays [seeds, prompts].

    Attributes:
        first: The left answer's score when it was shown first; ``second`` when it was shown second.
        excess: Words of the left answer less those of the right, as the judge saw them.
        by_odds: Whether the judge gives log-odds.
        for_left: What speaks for the left answer when it was shown first, and when it was shown second: log-odds in
            nats, or of replies the score less one half.
    """

    first: Array
    second: Array
    excess: Array
    by_odds: bool
    for_left: tuple[Array, Array]

    @cached_property
    def result(self) -> Array:
        """1 for a win, 0 for a loss, 0.5 for a tie.

        By log-odds, the sign of their mean over both orders, in which position cancels. Of replies, the same answer
        preferred in both orders (Zheng et al. 2023, arXiv 2306.05685, section 3.4); anything else is a tie.
        """
        if self.by_odds:
            return (np.sign(self.preference) + 1) / 2
        return np.where(self.first == self.second, self.first, 0.5)

    @property
    def preference(self) -> Array:
        """For the left answer, over both orders."""
        return (self.for_left[0] + self.for_left[1]) / 2

    @property
    def order_effect(self) -> Array:
        """What the left answer gains by being shown first, in the unit of :attr:`preference`."""
        return (self.for_left[0] - self.for_left[1]) / 2

    @property
    def flipped(self) -> Array:
        return (self.first != self.second).astype(float)

    @property
    def shown_first(self) -> Array:
        """What the answer shown first scored, of the two orders' mean: 0.5 where the order made no difference."""
        return (self.first + 1 - self.second) / 2


def verdicts(comparisons: Sequence[Compared]) -> Verdicts:
    seeds = list(dict.fromkeys(each.left_first.seed for each in comparisons))
    cells = {(each.left_first.seed, each.left_first.id): each for each in comparisons if None not in each.scores}
    prompts = [
        prompt
        for prompt in dict.fromkeys(each.left_first.id for each in comparisons)
        if all((seed, prompt) in cells for seed in seeds)
    ]
    kept = [cells[seed, prompt] for seed in seeds for prompt in prompts]

    def table(values: Iterable[float | None]) -> Array:
        return np.array(list(values), dtype=float).reshape(len(seeds), len(prompts))

    first, second = table(each.scores[0] for each in kept), table(each.scores[1] for each in kept)
    by_odds = bool(kept) and all(judgement.log_odds is not None for both in kept for judgement in both)
    for_left = first - 0.5, second - 0.5
    if by_odds:
        for_left = table(each[0].log_odds for each in kept), -table(each[1].log_odds for each in kept)
    excess = table(each.left_first.first_words_shown - each.left_first.second_words_shown for each in kept)
    return Verdicts(first, second, excess, by_odds, for_left)
