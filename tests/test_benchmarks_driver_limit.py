"""The number of workers that one driver feeds follows from measured costs."""

from typing import Any

import pytest

from benchmarks import driver_limit
from benchmarks.pool_costs import FEW, JOBS, MANY, Cost

COSTS = [*(Cost(FEW, jobs, 1.0 / jobs + 0.01) for jobs in JOBS), Cost(MANY, 1, 1.2)]  # 1 ms a call, 0.01 ms a job


@pytest.mark.parametrize(
    ("duration", "milliseconds"), [(1.0, 1.01), (0.1, 1.01), (0.05, 0.51), (0.0001, 1 / 64 + 0.01)]
)
def test_short_evaluations_share_the_cost_of_a_call(duration: float, milliseconds: float) -> None:
    assert driver_limit.pool_seconds(COSTS, duration) == pytest.approx(milliseconds / 1000)


def row(children: float, hits: float) -> dict[str, Any]:
    return {"case": "few hits", "driver": children, "hits": hits}


def test_the_slower_of_driver_and_pool_sets_the_number_of_workers() -> None:
    slow, fast = driver_limit.driver_section([row(1000, 0.5), row(10_000, 0.5)], COSTS).lines[-2:]
    assert slow == "| few hits | 25 | 100 | 250 | 500 | 2,000 |"
    assert fast == "| few hits | 98 | 198 | 495 | 990 | 3,960 |"


def test_a_driver_that_cannot_feed_200_cores_misses_a_limit() -> None:
    name = "workers that one driver feeds, evaluations of 1 s, few hits"
    limits = driver_limit.driver_section([row(300, 0.5)], COSTS).limits
    assert [limit.name for limit in limits if not limit.kept] == [name]


def test_a_pool_whose_cost_grows_with_the_number_of_workers_misses_a_limit() -> None:
    assert all(limit.kept for limit in driver_limit.pool_section(COSTS).limits)
    grown = [*COSTS[:-1], Cost(MANY, 1, 6.0)]
    assert not any(limit.kept for limit in driver_limit.pool_section(grown).limits)
