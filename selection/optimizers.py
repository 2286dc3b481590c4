"""The baselines: optimizers from optax and a learned optimizer, as values with tunable constants.

An `Optimizer` is a name with constants; a table maps the name to functions. An optimizer is therefore hashable and
small when it is sent to a worker. Constants are traced, so tuning needs no new compilation.

Each seed has its own optimizer state, and optax sees one flat leaf for each parameter array. Only Adafactor depends on
the shape of leaves: to save memory, it approximates the second moments of matrices of at least 128 by 128 by sums over
rows and columns (Shazeer and Stern, 2018, section 3). For flat leaves it keeps all second moments, without the
approximation.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from primitives import PEAK, UpdateRule, UserError, constant_text, float32, nearest
from proxy_tasks import Task, baseline, has_baseline
from selection.learned import learned

if TYPE_CHECKING:
    import optax

Make = Callable[..., "optax.GradientTransformation"]


@dataclass(frozen=True, eq=False)
class Definition:
    """Definition of an optimizer.

    Definitions with equal spelling and token are equal, also after one of them was sent to another process.

    Attributes:
        spelling: name of the function in printed text, such as `optax.adam`.
        make: builds the transformation from positional constants: the learning rate times the schedule, then the
            other constants.
        start: name and starting value of each constant, the learning rate first.
        token: identifier of a custom definition; empty in the table of this module, where spellings are unique.
    """

    spelling: str
    make: Make
    start: dict[str, float]
    token: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Definition) and (self.spelling, self.token) == (other.spelling, other.token)

    def __hash__(self) -> int:
        return hash((self.spelling, self.token))


@dataclass(frozen=True)
class Optimizer:
    """An optimizer with constants.

    Attributes:
        name: name in the table, or name of a custom optimizer.
        values: constants, float32, in the order of `names`.
        own: definition of a custom optimizer (`selection.own_optimizers`); `None` for an optimizer of the table.

    Example:
        >>> str(OPTIMIZERS["adam"].with_constants([0.001, 0.9, 0.999]))
        'optax.adam(learning_rate=0.001, b1=0.9, b2=0.999)'
    """

    name: str
    values: tuple[float, ...]
    own: Definition | None = None

    @property
    def definition(self) -> Definition:
        """The custom definition, or the row of the table."""
        return self.own or _TABLE[self.name]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the constants."""
        return tuple(self.definition.start)

    @property
    def structure(self) -> "Optimizer":
        """The same optimizer with its starting constants, so that all constants share one compilation."""
        return replace(self, values=tuple(map(float32, self.definition.start.values())))

    def with_constants(self, values: Iterable[float]) -> "Optimizer":
        """The optimizer with other constants.

        Args:
            values: one for each of `names`, in this order.

        Raises:
            UserError: there are too many or too few values.
        """
        chosen = tuple(map(float32, values))
        if len(chosen) != len(self.names):
            raise UserError(
                f"`{self.name}` has {len(self.names)} constants ({', '.join(self.names)}), not {len(chosen)}"
            )
        return replace(self, values=chosen)

    def rule(self, constants: Array, sizes: tuple[int, ...]) -> UpdateRule:
        """The update rule with constants in the order of `names`.

        Args:
            constants: float32, shape `(C,)`; may be traced.
            sizes: number of weights in each parameter array, in order; their sum is P.

        Returns:
            Two functions on weights of shape `(S, P)`: S independent networks. They take the learning rate of the task
            at this step. The constant `learning_rate` is multiplied by its ratio to `PEAK`, so that it is the learning
            rate at the first step of the smallest tasks.
        """
        row = self.definition

        def transform(schedule: Array) -> "optax.GradientTransformation":
            rate, *others = (constants[index] for index in range(len(row.start)))
            return row.make(rate * schedule, *others)

        return rule_of(transform, sizes)

    def __str__(self) -> str:
        written = (f"{name}={constant_text(value)}" for name, value in zip(self.names, self.values, strict=True))
        return f"{self.definition.spelling}({', '.join(written)})"


def rule_of(transform: "Callable[[Array], optax.GradientTransformation]", sizes: tuple[int, ...]) -> UpdateRule:
    """The update rule of an optax transformation that is built at each step from the schedule at that step.

    Args:
        transform: `schedule -> transformation`; the schedule is the learning rate of the task divided by `PEAK`, which
            is 1 at the first step of the smallest tasks. The shape of the state must not depend on it.
        sizes: number of weights in each parameter array; the transformation sees a list of flat leaves.
    """
    ends = np.cumsum(sizes)[:-1].tolist()

    def leaves(flat: Array) -> list[Array]:
        return jnp.split(flat, ends)

    def init(weights: Array) -> Any:  # noqa: ANN401 - a tree that optax knows
        return jax.vmap(lambda flat: transform(jnp.float32(1)).init(leaves(flat)))(weights)

    def update(weights: Array, gradient: Array, state: Any, schedule: Array) -> tuple[Array, Any]:  # noqa: ANN401
        def one(flat: Array, gradient: Array, state: Any, rate: Array) -> tuple[Array, Any]:  # noqa: ANN401 - of one network
            change, state = transform(rate).update(leaves(gradient), state, leaves(flat))
            return -jnp.concatenate(change), state

        rates = jnp.broadcast_to(jnp.ravel(schedule) / PEAK, weights.shape[:1])  # one for each network
        return jax.vmap(one)(weights, gradient, state, rates)

    return UpdateRule(init, update)


