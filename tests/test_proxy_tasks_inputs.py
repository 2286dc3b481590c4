"""Training conditions that differ between seeds: data of one compiled loop, each equal to its own task alone."""

from dataclasses import replace

import numpy as np
import pytest

from primitives import REGISTRY, Program, builtin, parse
from primitives.errors import UserError
from proxy_tasks.catalog import TASKS
from proxy_tasks.families import fingerprint
from proxy_tasks.inputs import loop_inputs, start, training_rows
from proxy_tasks.loops import interpreted_loop
from proxy_tasks.task import Circumstance, Task
from proxy_tasks.training import Trainer
from selection.optimizers import optimizer

DIGITS = Task("varied", "digit classification", "", 16, 24, settings={"hidden": (8,), "examples": 100, "shift": 1})
STEP = """
def train(w, g, m, v, lr):
    update = {}
    rate = lr * {}
    update = update * rate
    return update, m, v
"""
SGD, SIGN = parse(STEP.format("g * 1.0", 30.0)), parse(STEP.format("sign(g)", 1.0))
VARIED = {
    "loss scale": Circumstance(loss_scale=20.0),
    "initial scale": Circumstance(initial_scale=2.0),
    "schedule": Circumstance(schedule_power=0.35),
    "peak": Circumstance(peak=0.005),
    "steps": Circumstance(steps=10),
    "batch": Circumstance(batch=4),
    "examples": Circumstance(examples=60),
    "label noise": Circumstance(label_noise=0.3),
    "data": Circumstance(examples=70, label_noise=0.5, loss_scale=0.05, schedule_power=2.0),
}


def losses(of: Task, seeds: range, program: Program, horizon: int | float | None = None) -> np.ndarray:
    """Losses of the compiled program; compiling it takes a fifth of the time of compiling the interpreter."""
    return Trainer(of, seeds, compile_programs=True, horizon=horizon).losses(program)


@pytest.mark.parametrize("name", VARIED)
def test_each_seed_trains_as_it_does_where_all_seeds_have_its_circumstance(name: str) -> None:
    program = builtin("adamw").with_constants([0.9, 0.95, 0.1, 3.0])
    chosen = (Circumstance(), VARIED[name])
    mixed = losses(replace(DIGITS, circumstances=chosen), range(4), program)
    alone = [losses(replace(DIGITS, circumstances=(one,)), range(4), program) for one in chosen]
    np.testing.assert_allclose(mixed, np.where(np.arange(4) % 2, alone[1], alone[0]), rtol=1e-4)
    assert name == "loss scale" or not np.allclose(alone[0], alone[1], rtol=1e-3)


@pytest.mark.parametrize("name", ["schedule", "peak", "batch", "examples", "label noise", "steps"])
def test_a_circumstance_trains_as_a_task_that_says_the_same(name: str) -> None:
    varied = losses(replace(DIGITS, circumstances=(VARIED[name],)), range(3), SGD)
    np.testing.assert_allclose(varied, losses(DIGITS.under(VARIED[name]), range(3), SGD), rtol=1e-4)


def test_all_conditions_at_once_train_as_each_alone_in_every_way_of_training() -> None:
    mixed = replace(DIGITS, circumstances=tuple(VARIED.values()))
    seeds = range(len(VARIED))
    alone = [losses(replace(DIGITS, circumstances=(mixed.circumstance(s),)), range(s, s + 1), SIGN)[0] for s in seeds]
    np.testing.assert_allclose(losses(mixed, seeds, SIGN), alone, rtol=1e-4)
    np.testing.assert_allclose(Trainer(mixed, seeds).losses(SIGN), alone, rtol=1e-4)  # interpreted
    np.testing.assert_allclose(Trainer(mixed, seeds).losses_of([SIGN, SGD], together=True)[0], alone, rtol=1e-3)


def test_an_optimizer_of_optax_sees_the_schedule_of_each_seed() -> None:
    mixed = replace(DIGITS, circumstances=(Circumstance(), VARIED["schedule"], VARIED["peak"]))
    sgd = optimizer("sgd", [0.3, 0.0, 0.0])
    np.testing.assert_allclose(Trainer(mixed, range(3)).losses(sgd), losses(mixed, range(3), SGD), rtol=1e-4)


