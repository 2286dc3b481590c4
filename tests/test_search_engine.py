"""The engine is a pure state machine with one history, whatever the order in which scores come back."""

import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from primitives import PAPER, REGISTRY, UserError, builtin, check, functional_hash, live, to_text
from proxy_tasks.fitness import Score, Status
from search.algorithms.factory import build_engine as engine_of
from search.engine.candidate import START, Candidate, HistoryEntry, Record
from search.engine.engine import Engine
from search.settings.reading import build_config

ROWS = [REGISTRY[name] for name in PAPER]


def engine(children: int = 60, window: int = 8, seed: int = 0, population: int = 10, **settings: Any) -> Engine:
    """An engine with pretended tasks; further settings are of the section `search`."""
    config = build_config(
        {
            "seed": seed,
            "search": {"children": children, "population": population, "tournament": 3, **settings},
            "workers": {"in_flight": window},
        }
    )
    return engine_of(config, builtin("adamw"), 0)


def pretend(candidate: Candidate) -> Score:
    """A score that depends on nothing but the hash: some diverge, some are rejected."""
    value = int(candidate.hash[:8], 16) / 16**8
    if candidate.number and value < 0.1:
        return Score(Status.DIVERGED, math.inf, math.inf, "pretended")
    if candidate.number and value > 0.8:
        return Score(Status.REJECTED, value, value, "pretended")
    return Score(Status.OK, value, value + 0.1)


def history(machine: Engine, at_once: int, pick: Callable[[list[Candidate]], Candidate]) -> list[Record]:
    """Run to the end with up to `at_once` candidates out, handing back whichever `pick` says."""
    out: list[Candidate] = []
    records: list[Record] = []
    while not machine.done:
        while len(out) < at_once and (candidate := machine.ask()) is not None:
            out.append(candidate)
        if out:
            chosen = pick(out)
            out.remove(chosen)
            machine.tell(chosen.number, pretend(chosen))
        records += machine.recorded()
    return records


def first(out: list[Candidate]) -> Candidate:
    return out[0]


REFERENCE = history(engine(), 1, first)


@pytest.mark.parametrize("at_once", [1, 2, 4, 16])
@pytest.mark.parametrize("order", ["first", "last", "random"])
def test_the_history_does_not_depend_on_workers_or_on_the_order_of_answers(at_once: int, order: str) -> None:
    shuffled = random.Random(at_once)
    pick = {"first": first, "last": lambda out: out[-1], "random": shuffled.choice}[order]
    assert history(engine(), at_once, pick) == REFERENCE


def test_numbers_are_recorded_in_order_without_gaps() -> None:
    assert [record.candidate.number for record in REFERENCE] == list(range(61))
    assert REFERENCE[0].candidate.mutation == START
    assert REFERENCE[0].candidate.program == builtin("adamw")


def test_every_candidate_is_valid_and_says_what_it_is() -> None:
    for candidate, _ in REFERENCE:
        assert check(candidate.program) is None
        assert candidate.hash == functional_hash(candidate.program)
        assert candidate.live == len(live(candidate.program).lines)


def test_a_hash_is_evaluated_once_and_its_score_reused() -> None:
    scores: dict[str, Score] = {}
    by_probe: set[str] = set()
    for candidate, score in REFERENCE:
        if candidate.same_as is None:
            assert candidate.hash not in scores
            scores[candidate.hash] = score
        else:
            twin = REFERENCE[candidate.same_as].candidate
            assert (twin.hash == candidate.hash) or (candidate.matched == "probe") or candidate.hash in by_probe
            assert twin.number < candidate.number
            assert twin.same_as is None
            assert score == scores[twin.hash]
            by_probe |= {candidate.hash} if candidate.matched == "probe" else set()
    assert any(not record.evaluated for record in REFERENCE)


@pytest.mark.parametrize("window", [1, 3, 8])
def test_a_child_is_bred_from_what_was_recorded_a_window_ago(window: int) -> None:
    for candidate, _ in history(engine(window=window), 16, first)[1:]:
        assert candidate.parent is not None
        assert candidate.parent <= max(0, candidate.number - window)


@pytest.mark.parametrize("window", [1, 3, 8])
def test_no_more_than_the_window_is_ever_in_flight(window: int) -> None:
    machine = engine(window=window)
    first_one = machine.ask()
    assert first_one is not None
    assert machine.ask() is None  # the starting program comes first
    machine.tell(0, pretend(first_one))
    out = []
    while (candidate := machine.ask()) is not None:
        out.append(candidate)
    assert 1 <= len(out) <= window
    assert max(c.number for c in out) <= window


def test_the_window_and_the_seed_change_the_history() -> None:
    assert history(engine(window=2), 1, first) != REFERENCE
    assert history(engine(seed=1), 1, first) != REFERENCE


def test_what_was_rejected_or_diverged_never_becomes_a_parent() -> None:
    bad = {record.candidate.number for record in REFERENCE if record.score.status is not Status.OK}
    assert bad
    assert not bad & {record.candidate.parent for record in REFERENCE}


def test_the_oldest_leave_the_population() -> None:
    records = history(engine(children=300, population=5), 1, first)
    accepted = [r.candidate.number for r in records if r.score.status is Status.OK]
    for record in records[100:]:
        assert record.candidate.parent is not None
        eligible = [number for number in accepted if number <= record.candidate.number - 8]
        assert record.candidate.parent in eligible[-5:]


def entry_of(record: Record) -> HistoryEntry:
    """As it comes back from a journal."""
    return record.entry._replace(program=to_text(record.candidate.program))


@settings(max_examples=40)
@given(st.integers(0, 61), st.sampled_from([1, 4, 16]))
def test_a_history_that_is_cut_anywhere_goes_on_as_if_it_had_not_been(cut: int, at_once: int) -> None:
    machine = engine()
    machine.restore(map(entry_of, REFERENCE[:cut]))
    assert history(machine, at_once, lambda out: out[-1]) == REFERENCE[cut:]


def test_a_history_with_a_hole_is_refused() -> None:
    with pytest.raises(UserError, match="the journal has lost candidate 30 of repeat 0"):
        engine().restore(entry_of(record) for record in REFERENCE if record.candidate.number != 30)


def test_an_answer_that_was_not_asked_for_is_ignored() -> None:
    machine = engine()
    candidate = machine.ask()
    assert candidate is not None
    machine.tell(7, Score(Status.OK, -9.0, -9.0))
    machine.tell(0, pretend(candidate))
    machine.tell(0, Score(Status.OK, -9.0, -9.0))
    assert machine.recorded()[0].score == pretend(candidate)


def test_a_starting_program_that_diverges_still_has_children() -> None:
    machine = engine(children=3)
    start = machine.ask()
    assert start is not None
    machine.tell(0, Score(Status.DIVERGED, math.inf, math.inf, "pretended"))
    assert machine.ask() is not None
