"""Bayesian optimization of constants, for few and expensive trials (Snoek, Larochelle and Adams, 2012).

A Gaussian process over the constants, in the coordinates of `selection.tuning`, is fitted to the values of the
objective so far, noise included. The next trial is the point of largest expected improvement over the lowest value that
the process predicts, among random points near the best point and around the start. The result is the point at which the
process predicts the lowest value. The lowest observed value would be too optimistic under noise. With an equal budget,
Bayesian optimization reaches lower values than random search, and varies less between tunings (`docs/funnel.md`), which
matters for a comparison of tuned optimizers.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from selection.tuning import ConstantSpace, EntrantT, Proposals, TuningResult

_FIRST = 0.6  # standard deviation of the first trials around the start, in log or logit units
_NEAR, _FAR = (0.6, 0.25, 0.1), 1.0  # the same for the candidates of the next trial
_MANY_NEAR, _MANY_FAR = 600, 400  # number of these candidates
_LENGTHS = (0.3, 6.0)  # bounds of the length scales, in the same units
_BEYOND = 2.0  # values are clipped at the median plus this times the distance of the median from the lowest value


def bayesian_search(starts: Sequence[EntrantT], trials: int, seed: int | Sequence[int] = 0) -> Proposals[EntrantT]:
    """Bayesian optimization as a generator, which yields trials and receives their values.

    Args:
        starts: starting points, at least one, all with one structure. They are tried first; the search is centred on
            the first of them.
        trials: number of trials, at least one; a structure without constants is tried once.
        seed: seed of the random numbers.

    Returns:
        The point with the lowest predicted value.
    """
    space = ConstantSpace(starts[0])
    trials = trials if len(space.start) else 1
    points = [space.point(start) for start in starts][:trials]
    generator = np.random.default_rng(seed)
    values: list[float] = []
    first = len(points) + min(2 * len(space.start), (trials - len(points)) // 2)
    for trial in range(trials):
        if trial >= len(points):
            around = space.start + generator.normal(size=len(space.start)) * _FIRST
            points.append(around if trial < first else _next(np.array(points), values, space.start, generator))
        values.append((yield space.program(points[trial])))
    if len(values) < 2:
        return TuningResult(space.program(points[0]), values[0])
    predicted = _fitted(np.array(points), values).predict(np.array(points))
    best = min(range(trials), key=lambda place: (not np.isfinite(values[place]), predicted[place]))
    return TuningResult(space.program(points[best]), values[best])


def _next(points: np.ndarray, values: Sequence[float], start: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The point with the largest expected improvement, shape `(D,)`; `points` has shape `(N, D)`."""
    from scipy.special import ndtr  # slow to import, as is scikit-learn

    process = _fitted(points, values)
    known = process.predict(points)
    best, size = points[np.argmin(known)], len(start)
    near = best + generator.normal(size=(_MANY_NEAR, size)) * generator.choice(_NEAR, size=(_MANY_NEAR, 1))
    far = start + generator.normal(size=(_MANY_FAR, size)) * _FAR
    candidates = np.concatenate([near, far])
    mean, deviation = process.predict(candidates, return_std=True)
    deviation = np.maximum(deviation, 1e-9)
    gain = (np.min(known) - mean) / deviation
    density = np.exp(-(gain**2) / 2) / np.sqrt(2 * np.pi)
    return np.asarray(candidates[np.argmax(deviation * (gain * ndtr(gain) + density))])


def _fitted(points: np.ndarray, values: Sequence[float]) -> Any:  # noqa: ANN401 - scikit-learn has no types
    """The fitted process; length scales and noise maximise the likelihood."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    scales = Matern(np.full(points.shape[1], 1.2), _LENGTHS, nu=2.5)
    kernel = ConstantKernel(1.0, (0.1, 10.0)) * scales + WhiteKernel(0.05, (1e-4, 1.0))
    process = GaussianProcessRegressor(kernel, normalize_y=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # with few points, a length scale may end at its bound
        process.fit(points, _bounded(values))
    return process


def _bounded(values: Sequence[float]) -> np.ndarray:
    """The values, clipped above; values that are not finite become the upper bound."""
    array = np.asarray(values, float)
    finite = array[np.isfinite(array)]
    if not len(finite):
        return np.zeros(len(array))
    median, lowest = np.median(finite), np.min(finite)
    highest = median + _BEYOND * (median - lowest) if median > lowest else np.max(finite) + 1.0
    return np.asarray(np.minimum(np.where(np.isfinite(array), array, np.inf), highest))
