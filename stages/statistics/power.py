"""The smallest difference that a comparison could find."""

from scipy import optimize, stats

from stages.statistics.variance import ALPHA, Variance

POWER = 0.80
# The exact test of fewer discordant items cannot give p < 0.05, even if one system wins them all: 2 * 0.5**5 > 0.05.
FEWEST_DISCORDANT = 6


def from_discordance(discordance: float, n: float) -> float | None:
    """Smallest true difference that McNemar's test at 5% finds with 80% power on ``n`` pairs.

    Connor (1987, Biometrics 43:207-211), solved for the difference d at the share s of discordant pairs seen:
    n d^2 = (z_alpha sqrt(s) + z_power sqrt(s - d^2))^2. No difference can exceed that share; where d would, the share
    is taken to grow with it (s = d). None where even a system that is always right against one that is always wrong
    would not do.
    """
    if n < FEWEST_DISCORDANT:
        return None

    def shortfall(d: float) -> float:
        share = max(discordance, d)
        return n**0.5 * d - z_alpha * share**0.5 - z_power * max(share - d**2, 0.0) ** 0.5

    z_alpha, z_power = stats.norm.ppf(1 - ALPHA / 2), stats.norm.ppf(POWER)
    return None if shortfall(1.0) < 0 else float(optimize.brentq(shortfall, 1e-9, 1.0))


def from_error(error: float, variance: Variance) -> float | None:
    """Smallest true difference that a t test at 5% finds with 80% power, from the difference's standard error.

    Bloom (1995, Evaluation Review 19:547-556): (t_alpha + t_power) times the error. None where that exceeds 1.
    """
    detectable = (variance.quantile(ALPHA) + variance.quantile(2 * (1 - POWER))) * error
    return None if detectable > 1 else detectable
