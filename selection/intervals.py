"""Confidence intervals and verdicts, from differences that are paired by seed.

*One tuning.* Intervals are studentized bootstraps (bootstrap-t; Efron and Tibshirani, 1993, chapter 12). With the five
seeds of a last stage the simpler percentile bootstrap covers the truth in less than 90 % of cases where it claims 95 %;
the studentized one comes within a few per cent of its claim (`tests/test_selection_intervals.py` simulates both).

*Several tunings.* There is a difference for each tuning and seed, and luck in both. The variance of the mean is the
sum of what the rows and what the columns of that table say, which errs to the safe side, and its degrees of freedom
are those of Satterthwaite (1946). Three rows say little of luck in tuning. So in verdicts what they say is moderated by
what the rows of the reference and of all programs of the stage say together (Smyth, 2004, has the idea).
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

import numpy as np

_RESAMPLES = 2000
_CONFIDENCE = 0.95


class Verdict(StrEnum):
    """What can be said of a program beside a baseline."""

    BETTER = "better"
    WORSE = "worse"
    OPEN = "not distinguishable"


class Luck(NamedTuple):
    """What is known of luck in tuning: variance of the mean over the tunings of a contender, and degrees of freedom."""

    variance: float
    freedom: int


def pooled_luck(tables: Iterable[np.ndarray]) -> Luck | None:
    """What several contenders say of it together.

    Args:
        tables: log losses of each, shape `(tunings, seeds)`. Who diverged does not count, nor whose tunings all ended
            at the same constants, as where there are none to tune.

    Returns:
        `None` where nobody says anything.
    """
    means = [table.mean(axis=1) for table in tables if len(table) > 1 and np.all(np.isfinite(table))]
    means = [rows for rows in means if np.ptp(rows) > 0]
    if not means:
        return None
    variance = float(np.mean([np.var(rows, ddof=1) / len(rows) for rows in means]))
    return Luck(variance, sum(len(rows) - 1 for rows in means))


def interval(values: np.ndarray, confidence: float = _CONFIDENCE, luck: Luck | None = None) -> tuple[float, float]:
    """Confidence interval of the mean of differences of two contenders, shape `(seeds,)` or `(tunings, seeds)`.

    With one tuning, the interval knows of the luck of seeds alone. A single seed, or values that are all the same, say
    nothing of the spread: the interval is the whole line then, unless every value is zero, as for a program beside
    itself. What several tunings say is moderated by the `luck` that contenders of their kind have.
    """
    if not np.all(np.isfinite(values)):
        return (float("nan"), float("nan"))
    mean, several = float(np.mean(values)), values.shape[-1] > 1
    if not several or float(np.std(values)) <= 1e-12 * max(1.0, abs(mean)):
        return (0.0, 0.0) if not np.any(values) and several else (-np.inf, np.inf)
    table = np.atleast_2d(values)
    low, high = _bootstrapped(table[0], confidence) if len(table) == 1 else _crossed(table, confidence, luck)
    return mean + low, mean + high


def _bootstrapped(values: np.ndarray, confidence: float) -> tuple[float, float]:
    """Both ends of the interval from the mean, shape `(seeds,)`; the resampling is always the same."""
    count, mean, spread = len(values), values.mean(), values.std(ddof=1)
    drawn = values[np.random.default_rng(0).integers(0, count, size=(_RESAMPLES, count))]
    spreads = drawn.std(axis=1, ddof=1)
    varied = spreads > 1e-9 * spread  # a sample of one value again and again has no studentized mean
    scores = (drawn.mean(axis=1) - mean)[varied] / spreads[varied]
    tail = (1 - confidence) / 2
    low, high = np.quantile(scores, [tail, 1 - tail])
    return -float(high * spread), -float(low * spread)


def _crossed(table: np.ndarray, confidence: float, luck: Luck | None) -> tuple[float, float]:
    """The same for a table of shape `(tunings, seeds)`, both more than one, the luck of each being independent."""
    variances = np.array([np.var(table.mean(axis=1 - axis), ddof=1) / table.shape[axis] for axis in (0, 1)])
    freedoms = np.array(table.shape) - 1
    if luck is not None:  # of both contenders; what the rows say themselves is part of it, and adds no freedom
        weights = freedoms[0], luck.freedom
        variances[0] = np.average([variances[0], 2 * luck.variance], weights=weights)
        freedoms[0] = max(weights)
    from scipy.special import stdtrit  # takes a while to import

    freedom = np.sum(variances) ** 2 / np.sum(variances**2 / freedoms)
    half = float(stdtrit(freedom, (1 + confidence) / 2) * np.sqrt(np.sum(variances)))
    return -half, half


def verdicts(
    differences: Mapping[str, np.ndarray], confidence: float = _CONFIDENCE, luck: Luck | None = None
) -> dict[str, Verdict]:
    """A verdict on each of several programs, with the chance that any of them is wrong held down together.

    Args:
        differences: for each program log(loss of the program / loss of the baseline), shape as for `interval`; negative
            is better.
        confidence: 1 − the chance that any verdict but `OPEN` is wrong where the truth is zero (Bonferroni, 1936).
        luck: as for `interval`.
    """
    each = 1 - (1 - confidence) / max(1, len(differences))
    return {name: _verdict(*interval(values, each, luck)) for name, values in differences.items()}


def _verdict(low: float, high: float) -> Verdict:
    if high < 0:
        return Verdict.BETTER
    return Verdict.WORSE if low > 0 or np.isnan(low) else Verdict.OPEN
