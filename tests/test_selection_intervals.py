"""Intervals that hold what they claim, in simulation, and verdicts that are rarely wrong."""

import numpy as np
import pytest

from selection.intervals import Luck, Verdict, interval, pooled_luck, verdicts

TRIALS = 1000


def covered(count: int, skewed: bool) -> float:
    """Share of simulated samples whose interval holds the true mean, zero."""
    generator = np.random.default_rng(100 + count)
    samples = generator.exponential(size=(TRIALS, count)) - 1 if skewed else generator.normal(size=(TRIALS, count))
    intervals = [interval(sample) for sample in samples]
    return float(np.mean([low <= 0 <= high for low, high in intervals]))


def percentile(values: np.ndarray) -> tuple[float, float]:
    drawn = np.random.default_rng(0).choice(values, (2000, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


@pytest.mark.parametrize("skewed", [False, True])
@pytest.mark.parametrize("count", [5, 8, 24])
def test_an_interval_covers_the_truth_as_often_as_it_says(count: int, skewed: bool) -> None:
    assert covered(count, skewed) == pytest.approx(0.95, abs=0.045)


@pytest.mark.parametrize("luck", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(("tunings", "seeds"), [(3, 5), (3, 8), (5, 8)])
def test_an_interval_over_tunings_and_seeds_covers_the_truth_as_often_as_it_says(
    tunings: int, seeds: int, luck: float
) -> None:
    generator = np.random.default_rng(7)
    shape = (TRIALS // 2, tunings, seeds)
    samples = generator.normal(size=shape) + generator.normal(size=(shape[0], 1, seeds))
    samples += luck * (generator.normal(size=(*shape[:2], 1)) - generator.normal(size=(*shape[:2], 1)))
    intervals = [interval(sample) for sample in samples]
    assert np.mean([low <= 0 <= high for low, high in intervals]) == pytest.approx(0.95, abs=0.045)


def test_seeds_alone_do_not_show_luck_in_tuning() -> None:
    generator = np.random.default_rng(7)
    samples = generator.normal(size=(TRIALS, 8)) + 1.4 * generator.normal(size=(TRIALS, 1))
    assert np.mean([low <= 0 <= high for low, high in map(interval, samples)]) < 0.7


def test_the_simpler_bootstrap_does_not() -> None:
    generator = np.random.default_rng(5)
    samples = generator.normal(size=(TRIALS, 5))
    assert np.mean([low <= 0 <= high for low, high in map(percentile, samples)]) < 0.9


def test_an_interval_follows_shift_and_scale_and_is_always_the_same() -> None:
    values = np.random.default_rng(1).normal(size=12)
    low, high = interval(values)
    assert low < values.mean() < high
    assert interval(3 * values + 7) == pytest.approx((3 * low + 7, 3 * high + 7))
    assert interval(values) == (low, high)
    wider = interval(values, 0.99)
    assert wider[0] < low
    assert wider[1] > high
    assert interval(values[None]) == (low, high)  # one tuning


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.0] * 5, (0.0, 0.0)), ([0.5] * 5, (-np.inf, np.inf)), ([0.5], (-np.inf, np.inf)), ([0.0], (-np.inf, np.inf))],
)
def test_without_a_spread_nothing_is_claimed(values: list[float], expected: tuple[float, float]) -> None:
    assert interval(np.array(values)) == expected


def test_verdicts_say_better_worse_or_neither() -> None:
    noise = np.random.default_rng(2).normal(size=8) * 0.01
    rows = {"good": noise - 0.1, "bad": noise + 0.1, "same": noise, "itself": 0 * noise, "diverged": noise + np.nan}
    found = verdicts(rows)
    assert found == {
        "good": Verdict.BETTER,
        "bad": Verdict.WORSE,
        "same": Verdict.OPEN,
        "itself": Verdict.OPEN,
        "diverged": Verdict.WORSE,
    }


def test_the_baseline_under_other_names_hardly_ever_beats_itself() -> None:
    generator = np.random.default_rng(3)
    wrong = 0
    for _ in range(200):  # comparisons of ten programs that are none better, five seeds each
        rows = {str(number): generator.normal(size=5) for number in range(10)}
        wrong += Verdict.BETTER in verdicts(rows).values()
    assert wrong <= 200 * 0.025 * 2  # 2.5 % on that side are claimed; twice that is beyond chance


def test_what_is_clearly_better_is_found() -> None:
    generator = np.random.default_rng(4)
    found = [verdicts({"a": generator.normal(size=8) - 3.0})["a"] is Verdict.BETTER for _ in range(100)]
    assert sum(found) > 95


def test_what_all_contenders_say_of_luck_in_tuning_moderates_what_each_says() -> None:
    generator = np.random.default_rng(3)
    lucky = [generator.normal(size=(3, 1)) + np.zeros((3, 8)) for _ in range(200)]
    pooled = pooled_luck([*lucky, np.full((3, 8), np.nan), np.ones((3, 1)) * generator.normal(size=8)])
    assert pooled is not None
    assert pooled.variance == pytest.approx(1 / 3, rel=0.2)
    assert pooled.freedom == 400  # neither who diverged nor who has no constants to tune says anything
    calm = generator.normal(size=(3, 8)) * 0.01  # three tunings that happen to agree
    low, high = interval(calm, luck=pooled)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(2 / 3), rel=0.2)
    assert pooled_luck([np.ones((1, 8))]) is None


def test_the_width_of_an_interval_does_not_jump_with_luck() -> None:
    seeds = np.random.default_rng(3).normal(size=(1, 8)) * 0.01
    luck = Luck(0.1**2 / 3, 10)
    rows = np.array([[-1.0], [0.0], [1.0]])
    widths = [np.ptp(interval(seeds + size * rows, luck=luck)) for size in np.linspace(0.0, 0.5, 51)]
    assert np.all(np.diff(widths) > 0)
    assert np.max(np.diff(widths)) < 0.1 * widths[25]
