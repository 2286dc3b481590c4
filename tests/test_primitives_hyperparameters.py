"""Constants are arguments named after their role, and arguments that would do nothing do not exist."""

import inspect
import sys
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import torch

from primitives import BUILTINS, Program, UserError, builtin, live_part, to_optax, to_torch
from primitives.export import export
from primitives.hyperparameters import constant_names
from tests.exports import exported, numpy_path, optax_path
from tests.programs import path, train

ADAM = ["beta1", "beta2", "learning_rate"]
NAMES = {
    "sgd": ["learning_rate"],
    "momentum": ["beta1", "learning_rate"],
    "adagrad": ["learning_rate"],
    "rmsprop": ["beta1", "learning_rate"],
    "adam": ADAM,
    "adamw": ["beta1", "beta2", "weight_decay", "learning_rate"],
    "adabelief": ADAM,
    "signum": ["beta1", "learning_rate"],
    "lion": ["beta1", "beta2", "weight_decay", "learning_rate"],
    "lion_raw": ["beta1", "beta2", "learning_rate", "weight_decay"],
}


def named(program: Program, hyperparameters: dict[str, float] | None = None) -> dict[str, float]:
    bare = live_part(program)
    values = {(line, place): value for line, place, value in bare.constants()}
    return {name: round(values[at], 6) for at, name in constant_names(bare, (), hyperparameters).items()}


@pytest.mark.parametrize("name", BUILTINS)
def test_constants_of_a_builtin_are_named_after_their_role(name: str) -> None:
    assert list(named(builtin(name))) == NAMES[name]


def test_a_factor_is_weight_decay_if_it_reaches_the_update_through_the_weights_alone() -> None:
    assert named(train("a = lr * 0.5", "a = a * 0.25", "a = w * a", "update = a + g")) == {
        "weight_decay": 0.5,
        "weight_decay_2": 0.25,
    }
    both = train("a = lr * 0.5", "b = a * w", "c = a * g", "update = b + c")
    assert named(both) == {"learning_rate": 0.5}
    assert named(train("a = w * 0.5", "a = sin(a)", "update = a * lr")) == {"weight_decay": 0.5}
    assert named(train("a = g * 0.5", "b = max(a, 0.25)", "update = b * lr")) == {"c1": 0.5, "c2": 0.25}
    assert named(train("a = lr * 1.0", "b = a * a", "update = b * g")) == {"learning_rate": 1.0}


def test_a_constant_that_equals_the_index_of_a_statement_is_no_use_of_it() -> None:
    found = named(train("a = lr * 2.0", "b = a * w", "c = g + 1.0", "update = c + b"))
    assert found == {"weight_decay": 2.0, "c2": 1.0}


RECOGNISED = {"beta1": 0.9, "beta2": 0.998, "decay": 0.46019784, "rate": 0.0217176}


def test_recognised_hyperparameters_name_the_constants_that_have_their_values() -> None:
    assert named(builtin("lion_raw"), RECOGNISED) == {
        "beta1": 0.9,
        "c2": 1.109133,  # the program's own constant is no beta2, which is 0.998
        "learning_rate": 0.021718,
        "weight_decay": 0.460198,
    }
    assert named(builtin("rmsprop"), {"beta2": 0.9, "rate": 0.1}) == {"beta2": 0.9, "learning_rate": 0.1}
    assert named(train("a = max(g, 0.5)", "update = a * lr"), {"my clip;": 0.5}) == {"my_clip": 0.5}
    assert named(train("a = max(g, 0.5)", "update = a * lr"), {"0\n": 0.5}) == {"c_0": 0.5}


def test_recognised_names_reach_code_latex_and_arguments() -> None:
    names = {"beta2": 0.9, "rate": 0.1}  # on `lr`, whose peak is 0.01; exported code has a schedule whose peak is 1
    text = export(builtin("rmsprop"), "optax", hyperparameters=names)
    assert "beta2: Scalar = 0.9," in text
    assert "learning_rate: Scalar = 0.001," in text
    assert r"\beta_{2} = 0.9" in export(builtin("rmsprop"), "latex", hyperparameters=names)
    assert to_optax(builtin("rmsprop"), recognised=names, beta2=0.5).init(jnp.ones(1)).count == 0
    with pytest.raises(UserError, match=r"`beta2` is no hyperparameter of this program .*did you mean `beta1`"):
        to_optax(builtin("rmsprop"), beta2=0.5)


NO_RATE = {
    "never read": train("update = g * 0.01"),
    "overwritten": train("lr = sin(0.01)", "update = g * lr"),
    "read where it is dead": train("m = g * lr", "update = g * 0.01"),
}


