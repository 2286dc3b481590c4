"""The algorithm `structures`: its parts, and its history, with losses that are computed from the text of a program."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import Any

import numpy as np
import pytest

from primitives import PAPER, builtin, parse, to_text
from primitives.checking import is_valid
from primitives.dataflow import live, live_part
from primitives.program import Program
from primitives.registry import by_names
from proxy_tasks.catalog import builtin_task
from proxy_tasks.device import Computation
from proxy_tasks.task import Task
from search.algorithms.edits import bypassed
from search.algorithms.structures import replay as replays
from search.algorithms.structures.breeding import Breeder
from search.algorithms.structures.candidates import Bred
from search.algorithms.structures.cells import Front, Incumbent, cell_of
from search.algorithms.structures.climbing import climb, side_by_side
from search.algorithms.structures.corpus import corpus
from search.algorithms.structures.identity import structure_of
from search.algorithms.structures.measures import Measures
from search.algorithms.structures.offspring import Helpers
from search.algorithms.structures.operators import OPERATORS, Material, way
from search.algorithms.structures.prior import Prior
from search.algorithms.structures.pruning import deletions, pruned
from search.algorithms.structures.replay import Replay
from search.algorithms.structures.search import StructureSearch
from search.algorithms.structures.stages import Stages
from search.engine.candidate import Record
from search.engine.randomness import Draws
from search.settings.structures import CORPUS, Operators, StructureSettings
from selection.fitness_on_seeds import SeedFitness
from selection.trials import Trial, Work
from simplify.exact import simplify

PROGRAMS = corpus(CORPUS)
PRIOR = Prior(by_names(list(PAPER)), PROGRAMS, 0.35)
MATERIAL = Material(PRIOR, (builtin("adam"), builtin("signum")), PROGRAMS)
TWO_BETAS = "m2 = interp(g, m, 0.9)\n update = sign(m2)\n m = interp(g, m, 0.99)"


def program(body: str) -> Program:
    """A program from the lines between signature and return."""
    lines = "".join(f"    {line.strip()}\n" for line in body.splitlines() if line.strip())
    return parse(f"def train(w, g, m, v, lr):\n{lines}    return update, m, v\n")


def loss_of(trial: Trial) -> np.ndarray:
    """A loss that grows with `w`, falls with `sign` and with constants near 0.5, and differs between seeds."""
    text = to_text(live_part(trial.entrant)) if isinstance(trial.entrant, Program) else str(trial.entrant)
    constants = [value for *_, value in parse(text).constants()]
    base = 1.0 - 0.2 * ("sign" in text) + 0.02 * sum(abs(value - 0.5) for value in constants[:2])
    noise = [int.from_bytes(blake2b(f"{text} {seed}".encode(), digest_size=2).digest(), "big") for seed in trial.seeds]
    return base * (1 + 1e-6 * np.array(noise))


def completed(works: Sequence[Work], losses: Callable[[Trial], np.ndarray] = loss_of) -> list:  # type: ignore[type-arg]
    """Results of works whose trials are answered at once."""
    results = []
    for work in works:
        try:
            trials = next(work)
            while True:
                trials = work.send([losses(trial) for trial in trials])
        except StopIteration as end:
            results.append(end.value)
    return results


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_makes_valid_children_of_every_published_optimizer(name: str) -> None:
    breeder = Breeder({name: 1.0}, 0.0)
    for parent in PROGRAMS:
        children = [breeder.child(parent, MATERIAL, Draws(3, number)) for number in range(40)]
        found = [child for child in children if child is not None]
        assert found
        assert all(is_valid(child.program) and child.operators == name for child in found)
        assert all(child.program == live_part(child.program) != parent for child in found)


def test_the_statement_that_writes_a_slot_comes_along_with_what_reads_it() -> None:
    sgd, momentum = builtin("sgd"), structure_of(simplify(builtin("momentum")).program)
    donors = Material(PRIOR, (), (builtin("momentum"),))

    def found(material: Material) -> list[str]:
        drafts = (OPERATORS["graft_on_way"](sgd, material, Draws(number)) for number in range(40))
        valid = {draft for draft in drafts if draft is not None and is_valid(draft)}
        return [structure_of(simplify(draft).program) for draft in valid]

    assert momentum in found(donors)
    assert momentum not in found(donors._replace(state=False))


def test_homologous_crossover_puts_a_decay_before_the_rate_as_in_the_donor() -> None:
    parent = program("c = interp(g, m, 0.9)\n m = interp(g, m, 0.99)\n s = sign(c)\n update = s * lr")
    lion = structure_of(program("c = interp(g, m, 0.9)\n m = interp(g, m, 0.99)\n s = sign(c)\n d = w * 0.1\n"
                                "s = s + d\n update = s * lr"))  # fmt: skip
    donors = Material(PRIOR, (), (live_part(builtin("adamw")),))

    def with_decay(homologous: float) -> list[str]:
        material = donors._replace(homologous=homologous)
        drafts = [OPERATORS["context"](parent, material, Draws(number)) for number in range(120)]
        return [structure_of(draft) for draft in drafts if draft and is_valid(draft) and "w" in to_text(draft)[30:]]

    assert set(with_decay(1.0)) == {lion}
    assert 0 < with_decay(0.0).count(lion) < len(with_decay(0.0))
    assert with_decay(1.0).count(lion) > with_decay(0.0).count(lion)


def test_the_way_leads_from_the_update_to_the_gradient_or_to_state() -> None:
    adamw = live_part(builtin("adamw"))
    for number in range(20):
        steps = way(adamw, Draws(number))
        assert steps[0][0] == len(adamw.statements) - 1
        line, place = steps[-1]
        assert adamw.statements[line].arguments[place] in ("g", "m", "v")
    assert way(program("update = w * 0.1"), Draws(0)) == []


def test_two_interpolations_with_different_constants_are_not_one_structure() -> None:
    assert structure_of(program(TWO_BETAS)) != structure_of(program("m = interp(g, m, 0.9)\n update = sign(m)"))


def test_constants_names_and_order_of_statements_do_not_make_another_structure() -> None:
    swapped = program("a = interp(g, m, 0.3)\n m = interp(g, m, 0.6)\n b = sign(a)\n update = b * 1.0")
    reordered = program("m2 = interp(g, m, 0.1)\n one = sign(m2)\n m = interp(g, m, 0.8)\n update = one * 2.0")
    assert structure_of(swapped) == structure_of(reordered)


def test_the_prior_draws_every_function_and_frequent_ones_more_often() -> None:
    def counts(prior: Prior) -> dict[str, int]:
        drawn = [prior.function(Draws(number)) for number in range(8000)]
        return {row.name: drawn.count(row) for row in by_names(list(PAPER)) if row.accepts}

    mixed, uniform = counts(PRIOR), counts(Prior(by_names(list(PAPER)), PROGRAMS, 1.0))
    assert all(mixed.values())
    assert mixed["multiply"] > 4 * mixed["arctan"]
    assert max(uniform.values()) < 2 * min(uniform.values())


def test_constants_of_averages_are_drawn_around_those_of_the_corpus() -> None:
    kinds = {"g": next(iter(by_names(["sign"])[0].accepts[0]))}
    drawn = [PRIOR.argument(by_names(["interp"])[0], 2, kinds, Draws(number)) for number in range(300)]
    constants = [value for value in drawn if isinstance(value, float)]
    assert len(constants) > 200
    assert np.mean([0 < value < 1 for value in constants]) > 0.6


def test_readers_of_a_bypassed_statement_read_its_argument_until_either_is_assigned_again() -> None:
    parent = program("a = sqrt(g)\n b = a + g\n a = b * 2.0\n update = a + b")
    assert to_text(bypassed(parent, 0, "g")) == to_text(program("b = g + g\n a = b * 2.0\n update = a + b"))


def test_deletions_are_shorter_and_valid() -> None:
    adamw = builtin("adamw")
    drafts = list(deletions(adamw))
    assert len(drafts) >= 8
    assert all(is_valid(draft) and len(live(draft).lines) < len(live(adamw).lines) for draft in drafts)


def settings(**changes: Any) -> StructureSettings:
    """Settings for tests without training: no replay."""
    return StructureSettings.model_validate(
        {"near_twin": 0.0, "descent": False, "simplify": False, "generation": 12} | changes
    )


def tasks() -> list[Task]:
    return [builtin_task("digits")]


def test_pruning_leaves_out_what_does_nothing_and_keeps_what_helps() -> None:
    measures = Measures(tasks(), settings(), (0.015, 0.02), 0)
    dressed = program("m = interp(g, m, 0.5)\n x = arcsin(m)\n y = sign(x)\n update = y * 0.5")
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

    start = program("update = g * 0.9")
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


def incumbent(name: str, fitness: float) -> Incumbent:
    return Incumbent(live_part(builtin(name)), 0, fitness, fitness, (fitness,))


def test_a_program_competes_in_its_cell_and_is_limited_by_what_is_no_longer() -> None:
    front = Front(0.25, 0.5)
    front.enter(incumbent("adamw", 0.1))
    assert front.beats(builtin("signum"), 0.3)
    assert not front.beats(builtin("adamw"), 0.2)
    assert front.limit(9) == 0.1
    assert front.limit(8) == np.inf
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


@pytest.fixture(scope="module")
def replay() -> Replay:
    return Replay(builtin_task("digits"), builtin("adamw").with_constants([0.9, 0.99, 0.01, 0.02]), 0)


def test_a_decoration_is_a_near_twin_and_a_sign_is_not(replay: Replay) -> None:
    parent = program("m = interp(g, m, 0.9)\n update = m * 0.01")
    decorated = program("m = interp(g, m, 0.9)\n x = m * 0.01\n update = arctan(x)")
    signed = program("m = interp(g, m, 0.9)\n x = sign(m)\n update = x * 0.01")
    assert replay.residual(decorated, parent) < 0.01
    assert replay.residual(signed, parent) > 0.3


def test_updates_that_climb_or_are_not_finite_do_not_descend(replay: Replay) -> None:
    assert replay.descends(program("update = g * 0.1"))
    assert not replay.descends(program("update = g * -0.1"))
    assert not replay.descends(program("x = log(w)\n update = x * g"))


def test_programs_that_are_replayed_in_a_batch_have_the_updates_that_they_have_alone(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = [
        "m = interp(g, m, 0.9)\n update = m * 0.01",
        "update = g * 0.1",
        "m = interp(g, m, 0.5)\n update = log(m)",
    ]
    programs = [*map(program, bodies), builtin("adamw"), builtin("lion")]
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


def searched(
    children: int = 40,
    fail_after: int | None = None,
    known: dict[Any, Any] | None = None,
    helpers: Helpers | None = None,
    **changes: Any,
) -> list[Record]:
    """Records of a search; after `fail_after` trials that are not known it is killed."""
    search = StructureSearch(
        settings(**changes),
        tasks=tasks(),
        prices=(0.015, 0.02),
        primitives=by_names(list(PAPER)),
        key=(5, 0),
        children=children,
        helpers=helpers,
    )
    records: list[Record] = []
    losses: dict = {} if known is None else known  # type: ignore[type-arg]
    left = [fail_after]

    def answer(trial: Trial) -> np.ndarray:
        if trial.key not in losses:
            if left[0] is not None:
                left[0] -= 1
                if left[0] < 0:
                    raise KeyboardInterrupt
            losses[trial.key] = loss_of(trial)
        return np.asarray(losses[trial.key])

    completed([search.run(builtin("adamw"), records.extend, lambda: False)], answer)
    return records


def rows(records: Sequence[Record]) -> list[tuple[object, ...]]:
    return [(*record.candidate[:4], *record.candidate[7:9], record.score) for record in records]


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
    bodies = {
        0: "update = g * 0.1",
        8: "m = interp(g, m, 0.9)\n update = m * 0.1",
        16: TWO_BETAS,
        60: "update = w * 0.1",
    }
    for place, (trials, body) in enumerate(bodies.items()):
        fitness = [0.2, 0.1, 0.0, 0.05][place]
        front.enter(Incumbent(program(body), place, fitness, fitness, (fitness,), trials))
    assert [incumbent.trials for incumbent in front.to_refine(60, "best")] == [16, 8, 0]
    assert [incumbent.trials for incumbent in front.to_refine(60, "least_tuned")] == [0, 8, 16]


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


def test_the_search_finds_what_the_losses_reward() -> None:
    best = min((r for r in searched(120) if not r.score.reason), key=lambda record: record.score.fitness)
    assert "sign" in to_text(best.candidate.program)
    assert best.score.fitness < -0.05


@pytest.mark.parametrize(
    "changes",
    [{"corpus": []}, {"uniform": 1.0}, {"simplify": True}, {"cells": []}, {"prune": False}, {"climb_rotates": True},
     {"refined": 0}, {"short_trials": 0, "whole_trials": 0, "climb_trials": 0},
     {"operators": Operators(graft=0, graft_on_way=0, context=0).model_dump()}],
)  # fmt: skip
def test_every_part_can_be_switched_off_and_changes_the_history(changes: dict[str, Any]) -> None:
    assert rows(searched(24, **changes)) != rows(searched(24))


def test_a_child_and_its_parent_are_looked_at_together() -> None:
    stages = Stages(settings(), Measures(tasks(), settings(), (0.0, 0.0), 0), Front(0.25, 0.5), (0, 0))
    work = stages.look(Bred(1, incumbent("adamw", 0.1), "", live_part(builtin("lion"))))
    entrants = {trial.entrant for trial in next(work)}
    assert {live_part(builtin("adamw")), live_part(builtin("lion"))} <= entrants


def test_a_search_ends_if_no_draft_is_valid() -> None:
    operators = dict.fromkeys(OPERATORS, 0.0) | {"replace": 1.0}
    records: list[Record] = []
    search = StructureSearch(
        settings(operators=operators),
        tasks=tasks(), prices=(0.0, 0.0), primitives=by_names(["sign"]), key=(1, 0), children=30,
    )  # fmt: skip
    start = program("x = interp(g, m, 0.9)\n m = g + g\n update = interp(x, m, 0.5)")
    assert completed([search.run(start, records.extend, lambda: False)]) == [True]
    assert {record.candidate.mutation for record in records[1:]} == {"refined"}


def test_older_judging_seeds_are_asked_for_together_and_only_within_the_limit() -> None:
    numbers = settings(judging_seeds=2, tuning_seeds=2)
    measures, front = Measures(tasks(), numbers, (0.0, 0.0), 0), Front(0.25, 0.5)
    stages = Stages(numbers, measures, front, (0, 0))
    stages.blocks = 4

    def requests(limit: float) -> list[int]:
        """Numbers of seeds of the program in each request."""
        asked, work = [], stages.judge(Bred(0, None, "", live_part(builtin("lion"))), limit)
        with suppress(StopIteration):
            trials = next(work)
            while True:
                asked.append(sum(len(trial.seeds) for trial in trials if trial.entrant == live_part(builtin("lion"))))
                trials = work.send([loss_of(trial) for trial in trials])
        return asked

    assert requests(np.inf) == [2, 6, 2]  # the newest block, all others, the tuning seeds
    assert requests(-np.inf) == [2]


def test_fresh_judging_seeds_join_and_all_count() -> None:
    search = StructureSearch(
        settings(rotate_every=1, refined=0),
        tasks=tasks(), prices=(0.0, 0.0), primitives=by_names(list(PAPER)), key=(1, 0), children=30,
    )  # fmt: skip
    completed([search.run(builtin("adamw"), lambda records: None, lambda: False)])
    blocks = {len(held.judged) for held in search.front.cells.values()}
    assert min(blocks) >= 3
    for held in search.front.cells.values():
        assert held.fitness == pytest.approx(np.mean(held.judged))
