"""The training loop: the loss that a plain loop gives, one compilation, early end, no memory but the slots."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from primitives import BUILTINS, REGISTRY, Program, builtin, parse
from primitives.interpreter import encode, interpreted
from primitives.program import PEAK, Statement
from proxy_tasks.catalog import SMALLEST, TASKS
from proxy_tasks.families import problem
from proxy_tasks.inputs import start
from proxy_tasks.loops import _compiled_loop, compiled_loop, interpreted_loop
from proxy_tasks.task import Task
from proxy_tasks.training import Trainer, _Written
from search.engine.randomness import Draws
from tests.programs import MUTATOR, SIZES, probe

TINY = Task("tiny", "digit classification", "", batch=16, steps=30, settings={"hidden": (8,)})


def text(*lines: str) -> Program:
    return parse("\n    ".join(["def train(w, g, m, v, lr):", *lines, "return update, m, v"]))


def by_hand(task: Task, seed: int, transform: optax.GradientTransformation) -> float:
    """Train one network with a plain Python loop over optax."""
    built = problem(task)
    flat, order = start(task, seed)
    weights = jnp.asarray(flat)
    state = transform.init(weights)
    gradient = jax.jit(jax.grad(built.loss))
    for step, rate in enumerate(task.schedule()):
        rows = {name: jnp.asarray(values[order[step]]) for name, values in built.rows["train"].items()}
        update, state = transform.update(gradient(weights, rows), state, weights)
        weights = weights + rate * update
    return float(built.loss(weights, built.rows["validation"]))


def test_a_trainer_gives_the_loss_of_a_plain_loop_over_optax() -> None:
    lion = builtin("lion").with_constants([0.9, 0.99, 0.3, 1.0])
    expected = [by_hand(TINY, seed, optax.lion(1.0, b1=0.9, b2=0.99, weight_decay=0.3)) for seed in (3, 4)]
    np.testing.assert_allclose(Trainer(TINY, [3, 4]).losses(lion), expected, rtol=1e-4)


@pytest.mark.parametrize("name", BUILTINS)
def test_interpreter_and_xla_train_alike(name: str) -> None:
    program = builtin(name)
    found = Trainer(TINY, range(2)).losses(program)
    expected = Trainer(TINY, range(2), compile_programs=True).losses(program)
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_the_same_program_gives_the_same_bits() -> None:
    first = Trainer(TINY, range(3)).losses(builtin("adamw"))
    np.testing.assert_array_equal(Trainer(TINY, range(3)).losses(builtin("adamw")), first)


def test_a_seed_gives_its_loss_whatever_the_others_are() -> None:
    together = Trainer(TINY, [5, 6, 7]).losses(builtin("adam"))
    np.testing.assert_allclose(Trainer(TINY, [6]).losses(builtin("adam")), together[1:2], rtol=1e-5)
    assert len(set(together.tolist())) == 3


def test_the_splits_differ() -> None:
    losses = {split: Trainer(TINY, [0], split).losses(builtin("adam"))[0] for split in ("train", "validation", "test")}
    assert len(set(losses.values())) == 3


def test_every_step_counts() -> None:
    assert Trainer(TINY, [0]).losses(text("update = g * 0.0"))[0] > Trainer(TINY, [0]).losses(builtin("sgd"))[0]


def test_a_program_that_blows_up_gives_nan_for_the_seeds_that_did() -> None:
    losses = Trainer(TINY, range(2)).losses(text("x = exp10(w)", "x = exp10(x)", "update = exp10(x)"))
    assert np.all(np.isnan(losses))


def test_a_temporary_does_not_survive_a_step() -> None:
    rule = interpreted(encode(builtin("adamw")), SIZES)
    weights, gradients, _ = probe(2)
    _, state = rule.update(weights, gradients[0], rule.init(weights), jnp.float32(1))
    poisoned = (*state[:-1], jnp.full_like(state[-1], jnp.nan))
    expected, _ = rule.update(weights, gradients[1], state, jnp.float32(1))
    found, _ = rule.update(weights, gradients[1], poisoned, jnp.float32(1))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("lines", "steps"),
    [(("x = log(m)", "update = g * x"), 1), (("update = g * 0.1",), TINY.steps)],
    ids=["nan", "sound"],
)
def test_the_loop_ends_once_no_seed_is_left(lines: tuple[str, ...], steps: int) -> None:
    trainer = Trainer(TINY, range(3))
    _, taken = interpreted_loop(TINY, len(REGISTRY))(encode(text(*lines)), trainer.inputs)
    assert int(taken) == steps


def test_one_compilation_serves_every_program_of_a_size_class() -> None:
    task = Task("compiled once", "digit classification", "", batch=16, steps=3, settings={"hidden": (8,)})
    trainer = Trainer(task, range(2))
    program = builtin("adamw")
    for number in range(40):
        program = MUTATOR.child(program, Draws(number)).program
        trainer.losses(builtin(BUILTINS[number % len(BUILTINS)]))
        if number % 10 == 0:
            trainer.losses(program)
    assert interpreted_loop(task, len(REGISTRY))._cache_size() <= 2  # type: ignore[attr-defined]


def test_one_compilation_serves_all_constants_of_a_structure() -> None:
    task = Task("structures", "digit classification", "", batch=16, steps=12, settings={"hidden": (8,)})
    trainer, plain = Trainer(task, range(2), compile_programs=True), Trainer(task, range(2))
    short = Trainer(task, range(2), horizon=6, compile_programs=True)
    before = _compiled_loop.cache_info().currsize
    for rate in (0.001, 0.01, 0.1):
        program = builtin("lion").with_constants([0.9 - rate, 0.99, 10 * rate, rate])
        dead = program._replace(statements=(*program.statements, Statement("x", "multiply", ("m", rate))))
        np.testing.assert_allclose(trainer.losses(dead), plain.losses(program), rtol=1e-4)
        assert np.all(short.losses(program) != trainer.losses(program))
    assert len({tuple(trainer.losses(builtin("sgd").with_constants([rate]))) for rate in (0.1, 0.2)}) == 2
    assert _compiled_loop.cache_info().currsize == before + 2
    structure = _Written(builtin("lion").with_constants([0.0] * 4))
    assert compiled_loop(task, structure)._cache_size() == 1  # type: ignore[attr-defined]


def test_the_schedule_starts_at_its_peak_and_falls_along_a_cosine() -> None:
    assert Task("s", "", "", batch=1, steps=100).schedule()[0] == np.float32(PEAK)
    schedule = Task("s", "", "", batch=1, steps=100, peak=1.0).schedule()
    assert schedule[0] == 1
    assert schedule[50] == pytest.approx(0.5)
    assert np.all(np.diff(schedule) < 0)
    assert schedule[-1] < 1e-3
    flat = Task("s", "", "", batch=1, steps=100, schedule_power=0.35, peak=1.0).schedule()
    np.testing.assert_allclose(flat, schedule**0.35, rtol=1e-5)
    lower = Task("s", "", "", batch=1, steps=100, peak=0.25).schedule()
    np.testing.assert_allclose(lower, schedule / 4, rtol=1e-6)


@pytest.mark.parametrize("name", SMALLEST)
def test_training_lowers_the_loss_of_every_task(name: str) -> None:
    task = TASKS[name]
    short = Task(f"short {name}", task.family, "", task.batch, 60, task.schedule_power, task.settings)
    trainer = Trainer(short, [0], compile_programs=True)
    trained = trainer.losses(builtin("adamw").with_constants([0.9, 0.95, 0.1, 1.0]))
    assert trained[0] < trainer.losses(text("update = g * 0.0"))[0] - 0.3


def test_a_horizon_ends_training_on_the_way_with_the_schedule_of_the_whole() -> None:
    program = builtin("momentum")
    half = Task("half", "digit classification", "", batch=16, steps=15, settings={"hidden": (8,)})
    short = Trainer(TINY, range(2), horizon=15).losses(program)
    assert np.all(Trainer(TINY, range(2)).losses(program) < short)
    assert not np.allclose(short, Trainer(half, range(2)).losses(program), rtol=1e-3)
    np.testing.assert_array_equal(
        Trainer(TINY, range(2), horizon=30).losses(program), Trainer(TINY, range(2)).losses(program)
    )