@pytest.mark.parametrize("name", NO_RATE)
def test_a_program_that_does_not_read_the_rate_has_no_argument_for_it(name: str) -> None:
    program = NO_RATE[name]
    optax_, python, torch_ = (exported(program, to) for to in ("optax", "python", "torch"))
    for function in (optax_.optimizer, python.optimizer, torch_.Optimizer):
        assert not {"schedule", "lr"} & set(inspect.signature(function).parameters)
        assert "does not read a learning rate" in function.__doc__
    for way in (optax_path, numpy_path):
        np.testing.assert_allclose(way(program, 3), path(program, 3), rtol=1e-5)
    with pytest.raises(UserError, match="`schedule` is no hyperparameter"):
        to_optax(program, schedule=0.1)


@pytest.mark.parametrize("name", ["sgd", "signum"])
def test_a_program_that_does_not_read_the_weights_does_not_want_them(name: str) -> None:
    overwritten = train("w = g * 1.0", "update = w * lr")
    for program in (builtin(name), overwritten):
        transform = to_optax(program)
        transform.update(jnp.ones(2), transform.init(jnp.ones(2)))
    with pytest.raises(ValueError, match="give `params`"):
        to_optax(builtin("lion")).update(jnp.ones(2), to_optax(builtin("lion")).init(jnp.ones(2)))


def torch_step(program: Program, **arguments: Any) -> list[float]:
    parameter = torch.nn.Parameter(torch.zeros(2))
    optimizer = to_torch(program, [parameter], **arguments)
    parameter.grad = torch.tensor([0.5, 0.25])
    optimizer.step()
    return [float(value) for value in parameter.detach()]


def test_the_learning_rate_of_pytorch_is_the_learning_rate() -> None:
    assert torch_step(builtin("signum"), lr=0.25) == [-0.25, -0.25]
    assert torch_step(builtin("signum")) == pytest.approx([-1e-4, -1e-4], rel=1e-6)
    named_otherwise = train("rate = lr * 0.125", "update = g * rate")
    assert torch_step(named_otherwise, lr=1.0) == [-0.5, -0.25]
    assert torch_step(named_otherwise) == pytest.approx([-0.000625, -0.0003125], rel=1e-6)


@pytest.mark.parametrize(
    "program",
    [
        train("a = lr * 0.125", "b = sin(lr)", "update = g * a", "update = update * b"),  # the rate is read twice
        train("a = lr * 0.125", "lr = sin(a)", "update = g * a", "update = update * lr"),  # its name is used again
    ],
    ids=["read twice", "overwritten"],
)
def test_the_rate_of_pytorch_is_a_factor_where_the_program_does_more_with_it(program: Program) -> None:
    signature = inspect.signature(exported(program, "torch").Optimizer).parameters
    assert signature["lr"].default == 1.0
    added = "peak" in signature  # where `lr` is read for more than its product with a constant
    assert signature["learning_rate"].default == (0.125 if added else 0.00125)
    assert not added or signature["peak"].default == 0.01
    expected = to_optax(program).update(jnp.array([0.5, 0.25]), to_optax(program).init(jnp.ones(2)))[0]
    np.testing.assert_allclose(torch_step(program), expected, rtol=1e-5)


def test_a_transformation_of_this_process_is_the_export_executed() -> None:
    program = builtin("adamw")
    transform = to_optax(program, learning_rate=0.1, weight_decay=0.0)
    other = exported(program, "optax").optimizer(learning_rate=0.1, weight_decay=0.0)
    params = jnp.array([1.0, 2.0])
    for one in (transform, other):
        updates, _ = one.update(params, one.init(params), params)
        np.testing.assert_allclose(updates, [-0.1 * 0.1 / np.sqrt(1e-3)] * 2, rtol=1e-4)
    assert "scalars = [_value(x, state.count)" in inspect.getsource(transform.update)  # as a debugger shows it


@pytest.mark.parametrize(
    "make", [lambda **a: to_optax(builtin("lion"), **a), lambda **a: torch_step(builtin("lion"), **a)]
)
def test_an_argument_that_does_not_exist_is_a_users_error(make: Any) -> None:
    with pytest.raises(UserError, match=r"`weight_deca` is no hyperparameter.*did you mean `weight_decay`"):
        make(weight_deca=0.1)


def test_pytorch_that_is_missing_is_a_users_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["primitives.export"], "find_spec", lambda name: None)
    with pytest.raises(UserError, match="`to_torch` requires PyTorch"):
        to_torch(builtin("lion"), [])
