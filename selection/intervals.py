"""Confidence intervals and verdicts from log loss ratios that are paired by seed.

A log loss ratio is log(loss of a program / loss of the reference), and negative if the program is better. There is one
ratio for each seed or, with several tunings, for each pair of tuning and seed. Both tunings and seeds vary at random,
and the interval of the mean combines the two sources of variation:

- **Seeds.** Student's t interval over the means of the seeds. With five or more seeds, each end is that of the
  studentized bootstrap (Efron and Tibshirani, 1993, chapter 12) where this one is further out: the bootstrap follows
  the skewness of the sample. With two to four seeds a bootstrap has too few distinct resamples, and the t interval is
  1 + 2 / seeds times as wide instead, a factor that was found by simulation with exponential ratios.
- **Tunings.** Student's t on the means of the tunings. The two half-widths are combined as √(a² + b²), which covers
  the mean at least as often as stated for independent normal variation (Banerjee, 1960). Two or three tunings give a
  poor estimate of their variance, so a stage of the funnel pools the estimates of its entrants (`TuningVariance`; as
  in Smyth, 2004).

`python -m benchmarks.coverage` simulates the coverage of these intervals.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache
from typing import NamedTuple

import numpy as np

CONFIDENCE = 0.95
_RESAMPLES = 2000
_FEW = 5  # least number of seeds for the bootstrap


class Verdict(StrEnum):
    """Result of a comparison with the reference."""

    BETTER = "better"
    WORSE = "worse"
    CANNOT_TELL = "cannot tell"


class TuningVariance(NamedTuple):
    """Estimate of the variance of an entrant's mean log loss over sets of tunings.

    Attributes:
        variance: variance of the mean over the tunings of one entrant.
        freedom: degrees of freedom of the estimate.
    """

    variance: float
    freedom: int


def pooled_variance(tables: Iterable[np.ndarray]) -> TuningVariance | None:
    """Pool the variance between tunings over several entrants.

    Args:
        tables: log losses of each entrant, shape `(tunings, seeds)`. Entrants that diverged, were tuned once, or ended
            at the same constants in every tuning (as those without constants) are left out.

    Returns:
        The mean of the variances, or `None` if no entrant is left.

    Example:
        >>> pooled_variance([np.array([[1.0, 2.0], [2.0, 3.0]])])
        TuningVariance(variance=0.25, freedom=1)
    """
    means = [table.mean(axis=1) for table in tables if len(table) > 1 and np.all(np.isfinite(table))]
    means = [rows for rows in means if np.ptp(rows) > 0]
    if not means:
        return None
    variance = float(np.mean([np.var(rows, ddof=1) / len(rows) for rows in means]))
    return TuningVariance(variance, sum(len(rows) - 1 for rows in means))


def interval(
    ratios: np.ndarray, confidence: float = CONFIDENCE, pooled: TuningVariance | None = None
) -> tuple[float, float]:
    """Confidence interval of the mean log loss ratio of two entrants.

    Args:
        ratios: shape `(seeds,)`, or `(tunings, seeds)`. With one tuning the interval covers variation between seeds
            alone.
        confidence: probability that the interval contains the mean.
        pooled: result of `pooled_variance` for similar entrants. It is averaged with the variance of `ratios`, weighted
            by degrees of freedom.

    Returns:
        Both ends. They are infinite for a single seed and for equal ratios of all seeds, since the spread is then
        unknown; zero if every ratio is zero, as for a program compared with itself; NaN if a ratio is not finite.

    Example:
        >>> low, high = interval(np.array([-0.2, -0.1, -0.3, -0.2, -0.25]))
        >>> low < -0.21 < high < 0
        True
        >>> interval(np.array([-0.5, 0.4]))[1] > 0  # two seeds of opposite sign
        True
    """
    table = np.atleast_2d(ratios)
    if not np.all(np.isfinite(table)):
        return (float("nan"), float("nan"))
    seeds = table.mean(axis=0)
    mean = float(np.mean(seeds))
    if len(seeds) > 1 and not np.any(table):
        return (0.0, 0.0)
    if len(seeds) == 1 or float(np.std(seeds)) <= 1e-12 * max(1.0, abs(mean)):
        return (-np.inf, np.inf)
    low, high = np.hypot(_seed_distances(seeds, confidence), _tuning_distance(table, confidence, pooled))
    return mean - float(low), mean + float(high)


def _seed_distances(means: np.ndarray, confidence: float) -> tuple[float, float]:
    """Distances of both ends from the mean that are due to seeds, from the means of the seeds, shape `(seeds,)`."""
    count, spread = len(means), float(means.std(ddof=1))
    distance = _student(count - 1, confidence) * spread / np.sqrt(count)
    if count < _FEW:
        return (distance * (1 + 2 / count),) * 2
    drawn = means[_resamples(count)]
    spreads = drawn.std(axis=1, ddof=1)
    varied = spreads > 1e-9 * spread  # resamples of a single seed have no studentized mean
    scores = (drawn.mean(axis=1) - means.mean())[varied] / spreads[varied]
    tail = (1 - confidence) / 2
    below, above = np.quantile(scores, [tail, 1 - tail]) * spread
    return max(distance, float(above)), max(distance, float(-below))


@cache
def _resamples(count: int) -> np.ndarray:
    """Indices of the bootstrap, always the same, shape `(_RESAMPLES, count)`."""
    return np.random.default_rng(0).integers(0, count, size=(_RESAMPLES, count))


def _tuning_distance(table: np.ndarray, confidence: float, pooled: TuningVariance | None) -> float:
    """Distance of both ends from the mean that is due to tunings, for a table of shape `(tunings, seeds)`."""
    tunings = len(table)
    if tunings == 1:
        return 0.0
    variance, freedom = float(np.var(table.mean(axis=1), ddof=1)) / tunings, tunings - 1
    if pooled is not None:  # for each of both entrants; it contains this table's own degrees of freedom
        variance = float(np.average([variance, 2 * pooled.variance], weights=[freedom, pooled.freedom]))
        freedom = max(freedom, pooled.freedom)
    return _student(freedom, confidence) * float(np.sqrt(variance))


def _student(freedom: int, confidence: float) -> float:
    """The two-sided quantile of Student's t distribution."""
    from scipy.special import stdtrit  # takes a while to import

    return float(stdtrit(freedom, (1 + confidence) / 2))


