"""The funnel: equal tuning, honest verdicts, and no way through for a program that has only learnt the proxy."""

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from primitives import Program, builtin, parse
from primitives.program import PEAK
from proxy_tasks.baselines import baseline
from proxy_tasks.catalog import builtin_task
from proxy_tasks.task import Task
from selection import stage as stage_module
from selection import trials
from selection.comparison import LAST_SEEDS, STAGE_SEEDS, TUNING_SEEDS
from selection.funnel import FunnelResult, run_funnel
from selection.intervals import Verdict
from selection.optimizers import OPTIMIZERS, starting
from selection.stage import Stage
from selection.trials import Entrant, LocalTrials, Trial, Work
from selection.tuning import ConstantSpace, Proposals, TuningResult, tune

SMALL = Task("small", "digit classification", "", batch=16, steps=40, settings={"hidden": (8,)})
LARGE = Task("large", "digit classification", "", batch=16, steps=120, settings={"hidden": (12,)})
ADAMW = builtin("adamw").with_constants([0.9, 0.95, 0.1, 1.0])
WORLDS = 200  # simulated funnels
ERROR = 0.025  # of a verdict "better", over all programs of a stage together: one of two sides of 5 %
BASELINES: dict[str, Entrant] = {name: OPTIMIZERS[name] for name in ("adamw", "sgd")}


def drawn(*keys: object) -> float:
    """A standard normal number that belongs to the keys."""
    seed = blake2b(repr(keys).encode(), digest_size=8).digest()
    return float(np.random.default_rng(int.from_bytes(seed)).normal())


class Pretended:
    """A bench whose losses are drawn: effects of subjects and of seeds, luck in constants, and noise of each pair.

    Args:
        effect: of a subject's structure on a task, in log loss.
        noise: standard deviation.
        salt: for another world.
        luck: standard deviation over constants of what they are worth, on all seeds alike.
    """

    width = 1

    def __init__(self, effect: Any, noise: float = 0.1, salt: int = 0, luck: float = 0.0) -> None:
        self._effect, self._noise, self._salt, self._luck = effect, noise, salt, luck
        self.trials: list[Trial] = []

    def run(self, works: Sequence[Work[Any]]) -> list[Any]:
        return [self._run(work) for work in works]

    def _run(self, work: Work[Any]) -> Any:
        try:
            wanted = next(work)
            while True:
                wanted = work.send([self.losses(trial) for trial in wanted])
        except StopIteration as end:
            return end.value

    def losses(self, trial: Trial) -> np.ndarray:
        self.trials.append(trial)
        losses = []
        worth = self._luck * drawn(self._salt, trial.key[0])
        for seed in trial.seeds:
            shared, own = drawn(self._salt, seed), drawn(self._salt, seed, trial.key[0], trial.split)
            losses.append(np.exp(shared + self._noise * own + worth + self._effect(trial)))
        return np.array(losses)


@pytest.fixture(autouse=True)
def _cheap_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretended tasks have no data of which a fingerprint could be taken."""
    monkeypatch.setattr(trials, "_task_key", lambda task: task.name)


def stage(*tasks: Task, programs: int = 4, seeds: int = 6, budget: int = 4, tunings: int = 3) -> Stage:
    return Stage(tasks or (LARGE,), programs, budget, tuning_seeds=2, seeds=seeds, tunings=tunings)


def named(number: int) -> Program:
    """AdamW under other names: the same function, told apart by a constant that does next to nothing."""
    return ADAMW.with_constants([0.9, 0.95, 0.1 + number * 1e-6, 1.0])


@pytest.fixture
def _by_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tuning that ends anywhere near its start."""

    def near(starts: Sequence[Entrant], trials: int, seed: tuple[int, ...]) -> Proposals[Any]:
        space = ConstantSpace(starts[0])
        draft = space.program(space.start + np.random.default_rng(seed).normal(size=len(space.start)))
        return TuningResult(draft, (yield draft))

    monkeypatch.setattr(stage_module, "bayesian_search", near)


def winners(programs: int, seeds: int, luck: float, tunings: int = 3) -> int:
    """In how many worlds AdamW under another name is better than AdamW."""
    passed = 0
    for world in range(WORLDS):
        bench = Pretended(lambda trial: 0.0, salt=world, luck=luck)
        entering, held = [named(n) for n in range(programs)], stage(seeds=seeds, budget=2, tunings=tunings)
        passed += run_funnel(entering, [held], BASELINES, runner=bench).winner is not None
    return passed


@pytest.mark.usefixtures("_by_chance")
@pytest.mark.parametrize("luck", [0.0, 0.1])
@pytest.mark.parametrize(("programs", "seeds"), [(1, 5), (4, 5), (4, 12)])
def test_adamw_under_another_name_beats_adamw_no_more_often_than_stated(programs: int, seeds: int, luck: float) -> None:
    assert winners(programs, seeds, luck) <= binom.ppf(0.95, WORLDS, ERROR)


