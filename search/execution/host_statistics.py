"""Usage of the hosts: jobs, the share of the time in which their workers are busy, and deaths."""

import time
from collections import defaultdict
from collections.abc import Mapping

from search.execution.member import Member
from search.execution.messages import HostUsage


class HostStatistics:
    """Sums by host name."""

    def __init__(self) -> None:
        self._sums: defaultdict[str, HostUsage] = defaultdict(HostUsage)
        self._ready_since: dict[Member, float] = {}

    def ready(self, member: Member) -> None:
        """A worker became ready."""
        self._ready_since[member] = time.monotonic()
        self._sums[member.host].workers += 1

    def left(self, member: Member) -> None:
        """A worker is no longer part of the pool."""
        since = self._ready_since.pop(member, None)
        if since is not None:
            self._sums[member.host].workers -= 1
            self._sums[member.host].available += time.monotonic() - since

    def completed(self, host: str, jobs: int, seconds: float) -> None:
        """A worker on a host has done some jobs."""
        self._sums[host].jobs += jobs
        self._sums[host].busy += seconds

    def died(self, host: str) -> None:
        """A worker on a host died or was ended."""
        if host:
            self._sums[host].deaths += 1

    def usage(self) -> Mapping[str, HostUsage]:
        """Usage of each host up to now."""
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
