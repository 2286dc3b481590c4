"""The replay of a recorded training: near twins, descent, batches."""

from collections.abc import Sequence

import numpy as np
import pytest

from primitives import builtin
from primitives.program import Program
from proxy_tasks.catalog import builtin_task
from proxy_tasks.device import Computation
from search.algorithms.structures import replay as replays
from search.algorithms.structures.replay import Replay
from tests.programs import train
from tests.structure_searches import searched


@pytest.fixture(scope="module")
def replay() -> Replay:
    return Replay(builtin_task("digits"), builtin("adamw").with_constants([0.9, 0.99, 0.01, 0.02]), 0)


def test_a_decoration_is_a_near_twin_and_a_sign_is_not(replay: Replay) -> None:
    parent = train("m = interp(g, m, 0.9)", "update = m * 0.01")
    decorated = train("m = interp(g, m, 0.9)", "x = m * 0.01", "update = arctan(x)")
    signed = train("m = interp(g, m, 0.9)", "x = sign(m)", "update = x * 0.01")
    assert replay.residual(decorated, parent) < 0.01
    assert replay.residual(signed, parent) > 0.3


def test_updates_that_climb_or_are_not_finite_do_not_descend(replay: Replay) -> None:
    assert replay.descends(train("update = g * 0.1"))
    assert not replay.descends(train("update = g * -0.1"))
    assert not replay.descends(train("x = log(w)", "update = x * g"))


def test_programs_that_are_replayed_in_a_batch_have_the_updates_that_they_have_alone(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = [
        train("m = interp(g, m, 0.9)", "update = m * 0.01"),
        train("update = g * 0.1"),
        train("m = interp(g, m, 0.5)", "update = log(m)"),
        builtin("adamw"),
        builtin("lion"),
    ]
    replay.prepare([])  # forgets what other tests replayed
    alone = [replay.updates(one) for one in programs]
    calls: list[int] = []
    replay.prepare([])
    monkeypatch.setattr(replays, "in_batches", lambda: True)
    monkeypatch.setattr(replays, "_replayed", lambda *_: pytest.fail("it was replayed alone"))
    results = Computation.results
    monkeypatch.setattr(Computation, "results", lambda self, some: calls.append(len(some)) or results(self, some))  # type: ignore[func-returns-value]
    replay.prepare([*programs, programs[0]])
    for one, expected in zip(programs, alone, strict=True):
        np.testing.assert_allclose(replay.updates(one), expected, rtol=1e-5, atol=1e-8)
    replay.prepare(programs[:3])
    assert len(replay._known) == 3
    assert calls == [5]


def test_all_that_a_generation_replays_is_prepared_in_one_call(replay: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fixture has compiled the replay."""
    prepared: list[set[Program]] = []
    asked: list[set[Program]] = []
    prepare, updates = Replay.prepare, Replay.updates

    def noted(self: Replay, programs: Sequence[Program]) -> None:
        prepared.append(set(programs))
        asked.append(set())
        prepare(self, programs)

    monkeypatch.setattr(Replay, "prepare", noted)
    monkeypatch.setattr(Replay, "updates", lambda self, one: asked[-1].add(one) or updates(self, one))  # type: ignore[func-returns-value]
    records = searched(30, near_twin=0.06, descent=True, refined=0, prune=False)
    assert len(prepared) == (len(records) - 1) / 12  # children of a generation
    assert all(some <= all_ for some, all_ in zip(asked, prepared, strict=True))
    assert sum(map(len, asked)) > 20
    assert {record.candidate.matched for record in records} == {"", "structure", "replay"}