@pytest.mark.usefixtures("_by_chance")
def test_one_tuning_of_each_cannot_tell_luck_in_tuning_from_merit() -> None:
    assert winners(programs=1, seeds=12, luck=0.1, tunings=1) > 0.15 * WORLDS


def test_the_very_same_optimizer_is_not_distinguishable_from_itself() -> None:
    found = run_funnel([named(0)], [stage()], BASELINES, runner=Pretended(lambda trial: 0.0, noise=0.0))
    assert found.stages[0].standings[0].verdict is Verdict.CANNOT_TELL
    assert found.winner is None


def _better(trial: Trial) -> float:
    return -0.5 if isinstance(trial.entrant, Program) else 0.0


def test_a_program_that_is_better_goes_through_every_stage_and_into_the_last_table() -> None:
    found = run_funnel([named(0), named(1)], [stage(), stage(programs=1)], BASELINES, runner=Pretended(_better))
    assert [len([row for row in held.standings if row.index is not None]) for held in found.stages] == [2, 1]
    assert found.winner is not None
    assert found.winner.verdict is Verdict.BETTER
    assert found.winner.log_ratio == pytest.approx(-0.5, abs=0.2)
    assert found.winner.interval[0] < found.winner.log_ratio < found.winner.interval[1] < 0
    assert {(row.program, row.split) for row in found.table} == {
        (name, "test") for name in (found.winner.name, "adamw", "sgd")
    }


def test_who_is_not_better_does_not_go_on_and_the_funnel_ends_without_programs() -> None:
    only_small = Pretended(lambda trial: -0.5 if isinstance(trial.entrant, Program) and trial.task is SMALL else 0.0)
    found = run_funnel([named(0), named(1)], [stage(SMALL), stage(LARGE), stage(LARGE)], BASELINES, runner=only_small)
    assert len(found.stages) == 2  # the second finds nobody better, so that there is no third
    assert found.winner is None
    assert found.last.index is not None


def test_a_program_that_diverges_on_a_larger_task_is_worse() -> None:
    diverging = Pretended(lambda trial: np.nan if isinstance(trial.entrant, Program) else 0.0)
    found = run_funnel([named(0)], [stage()], BASELINES, runner=diverging)
    assert found.stages[0].standings[0].verdict is Verdict.WORSE


def test_everybody_is_tuned_with_as_many_trials_on_seeds_that_serve_for_nothing_else() -> None:
    bench = Pretended(_better, noise=0.01)
    run_funnel([named(0), named(1)], [stage(budget=12), stage(budget=8)], BASELINES, runner=bench)
    tuned: Counter[str] = Counter()
    apart = [TUNING_SEEDS + 1000 * number + 100 * place for place in range(2) for number in range(3)]
    for trial in bench.trials:
        if trial.seeds.start in apart:
            assert (len(trial.seeds), trial.split) == (2, "validation")
            kind = trial.entrant.name if not isinstance(trial.entrant, Program) else "program"
            tuned[kind] += 1
    assert tuned == {"program": 2 * 3 * (6 + 4), "adamw": 3 * (6 + 4), "sgd": 3 * (6 + 4)}
    others = {(trial.seeds.start, trial.split) for trial in bench.trials if trial.seeds.start not in apart}
    assert others == {(STAGE_SEEDS, "validation"), (STAGE_SEEDS + 1000, "validation"), (LAST_SEEDS, "test")}


def test_each_tuning_of_the_next_stage_begins_where_one_of_the_stage_before_ended() -> None:
    bench = Pretended(_better, noise=0.01, luck=0.1)
    found = run_funnel([named(0)], [stage(budget=12), stage(SMALL, budget=8)], BASELINES, runner=bench)
    for row in found.stages[0].standings:
        assert len(set(row.entrants)) == 3, row.name
        for number, entrant in enumerate(row.entrants):
            first = TUNING_SEEDS + 1000 * number + 100
            tried = [t.entrant for t in bench.trials if t.task is SMALL and t.seeds.start == first]
            assert entrant in tried, row.name


def test_where_the_reference_diverges_nothing_is_said() -> None:
    diverging = Pretended(lambda trial: np.nan if str(trial.entrant).startswith("optax.adamw") else 0.0)
    found = run_funnel([named(0)], [stage()], BASELINES, runner=diverging)
    assert {row.verdict for row in found.stages[0].standings} == {Verdict.CANNOT_TELL}
    assert found.winner is None


def test_no_more_programs_enter_a_stage_than_it_has_room_for() -> None:
    found = run_funnel([named(n) for n in range(6)], [stage(programs=3)], BASELINES, runner=Pretended(_better))
    assert sorted(row.index for row in found.stages[0].standings if row.index is not None) == [0, 1, 2]


