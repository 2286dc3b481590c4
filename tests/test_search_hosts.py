"""Several hosts: a failure of one of them is said, and every job gets its own score all the same.

The hosts are network namespaces on this machine, which need root; each test starts a cluster of three. The driver runs
on node3, which is not part of the cluster.
"""

import contextlib
import json
import os
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.hosts import Hosts, reason_why_not

SLOW = "hosts take ten minutes and a quiet machine; OPTSEARCH_HOSTS=1 (`make test-hosts`) makes them"
WHY_NOT = reason_why_not() if os.environ.get("OPTSEARCH_HOSTS") else SLOW
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
HEAD, WORKER, DRIVER = 1, 2, 3
QUICK_CHECKS = {  # of the nodes by the head, as docs/cluster.md recommends
    "RAY_health_check_period_ms": "2000",
    "RAY_health_check_timeout_ms": "3000",
    "RAY_health_check_failure_threshold": "4",
}
PATIENCE = 180.0  # seconds until a driver or a cluster on a busy machine has started


class Driver:
    """A driver on a host, which says in JSON what happens."""

    def __init__(self, hosts: Hosts, **options: Any) -> None:
        arguments = {"address": f"{hosts.address(HEAD)}:6379", "seconds": 20, **options}
        code = "from tests.host_driver import main; main()"
        self.process = hosts.start(DRIVER, "-c", code, json.dumps(arguments))
        self._lines: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()
        self.said: list[str] = []
        self.output: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                self.output.append(line)
                with contextlib.suppress(json.JSONDecodeError):
                    self._lines.put(json.loads(line))
        self.process.wait()

    def wait_for(self, kind: str, words: str = "", seconds: float = PATIENCE) -> tuple[float, Any]:
        """The next message of a kind with some words in it, and the seconds that it took."""
        began = time.monotonic()
        while (left := began + seconds - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                found, _, value = self._lines.get(timeout=min(left, 1.0))
                if found == "say":
                    self.said.append(value)
                if found == kind and words in str(value):
                    return time.monotonic() - began, value
                if found == "error" and kind != "error":
                    pytest.fail(f"the driver ended: {value}")
        pytest.fail(f"no `{kind}` with {words!r} within {seconds:g} s:\n{''.join(self.output[-20:])}")


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    with Hosts(3) as made:
        made.start_ray(HEAD, cpus=1)
        made.start_ray(WORKER, head=HEAD, cpus=1)
        yield made


def complete(driver: Driver) -> dict[str, Any]:
    """Wait for the end; every job has its own score."""
    _, usage = driver.wait_for("hosts", seconds=400)
    _, end = driver.wait_for("end")
    assert end["done"] == end["submitted"] > 0
    assert end["wrong"] == 0
    return dict(usage)


def test_a_driver_outside_the_cluster_scores_on_every_host_and_measures_each(hosts: Hosts) -> None:
    usage = complete(Driver(hosts))
    assert set(usage) == {"node1", "node2"}
    assert all(host["jobs"] > 0 and 0 < host["busy_share"] <= 1 and host["deaths"] == 0 for host in usage.values())


@pytest.mark.parametrize(("checks", "limit"), [({}, 80), (QUICK_CHECKS, 30)], ids=["default", "quick checks"])
def test_a_host_that_crashes_is_named_and_its_jobs_are_done_elsewhere(checks: dict[str, str], limit: float) -> None:
    with Hosts(3) as hosts:
        hosts.start_ray(HEAD, cpus=1, environment=checks)
        hosts.start_ray(WORKER, head=HEAD, cpus=1)
        driver = Driver(hosts, seconds=90, ready=2, wall_limit=300)
        driver.wait_for("ready")
        hosts.crash(WORKER)
        seconds, _ = driver.wait_for("say", "node2 left the cluster", seconds=90)
        assert seconds < limit
        assert complete(driver)["node2"]["deaths"] == 1


def test_a_host_that_is_cut_off_for_a_while_costs_no_job(hosts: Hosts) -> None:
    driver = Driver(hosts, seconds=75)
    driver.wait_for("started")
    time.sleep(25)
    hosts.cut(WORKER)
    threading.Timer(30, hosts.heal, [WORKER]).start()
    complete(driver)


def test_a_host_that_freezes_is_named_and_its_jobs_are_done_elsewhere(hosts: Hosts) -> None:
    driver = Driver(hosts, seconds=60, ready=2, wall_limit=20)
    driver.wait_for("ready")
    hosts.freeze(WORKER)
    seconds, _ = driver.wait_for("say", "a candidate took too long on node2", seconds=60)
    assert seconds < 30
    assert complete(driver)["node2"]["deaths"] >= 1


def test_a_host_whose_disk_is_full_costs_no_job(hosts: Hosts) -> None:
    driver = Driver(hosts, seconds=40, ready=2)
    driver.wait_for("ready")
    hosts.fill(WORKER)
    usage = complete(driver)
    assert all(host["jobs"] > 0 and host["deaths"] == 0 for host in usage.values())


def test_a_host_that_is_short_of_memory_is_named_and_its_jobs_are_done_elsewhere() -> None:
    with Hosts(3) as hosts:
        hosts.use_memory(WORKER, 0.1)
        hosts.start_ray(HEAD, cpus=1)
        hosts.start_ray(WORKER, head=HEAD, cpus=1)
        driver = Driver(hosts, seconds=60, ready=2)
        driver.wait_for("ready")
        hosts.use_memory(WORKER, 1.0)
        seconds, _ = driver.wait_for("say", "node2 is short of memory", seconds=60)
        assert seconds < 30
        usage = complete(driver)
    assert usage["node2"]["deaths"] > 0
    assert usage["node1"]["jobs"] > usage["node2"]["jobs"]


def test_packets_that_take_50_ms_cost_no_job_and_both_hosts_work(hosts: Hosts) -> None:
    hosts.delay(0.05)
    usage = complete(Driver(hosts, seconds=10, ready=2))
    assert set(usage) == {"node1", "node2"}
    assert all(host["jobs"] > 0 and host["deaths"] == 0 for host in usage.values())


def test_a_host_that_is_four_times_slower_gets_fewer_jobs(hosts: Hosts) -> None:
    usage = complete(Driver(hosts, seconds=20, ready=2, slow="node2"))
    assert usage["node1"]["jobs"] > 2 * usage["node2"]["jobs"] > 0


def test_a_driver_whose_link_is_cut_says_so_within_30_s_and_joins_the_cluster_again(hosts: Hosts) -> None:
    driver = Driver(hosts, seconds=90)
    driver.wait_for("started")
    driver.wait_for("done")
    hosts.cut(DRIVER)
    seconds, _ = driver.wait_for("say", "has not answered for 15 s; the cluster is joined again", seconds=60)
    assert seconds < 30
    time.sleep(max(0.0, 35 - seconds))
    hosts.heal(DRIVER)
    complete(driver)


def test_a_host_that_computes_another_function_under_the_same_name_is_refused(hosts: Hosts) -> None:
    _, error = Driver(hosts, other="node2").wait_for("error")
    assert error.startswith("a worker on node2 computes different bits than this driver, first in the function sign")


def test_workers_that_find_no_cpu_are_said_to_wait(hosts: Hosts) -> None:
    driver = Driver(hosts, count=4, seconds=60)
    driver.wait_for("say", "waiting for 2 CPUs; the cluster has 2, all in use (2 by this run)")
    complete(driver)


def test_a_host_that_joins_in_mid_run_is_used(hosts: Hosts) -> None:
    driver = Driver(hosts, seconds=120, ready=2, wall_limit=300)
    driver.wait_for("ready")
    hosts.crash(WORKER)
    driver.wait_for("say", "node2 left the cluster")  # until then, Ray counts its CPUs
    hosts.boot(WORKER)
    hosts.start_ray(WORKER, head=HEAD, cpus=2)
    driver.wait_for("say", "the cluster now has 3 CPUs; starting 1 more workers")
    assert complete(driver)["node2"]["jobs"] > 0


def test_a_host_without_the_project_is_named_with_the_remedy() -> None:
    with Hosts(3, bare=[WORKER]) as hosts:
        hosts.start_ray(HEAD, cpus=0)
        hosts.start_ray(WORKER, head=HEAD, cpus=1)
        _, error = Driver(hosts).wait_for("error")
    assert "cannot import a package (ModuleNotFoundError: No module named" in error
    assert "install the same version of optsearch there as on the driver" in error
