"""Usage of the hosts: number of jobs, busy share of the workers' time, and deaths of workers."""

import time
from collections import defaultdict
from collections.abc import Mapping

from search.execution.member import Member
from search.execution.messages import HostUsage


class HostStatistics:
    """Accumulates usage by host name."""

    def __init__(self) -> None:
        self._sums: defaultdict[str, HostUsage] = defaultdict(HostUsage)
        self._ready_since: dict[Member, float] = {}

    def ready(self, member: Member) -> None:
        """Count a worker that became ready."""
        self._ready_since[member] = time.monotonic()
        self._sums[member.host].workers += 1

    def left(self, member: Member) -> None:
        """Remove a worker that is no longer part of the pool."""
        since = self._ready_since.pop(member, None)
        if since is not None:
            self._sums[member.host].workers -= 1
            self._sums[member.host].available += time.monotonic() - since

    def completed(self, host: str, jobs: int, seconds: float) -> None:
        """Count jobs completed by a worker on a host, and the seconds that they took."""
        self._sums[host].jobs += jobs
        self._sums[host].busy += seconds

    def died(self, host: str) -> None:
        """Count a worker on a host that died or was ended."""
        if host:
            self._sums[host].deaths += 1

    def usage(self) -> Mapping[str, HostUsage]:
        """Usage of each host so far."""
        now = time.monotonic()
        present: defaultdict[str, HostUsage] = defaultdict(HostUsage)
        for member, since in self._ready_since.items():
            present[member.host].available += now - since
        return {
            host: HostUsage(
                usage.workers, usage.jobs, usage.busy, usage.available + present[host].available, usage.deaths
            )
            for host, usage in self._sums.items()
        }
