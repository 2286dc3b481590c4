"""Fitness is the mean log loss ratio to the tuned AdamW, seed by seed; cheap stages come first."""

import math

import numpy as np
import pytest

from primitives import Program, UserError, builtin, parse
from proxy_tasks import baselines, fitness
from proxy_tasks.baselines import noise
from proxy_tasks.catalog import SMALLEST, builtin_task
from proxy_tasks.fitness import Evaluator, Status
from proxy_tasks.sanity import Probe
from proxy_tasks.task import Task
from proxy_tasks.training import Trainer

TINY = Task("tiny", "digit classification", "", batch=16, steps=30, settings={"hidden": (8,)})
SMALL = Task("small", "digit classification", "", batch=8, steps=20, settings={"hidden": (4,)})
REFERENCE = builtin("adamw").with_constants([0.9, 0.95, 0.1, 1.0])


@pytest.fixture(autouse=True)
def _baselines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitness, "baseline", lambda of: REFERENCE)
    monkeypatch.setattr(baselines, "noise", lambda of: {"tiny": 0.1, "small": 0.3}[of.name])


def text(*lines: str) -> Program:
    return parse("\n    ".join(["def train(w, g, m, v, lr):", *lines, "return update, m, v"]))


def losses(of: Task, program: Program, seeds: range) -> np.ndarray:
    return Trainer(of, seeds).losses(program)


def test_the_baseline_has_fitness_zero() -> None:
    assert Evaluator([TINY], range(3)).evaluate(REFERENCE).fitness == 0


def test_fitness_is_the_mean_log_ratio_over_seeds() -> None:
    expected = np.mean(np.log(losses(TINY, builtin("lion"), range(4)) / losses(TINY, REFERENCE, range(4))))
    score = Evaluator([TINY], range(4), 2).evaluate(builtin("lion"))
    assert score.status is Status.OK
    assert score.fitness == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(score.losses["tiny"], losses(TINY, builtin("lion"), range(4)), rtol=1e-6)


def test_tasks_are_weighted_by_the_inverse_of_their_noise() -> None:
    both = Evaluator([TINY, SMALL], range(2))
    alone = [Evaluator([of], range(2)).evaluate(builtin("sgd")).fitness for of in (TINY, SMALL)]
    assert both.shares == {"tiny": pytest.approx(0.75), "small": pytest.approx(0.25)}
    assert both.evaluate(builtin("sgd")).fitness == pytest.approx(0.75 * alone[0] + 0.25 * alone[1], rel=1e-5)


def test_what_is_beyond_the_hurdle_is_rejected_on_the_first_seeds() -> None:
    evaluator = Evaluator([TINY], range(4), 2)
    full = evaluator.evaluate(builtin("sgd"))
    score = evaluator.evaluate(builtin("sgd"), hurdle=0.01)
    assert full.fitness > 0.01
    assert score.status is Status.REJECTED
    assert len(score.losses["tiny"]) == 2
    assert "hurdle 0.0100" in score.reason


def test_the_hurdle_is_compared_with_the_first_seeds_alone() -> None:
    evaluator = Evaluator([TINY], range(4), 2)
    first = Evaluator([TINY], range(2)).evaluate(builtin("lion")).fitness
    score = evaluator.evaluate(builtin("lion"), hurdle=first + 1e-3)
    assert score.status is Status.OK
    assert score.first_fitness == pytest.approx(first, rel=1e-5)
    assert score.fitness != score.first_fitness
    assert evaluator.evaluate(builtin("lion"), hurdle=first - 1e-3).status is Status.REJECTED


def test_a_program_that_blows_up_is_diverged_with_the_reason() -> None:
    score = Evaluator([TINY], range(4), 2).evaluate(text("update = log(m)"))
    assert score.status is Status.DIVERGED
    assert score.fitness == math.inf
    assert score.reason == "loss not finite on tiny for 2 of 2 seeds"


def test_a_loss_of_exactly_zero_is_not_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluator = Evaluator([TINY], range(2))
    evaluator.evaluate(REFERENCE)
    monkeypatch.setattr(Trainer, "losses_of", lambda self, programs: np.zeros((len(programs), 2)))
    score = evaluator.evaluate(builtin("sgd"))
    assert (score.status, score.reason) == (Status.DIVERGED, "loss of exactly zero on tiny")


def test_the_price_counts_live_statements_and_live_slots() -> None:
    priced = Evaluator([TINY], range(1), statement_price=0.01, slot_price=0.1)
    assert priced.price.of(builtin("lion_raw")) == pytest.approx(12 * 0.01 + 0.1)
    free = Evaluator([TINY], range(1)).evaluate(builtin("lion")).fitness
    assert priced.evaluate(builtin("lion")).fitness == pytest.approx(free + 0.17)


@pytest.mark.parametrize("name", SMALLEST)
def test_every_smallest_task_comes_with_tuned_baselines_and_its_noise(name: str) -> None:
    assert baselines.baseline(builtin_task(name)) != builtin("adamw")
    assert baselines.baseline(builtin_task(name), "lion") != builtin("lion")
    assert baselines.BASELINES_FILE.read_text().count(f"\n{name}:\n") == 1


def test_a_baseline_that_was_never_tuned_and_an_unknown_task_are_named() -> None:
    with pytest.raises(UserError, match="task `digits` has no tuned `sgd` yet; run `optsearch tune digits --write`"):
        baselines.baseline(builtin_task("digits"), "sgd")
    with pytest.raises(UserError, match="task `nowhere` has no tuned `noise` yet"):
        noise(Task("nowhere", "", "", 1, 1))
    with pytest.raises(UserError, match=r"unknown task `digts`; did you mean `digits`\?"):
        builtin_task("digts")