def verdicts(
    ratios: Mapping[str, np.ndarray], confidence: float = CONFIDENCE, pooled: TuningVariance | None = None
) -> dict[str, Verdict]:
    """Compare several programs with one reference.

    Args:
        ratios: log loss ratios of each program, shape as for `interval`.
        confidence: one minus the probability of any verdict other than `CANNOT_TELL` if no program differs from the
            reference (Bonferroni, 1936). Half of this probability is that of calling any program better.
        pooled: as for `interval`.

    Returns:
        For each program, `BETTER` or `WORSE` if its interval excludes zero, otherwise `CANNOT_TELL`. A program that
        diverged is worse.

    Example:
        >>> verdicts({"good": np.array([-0.2, -0.1, -0.3, -0.2, -0.25]), "open": np.array([0.2, -0.1, 0.0])})
        {'good': <Verdict.BETTER: 'better'>, 'open': <Verdict.CANNOT_TELL: 'cannot tell'>}
    """
    each = 1 - (1 - confidence) / max(1, len(ratios))
    return {name: _verdict(*interval(values, each, pooled)) for name, values in ratios.items()}


def _verdict(low: float, high: float) -> Verdict:
    if high < 0:
        return Verdict.BETTER
    return Verdict.WORSE if low > 0 or np.isnan(low) else Verdict.CANNOT_TELL