def test_baselines_begin_with_what_was_tuned_for_the_task() -> None:
    stored = [value for *_, value in baseline(builtin_task("digits")).constants()]  # betas, decay, factor of the rate
    stored[3] *= PEAK  # optax takes a schedule with peak 1
    adamw, adam, sgd = (starting(name, builtin_task("digits")) for name in ("adamw", "adam", "sgd"))
    assert [
        adamw.values[adamw.names.index(name)] for name in ("b1", "b2", "weight_decay", "learning_rate")
    ] == pytest.approx(stored)
    assert adam.values == adamw.values[:3]
    assert sgd == OPTIMIZERS["sgd"]


@pytest.mark.usefixtures("_real_keys")
def test_adamw_as_a_program_with_constants_from_a_long_search_does_not_beat_adamw(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vit = builtin_task("vit")  # on `digits` the bias correction of optax makes another optimizer of it
    tuned: dict[str, Entrant] = {"adamw": starting("adamw", vit)}
    generic: dict[str, Entrant] = {"adamw": OPTIMIZERS["adamw"].with_constants([0.003, 0.9, 0.999, 0.01])}
    runner = LocalTrials()  # the trials of the program are the same in the first two

    def wins(baselines: dict[str, Entrant], budget: int) -> bool:
        stages = [stage(vit, budget=budget, seeds=8)]
        return run_funnel([baseline(vit)], stages, baselines, runner=runner).winner is not None

    assert not wins(tuned, 8)
    assert not wins(generic, 8)
    monkeypatch.setattr(stage_module, "stored", lambda name, task: None)  # the stored constants make the difference
    assert wins(generic, 2)


# What exploits the small task, in real training ----------------------------------------------------------------------


@pytest.fixture
def _real_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()


STEPS = """
def train(w, g, m, v, lr):
    m = m + 0.025
    late = m - 1.01
    late = sign(late)
    late = late + 1.0
    noise = w * late
    noise = noise * 20.0
    g2 = square(g)
    v = interp(g2, v, 0.95)
    s = sqrt(v)
    update = g / s
    lr = lr * 2.0
    update = update * lr
    update = update + noise
    return update, m, v
"""  # a clock in m: it trains for 40 steps, which is what the small task has, and wrecks the weights after that


@pytest.mark.usefixtures("_real_keys")
def test_a_program_that_counts_the_steps_of_the_small_task_does_not_pass() -> None:
    program = parse(STEPS)
    bench = LocalTrials()
    seeds = range(6)
    own, adamw = (Trial(subject, SMALL, seeds).losses() for subject in (program, ADAMW))
    assert np.mean(np.log(own / adamw)) < -0.1  # it wins where it was found
    found = run_funnel([program], [stage(LARGE, budget=4)], BASELINES, runner=bench)
    assert found.winner is None
    assert found.stages[0].standings[0].verdict is Verdict.WORSE


@pytest.mark.usefixtures("_real_keys")
def test_a_program_fitted_to_the_seeds_and_batches_of_the_selection_does_not_pass() -> None:
    lines = ("v = interp(g, v, 0.5)", "x = sin(v)", "x = x * 0.01", "m = interp(g, m, 0.9)", "u = m + x",
             "update = u * lr", "update = update * 0.3")  # fmt: skip
    start = parse("\n    ".join(["def train(w, g, m, v, lr):", *lines, "return update, m, v\n"]))
    lucky = range(1)  # initial weights and the order of batches of one network

    def loss(program: Program) -> float:
        losses = Trial(program, SMALL, lucky).losses()
        return float(np.log(losses[0])) if np.isfinite(losses[0]) else np.inf

    fitted = tune(start, loss, 150).program
    best = tune(OPTIMIZERS["sgd"], lambda o: float(np.log(Trial(o, SMALL, range(50, 54)).losses()).mean()), 60).program
    assert loss(fitted) < np.log(Trial(best, SMALL, lucky).losses()[0])  # it wins on what it was fitted to
    baselines: dict[str, Entrant] = {"adamw": OPTIMIZERS["adamw"], "sgd": best}
    found = run_funnel([fitted], [stage(SMALL, budget=40, seeds=8)], baselines, runner=LocalTrials())
    assert found.winner is None


def test_an_outcome_says_in_plain_values_what_was_found() -> None:
    found: FunnelResult = run_funnel([named(0)], [stage()], BASELINES, runner=Pretended(_better))
    plain = found.as_json()
    assert plain["winner"] == "program 1"
    assert plain["stages"][0]["standings"][0]["name"] == "program 1"
    assert {row["verdict"] for row in plain["stages"][0]["standings"]} <= {"better", "worse", "cannot tell"}
    assert [text[:9] for text in plain["stages"][0]["standings"][0]["subjects"]] == ["def train"] * 3
    assert plain["table"][0]["per_seed"]


def test_the_reference_is_the_tuned_adamw() -> None:
    found = run_funnel([named(0)], [stage()], BASELINES, runner=Pretended(_better))
    row = next(row for row in found.stages[0].standings if row.name == "adamw")
    assert (row.log_ratio, row.interval, row.verdict) == (0.0, (0.0, 0.0), Verdict.CANNOT_TELL)
