"""Intervals contain the truth as often as they say, in simulation, and verdicts are rarely wrong."""

from collections.abc import Callable

import numpy as np
import pytest

from selection.intervals import TuningVariance, Verdict, interval, pooled_variance, verdicts

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
SAMPLES = 400
ERROR = 3 * np.sqrt(0.95 * 0.05 / SAMPLES)  # three standard errors of a simulated coverage
DISTRIBUTIONS: dict[str, Draw] = {
    "normal": lambda generator, shape: generator.normal(size=shape),
    "heavy-tailed": lambda generator, shape: generator.standard_t(3, size=shape),
    "skewed": lambda generator, shape: generator.exponential(size=shape) - 1,
}


def simulated(draw: Draw, tunings: int, seeds: int, between_tunings: float) -> np.ndarray:
    """Tables of ratios whose true mean is zero, shape `(samples, tunings, seeds)`; what tuning adds is symmetric."""
    generator = np.random.default_rng(100 * tunings + seeds)
    shape = (SAMPLES, tunings, seeds)
    of_tunings = draw(generator, (SAMPLES, tunings, 1)) - draw(generator, (SAMPLES, tunings, 1))
    shared = draw(generator, (SAMPLES, 1, seeds))
    own = 0.5 * draw(generator, shape) if tunings > 1 else 0.0
    return np.asarray(between_tunings * of_tunings + shared + own)


def coverage(tables: np.ndarray) -> float:
    """Share of the tables whose interval contains zero."""
    return float(np.mean([low <= 0 <= high for low, high in map(interval, tables)]))


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("seeds", [2, 3, 4, 5, 8, 16])
@pytest.mark.parametrize(("tunings", "between_tunings"), [(1, 0.0), (2, 0.0), (2, 3.0), (3, 0.0), (3, 3.0)])
def test_an_interval_contains_the_truth_at_least_as_often_as_it_says(
    distribution: str, seeds: int, tunings: int, between_tunings: float
) -> None:
    tables = simulated(DISTRIBUTIONS[distribution], tunings, seeds, between_tunings)
    assert coverage(tables) >= 0.95 - ERROR


@pytest.mark.parametrize("seeds", [8, 16])
def test_an_interval_over_normal_ratios_is_not_much_wider_than_it_has_to_be(seeds: int) -> None:
    tables = simulated(DISTRIBUTIONS["normal"], 1, seeds, 0.0)
    assert coverage(tables) <= 0.97 + ERROR
    exact = [2 * {8: 2.365, 16: 2.131}[seeds] * np.std(table, ddof=1) / np.sqrt(seeds) for table in tables]
    assert 1.0 <= np.median([np.ptp(interval(table)) for table in tables]) / np.median(exact) < 1.3


@pytest.mark.parametrize(("seeds", "factor"), [(2, 2.0), (3, 5 / 3), (4, 1.5)])
def test_few_seeds_have_a_t_interval_that_is_widened(seeds: int, factor: float) -> None:
    ratios = np.random.default_rng(1).normal(size=seeds)
    quantile = {2: 12.706, 3: 4.303, 4: 3.182}[seeds]
    half = factor * quantile * np.std(ratios, ddof=1) / np.sqrt(seeds)
    assert interval(ratios) == pytest.approx((ratios.mean() - half, ratios.mean() + half), rel=1e-3)


def test_two_seeds_of_opposite_sign_are_no_verdict() -> None:
    assert verdicts({"a": np.array([-0.5, 0.4])}) == {"a": Verdict.CANNOT_TELL}
    assert np.ptp(interval(np.array([-0.2, -0.19]))) > 0.01


def test_seeds_alone_do_not_show_variation_between_tunings() -> None:
    generator = np.random.default_rng(7)
    samples = generator.normal(size=(SAMPLES, 8)) + 1.4 * generator.normal(size=(SAMPLES, 1))
    assert coverage(samples) < 0.7


