"""Optimizers that the claims compare: five published ones, and those that differ from Lion or AdamW in one part.

The parts are the sign in place of the division by the root of the second moment, a second beta, and decoupled weight
decay. All combinations make eight optimizers, of which four are known: Lion, Signum with decay, AdamW and Adam. With
one beta, the update is the average itself; with two, it is another average of the gradient and the stored one. The
ablations of the paper fix the betas: Lion with 0.9 and 0.99, and with one beta of either value.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from proxy_tasks import Task, builtin_task
from selection import Optimizer, from_optax, optimizer

if TYPE_CHECKING:
    import optax

PUBLISHED = ("lion", "adamw", "adam", "adafactor", "sgd")
OTHER_KINDS = ("adafactor", "sgd")  # neither variants of Lion nor of AdamW
_TOKEN = "claims 1"  # changes with what a function below computes


class Parts(NamedTuple):
    """Parts of an optimizer: sign, two betas, decay."""

    sign: bool
    two_betas: bool
    decay: bool


FACTORIAL: dict[str, Parts] = {
    "lion": Parts(True, True, True),
    "lion without decay": Parts(True, True, False),
    "signum with decay": Parts(True, False, True),
    "signum": Parts(True, False, False),
    "adamw with a third beta": Parts(False, True, True),
    "adam with a third beta": Parts(False, True, False),
    "adamw": Parts(False, False, True),
    "adam": Parts(False, False, False),
}
FIXED_BETAS = "lion, betas 0.9 and 0.99"  # as published; the ablations of Chen et al. (2023) are compared with it
SINGLE_BETA = ("lion, both betas 0.9", "lion, both betas 0.99")  # these ablations


class _TwoBetas(NamedTuple):
    """State of Adam with a second beta for the first moment."""

    steps: Array
    m: Any
    v: Any


def lion_without_decay(learning_rate: Array | float, b1: float = 0.85, b2: float = 0.97) -> Any:  # noqa: ANN401 - of optax
    """Lion without weight decay."""
    import optax

    return optax.lion(learning_rate, b1, b2, weight_decay=0.0)


def signum_with_decay(learning_rate: Array | float, b1: float = 0.85, weight_decay: float = 0.25) -> Any:  # noqa: ANN401
    """The sign of an average of the gradient (Bernstein et al., 2018) with decoupled decay: Lion with b2 = b1."""
    import optax

    return optax.lion(learning_rate, b1, b1, weight_decay=weight_decay)


def signum(learning_rate: Array | float, b1: float = 0.85) -> Any:  # noqa: ANN401 - of optax
    """The sign of an average of the gradient."""
    import optax

    return optax.lion(learning_rate, b1, b1, weight_decay=0.0)


def lion_with_published_betas(learning_rate: Array | float, weight_decay: float = 0.25) -> Any:  # noqa: ANN401
    """Lion with the betas 0.9 and 0.99."""
    import optax

    return optax.lion(learning_rate, 0.9, 0.99, weight_decay=weight_decay)


def lion_with_both_betas_09(learning_rate: Array | float, weight_decay: float = 0.25) -> Any:  # noqa: ANN401 - of optax
    """Lion with both betas 0.9."""
    return signum_with_decay(learning_rate, 0.9, weight_decay)


def lion_with_both_betas_099(learning_rate: Array | float, weight_decay: float = 0.25) -> Any:  # noqa: ANN401 - of optax
    """Lion with both betas 0.99."""
    return signum_with_decay(learning_rate, 0.99, weight_decay)


def adam_with_third_beta(learning_rate: Array | float, b1: float = 0.85, b2: float = 0.9, b3: float = 0.95) -> Any:  # noqa: ANN401
    """Adam whose update has an average of its own, as Lion's: b1 c + (1 − b1) g, where c is stored with b2.

    The average and the second moment (b3) have Adam's correction of the bias towards zero. With b2 = b1 this is Adam.
    """
    return adamw_with_third_beta(learning_rate, b1, b2, b3, 0.0)


def adamw_with_third_beta(
    learning_rate: Array | float, b1: float = 0.85, b2: float = 0.9, b3: float = 0.95, weight_decay: float = 0.1
) -> Any:  # noqa: ANN401 - of optax
    """The same with decoupled weight decay."""
    import optax

    def init(parameters: "optax.Params") -> _TwoBetas:
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        return _TwoBetas(jnp.zeros((), jnp.int32), zeros, zeros)

    def update(gradients: Any, state: _TwoBetas, parameters: Any = None) -> tuple[Any, _TwoBetas]:  # noqa: ANN401
        # the weights of an average of t gradients sum to 1 - b1 · b2 ** (t - 1); for b1 = b2 to 1 - b ** t
        bias, bias_v = 1 - b1 * b2**state.steps, 1 - b3 ** (state.steps + 1)
        v = jax.tree.map(lambda old, g: b3 * old + (1 - b3) * jnp.square(g), state.v, gradients)
        change = jax.tree.map(
            lambda m, g, v: ((b1 * m + (1 - b1) * g) / bias) / (jnp.sqrt(v / bias_v) + 1e-8), state.m, gradients, v
        )
        m = jax.tree.map(lambda old, g: b2 * old + (1 - b2) * g, state.m, gradients)
        return change, _TwoBetas(state.steps + 1, m, v)

    return optax.chain(
        optax.GradientTransformation(init, update),
        optax.add_decayed_weights(weight_decay),
        optax.scale_by_learning_rate(learning_rate),
    )


_OWN = {
    "lion without decay": lion_without_decay,
    "signum with decay": signum_with_decay,
    "signum": signum,
    FIXED_BETAS: lion_with_published_betas,
    "lion, both betas 0.9": lion_with_both_betas_09,
    "lion, both betas 0.99": lion_with_both_betas_099,
    "adam with a third beta": adam_with_third_beta,
    "adamw with a third beta": adamw_with_third_beta,
}


def untuned(name: str) -> Task:
    """A built-in task without its stored constants, so that tuning on it starts at generic constants.

    Constants are stored for a few optimizers only. They are the result of hundreds of trials, and tuning that starts at
    them would not have an equal budget.
    """
    return replace(builtin_task(name), tuned={})


def entrant(name: str) -> Optimizer:
    """An optimizer with the constants at which its tuning starts on every task: those of its relative in the table.

    Args:
        name: one of `PUBLISHED`, `FACTORIAL` or `SINGLE_BETA`, or `FIXED_BETAS`.
    """
    if name not in _OWN:
        return optimizer(name)
    own = from_optax(_OWN[name], name=name, token=_TOKEN)
    relative = optimizer("adamw" if name.startswith("adam") else "lion")
    known = dict(zip(relative.names, relative.values, strict=True))
    if "b3" in own.names:  # the second moment; the stored average starts as that of the update
        known |= {"b2": known["b1"], "b3": known["b2"]}
    return own.with_constants(known[constant] for constant in own.names)
