"""The learned optimizer sees what Adam sees, nothing of the scale of a loss, and trains repeatably."""

import json
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from benchmarks import learned as training
from primitives.interpreter import UpdateRule
from primitives.program import PEAK
from proxy_tasks.catalog import builtin_task
from proxy_tasks.task import Task
from proxy_tasks.training import Trainer
from selection import comparison
from selection.learned import MOMENTA, PATH, SIZE, SQUARES, initial, learned, trained
from selection.optimizers import OPTIMIZERS, optimizer, rule_of
from tests.programs import SIZES, probe

TINY = Task("tiny", "digit classification", "", batch=16, steps=30, settings={"hidden": (8,)})
THETA = initial(np.random.default_rng(0))


def rule(theta: np.ndarray, rate: float = 0.1, decay: float = 0.0, magnitude: float = 1.0) -> UpdateRule:
    chosen = jnp.asarray(theta)
    return rule_of(lambda s: learned(rate * s, jnp.float32(decay), jnp.float32(magnitude), chosen), SIZES)


def updates(chosen: UpdateRule, weights: np.ndarray, gradients: np.ndarray, schedule: np.ndarray) -> np.ndarray:
    """Updates of one network on given gradients, shape `(steps, P)`."""
    held, state, found = jnp.asarray(weights)[None], chosen.init(jnp.asarray(weights)[None]), []
    for gradient, lr in zip(gradients, schedule, strict=True):
        update, state = chosen.update(held, jnp.asarray(gradient)[None], state, jnp.float32(lr * PEAK))
        held = held - update
        found.append(np.asarray(update[0]))
    return np.array(found)


def test_before_training_it_is_adam() -> None:
    weights, gradients, schedule = (np.asarray(array) for array in probe(12))
    adam = rule_of(lambda s: optax.adam(0.1 * s, b1=0.9, b2=0.99), SIZES)
    expected = updates(adam, weights, gradients, schedule)
    np.testing.assert_allclose(updates(rule(THETA), weights, gradients, schedule), expected, rtol=1e-4, atol=1e-7)


def test_rate_decay_and_magnitude_do_what_they_say() -> None:
    weights, gradients, schedule = (np.asarray(array) for array in probe(1))
    theta = THETA.copy()
    theta[-1] = 0.5  # the bias of the second output
    plain = updates(rule(theta), weights, gradients, schedule)[0]
    np.testing.assert_allclose(updates(rule(theta, rate=0.2), weights, gradients, schedule)[0], 2 * plain, rtol=1e-4)
    decayed = updates(rule(theta, decay=0.3), weights, gradients, schedule)[0]
    np.testing.assert_allclose(decayed, plain + 0.1 * 0.3 * weights, rtol=1e-4, atol=1e-6)
    louder = updates(rule(theta, magnitude=3.0), weights, gradients, schedule)[0]
    np.testing.assert_allclose(louder, plain * np.exp(2 * 0.5), rtol=1e-4)


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_the_scale_of_a_loss_and_of_the_schedule_do_not_show(scale: float) -> None:
    weights, gradients, schedule = (np.asarray(array) for array in probe(12))
    chosen = rule(trained())
    expected = updates(chosen, weights, gradients, schedule)
    np.testing.assert_allclose(updates(chosen, weights, gradients * scale, schedule), expected, rtol=2e-3, atol=1e-4)
    lower = updates(chosen, weights, gradients[:1], schedule[:1] / 4)
    np.testing.assert_allclose(lower, expected[:1] / 4, rtol=1e-4)


def test_the_state_holds_five_numbers_for_each_weight() -> None:
    state = rule(THETA).init(jnp.ones((2, sum(SIZES))))
    numbers = sum(leaf.size for leaf in jax.tree.leaves(state))
    assert numbers == 2 * ((len(MOMENTA) + len(SQUARES)) * sum(SIZES) + 2)


def test_what_was_trained_comes_with_the_package_and_says_how_it_was_made() -> None:
    about = json.loads(PATH.read_text())
    assert about["command"] == f"python -m {training.__spec__.name}"
    assert about["generations"] == training.GENERATIONS
    assert about["tasks"] == sorted(set(training.TASKS))
    assert trained().shape == (SIZE,)
    assert PATH.stat().st_size < 50_000


def test_training_has_made_it_better_on_networks_it_has_not_seen() -> None:
    seeds = range(8)
    untrained = training.losses(builtin_task("digits"), seeds, 0.01, 0.1, THETA[None])[0]
    learnt = np.log(Trainer(builtin_task("digits"), seeds).losses(optimizer("learned", [0.01, 0.1, 1.0]))).mean()
    assert learnt < untrained - 0.2
    assert learnt == pytest.approx(
        training.losses(builtin_task("digits"), seeds, 0.01, 0.1, trained()[None])[0], rel=1e-3
    )


def test_its_training_uses_seeds_that_nothing_else_does() -> None:
    others = [0, *(value for name, value in vars(comparison).items() if name.endswith("_SEEDS"))]
    assert len(others) == 8
    assert all(training.LEARNING_SEEDS - other >= 10_000 for other in others)


def test_the_estimate_points_uphill_and_takes_what_diverges_for_the_worst() -> None:
    slope = np.linspace(-1, 1, SIZE)
    draws = [np.random.default_rng(seed) for seed in range(20)]
    uphill = np.mean([training.estimate(lambda steps: steps @ slope, draw) for draw in draws], axis=0)
    assert np.corrcoef(uphill, slope)[0, 1] > 0.5
    draws = [np.random.default_rng(seed) for seed in range(20)]
    cliff = np.mean([training.estimate(lambda s: np.where(s[:, 0] > 0, np.inf, 0.0), d) for d in draws], axis=0)
    assert np.argmax(cliff) == 0
    np.testing.assert_array_equal(training.estimate(lambda steps: np.zeros(len(steps)), draws[0]), 0)


def test_training_that_was_stopped_goes_on_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slope(of: Task, seeds: Sequence[int], rate: float, decay: float, thetas: np.ndarray) -> np.ndarray:
        return np.asarray((thetas * np.sin(seeds[0] + np.arange(SIZE))).sum(axis=1) * rate)

    def begin(folder: str) -> Path:
        (tmp_path / folder).mkdir()
        monkeypatch.setattr(training, "STATE", tmp_path / folder / "state.npz")
        monkeypatch.setattr(training, "PATH", tmp_path / folder / "learned.json")
        return tmp_path / folder / "learned.json"

    gradient = training._gradient

    def interrupted(number: int, theta: np.ndarray) -> np.ndarray:
        if number == 17:
            raise KeyboardInterrupt
        return gradient(number, theta)

    monkeypatch.setattr(training, "losses", slope)
    monkeypatch.setattr(training, "GENERATIONS", 24)
    whole = begin("whole")
    training.main()
    cut = begin("cut")
    monkeypatch.setattr(training, "_gradient", interrupted)
    with pytest.raises(KeyboardInterrupt):
        training.main()
    assert not cut.exists()
    monkeypatch.setattr(training, "_gradient", gradient)
    training.main()
    assert cut.read_text() == whole.read_text()


def test_the_learned_optimizer_is_in_the_table() -> None:
    assert str(OPTIMIZERS["learned"]) == "learned(learning_rate=0.01, weight_decay=0.1, magnitude=1.0)"
