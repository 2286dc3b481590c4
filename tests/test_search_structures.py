"""Whole searches of the algorithm `structures`: their history after kills, their numbers, what they find."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from primitives import PAPER, builtin, to_text
from primitives.checking import is_valid
from primitives.registry import by_names
from search.algorithms.structures.cells import Cell, Front, Incumbent, cell_of
from search.algorithms.structures.identity import structure_of
from search.algorithms.structures.operators import OPERATORS
from search.algorithms.structures.search import StructureSearch
from search.engine.candidate import Record
from search.settings.structures import Operators
from tests.programs import train
from tests.structure_searches import TWO_BETAS, completed, rows, searched, settings, tasks


def test_a_search_that_was_killed_again_and_again_has_the_history_of_one_that_was_not() -> None:
    undisturbed = searched(climb_rotates=True)
    known: dict = {}  # type: ignore[type-arg]
    for _ in range(200):
        try:
            resumed = searched(fail_after=150, known=known, climb_rotates=True)
            break
        except KeyboardInterrupt:
            continue
    assert rows(resumed) == rows(undisturbed)
    assert len(known) > 300  # it was killed in the middle


def test_candidates_are_numbered_from_the_start_and_say_why_they_were_dropped() -> None:
    records = searched(60)
    assert [record.candidate.number for record in records] == list(range(len(records)))
    assert records[0].candidate.parent is None
    assert all(record.candidate.parent is not None for record in records[1:])
    reasons = {record.score.reason.partition(":")[0] for record in records}
    assert "" in reasons
    assert any(reason.startswith("the structure of candidate") for reason in reasons)
    for record in records:
        assert is_valid(record.candidate.program)
        assert (record.candidate.same_as is not None) == bool(record.candidate.matched)


def test_the_least_tuned_incumbents_can_be_refined_first() -> None:
    front = Front(reach=0.25, shared=0.5)
    tried = [
        (train("update = g * 0.1"), 0.2, 0),
        (train("m = interp(g, m, 0.9)", "update = m * 0.1"), 0.1, 8),
        (train(*TWO_BETAS), 0.0, 16),
        (train("update = w * 0.1"), 0.05, 60),
        (train("x = sign(g)", "update = cbrt(x)"), 0.05, 0),  # no constants to tune
    ]
    for place, (program, fitness, trials) in enumerate(tried):
        front.enter(Incumbent(program, place, fitness, fitness, (fitness,), trials))
    assert [incumbent.trials for incumbent in front.to_refine(60, "best")] == [16, 8, 0]
    assert [incumbent.trials for incumbent in front.to_refine(60, "least_tuned")] == [0, 8, 16]


def test_searches_of_consecutive_seeds_and_of_repeats_train_on_different_seeds() -> None:
    def first_seed(key: tuple[int, int]) -> int:
        search = StructureSearch(
            settings(), tasks=tasks(), prices=(0.0, 0.0), primitives=by_names(["sign"]), key=key, children=1
        )
        return min(
            trial.seeds.start for trial in next(search.run(builtin("adamw"), lambda records: None, lambda: False))
        )

    assert len({first_seed((seed, 0)) for seed in range(1, 32)}) == 31
    assert len({first_seed((1, repeat)) for repeat in range(4)}) == 4
    assert first_seed((1, 1)) == first_seed((11, 0))  # as docs/structures.md says


@pytest.mark.parametrize("retries", [0, 2])
def test_a_structure_that_is_bred_again_is_evaluated_as_often_as_the_settings_say(retries: int) -> None:
    records = searched(120, retries=retries)
    own = {record.candidate.number: structure_of(record.candidate.program) for record in records}
    bred = [record for record in records[1:] if record.candidate.mutation not in ("refined", "pruned")]
    tries = Counter(own[record.candidate.number] for record in bred if not record.candidate.matched)
    assert max(tries.values()) <= 1 + retries
    repeated = [record for record in bred if tries[own[record.candidate.number]] > 1 and not record.candidate.matched]
    assert bool(repeated) == bool(retries)
    for record in repeated:
        assert record.candidate.parent is not None
        assert own[record.candidate.parent] != own[record.candidate.number]


def test_a_child_that_is_dropped_before_training_does_not_use_up_the_evaluation_of_its_structure() -> None:
    only_deletions = Operators(**dict.fromkeys(OPERATORS, 0.0) | {"delete": 1.0}).model_dump()
    records = searched(40, longest=3, refined=0, prune=False, twice=0.0, operators=only_deletions)
    generations: dict[int, list[Record]] = {}
    for record in records[1:]:
        generations.setdefault((record.candidate.number - 1) // 12, []).append(record)
    for generation in generations.values():
        by_structure: dict[str, list[Record]] = {}
        for record in generation:
            by_structure.setdefault(structure_of(record.candidate.program), []).append(record)
        for first, *copies in by_structure.values():
            assert first.score.reason.startswith("longer than")  # and not a duplicate of an earlier generation
            assert all(copy.candidate.matched == "structure" for copy in copies)
    structures = [structure_of(record.candidate.program) for record in records[1:]]
    assert len({*structures}) < len(structures) / 2


def test_the_search_finds_what_the_losses_reward() -> None:
    best = min((r for r in searched(120) if not r.score.reason), key=lambda record: record.score.fitness)
    assert "sign" in to_text(best.candidate.program)
    assert best.score.fitness < -0.05


@pytest.mark.parametrize(
    "changes",
    [{"corpus": []}, {"uniform": 1.0}, {"simplify": True}, {"cells": []}, {"prune": False}, {"climb_rotates": False},
     {"homologous": 0.0},
     {"refined": 0}, {"short_trials": 0, "whole_trials": 0, "climb_trials": 0},
     {"operators": Operators(graft=0, graft_on_way=0, context=0).model_dump()}],
)  # fmt: skip
def test_every_part_can_be_switched_off_and_changes_the_history(changes: dict[str, Any]) -> None:
    assert rows(searched(24, **changes)) != rows(searched(24))


def test_a_search_ends_if_no_draft_is_valid() -> None:
    operators = dict.fromkeys(OPERATORS, 0.0) | {"replace": 1.0}
    records: list[Record] = []
    search = StructureSearch(
        settings(operators=operators),
        tasks=tasks(), prices=(0.0, 0.0), primitives=by_names(["sign"]), key=(1, 0), children=30,
    )  # fmt: skip
    start = train("x = interp(g, m, 0.9)", "m = g + g", "update = interp(x, m, 0.5)")
    assert completed([search.run(start, records.extend, lambda: False)]) == [True]
    assert {record.candidate.mutation for record in records[1:]} == {"refined"}


@pytest.mark.parametrize("reach", [0.25, 0.01])
def test_fresh_judging_seeds_join_and_all_count_and_no_cell_is_emptied(reach: float) -> None:
    search = StructureSearch(
        settings(rotate_every=1, refined=0, reach=reach),
        tasks=tasks(), prices=(0.0, 0.0), primitives=by_names(list(PAPER)), key=(1, 0), children=30,
    )  # fmt: skip
    admitted = set[Cell]()

    def record(records: Sequence[Record]) -> None:
        admitted.update(cell_of(entry.candidate.program) for entry in records if not entry.score.reason)

    completed([search.run(builtin("adamw"), record, lambda: False)])
    assert {*search.front.cells} == admitted
    blocks = {held.number: len(held.judged) for held in search.front.cells.values()}
    assert min(blocks[held.number] for held in search.front.ranked()) >= 3
    assert (min(blocks.values()) < 3) == (reach < 0.1)  # those out of reach are not judged again
    for held in search.front.cells.values():
        assert held.fitness == pytest.approx(np.mean(held.judged))
