"""Memory and speed of optimizers, as the claims measure them."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from search.claims import Answer, costs
from search.claims.costs import memory, speed


def test_memory_is_computed_from_the_states() -> None:
    found = memory()
    sizes = {(row["optimizer"], row["parameters"]): row["mebibytes"] for row in found.data["rows"]}
    assert sizes["optax.lion", "float32"] == pytest.approx(86_567_656 * 4 / 2**20, rel=1e-6)
    assert sizes["optax.adamw", "float32"] == pytest.approx(2 * 86_567_656 * 4 / 2**20, rel=1e-6)
    assert sizes["optax.lion", "bfloat16"] == pytest.approx(sizes["optax.lion", "float32"] / 2, rel=1e-6)
    assert sizes["exported lion", "bfloat16"] == pytest.approx(sizes["exported lion", "float32"], rel=1e-6)  # float32
    assert [claim.answer for claim in found.claims] == [Answer.HOLDS]


def test_speed_is_measured_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"_ROUNDS": 2, "_STEPS": 2, "_TASK": "digits", "_TREE": [(4, 4), (4,)]}.items():
        monkeypatch.setattr(costs, name, value)
    found = speed()
    assert len(found.claims) == 4
    assert {(row["what"], row["optimizer"]) for row in found.data["rows"]} == {
        *(("update alone", name) for name in costs.transformations()),
        *(("whole step on digits", f"optax.{name}") for name in ("lion", "adamw", "adafactor")),
    }
    assert all(row["milliseconds"] > 0 and row["rounds"] == 2 for row in found.data["rows"])


def test_the_timed_update_takes_its_gradients_as_an_argument() -> None:
    step = costs.update_step(optax.sgd(1.0))
    parameters = [jnp.ones(3)]
    for scale in (1.0, 2.0):
        _, moved = step([jnp.full(3, scale)], optax.sgd(1.0).init(parameters), parameters)
        np.testing.assert_allclose(moved[0], 1.0 - scale)