def test_an_interval_follows_shift_and_scale_and_is_always_the_same() -> None:
    values = np.random.default_rng(1).normal(size=12)
    low, high = interval(values)
    assert low < values.mean() < high
    assert interval(3 * values + 7) == pytest.approx((3 * low + 7, 3 * high + 7))
    assert interval(-values) == pytest.approx((-high, -low), rel=0.05)  # up to the resamples, which are the same
    assert interval(values) == (low, high)
    wider = interval(values, 0.99)
    assert wider[0] < low
    assert wider[1] > high
    assert interval(values[None]) == (low, high)  # one tuning


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0] * 5, (0.0, 0.0)),
        ([0.5] * 5, (-np.inf, np.inf)),
        ([0.5], (-np.inf, np.inf)),
        ([0.0], (-np.inf, np.inf)),
        ([[0.5, 0.5], [0.1, 0.1]], (-np.inf, np.inf)),
    ],
)
def test_without_a_spread_over_seeds_nothing_is_claimed(values: list[float], expected: tuple[float, float]) -> None:
    assert interval(np.array(values)) == expected


def test_verdicts_are_better_worse_or_cannot_tell() -> None:
    noise = np.random.default_rng(2).normal(size=8) * 0.01
    rows = {"good": noise - 0.1, "bad": noise + 0.1, "same": noise, "itself": 0 * noise, "diverged": noise + np.nan}
    found = verdicts(rows)
    assert found == {
        "good": Verdict.BETTER,
        "bad": Verdict.WORSE,
        "same": Verdict.CANNOT_TELL,
        "itself": Verdict.CANNOT_TELL,
        "diverged": Verdict.WORSE,
    }


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_of_ten_programs_that_are_no_better_one_is_rarely_called_better(seeds: int) -> None:
    generator = np.random.default_rng(3)
    samples = 200
    wrong = 0
    for _ in range(samples):
        rows = {str(number): generator.normal(size=seeds) for number in range(10)}
        wrong += Verdict.BETTER in verdicts(rows).values()
    assert wrong <= 0.025 * samples + 3 * np.sqrt(0.025 * 0.975 * samples)  # 2.5 % on this side


def test_a_difference_of_three_standard_deviations_is_found() -> None:
    generator = np.random.default_rng(4)
    for seeds in (4, 8):
        found = [verdicts({"a": generator.normal(size=seeds) - 3.0})["a"] is Verdict.BETTER for _ in range(100)]
        assert sum(found) > {4: 60, 8: 97}[seeds]


def test_the_variance_between_tunings_of_all_entrants_moderates_that_of_each() -> None:
    generator = np.random.default_rng(3)
    tables = [generator.normal(size=(3, 1)) + np.zeros((3, 8)) for _ in range(200)]
    pooled = pooled_variance([*tables, np.full((3, 8), np.nan), np.ones((3, 1)) * generator.normal(size=8)])
    assert pooled is not None
    assert pooled.variance == pytest.approx(1 / 3, rel=0.2)
    assert pooled.freedom == 400  # without the diverged entrant and the one whose tunings end alike
    calm = generator.normal(size=(3, 8)) * 0.01  # three tunings that happen to agree
    low, high = interval(calm, pooled=pooled)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(2 / 3), rel=0.2)
    assert pooled_variance([np.ones((1, 8))]) is None


def test_the_width_of_an_interval_grows_smoothly_with_the_variance_between_tunings() -> None:
    seeds = np.random.default_rng(3).normal(size=(1, 8)) * 0.01
    pooled = TuningVariance(0.1**2 / 3, 10)
    rows = np.array([[-1.0], [0.0], [1.0]])
    widths = [np.ptp(interval(seeds + size * rows, pooled=pooled)) for size in np.linspace(0.0, 0.5, 51)]
    assert np.all(np.diff(widths) > 0)
    assert np.max(np.diff(widths)) < 0.1 * widths[25]
