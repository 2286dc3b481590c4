"""Usage of the hosts: number of jobs, busy share of the workers' time, and deaths of workers."""

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from search.execution.member import Member
from search.execution.messages import HostUsage


class HostStatistics:
    """Accumulates usage by host name."""

    def __init__(self) -> None:
        # While n workers of a host are ready, its `available` is short of n times the present time.
        self._sums: defaultdict[str, HostUsage] = defaultdict(HostUsage)
        self._ready = set[Member]()

    def ready(self, member: Member) -> None:
        """Count a worker that became ready."""
        self._ready.add(member)
        self._sums[member.host].workers += 1
        self._sums[member.host].available -= time.monotonic()

    def left(self, member: Member) -> None:
        """Remove a worker that is no longer part of the pool."""
        if member in self._ready:
            self._ready.remove(member)
            self._sums[member.host].workers -= 1
            self._sums[member.host].available += time.monotonic()

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
        return {
            host: replace(usage, available=usage.available + usage.workers * now) for host, usage in self._sums.items()
        }
