"""From single verdicts to one result for each prompt and training seed."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
        first: The left answer's score when it was shown first: 1 where it is preferred, 0 where the other is, 0.5 for
            a tie; ``second`` when it was shown second.
        result: 1 for a win, 0 for a loss, 0.5 for a tie. By log-odds, the sign of their mean over both orders, in
            which position cancels. Of replies, the same answer preferred in both orders (Zheng et al. 2023,
            arXiv 2306.05685, section 3.4); anything else is a tie.
        preference: For the left answer, over both orders: log-odds in nats, or of replies the score less one half.
        order_effect: What the left answer gains by being shown first, in the same unit.
        excess: Words of the left answer less those of the right, as the judge saw them.
        by_odds: Whether the judge gives log-odds.
    """

    first: Array
    second: Array
    result: Array
    preference: Array
    order_effect: Array
    excess: Array
    by_odds: bool


def verdicts(comparisons: Sequence[Compared]) -> Verdicts:
    readable = [both for both in comparisons if all(judgement.verdict is not None for judgement in both)]
    cells = {(both.left_first.seed, both.left_first.id): both for both in readable}
    seeds = list(dict.fromkeys(both.left_first.seed for both in comparisons))
    prompts = list(dict.fromkeys(both.left_first.id for both in comparisons))
    prompts = [prompt for prompt in prompts if all((seed, prompt) in cells for seed in seeds)]
    kept = [cells[seed, prompt] for seed in seeds for prompt in prompts]

    def table(values: Iterable[float | None]) -> Array:
        return np.array(list(values), dtype=float).reshape(len(seeds), len(prompts))

    scores = {LEFT: 1.0, "tie": 0.5}
    first = table(scores.get(both.left_first.verdict or "", 0.0) for both in kept)
    second = table(scores.get(both.right_first.verdict or "", 0.0) for both in kept)
    by_odds = bool(kept) and all(judgement.log_odds is not None for both in kept for judgement in both)
    if by_odds:
        when_first = table(both.left_first.log_odds for both in kept)
        when_second = -table(both.right_first.log_odds for both in kept)
    else:
        when_first, when_second = first - 0.5, second - 0.5
    preference = (when_first + when_second) / 2
    return Verdicts(
        first,
        second,
        result=(np.sign(preference) + 1) / 2 if by_odds else np.where(first == second, first, 0.5),
        preference=preference,
        order_effect=(when_first - when_second) / 2,
        excess=table(both.left_first.first_words_shown - both.left_first.second_words_shown for both in kept),
        by_odds=by_odds,
    )
