"""Where one driver ends: `python -m benchmarks.driver_limit`, about four minutes on two free cores.

The cost of a child is measured in CPU time of the driver and of the Ray process. The latter is measured with sleeping
actors: 16 workers with several jobs in a message, and 1,000 workers. From the costs follows the number of workers that
one driver feeds, for each duration of an evaluation.
"""

from search.execution import pin_threads

pin_threads()

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.limits import Limit, Section, account, exit_status, measured, table
from benchmarks.pool_costs import CALLED, FEW, MANY, Cost, pool_costs
from benchmarks.scaling import driver_rates

MOST_RATIO = 3.0  # cost of a job with many workers over that with few
PLACES = 4  # workers that answer at once, for the cost of the driver
SHARE = 0.5  # of the children of a full measurement
EVALUATIONS = (0.05, 0.2, 0.5, 1.0, 4.0)  # seconds
CORES = 200  # workers that one driver has to feed, if an evaluation takes `ENOUGH` seconds
ENOUGH = 1.0


def pool_section(costs: Sequence[Cost]) -> Section:
    """Cost of the pool for each job."""
    first, *_, many = costs
    rows = [[f"{cost.workers:,}", f"{cost.jobs}", f"**{cost.milliseconds:.3f}**"] for cost in costs]
    lines = [
        "## Pool of workers: CPU time of the process that is connected to Ray",
        "",
        "Actors that sleep in place of workers. The messages to and from the driver are not part of this.",
        "",
        *table(["workers", "jobs in a message", "ms per job"], rows, left=0),
    ]
    ratio = many.milliseconds / first.milliseconds
    return Section(lines, [Limit(f"cost of a job, {MANY:,} workers over {FEW}", ratio, MOST_RATIO)])


def pool_seconds(costs: Sequence[Cost], duration: float) -> float:
    """CPU seconds of the pool for each evaluation of some duration: a part for the call, and a part for the job."""
    one, *_, most, _ = costs
    job = (most.jobs * most.milliseconds - one.milliseconds) / (most.jobs - 1)
    jobs = max(1.0, min(most.jobs, CALLED / duration))
    return ((one.milliseconds - job) / jobs + job) / 1000


def driver_section(rows: Sequence[Mapping[str, Any]], costs: Sequence[Cost]) -> Section:
    """Cost of the driver, and the number of workers that it feeds.

    Args:
        rows: results of `driver_rates`.
        costs: results of `pool_costs`.
    """
    children, feeds, limits = [], [], []
    for row in rows:
        share = 1 - row["hits"]
        each = 1 / row["driver"] / share  # seconds of the driver for each evaluation
        fed = {seconds: seconds / max(each, pool_seconds(costs, seconds)) for seconds in EVALUATIONS}
        children.append([row["case"], f"{1000 / row['driver']:.2f}", f"{share:.0%}", f"{each * 1000:.2f}"])
        feeds.append([row["case"], *(f"{count:,.0f}" for count in fed.values())])
        name = f"workers that one driver feeds, evaluations of {ENOUGH:g} s, {row['case']}"
        limits.append(Limit(name, fed[ENOUGH], CORES, at_least=True, speed=True))
    lines = [
        f"## Driver: CPU time, with {PLACES} workers that answer at once",
        "",
        *table(["search", "ms per child", "evaluated", "ms per evaluation"], children),
        "",
        "Largest number of workers that one driver keeps busy: the duration of an evaluation over the CPU time of the "
        "driver or of the pool, whichever is longer. Each needs a core of its own.",
        "",
        *table(["duration of an evaluation", *(f"{seconds:g} s" for seconds in EVALUATIONS)], feeds),
    ]
    return Section(lines, limits)


def section() -> Section:
    """Measure both."""
    costs = pool_costs()
    pool, driver = pool_section(costs), driver_section(driver_rates(SHARE, PLACES), costs)
    return Section([*pool.lines, "", *driver.lines], [*pool.limits, *driver.limits])


def main() -> int:
    """Measure and print the report; returns 1 if a limit is missed."""
    found = measured("Where one driver ends", section)
    print("\n".join([*found.lines, "", *account(found.limits)]))
    return exit_status(found.limits)


if __name__ == "__main__":
    sys.exit(main())
