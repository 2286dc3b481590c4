"""A comparison tunes all entrants alike, and takes programs, names and transformations of optax."""

import pickle
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from primitives import builtin
from primitives.errors import UserError
from proxy_tasks.task import Task
from proxy_tasks.training import Trainer
from selection.intervals import Verdict
from selection.optimizers import OPTIMIZERS
from selection.own_optimizers import from_optax
from selection.trials import LocalTrials, Trial, Work
from selection.tuned_comparison import compare, resolve_entrants

TINY = Task("tiny", "digit classification", "", batch=16, steps=30, settings={"hidden": (8,)}, tuned={})
WARM = [0.03, 0.85, 0.95, 0.1]


def test_a_factory_of_optax_trains_as_the_baseline_of_the_same_name_does() -> None:
    own = from_optax(optax.adamw, start=dict(zip(("learning_rate", "b1", "b2", "weight_decay"), WARM, strict=True)))
    trainer = Trainer(TINY, range(3))
    expected = trainer.losses(OPTIMIZERS["adamw"].with_constants(WARM))
    np.testing.assert_allclose(trainer.losses(own), expected, rtol=1e-6)
    assert own.names == ("learning_rate", "b1", "b2", "weight_decay")


def test_a_complete_transformation_is_scaled_by_the_schedule_and_one_constant() -> None:
    own = from_optax(optax.chain(optax.clip_by_global_norm(1e6), optax.adam(1.0)))
    trainer = Trainer(TINY, range(2))
    expected = trainer.losses(OPTIMIZERS["adam"].with_constants([0.02, 0.9, 0.999]))
    np.testing.assert_allclose(trainer.losses(own.with_constants([0.02])), expected, rtol=1e-4)
    assert str(own) == "transformation(scale=1.0)"


def test_the_constants_of_a_factory_are_its_floats_but_for_guards() -> None:
    own = from_optax(optax.rmsprop)
    assert own.names == ("learning_rate", "decay", "initial_scale")
    assert from_optax(partial(optax.adam, b2=0.99), start={"b1": 0.8}).values == pytest.approx((0.01, 0.8))


def test_a_wrapped_optimizer_is_itself_after_a_journey_and_no_other() -> None:
    own = from_optax(optax.adam)
    again = pickle.loads(pickle.dumps(own))
    assert again == own
    assert hash(again.structure) == hash(own.structure)
    assert Trial(again, TINY, range(2)).key == Trial(own, TINY, range(2)).key
    other = from_optax(optax.adam)
    assert other != own
    assert Trial(other, TINY, range(2)).key != Trial(own, TINY, range(2)).key


def _branching(learning_rate: float, b1: float = 0.9) -> optax.GradientTransformation:
    return optax.sgd(learning_rate, momentum=b1 if b1 > 0 else None)


@pytest.mark.parametrize(
    ("own", "options", "message"),
    [
        (3, {}, "`own` must be a transformation of optax or a function that returns one, not `3`"),
        (optax.adam, {"start": {"beta": 0.9}}, "`adam` has no parameter `beta`"),
        (_branching, {}, "`_branching` must not branch on its constants"),
        (lambda learning_rate: None, {"name": "nothing"}, "`nothing` fails on its first step"),
    ],
)
def test_what_cannot_be_wrapped_is_refused_in_one_line(own: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        from_optax(own, **options)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert from_optax(_branching, start={"learning_rate": 0.1}).names == ("learning_rate",)


class _Watched(LocalTrials):
    """Counts networks trained for each entrant and purpose."""

    def __init__(self) -> None:
        super().__init__()
        self.trained: dict[tuple[str, str, int], int] = {}

    def _losses(self, trial: Trial) -> np.ndarray:
        entrant = trial.entrant.name if not hasattr(trial.entrant, "statements") else "program"
        key = (entrant, trial.split, len(trial.seeds))
        self.trained[key] = self.trained.get(key, 0) + 1
        return super()._losses(trial)

    def run(self, works: Any) -> list[Any]:
        return super().run(works)


def test_every_entrant_has_the_same_budget_and_a_bad_one_is_worse() -> None:
    runner = _Watched()
    frozen = builtin("sgd").with_constants([1e-8])
    found = compare(
        {"nadam": optax.nadam, "frozen": frozen, "scaled": optax.sgd(1.0)},
        TINY,
        trials=4,
        tunings=2,
        seeds=5,
        runner=runner,
    )
    assert set(found.verdicts) == {"nadam", "frozen", "scaled"}
    assert found["frozen"].verdict is Verdict.WORSE
    assert found["frozen"].interval[0] > 0
    names = {name for name, *_ in runner.trained}
    assert names == {"nadam", "program", "scaled", "adamw"}
    for name in names:
        assert runner.trained[name, "validation", 2] == 2 * 4
        assert runner.trained[name, "test", 5] == 2
    plain = found.as_json()
    assert plain["standings"][-1]["name"] == "adamw"
    assert {row["verdict"] for row in plain["standings"]} <= {"better", "worse", "cannot tell"}


def test_adamw_beside_adamw_cannot_be_told_apart() -> None:
    found = compare({"same": OPTIMIZERS["adamw"]}, TINY, trials=6, tunings=2, seeds=5)
    assert found.verdicts == {"same": Verdict.CANNOT_TELL}


def test_names_stand_for_baselines_and_built_in_programs() -> None:
    found = resolve_entrants(["adamw", "signum", builtin("lion"), optax.nadam], TINY)
    assert found["adamw"] == OPTIMIZERS["adamw"]
    assert found["signum"] == builtin("signum")
    assert list(found)[2] == "program 3"
    with pytest.raises(UserError, match="unknown optimizer `lin`; did you mean `lion`"):
        resolve_entrants(["lin"], TINY)
    with pytest.raises(UserError, match="two of `entrants` have the name `lion`"):
        resolve_entrants(["lion", "lion"], TINY)
    with pytest.raises(UserError, match="must not be empty"):
        resolve_entrants([], TINY)


@pytest.mark.parametrize("options", [{"trials": 0}, {"seeds": 1}, {"tunings": 0}, {"tuning_seeds": 0}])
def test_too_small_a_number_is_refused(options: dict[str, int]) -> None:
    (name,) = options
    with pytest.raises(UserError, match=rf"`{name}` \(="):
        compare(["lion"], TINY, **options)  # type: ignore[arg-type]


def test_a_work_of_its_own_can_use_the_wrapped_optimizer() -> None:
    def work() -> Work[float]:
        (losses,) = yield [Trial(from_optax(optax.adam, start={"learning_rate": 0.02}), TINY, range(2))]
        return float(jnp.mean(losses))

    assert np.isfinite(LocalTrials().run([work()])[0])