def _adafactor(rate: Array, decay_rate: Array, clipping_threshold: Array, weight_decay: Array) -> Any:  # noqa: ANN401
    # `weight_decay_rate` is the share of a weight that is subtracted; in all other optimizers it is rate × decay
    options = {"decay_rate": decay_rate, "clipping_threshold": clipping_threshold}
    return _optax("adafactor")(rate, weight_decay_rate=rate * weight_decay, **options)


def _sgd(rate: Array, momentum: Array, weight_decay: Array) -> "optax.GradientTransformation":
    """SGD with decoupled weight decay (SGDW; Loshchilov and Hutter, 2019, Algorithm 1)."""
    import optax

    parts = optax.trace(momentum), optax.add_decayed_weights(weight_decay), optax.scale_by_learning_rate(rate)
    return optax.chain(*parts)


def _adam(rate: Array, b1: Array, b2: Array) -> Any:  # noqa: ANN401
    return _optax("adam")(rate, b1, b2)


def _with_decay(name: str) -> Make:
    return lambda rate, b1, b2, weight_decay: _optax(name)(rate, b1, b2, weight_decay=weight_decay)


def _optax(name: str) -> Callable[..., Any]:
    import optax  # takes a fifth of a second; commands that only list optimizers do not need it

    made: Callable[..., Any] = getattr(optax, name)
    return made


_TABLE = {
    "adamw": Definition(
        "optax.adamw",
        _with_decay("adamw"),
        {"learning_rate": 0.03, "b1": 0.85, "b2": 0.95, "weight_decay": 0.1},
    ),
    "adam": Definition("optax.adam", _adam, {"learning_rate": 0.03, "b1": 0.8, "b2": 0.95}),
    "adafactor": Definition(
        "optax.adafactor",
        _adafactor,
        {"learning_rate": 0.15, "decay_rate": 0.8, "clipping_threshold": 1.0, "weight_decay": 0.01},
    ),
    "lion": Definition(
        "optax.lion",
        _with_decay("lion"),
        {"learning_rate": 0.015, "b1": 0.85, "b2": 0.97, "weight_decay": 0.25},
    ),
    "sgd": Definition("optax.sgd", _sgd, {"learning_rate": 0.4, "momentum": 0.8, "weight_decay": 0.002}),
    "learned": Definition("learned", learned, {"learning_rate": 0.01, "weight_decay": 0.1, "magnitude": 1.0}),
}

_STORED = {"adamw": "adamw", "adam": "adamw", "lion": "lion"}  # the stored baseline from which each takes its constants

OPTIMIZERS: dict[str, Optimizer] = {
    name: Optimizer(name, tuple(map(float32, row.start.values()))) for name, row in _TABLE.items()
}


def starting(name: str, task: Task) -> Optimizer:
    """An optimizer of the table with the constants from which its tuning on a task starts.

    These are the constants that are stored for the task (AdamW and Lion; Adam starts from those of AdamW), otherwise
    the constants of the table. The search has tried many constants for its programs, so baselines should also start
    from good constants.
    """
    return stored(name, task) or optimizer(name)


def stored(name: str, task: Task) -> Optimizer | None:
    """The optimizer `name` with the tuned constants that are stored for a task; `None` if there are none."""
    if name not in _STORED or not has_baseline(task, _STORED[name]):
        return None
    chosen = optimizer(name)
    b1, b2, decay, rate = (value for *_, value in baseline(task, _STORED[name]).constants())
    known = {"learning_rate": rate * PEAK, "b1": b1, "b2": b2, "weight_decay": decay}
    return chosen.with_constants(known[constant] for constant in chosen.names)


def optimizer(name: str, constants: Sequence[float] | None = None) -> Optimizer:
    """An optimizer of the table.

    Args:
        name: key of `OPTIMIZERS`.
        constants: in the order of its names; the starting constants by default.

    Raises:
        UserError: there is no such optimizer, or there are too many or too few constants.
    """
    if name not in OPTIMIZERS:
        raise UserError(f"unknown optimizer `{name}`{nearest(name, OPTIMIZERS)} (known: {', '.join(OPTIMIZERS)})")
    return OPTIMIZERS[name] if constants is None else OPTIMIZERS[name].with_constants(constants)
