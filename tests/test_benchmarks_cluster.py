"""The report on several hosts: what is needed, what is missed, and one line where nothing can be measured."""

import math

import pytest

from benchmarks import cluster
from benchmarks.cluster import SETTINGS, SLOW, Measurement, Setting
from benchmarks.cluster_driver import EARLY, SECONDS, SHARE, Simulated
from primitives import builtin


def measurement(setting: Setting, busy: list[float], digest: str = "a") -> Measurement:
    return Measurement(setting, [setting.ideal * share for share in busy], busy, digest)


def missed(found: list[Measurement]) -> list[str]:
    return [limit.name for limit in cluster.section(found).limits if not limit.kept]


def test_the_window_that_is_needed_is_the_least_one_that_keeps_nine_tenths_of_the_workers_busy() -> None:
    found = [measurement(setting, [0.5, 0.8, 0.92, 0.95, 0.95]) for setting in SETTINGS]
    assert [one.needed for one in found] == [4] * 5
    row = cluster.section(found).lines[-1]
    assert row.startswith("| 4 hosts, 50 ms delay | 16 | 80.4 | 40.2 (50%) |")
    assert row.endswith("| **64** |")
    assert missed(found) == []


def test_workers_that_wait_with_every_window_miss_a_limit() -> None:
    found = [measurement(setting, [0.5, 0.8, 0.8, 0.8, 0.8 if setting == SLOW else 0.95]) for setting in SETTINGS]
    assert math.isinf(found[3].needed)
    assert missed(found) == ["evaluations per second, slow host over expected", f"busy share, {SLOW.name}"]


def test_another_history_on_one_of_the_clusters_misses_a_limit() -> None:
    found = [measurement(setting, [0.95] * 5, digest=str(setting.delay)) for setting in SETTINGS]
    assert missed(found) == ["different histories of the same search"]


def test_a_slow_host_is_expected_to_add_less() -> None:
    four = 16 / (SECONDS * (EARLY * SHARE + 1 - EARLY))
    assert SLOW.ideal == pytest.approx(four * 3.25 / 4)


def test_a_simulated_evaluation_has_one_fitness_for_a_program_on_every_host(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("benchmarks.cluster_driver.time.sleep", slept.append)
    scores = [Simulated(slowness).evaluate(builtin(name), 0.0) for slowness in (1.0, 4.0) for name in ("adamw", "lion")]
    assert scores[:2] == scores[2:]
    assert scores[0] != scores[1]
    assert slept[2:] == [4 * seconds for seconds in slept[:2]]


def test_without_hosts_the_reason_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cluster, "reason_why_not", lambda: "hosts need root")
    assert cluster.main() == 1
    assert capsys.readouterr().out == "Nothing is measured: hosts need root\n"