def test_the_scale_of_the_loss_changes_sgd_and_not_the_sign() -> None:
    scales = [replace(DIGITS, circumstances=(Circumstance(loss_scale=scale),)) for scale in (1.0, 0.05, 20.0)]
    plain, small, large = (losses(of, range(3), SIGN) for of in scales)
    np.testing.assert_array_equal(small, plain)
    np.testing.assert_array_equal(large, plain)
    plain, small, large = (losses(of, range(3), SGD) for of in scales)
    assert np.all(small > plain + 0.05)
    assert not np.any(np.isclose(large, plain, rtol=0.01))


def test_a_loss_is_reported_without_its_scale() -> None:
    still = parse("def train(w, g, m, v, lr):\n    update = g * 0.0\n    return update, m, v\n")
    scaled = replace(DIGITS, circumstances=(Circumstance(loss_scale=20.0),))
    np.testing.assert_array_equal(losses(scaled, range(4), still), losses(DIGITS, range(4), still))


def test_a_share_of_the_steps_is_that_of_each_seed() -> None:
    mixed = replace(DIGITS, circumstances=(Circumstance(), Circumstance(steps=12)))
    assert loop_inputs(mixed, range(4), "validation", 0.25)["horizon"].tolist() == [6, 3, 6, 3]
    quarter = losses(mixed, range(4), SGD, 0.25)
    np.testing.assert_allclose(quarter[[0, 2]], losses(DIGITS, range(4), SGD, 6)[[0, 2]], rtol=1e-5)
    assert losses(mixed, range(4), SGD, 1.0).tolist() == losses(mixed, range(4), SGD).tolist()


def test_seeds_alike_share_what_was_compiled_and_have_no_axis_for_what_does_not_differ() -> None:
    inputs = loop_inputs(replace(DIGITS, circumstances=(Circumstance(peak=0.005),)), range(3), "validation")
    assert inputs["schedule"].shape == (24,)
    assert inputs["horizon"].shape == ()
    assert "loss_scale" not in inputs
    mixed = replace(DIGITS, name="compiled once", circumstances=(Circumstance(), VARIED["data"], VARIED["steps"]))
    for seeds, program, horizon in ((range(3), SGD, None), (range(3, 6), SIGN, 0.5), (range(6, 9), SGD, 0.25)):
        Trainer(mixed, seeds, horizon=horizon).losses(program)
    assert interpreted_loop(mixed, len(REGISTRY))._cache_size() == 1  # type: ignore[attr-defined]


def test_training_rows_that_are_alike_lie_there_once() -> None:
    mixed = replace(DIGITS, circumstances=(Circumstance(), Circumstance(loss_scale=2.0), Circumstance(examples=50)))
    rows, offsets = training_rows(mixed)
    assert len(rows["x"]) == (100 + 50) * 9
    assert [offsets[one] for one in mixed.circumstances] == [0, 0, 900]
    assert start(mixed, 2)[1].min() >= 900


def test_what_varies_is_part_of_what_a_task_is_known_by() -> None:
    fewer = replace(DIGITS, circumstances=(Circumstance(), Circumstance(examples=50)))
    assert fingerprint(fewer) != fingerprint(DIGITS)
    assert Trainer(fewer, range(2)).circumstances == (Circumstance(), Circumstance(examples=50))


@pytest.mark.parametrize(
    ("task", "circumstance", "message"),
    [
        (DIGITS, Circumstance(steps=25), "`steps` .=25. of a circumstance must be at most 24"),
        (DIGITS, Circumstance(batch=5), "`batch` .=5. of a circumstance must divide 16"),
        (
            TASKS["characters"],
            Circumstance(examples=5),
            "sets `examples`, which is no setting of `causal language model`",
        ),
        (TASKS["views"], Circumstance(batch=32), "`batch` cannot differ between seeds in `contrastive views`"),
        (TASKS["views"], Circumstance(examples=99), "must change nothing but training rows"),
    ],
)
def test_a_circumstance_that_does_not_fit_is_refused(task: Task, circumstance: Circumstance, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Trainer(replace(task, circumstances=(circumstance,)), range(2))
