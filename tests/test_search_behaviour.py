"""Behaviour of a process: every function and every task has a hash, which changes with the bits and nothing else."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from primitives import UserError
from primitives.registry import REGISTRY
from proxy_tasks import catalog
from search.execution import behaviour as module
from search.execution import worker_pool
from search.execution.behaviour import measure_behaviour
from search.execution.messages import BEHAVIOUR, RaySettings
from search.execution.worker_pool import WorkerPool
from tests.fake_ray import Actor, Call, FakeRay


def test_every_function_of_the_language_has_a_hash_which_is_the_same_again() -> None:
    found = measure_behaviour([], range(1))
    assert list(found) == [f"function {row.name}" for row in REGISTRY]
    assert measure_behaviour([], range(1)) == found


def test_a_function_with_other_code_under_the_same_name_is_the_first_that_differs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = measure_behaviour([], range(1))
    tanh = REGISTRY["tanh"]
    other = replace(tanh, function=lambda x: tanh.function(x) * np.float32(1.000001))
    rows = [other if row is tanh else row for row in REGISTRY]
    monkeypatch.setattr(module, "REGISTRY", rows)
    found = measure_behaviour([], range(1))
    assert [name for name in expected if found[name] != expected[name]] == ["function tanh"]


def test_flags_of_xla_that_change_rounding_are_noticed() -> None:
    code = "import json, search.execution as at; print(json.dumps(at.measure_behaviour([], range(1))))"
    environment = os.environ | {"XLA_FLAGS": "--xla_cpu_enable_fast_math=true", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert json.loads(done.stdout) != measure_behaviour([], range(1))


def test_a_task_has_the_hash_of_its_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = np.array([1.0, 2.0], np.float32)
    monkeypatch.setattr(module, "Trainer", lambda task, seeds, horizon: SimpleNamespace(losses=lambda program: losses))
    found = measure_behaviour([catalog.builtin_task("digits")], range(2))
    losses = np.nextafter(losses, np.float32(9))
    again = measure_behaviour([catalog.builtin_task("digits")], range(2))
    assert [name for name in found if found[name] != again[name]] == ["task digits"]


def pool(monkeypatch: pytest.MonkeyPatch, said: list[str], *, mixed: bool) -> WorkerPool:
    """A pool whose workers compute another sign."""
    monkeypatch.setattr(worker_pool, "ray", FakeRay())
    monkeypatch.setattr(worker_pool, "_WAIT", 0.0)

    def start() -> Any:
        actor = Actor([])
        actor.begin = SimpleNamespace(remote=lambda: Call({BEHAVIOUR: {"function add": "1", "function sign": "3"}}))
        return actor

    facts = {BEHAVIOUR: {"function add": "1", "function sign": "2"}}
    return WorkerPool(start, 2, facts=facts, settings=RaySettings(mixed=mixed), say=said.append)


def test_a_worker_that_behaves_otherwise_is_refused_with_its_host_and_the_first_function(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    message = (
        r"^a worker on node1 computes different bits than this driver, first in the function sign: its code, its XLA_"
    )
    made = pool(monkeypatch, [], mixed=False)
    with pytest.raises(UserError, match=message):
        [made.turn() for _ in range(9)]


def test_where_machines_may_differ_each_host_that_does_is_named_once_and_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    made = pool(monkeypatch, said, mixed=True)
    for _ in range(9):
        made.turn()
    assert said == ["node1 computes different bits than this driver, first in the function sign"]
    assert (made.state().mixed, made.state().ready) == (("node1",), 2)
