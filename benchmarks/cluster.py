"""What several hosts are worth to a search: `python -m benchmarks.cluster`, about twelve minutes on two free cores.

Network namespaces on this machine stand for hosts, which needs root and iproute2. The driver has a host of its own. It
searches on clusters of 1, 2 and 4 hosts with four workers each; on four hosts, also with a delay of 50 ms in each
direction, and with one host that is four times slower. Each search is measured with several windows
(`workers.in_flight`). Evaluations are simulated (`benchmarks.cluster_driver`).
"""

import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.cluster_driver import EARLY, SECONDS, SHARE
from benchmarks.limits import Limit, Section, account, exit_status, measured, table
from tests.hosts import Hosts, reason_why_not

WORKERS = 4  # on each host
DELAY = 0.05  # seconds in each direction
SLOWNESS = 4.0  # of the slow host
WINDOWS = (1, 2, 4, 8, 16)  # candidates in flight for each worker
MEASURED = 12.0  # seconds of each search that are measured
BUSY = 0.9  # share of the workers' time
LEAST_GAIN = 3.6  # rate of four hosts over that of one
LEAST_SHARE = 0.9  # rate over the expected one: with delay the same as without, with a slow host that of 3.25 hosts
HEAD, DRIVER = 1, 5


class Setting(NamedTuple):
    """A cluster.

    Attributes:
        name: in the table.
        hosts: number of hosts with workers.
        delay: seconds that a packet takes from host to host.
        slow: slowness of hosts by name; 1 for others.
    """

    name: str
    hosts: int
    delay: float = 0.0
    slow: Mapping[str, float] = {}

    @property
    def workers(self) -> int:
        """Number of workers."""
        return self.hosts * WORKERS

    @property
    def ideal(self) -> float:
        """Evaluations per second of workers that never wait."""
        speed = self.hosts - len(self.slow) + sum(1 / slowness for slowness in self.slow.values())
        return WORKERS * speed / (SECONDS * (EARLY * SHARE + 1 - EARLY))


ONE, TWO, FOUR = Setting("1 host", 1), Setting("2 hosts", 2), Setting("4 hosts", 4)
SLOW = Setting(f"4 hosts, one {SLOWNESS:g} times slower", 4, slow={"node4": SLOWNESS})
DELAYED = Setting(f"4 hosts, {DELAY * 1000:g} ms delay", 4, DELAY)
SETTINGS = (ONE, TWO, FOUR, SLOW, DELAYED)  # the delay stays, once it is there


class Measurement(NamedTuple):
    """Searches on a cluster: evaluations per second and busy share for each of `WINDOWS`, and the digest of another."""

    setting: Setting
    rates: list[float]
    busy: list[float]
    digest: str

    @property
    def best(self) -> float:
        """Largest rate; beyond the window that is needed, rates differ by chance."""
        return max(self.rates)

    @property
    def needed(self) -> float:
        """Least number of candidates in flight for a worker that keeps `BUSY` of the workers busy."""
        return next((float(window) for window, busy in zip(WINDOWS, self.busy, strict=True) if busy >= BUSY), math.inf)


def measure_all() -> list[Measurement]:
    """Measure the searches of all settings, on a cluster that grows."""
    with Hosts(DRIVER) as hosts:
        found: list[Measurement] = []
        started = 0
        for setting in SETTINGS:
            while started < setting.hosts:
                started += 1
                hosts.start_ray(started, head=0 if started == HEAD else HEAD, cpus=WORKERS)
            if setting.delay:
                hosts.delay(setting.delay)
            print(f"measuring {setting.name}", file=sys.stderr, flush=True)
            found.append(_measure(hosts, setting))
    return found


def _measure(hosts: Hosts, setting: Setting) -> Measurement:
    windows = [setting.workers * window for window in WINDOWS]
    options: dict[str, Any] = {"address": f"{hosts.address(HEAD)}:6379", "workers": setting.workers}
    options |= {"windows": windows, "seconds": MEASURED, "slow": dict(setting.slow)}
    code = "from benchmarks.cluster_driver import main; main()"
    driver = hosts.start(DRIVER, "-c", code, json.dumps(options))
    said, _ = driver.communicate()
    rows = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    if driver.returncode or len(rows) != 1 + len(WINDOWS):
        raise subprocess.CalledProcessError(driver.returncode, "benchmarks.cluster_driver", said)
    digest, *rows = rows
    return Measurement(setting, [row["rate"] for row in rows], [row["busy"] for row in rows], digest["digest"])


def section(found: Sequence[Measurement]) -> Section:
    """The report."""
    rows, limits = [], []
    for one in found:
        ideal = one.setting.ideal
        shares = [f"{rate:.1f} ({busy:.0%})" for rate, busy in zip(one.rates, one.busy, strict=True)]
        needed = f"{one.needed * one.setting.workers:.0f}" if math.isfinite(one.needed) else f"over {WINDOWS[-1]} each"
        rows.append([one.setting.name, f"{one.setting.workers}", f"{ideal:.1f}", *shares, f"**{needed}**"])
    one, four, slow, delayed = (next(m for m in found if m.setting == s) for s in (ONE, FOUR, SLOW, DELAYED))
    limits = [
        Limit("evaluations per second, 4 hosts over 1", four.best / one.best, LEAST_GAIN, True),
        Limit("evaluations per second, delay over none", delayed.best / four.best, LEAST_SHARE, True),
        Limit("evaluations per second, slow host over expected", slow.best / SLOW.ideal, LEAST_SHARE, True),
        *(Limit(f"busy share, {each.setting.name}", max(each.busy), BUSY, True) for each in found),
        Limit("different histories of the same search", len({each.digest for each in found}), 1),
    ]
    heads = ["cluster", "workers", "without waiting", *(f"{window} each" for window in WINDOWS), "`in_flight` needed"]
    lines = [
        "## Evaluations per second on several hosts",
        "",
        f"Simulated evaluations: {SECONDS:g} s, and a quarter of this for two thirds of the candidates. In brackets: "
        f"share of the time in which the workers were busy. Columns: candidates in flight for each worker. The last "
        f"column is the least measured `workers.in_flight` with which {BUSY:.0%} of the workers are busy.",
        "",
        *table(heads, rows),
    ]
    return Section(lines, limits)


def main() -> int:
    """Measure and print the report; returns 1 if a limit is missed or nothing can be measured."""
    if reason := reason_why_not():
        print(f"Nothing is measured: {reason}")
        return 1
    found = measured("Several hosts", lambda: section(measure_all()))
    print("\n".join([*found.lines, "", *account(found.limits)]))
    return exit_status(found.limits)


if __name__ == "__main__":
    sys.exit(main())
