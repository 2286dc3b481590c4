"""Stages of the algorithm `structures`: pruning, climbing, cells, and the seeds of each."""

from contextlib import suppress
from typing import Any

import numpy as np

from primitives import builtin
from primitives.dataflow import live_part
from primitives.program import Program
from proxy_tasks.catalog import builtin_task
from search.algorithms.structures.candidates import Bred
from search.algorithms.structures.cells import Front, Incumbent, cell_of
from search.algorithms.structures.climbing import climb, side_by_side
from search.algorithms.structures.measures import Measures
from search.algorithms.structures.pruning import pruned
from search.algorithms.structures.stages import Stages
from search.engine.randomness import Draws
from search.settings.structures import StructureSettings
from selection.fitness_on_seeds import SeedFitness
from selection.trials import Trial, Work
from tests.programs import train
from tests.structure_searches import completed, loss_of, settings, tasks


def incumbent(name: str, fitness: float) -> Incumbent:
    return Incumbent(live_part(builtin(name)), 0, fitness, fitness, (fitness,))


def test_pruning_leaves_out_what_does_nothing_and_keeps_what_helps() -> None:
    measures = Measures(tasks(), settings(), (0.015, 0.02), 0)
    dressed = train("m = interp(g, m, 0.5)", "x = arcsin(m)", "y = sign(x)", "update = y * 0.5")
    (found,) = completed([pruned(dressed, measures, 0)])
    names = [statement.primitive for statement in found.statements]
    assert "arcsin" not in names
    assert "sign" in names


def test_a_climb_tries_as_many_settings_as_it_is_given_and_never_ends_higher() -> None:
    tried: list[float] = []

    def measure(draft: Program, hurdle: float) -> Work[SeedFitness]:
        (value,) = (constant for *_, constant in draft.constants())
        tried.append(hurdle)
        yield []
        return SeedFitness(abs(value - 0.2), abs(value - 0.2))

    start = train("update = g * 0.9")
    (found,) = completed([climb(start, measure, 30, (0.9, 0.3), Draws(1))])
    assert len(tried) == 31
    assert found.trials == 30
    assert found.fitness < 0.7
    assert tried[0] == np.inf
    assert tried[-1] < tried[1]  # beyond the best so far on the first seeds, the others are not trained


def test_works_side_by_side_ask_together_and_keep_their_order() -> None:
    asked: list[int] = []

    def work(count: int) -> Work[int]:
        for _ in range(count):
            yield [Trial(builtin("sgd"), builtin_task("digits"), range(count, count + 1))]
        return count

    def losses(trial: Trial) -> np.ndarray:
        asked.append(trial.seeds.start)
        return np.ones(1)

    assert completed([side_by_side([work(count) for count in (3, 1, 2)])], losses) == [[3, 1, 2]]
    assert asked == [3, 1, 2, 3, 2, 3]


def fitness(held: Incumbent) -> float:
    return held.fitness


def test_a_program_competes_in_its_cell_and_is_limited_by_programs_of_at_most_its_length() -> None:
    front = Front(0.25, 0.5)
    front.enter(incumbent("adamw", 0.1))
    assert front.beats(builtin("signum"), 0.3)
    assert not front.beats(builtin("adamw"), 0.2)
    assert front.limit(9, fitness) == 0.1
    assert front.limit(8, fitness) == np.inf
    assert cell_of(builtin("adamw")).weights
    front.enter(incumbent("sgd", 0.5))
    assert {front.parent(Draws(number)).fitness for number in range(50)} == {0.1}  # out of reach of the best
    assert not Front(0.25, 0.5, apart=()).cells


def test_seeds_of_different_purposes_and_searches_never_meet_and_blocks_see_the_same_conditions() -> None:
    varied = builtin_task("vit_noisy")
    measures = [Measures([varied], StructureSettings(), (0.0, 0.0), search) for search in (0, 1)]
    used: list[int] = []
    starts: set[int] = set()
    for measure in measures:
        trials: list[Trial] = []
        works: list[Work[Any]] = [measure.whole(builtin("sgd")), measure.climbing(builtin("sgd"))]
        works += [measure.judged(builtin("sgd"), block) for block in range(3)]
        completed(works, lambda trial, kept=trials: kept.append(trial) or loss_of(trial))  # type: ignore[misc]
        own = [seed for trial in trials if trial.entrant == builtin("sgd") for seed in trial.seeds]
        assert len(own) == len(set(own))
        used += own
        starts |= {trial.seeds.start % len(varied.circumstances) for trial in trials}
    assert len(used) == len(set(used))
    assert starts == {0}


