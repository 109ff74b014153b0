"""The numbers of ``metrics/preference.json``."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from stages.judging.counting import LEFT, Array, Compared, PairKey, Verdicts, by_pair, compared, verdicts
from stages.records.results import Judgement
from stages.records.systems import derive_seed
from stages.statistics.intervals import bounded_mean
from stages.statistics.paired import difference

Summary = dict[str, Any]

NOT_JUDGED = "no comparison was judged"
NOT_READ = "no prompt has a readable verdict in both orders"
ALL_TIED = "no prompt was won or lost in both orders"

ALPHA = 0.05
FEWEST = 10
"""Prompts below which two coefficients say nothing."""


def summarize(judgements: Iterable[Judgement], planned: Iterable[PairKey], seed: int) -> dict[str, dict[str, Summary]]:
    """Model → pair → its numbers; a planned pair that was not judged stands there with nulls and the reason."""
    found = by_pair(judgements)
    summaries: dict[str, dict[str, Summary]] = {}
    for key in dict.fromkeys([*planned, *found]):
        pair = summarize_pair(compared(found.get(key, [])), key.right, derive_seed(seed, "preference", *key))
        summaries.setdefault(key.model, {})[key.name] = rounded(pair)
    return summaries


def summarize_pair(comparisons: Sequence[Compared], right: str, seed: int) -> Summary:
    """One pair's numbers, from the left system's side; what cannot be had is None, and ``reason`` says why.

    Shares are over the prompts read in both orders under every seed. Intervals are Wilson's, at the effective number
    of prompts; those of several seeds hold the spread between seeds too. ``shown_first`` is what the answer shown
    first scored, ties half: 0.5 without position bias. ``flips`` are comparisons whose two orders disagree; of replies,
    they count as ties, while log-odds are averaged over both orders. ``unparsed`` are replies that named no verdict.
    """
    counted = verdicts(comparisons)
    result, flipped = counted.result, counted.first != counted.second
    reason = None if result.size else NOT_READ if comparisons else NOT_JUDGED
    rate = mean(result)
    replies = [each for both in comparisons for each in both]
    unparsed = sum(each.verdict is None for each in replies)
    return {
        "judge": "; ".join(sorted({each.judge for each in replies})) or None,
        "n": result.shape[1],
        "seeds": result.shape[0],
        "win_rate": rate["share"],
        "ci_low": rate["ci_low"],
        "ci_high": rate["ci_high"],
        "win": mean(result == 1),
        "tie": mean(result == 0.5),
        "loss": mean(result == 0),
        "sign_test": sign_test(result, seed, reason),
        "flips": {"count": int(flipped.sum()), "rate": mean(flipped)["share"]},
        "shown_first": mean((counted.first + 1 - counted.second) / 2),
        "strength": strength(counted),
        "unparsed": {"count": unparsed, "rate": unparsed / len(replies) if replies else None},
        "length_controlled": length_controlled(counted, reason),
        "answers": {LEFT: answers(comparisons, 0), right: answers(comparisons, 1)},
        **because(reason),
    }


def mean(values: NDArray[Any]) -> Summary:
    """The mean of ``values`` [seeds, prompts] with its interval."""
    if values.size == 0:
        return {"share": None, "ci_low": None, "ci_high": None}
    low, high = bounded_mean(values.astype(float)) or (None, None)
    return {"share": float(values.mean()), "ci_low": low, "ci_high": high}


def strength(counted: Verdicts) -> Summary:
    """How strongly the answers move the judge, and how strongly their order: in nats where it gives log-odds.

    ``preference`` is the mean for the left answer, ``order_effect`` the mean for the one shown first. ``by_answers``
    and ``by_order`` are their mean sizes whatever the direction. The judge ``measured_nothing`` where the order
    moves it more than the answers do.
    """
    found: Summary = dict.fromkeys(("preference", "order_effect", "by_answers", "by_order", "measured_nothing"))
    if counted.result.size:
        preference, order = counted.preference, counted.order_effect
        found |= {"preference": float(preference.mean()), "order_effect": float(order.mean())}
        found |= {"by_answers": float(abs(preference).mean()), "by_order": float(abs(order).mean())}
        found["measured_nothing"] = found["by_order"] > found["by_answers"]
    return {"unit": "nats" if counted.by_odds else "score", **found}


def sign_test(result: Array, seed: int, reason: str | None) -> Summary:
    """Whether wins and losses differ by more than chance.

    One seed: the exact sign test (Dixon & Mood 1946) on the prompts won or lost, ties left out, which is McNemar's
    exact test on the two indicators. Several seeds: the t test over seeds and prompts. ``detectable`` is the smallest
    difference of the shares of wins and losses that would be found 4 times in 5.
    """
    won, lost, tied = (int((result == value).sum()) for value in (1, 0, 0.5))
    counts = {"won": won, "lost": lost, "tied": tied}
    found = difference((result == 1).astype(float), (result == 0).astype(float), seed)
    if found is None or won + lost == 0:
        return {**counts, "p": None, "detectable": None, "test": None, **because(reason or ALL_TIED)}
    test = "sign_exact" if found.test == "mcnemar_exact" else found.test
    return {**counts, "p": found.p, "detectable": found.detectable, "test": test}


def answers(comparisons: Sequence[Compared], side: int) -> Summary:
    """Mean length in words of one system's whole answers; how many were empty, how many the judge saw cut."""
    shown = [both.left_first for both in comparisons]
    words = [(each.first_words, each.second_words)[side] for each in shown]
    seen = [(each.first_words_shown, each.second_words_shown)[side] for each in shown]
    return {
        "words": sum(words) / len(words) if words else None,
        "empty": words.count(0),
        "cut": sum(part < whole for part, whole in zip(seen, words, strict=True)),
    }


