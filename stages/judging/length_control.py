"""The win rate that would be seen if both answers were of one length.

Dubois, Galambosi, Liang & Hashimoto 2024 (Length-Controlled AlpacaEval, arXiv 2404.04475) regress the judge's
preference on tanh of the standardised length difference and read the curve at difference zero. Left out here, as
they need many systems on one set of prompts: the prompts' difficulty and the penalty. Lengths are in words.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from stages.judging.counting import Array, Verdicts

ALPHA = 0.05
FEWEST = 10
"""Prompts below which two coefficients say nothing."""


def length_controlled(verdicts: Verdicts, reason: str | None = None) -> dict[str, Any]:
    """``win_rate`` at difference zero; nulls and a ``reason`` without a fit.

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