def test_climbing_seeds_that_rotate_are_used_for_nothing_else_and_see_the_same_conditions() -> None:
    varied = builtin_task("vit_noisy")
    measure = Measures([varied], StructureSettings(climb_rotates=True), (0.0, 0.0), 3)
    trials: list[Trial] = []

    def run(work: Work[Any]) -> set[int]:
        trials.clear()
        completed([work], lambda trial: trials.append(trial) or loss_of(trial))  # type: ignore[func-returns-value]
        own = [trial for trial in trials if trial.entrant == builtin("sgd")]
        assert {trial.seeds.start % len(varied.circumstances) for trial in own} == {0}
        return {seed for trial in own for seed in trial.seeds}

    climbs = []
    for generation in range(25):
        measure.begin(generation)
        climbs.append(run(measure.climbing(builtin("sgd"))))
    assert len(set().union(*climbs)) == sum(map(len, climbs))  # 25 blocks, then the first again
    measure.begin(25)
    assert run(measure.climbing(builtin("sgd"))) == climbs[0]
    others = [run(measure.whole(builtin("sgd"))), *(run(measure.judged(builtin("sgd"), block)) for block in range(24))]
    assert not set().union(*others) & set().union(*climbs)


def test_a_child_and_its_parent_are_looked_at_together() -> None:
    stages = Stages(settings(), Measures(tasks(), settings(), (0.0, 0.0), 0), Front(0.25, 0.5), (0, 0))
    work = stages.look(Bred(1, incumbent("adamw", 0.1), "", live_part(builtin("lion"))))
    entrants = {trial.entrant for trial in next(work)}
    assert {live_part(builtin("adamw")), live_part(builtin("lion"))} <= entrants


def test_older_judging_seeds_are_asked_for_together_and_only_within_the_limit() -> None:
    numbers = settings(judging_seeds=2, tuning_seeds=2)
    measures, front = Measures(tasks(), numbers, (0.0, 0.0), 0), Front(0.25, 0.5)
    stages = Stages(numbers, measures, front, (0, 0))
    stages.blocks = 4

    def requests(limit: float, newest: float) -> list[int]:
        """Numbers of seeds of the program in each request."""
        asked, work = [], stages.judge(Bred(0, None, "", live_part(builtin("lion"))), newest, limit)
        with suppress(StopIteration):
            trials = next(work)
            while True:
                asked.append(sum(len(trial.seeds) for trial in trials if trial.entrant == live_part(builtin("lion"))))
                trials = work.send([loss_of(trial) for trial in trials])
        return asked

    assert requests(np.inf, np.inf) == [2, 6, 2]  # the newest block, all others, the tuning seeds
    assert requests(-np.inf, np.inf) == [2, 6]
    assert requests(np.inf, -np.inf) == [2]


def test_a_child_is_compared_with_the_incumbent_on_the_same_judging_seeds() -> None:
    numbers = settings(climb_trials=0, judging_margin=0.01)
    measures, front = Measures(tasks(), numbers, (0.0, 0.0), 0), Front(0.25, 0.5)
    stages, program = Stages(numbers, measures, front, (0, 0)), live_part(builtin("lion"))
    stages.blocks = 2

    def losses(trial: Trial) -> np.ndarray:
        """Alike for all programs, and higher for `program` on the newest block."""
        unlucky = trial.entrant == program and trial.seeds == newest
        return np.full(len(trial.seeds), 1.1 if unlucky else 1.0)

    asked: list[Trial] = []
    completed([measures.judged(program, 1)], lambda trial: asked.append(trial) or np.ones(len(trial.seeds)))  # type: ignore[func-returns-value]
    newest = asked[0].seeds
    (old, new) = completed([measures.judged(program, block) for block in (0, 1)], losses)
    front.enter(Incumbent(program, 0, float(np.mean([old, new])), 0.0, (old, new)))
    equal = Bred(1, front.best, "", program)
    completed([stages.judgement(equal)], losses)
    assert equal.going
    assert equal.judged == (old, new)
    front.enter(Incumbent(program, 0, front.best.fitness, 0.0, (new, old)))
    worse = Bred(2, front.best, "", program)
    completed([stages.judgement(worse)], losses)
    assert not worse.going