def because(reason: str | None) -> Summary:
    return {} if reason is None else {"reason": reason}


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    return round(value, 6) if isinstance(value, float) else value


def length_controlled(verdicts: Verdicts, reason: str | None = None) -> Summary:
    """The win rate that would be seen if both answers were of one length; nulls and a ``reason`` without a fit.

    Dubois, Galambosi, Liang & Hashimoto 2024 (Length-Controlled AlpacaEval, arXiv 2404.04475) regress the judge's
    preference on tanh of the standardised length difference and read the curve at difference zero. Left out here, as
    they need many systems on one set of prompts: the prompts' difficulty and the penalty. Lengths are in words.

    The interval is clustered by prompt: it speaks of other prompts, not of other training seeds.

    ``extrapolated`` says that one system's answers were the longer ones throughout, so that no prompt shows what
    happens at equal length.
    """
    excess, result = verdicts.excess.ravel(), verdicts.result.ravel()
    seeds, n = verdicts.result.shape
    if reason := reason or unfit(excess, result, n):
        return {"win_rate": None, "ci_low": None, "ci_high": None, "extrapolated": None, "reason": reason}
    prompts = np.tile(np.arange(n), seeds)
    rate, low, high = fit(np.tanh(excess / excess.std(ddof=1)), result, prompts)
    extrapolated = bool(excess.min() > 0 or excess.max() < 0)
    return {"win_rate": rate, "ci_low": low, "ci_high": high, "extrapolated": extrapolated}


def unfit(excess: Array, result: Array, prompts: int) -> str | None:
    """Why the regression has no finite solution, or None."""
    if prompts < FEWEST:
        return f"fewer than {FEWEST} prompts"
    if np.ptp(result) == 0:
        return "every comparison had the same result"
    if np.ptp(excess) == 0:
        return "the difference in length is the same everywhere"
    # A tie is half a win and half a loss. The likelihood has a maximum only if the two overlap (Albert & Anderson
    # 1984, Biometrika 71:1-10).
    wins, losses = excess[result > 0], excess[result < 1]
    if wins.min() >= losses.max() or losses.min() >= wins.max():
        return "length alone separates wins from losses"
    return None


def fit(lengths: Array, result: Array, prompts: NDArray[np.int64]) -> tuple[float, float, float]:
    """The rate at length zero and its interval: logistic regression of shares (Papke & Wooldridge 1996)."""
    import statsmodels.api as sm

    model = sm.GLM(result, sm.add_constant(lengths), family=sm.families.Binomial())
    fitted = model.fit(cov_type="cluster", cov_kwds={"groups": prompts}, use_t=True)
    low, high = fitted.conf_int(alpha=ALPHA)[0]
    return float(expit(fitted.params[0])), float(expit(low)), float(expit(high))