def test_programs_scored_together_get_the_scores_that_they_get_alone() -> None:
    evaluator = Evaluator([TINY, SMALL], range(4), 2, statement_price=0.01)
    programs = [builtin("lion"), builtin("sgd"), text("update = log(m)"), builtin("momentum")]
    hurdles = [math.inf, -0.5, math.inf, 5.0]
    alone = [evaluator.evaluate(program, hurdle) for program, hurdle in zip(programs, hurdles, strict=True)]
    assert list(map(repr, evaluator.evaluate_all(programs, hurdles))) == list(map(repr, alone))  # NaN is not itself
    assert [score.status for score in alone] == [Status.OK, Status.REJECTED, Status.DIVERGED, Status.OK]


def test_a_first_look_rejects_early_and_changes_no_score_of_what_passes() -> None:
    plain = Evaluator([TINY], range(4), 2)
    looking = Evaluator([TINY], range(4), 2, short_share=0.2, short_margin=0.1)
    expected = plain.evaluate(builtin("lion"), hurdle=5.0)
    assert looking.evaluate(builtin("lion"), hurdle=5.0) == expected
    after_six = [Trainer(TINY, range(2), horizon=6).losses(program) for program in (builtin("sgd"), REFERENCE)]
    early = float(np.mean(np.log(after_six[0] / after_six[1])))
    score = looking.evaluate(builtin("sgd"), hurdle=early - 0.11)
    assert score.status is Status.REJECTED
    assert score.fitness == pytest.approx(early, rel=1e-4)
    assert score.reason.endswith("early on")
    assert len(score.losses["tiny"]) == 2
    assert looking.evaluate(builtin("sgd"), hurdle=early - 0.09).reason.endswith("on the first seeds")


def test_a_race_drops_a_program_at_the_stage_whose_hurdle_it_misses() -> None:
    racing = Evaluator([TINY, SMALL], range(5), 1, race=[2, 4])
    plain = Evaluator([TINY, SMALL], range(5)).evaluate(builtin("lion"))
    after = [Evaluator([TINY, SMALL], range(count)).evaluate(builtin("lion")).fitness for count in (1, 2, 4)]
    full = racing.evaluate(builtin("lion"), [fitness + 1e-3 for fitness in after])
    assert full.status is Status.OK
    assert full.fitness == pytest.approx(plain.fitness, rel=1e-4)
    assert (full.first_fitness, *full.later) == pytest.approx(after, rel=1e-4)
    assert racing.evaluate(builtin("lion"), after[0] + 1e-3) == full
    for stage, (count, when) in enumerate([(1, "the first seeds"), (2, "2 seeds"), (4, "4 seeds")]):
        heights = [math.inf] * 3
        heights[stage] = after[stage] - 1e-3
        score = racing.evaluate(builtin("lion"), heights)
        assert score.status is Status.REJECTED
        assert score.reason == f"beyond the hurdle {heights[stage]:.4f} on {when}"
        assert [len(losses) for losses in score.losses.values()] == [count, count]
        assert (score.first_fitness, *score.later) == (full.first_fitness, *full.later)[: stage + 1]
        assert score.fitness == (score.first_fitness, *score.later)[-1]


UNSOUND = {
    "loss not finite on tiny after 3 steps": ("update = log(m)",),
    "loss unmoved on tiny after 3 steps": ("m = interp(g, m, 0.9)", "update = v * m"),
    "times as high on tiny after 3 steps": ("update = g * 10000.0",),
}


@pytest.mark.parametrize("fault", UNSOUND)
def test_the_sanity_probe_drops_what_cannot_train_before_any_training(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluator = Evaluator([TINY], range(4), 2, short_share=0.2, sanity_steps=3)
    monkeypatch.setattr(Evaluator, "_reference", lambda self, trainer: pytest.fail("it was trained"))
    score = evaluator.evaluate(text(*UNSOUND[fault]))
    assert score.status is Status.UNSOUND
    assert score.reason.startswith("sanity: loss")
    assert score.reason.endswith(fault)
    assert (score.fitness, score.first_fitness, score.losses) == (math.inf, math.inf, {})


def test_the_sanity_probe_lets_pass_what_trains_and_changes_no_score() -> None:
    plain, probing = Evaluator([TINY, SMALL], range(4), 2), Evaluator([TINY, SMALL], range(4), 2, sanity_steps=3)
    late = text("update = v * 0.1", "v = m * 1.0", "m = g * 1.0")  # both slots have to be filled first
    programs = [builtin("lion"), late, text("update = m - m"), REFERENCE]
    scores = probing.evaluate_all(programs, [math.inf] * 4)
    assert [score.status is Status.UNSOUND for score in scores] == [False, False, True, False]
    for score, program in zip(scores, programs, strict=True):
        assert score.status is Status.UNSOUND or score == plain.evaluate(program)
    assert Evaluator([TINY], range(2), sanity_steps=2).evaluate(late).status is Status.UNSOUND


def test_one_seed_that_moves_is_enough_for_the_sanity_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    probe = Probe(TINY, range(2), 3, "validation")
    rises = {"": [1.0, 0.99], "unmoved": [1.0, 1.0], "times as high": [200.0, 300.0], "not finite": [1.0, math.nan]}
    monkeypatch.setattr(Probe, "rises", lambda self, programs: np.array([*rises.values(), [200.0, 3.0]]))
    faults = probe.faults([REFERENCE] * 5)
    assert [kind in fault for kind, fault in zip(rises, faults, strict=False)] == [True] * 4
    assert (faults[0], faults[4]) == ("", "")
