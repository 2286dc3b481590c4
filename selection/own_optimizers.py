"""Custom optax transformations as `Optimizer` values, which can be tuned and compared like baselines.

There are two kinds. A *factory*, such as `optax.nadam`, is a function that takes a `learning_rate` and returns a
transformation; its constants are all parameters with a float as default, except guards against division by zero
(`eps…`). A *transformation* is complete and has one constant, `scale`, a factor on its updates beside the schedule of
the task. Constants are traced, so a factory must not branch on their values.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import jax
import jax.numpy as jnp
from jax import Array

from primitives import UserError, float32
from selection.optimizers import Definition, Optimizer

if TYPE_CHECKING:
    import optax

LEARNING_RATE = 0.01  # start of the tuning if a factory has no default


def from_optax(
    own: "optax.GradientTransformation | Callable[..., optax.GradientTransformation]",
    *,
    name: str | None = None,
    start: Mapping[str, float] | None = None,
    token: str | None = None,
) -> Optimizer:
    """Wrap a transformation of optax, or a function that returns one.

    Args:
        own: a transformation, or a factory with a parameter `learning_rate`. It sees the parameters of one network, as
            a list of flat arrays.
        name: name in tables; by default that of the function.
        start: starting value of each constant of a factory to tune, in place of its parameters with a float default.
        token: identifier of what the function computes. Recorded trials of an optimizer with the same name and token
            are not run again; by default, two calls with the same function return different optimizers.

    Returns:
        The optimizer with its starting constants.

    Raises:
        UserError: `own` is neither, has no parameter of a name in `start`, or does not work with traced constants.

    Example:
        >>> import optax
        >>> str(from_optax(optax.nadam, name="nadam", start={"learning_rate": 0.03, "b1": 0.9}))
        'nadam(learning_rate=0.03, b1=0.9)'
        >>> str(from_optax(optax.chain(optax.clip(1.0), optax.adam(1e-3)), name="clipped adam"))
        'clipped adam(scale=1.0)'
    """
    import optax  # takes a while to import

    factory: Callable[..., Any]
    if isinstance(own, optax.GradientTransformation):
        constants, factory = {"scale": 1.0}, partial(_scaled, own)
        chosen = name or "transformation"
    elif callable(own):
        constants, factory = _constants(own, start), own
        chosen = name or _name(own)
    else:
        raise UserError(f"`own` must be a transformation of optax or a function that returns one, not `{own!r}`")
    definition = Definition(chosen, partial(_made, factory, tuple(constants)), constants, token or uuid4().hex)
    optimizer = Optimizer(chosen, tuple(map(float32, constants.values())), definition)
    _check(optimizer)
    return optimizer


def _scaled(transformation: "optax.GradientTransformation", scale: Array) -> "optax.GradientTransformation":
    import optax

    return optax.chain(transformation, optax.scale(scale))


def _made(factory: Callable[..., Any], names: tuple[str, ...], *values: Array) -> Any:  # noqa: ANN401 - of optax
    return factory(**dict(zip(names, values, strict=True)))


def _name(factory: Callable[..., Any]) -> str:
    """Name of a function, also inside `functools.partial`."""
    plain = factory.func if isinstance(factory, partial) else factory
    return str(getattr(plain, "__name__", "factory"))


def _constants(factory: Callable[..., Any], start: Mapping[str, float] | None) -> dict[str, float]:
    """Name and starting value of the constants of a factory, the learning rate first."""
    parameters = inspect.signature(factory).parameters
    known = {
        name: float(parameter.default)
        for name, parameter in parameters.items()
        if isinstance(parameter.default, float) and not name.startswith("eps")
    }
    chosen = {"learning_rate": known.pop("learning_rate", LEARNING_RATE)} | (known if start is None else {})
    for name, value in (start or {}).items():
        chosen[name] = float(value)
    for name in chosen:
        if name not in parameters:
            raise UserError(f"`{_name(factory)}` has no parameter `{name}`")
    return chosen


def _check(optimizer: Optimizer) -> None:
    """Trace one step on two small arrays."""
    weights = jnp.ones((1, 5))

    def step(constants: Array) -> Array:
        rule = optimizer.rule(constants, (3, 2))
        return rule.update(weights, weights, rule.init(weights), jnp.float32(1))[0]

    try:
        shape = jax.eval_shape(step, jnp.asarray(optimizer.values, jnp.float32)).shape
    except jax.errors.ConcretizationTypeError as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"`{optimizer.name}` must not branch on its constants ({', '.join(optimizer.names)}), which are traced; "
            f"name those to be tuned in `start`, and bind the others. {reason}"
        ) from error
    except Exception as error:
        raise UserError(f"`{optimizer.name}` fails on its first step: {type(error).__name__}: {error}") from error
    if shape != weights.shape:
        raise UserError(f"`{optimizer.name}` returns updates of shape {shape[1:]}, not {weights.shape[1:]}")
