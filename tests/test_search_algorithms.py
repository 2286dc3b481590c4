"""Evolution with restarts, the comparators, and what all of them share: budgets, order, duplicates."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from primitives import UserError, builtin, check, parse, structure_hash, to_text
from primitives.program import Program
from proxy_tasks.fitness import Score, Status
from search.algorithms.constant_tuning import TuneConstants
from search.algorithms.evolution import Evolution
from search.algorithms.factory import ALGORITHMS, build_engine
from search.algorithms.tree import TreeSearch, tree
from search.engine.candidate import Candidate, HistoryEntry, Record
from search.engine.engine import Engine
from search.engine.randomness import Draws
from search.settings.reading import build_config
from tests.test_search_engine import entry_of, history, pretend

NAMES = list(ALGORITHMS)


def machine(algorithm: str, start: str = "adamw", window: int = 8, probe: bool = False, **search: Any) -> Engine:
    search = {"children": 80, "population": 10, "tournament": 3, "algorithm": algorithm} | search
    values = {"search": search, "workers": {"in_flight": window}, "evaluation": {"probe": probe}}
    return build_engine(build_config(values), builtin(start), 0)


def first(out: list[Candidate]) -> Candidate:
    return out[0]


def last(out: list[Candidate]) -> Candidate:
    return out[-1]


@pytest.mark.parametrize("name", NAMES)
def test_every_algorithm_has_one_history_and_goes_on_where_it_was_cut(name: str) -> None:
    whole = history(machine(name), 1, first)
    assert len(whole) == 81
    assert history(machine(name), 16, last) == whole
    for cut in (1, 30, 80):
        resumed = machine(name)
        resumed.restore(map(entry_of, whole[:cut]))
        assert history(resumed, 16, last) == whole[cut:]
    assert all(check(record.candidate.program) is None for record in whole)


@pytest.mark.parametrize("name", NAMES)
def test_a_budget_of_evaluations_ends_a_search(name: str) -> None:
    records = history(machine(name, children=2000, evaluations=25), 4, first)
    assert sum(record.evaluated for record in records) == 25
    assert records[-1].evaluated
    resumed = machine(name, children=2000, evaluations=25)
    resumed.restore(map(entry_of, records[:-10]))
    assert history(resumed, 4, last) == records[-10:]
    finished = machine(name, children=2000, evaluations=25)
    finished.restore(map(entry_of, records))
    assert finished.done
    assert finished.ask() is None


def told(number: int, fitness: float, program: Program | None = None, mutation: str = "insert") -> HistoryEntry:
    text = to_text(program or builtin("adamw"))
    return HistoryEntry(number, mutation, text, f"{number:032x}", fitness, fitness, Status.OK, "", None, None)


def parents(evolution: Evolution, number: int) -> set[int]:
    return {evolution.propose(number, Draws(0, draw)).parent for draw in range(60)}


@pytest.fixture
def evolution() -> Callable[[int], Evolution]:
    config = build_config({"search": {"population": 5, "tournament": 2}})

    def made(plateau: int) -> Evolution:
        algorithm = ALGORITHMS["regularized_evolution"](
            config.model_copy(update={"search": config.search.model_copy(update={"plateau": plateau})}),
            builtin("adamw"),
        )
        assert isinstance(algorithm, Evolution)
        return algorithm

    return made


def test_after_a_plateau_the_search_begins_again_from_its_best(evolution: Callable[[int], Evolution]) -> None:
    search = evolution(10)
    for number in range(13):
        search.take(told(number, -1.0 if number == 3 else float(number)))
    assert search.propose(13, Draws(0)).restarts == 0
    assert 3 not in parents(search, 13)
    search.take(told(13, 5.0))  # candidate 13 − 10 was the last improvement
    assert search.propose(14, Draws(0)).restarts == 1
    assert parents(search, 14) == {3}
    for number in range(14, 19):
        search.take(told(number, 5.0))
    assert parents(search, 19) == {14, 15, 16, 17, 18}
    for number in range(19, 24):
        search.take(told(number, 5.0))
    assert search.propose(24, Draws(0)).restarts == 2
    assert parents(search, 24) == {3}


def test_without_a_plateau_it_never_does(evolution: Callable[[int], Evolution]) -> None:
    search = evolution(0)
    for number in range(200):
        search.take(told(number, float(number)))
    assert search.propose(200, Draws(0)).restarts == 0
    assert parents(search, 200) == {195, 196, 197, 198, 199}


def test_restarts_are_in_the_records() -> None:
    records = history(machine("regularized_evolution", children=300, plateau=40), 4, first)
    restarts = [record.candidate.restarts for record in records]
    assert restarts == sorted(restarts)
    assert restarts[-1] >= 2


def test_random_search_learns_nothing() -> None:
    def worse(candidate: Candidate) -> Score:
        return Score(Status.OK, -pretend(candidate).fitness if candidate.number else 0.0, 0.0)

    def programs(score: Callable[[Candidate], Score]) -> list[Program]:
        search, found = machine("random", random_mutations=5), []
        while (candidate := search.ask()) is not None or not search.done:
            assert candidate is not None
            found.append(candidate.program)
            search.tell(candidate.number, score(candidate))
        return found

    assert programs(pretend) == programs(worse)
    records = history(machine("random", random_mutations=5), 1, first)
    assert {record.candidate.parent for record in records[1:]} == {0}
    assert {record.candidate.mutation for record in records[1:]} == {f"{count} mutations" for count in range(1, 6)}


def test_tuning_changes_constants_alone_and_closes_in_on_the_best() -> None:
    def distance(candidate: Candidate) -> Score:
        values = [value for *_, value in candidate.program.constants()]
        fitness = sum(abs(math.log(value / goal)) for value, goal in zip(values, goals, strict=True))
        return Score(Status.OK, fitness, fitness)

    goals = [0.97, 0.97, 0.3, 1e-2]
    search, scores = machine("tune_constants", children=600), []
    while (candidate := search.ask()) is not None:
        assert structure_hash(candidate.program) == structure_hash(builtin("adamw"))
        scores.append(distance(candidate).fitness)
        search.tell(candidate.number, distance(candidate))
    assert min(scores) < 0.1 * scores[0]


def test_tuning_goes_on_from_the_best_and_from_nothing_else() -> None:
    search = TuneConstants(builtin("lion"), wide=0)
    best = builtin("lion").with_constants([0.5, 0.6, 0.7, 0.8])
    for number, (fitness, program) in enumerate([(1.0, builtin("lion")), (-1.0, best), (0.0, builtin("lion"))]):
        search.take(told(number, fitness, program))
    search.take(told(3, -2.0, builtin("lion"))._replace(status=Status.REJECTED))
    proposals = [search.propose(4, Draws(4, draw)) for draw in range(40)]
    assert {proposal.parent for proposal in proposals} == {1}
    kept = [value for p in proposals for (*_, value), (*_, old) in pairs(p.program, best) if value == old]
    assert len(kept) > 40  # four in ten stay as they are


def pairs(one: Program, other: Program) -> Any:
    return zip(one.constants(), other.constants(), strict=True)


def test_a_program_without_constants_cannot_be_tuned() -> None:
    with pytest.raises(UserError, match="the starting program has no constants to tune"):
        TuneConstants(parse("def train(w, g, m, v, lr):\n    update = g * lr\n    return update, m, v\n"), 5)


def chosen(choices: list[int]) -> Program:
    supply = iter(choices)
    return tree(lambda count: next(supply), 3)


def test_a_tree_is_the_program_that_its_choices_say() -> None:
    adamw_like = chosen([3, 3, 0, 10])  # rate 0.3, decay 0.1, one operand: the ready update of Adam
    assert to_text(adamw_like).splitlines()[1:-1] == [
        "    m = interp(g, m, 0.9)",
        "    g2 = square(g)",
        "    v = interp(g2, v, 0.999)",
        "    root = sqrt(v)",
        "    adam = m / root",
        "    x5 = w * 0.1",
        "    x6 = adam + x5",
        "    x7 = lr * 0.3",
        "    update = x6 * x7",
    ]
    signum = chosen([0, 0, 1, 0, 3, 4])  # rate 0.01, no decay, unary of the moving average: its sign
    assert to_text(signum).splitlines()[4:-1] == ["    x3 = sign(m)", "    x4 = lr * 0.01", "    update = x3 * x4"]


def test_every_tree_is_valid_and_bounded() -> None:
    deepest = 0
    for number in range(300):
        draws = Draws(5, number)
        program = tree(draws.integer, 3)
        assert check(program) is None
        deepest = max(deepest, len(program.statements))
    assert 12 < deepest <= 3 + 8 * 3 + 7 + 5


def test_the_tree_search_finds_the_better_branch() -> None:
    search, hits = TreeSearch(2), []
    search.take(told(0, 0.0, mutation="start"))
    for number in range(1, 1500):
        proposal = search.propose(number, Draws(1, number))
        good = proposal.mutation.startswith("tree 4.")  # one of seven rates
        hits.append(good)
        search.take(told(number, -0.9 if good else 0.9, mutation=proposal.mutation))
    assert sum(hits[:7]) == 1  # every branch is looked at first
    assert sum(hits[-200:]) > 150


def test_no_tree_is_proposed_twice_until_there_is_no_other() -> None:
    search, seen = TreeSearch(0), set()
    search.take(told(0, 0.0, mutation="start"))
    everything = 7 * 5 * 12  # rates, decays, operands
    for number in range(1, everything + 1):
        proposal = search.propose(number, Draws(2, number))
        assert proposal.mutation not in seen
        seen.add(proposal.mutation)
        search.take(told(number, -0.9 if proposal.mutation.startswith("tree 4.") else 0.9, mutation=proposal.mutation))
    assert search.propose(everything + 1, Draws(0)).mutation in seen


def test_a_second_look_finds_what_a_hash_cannot_and_is_counted_apart() -> None:
    without = history(machine("regularized_evolution", children=400), 1, first)
    records: list[Record] = history(machine("regularized_evolution", children=400, probe=True), 1, first)
    matched = [record.candidate.matched for record in records]
    assert set(matched) == {"", "hash", "probe"}
    assert {record.candidate.matched for record in without} == {"", "hash"}
    for record in records:
        assert (record.candidate.probe is not None) == record.evaluated
    resumed = machine("regularized_evolution", children=400, probe=True)
    resumed.restore(map(entry_of, records[:200]))
    assert history(resumed, 16, last) == records[200:]
