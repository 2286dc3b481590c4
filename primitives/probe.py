"""What a program does to fixed weights and gradients, in sixty numbers: equal for programs that compute the same.

Equal programs have equal updates on the probes up to rounding, however they are written. Weights are given at each
step rather than moved, so that rounding is not amplified from step to step. Gradients span two and a half decades
(below, they drown in the guard of `/`), some are zero throughout as those of dead inputs are, some now and then, some
weights are zero as biases are at first, and the learning rate falls as a schedule does. There are enough of them that
a sign which flips for one weight in some thousand is seen.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from primitives.interpreter import Encoded, encode, interpreted
from primitives.program import Program
from primitives.registry import REGISTRY

SIZES = (384, 96, 160)  # weights in each of the parameter arrays of the probe
STEPS = 16
NUMBERS = 60
TOGETHER = 64  # programs in one call of what is compiled, which costs as much as running one of them
_ZEROS = 0.15  # share of the gradients that are zero at a step


def signature(program: Program) -> np.ndarray:
    """Random projections of the updates of a valid program on the probes, float32, shape `(1 + NUMBERS,)`.

    Updates span decades, so their eighth roots are projected, with the sign kept. The first number is the root mean
    square of these, which is the scale of the others. Nothing is finite where an update is not.
    """
    return signatures([program])[0]()


def signatures(programs: Iterable[Program]) -> list[Callable[[], np.ndarray]]:
    """The same for many valid programs: for each a function that gives its signature.

    All are begun at once, and computed beside whatever the caller does until it asks for one of them.
    """
    encoded = [encode(program) for program in programs]
    alike: dict[tuple[int, int], list[int]] = {}  # those that one compiled function can run, by their places
    for place, one in enumerate(encoded):
        alike.setdefault((len(one.operations), len(one.outputs) - 1), []).append(place)
    looks: dict[int, Callable[[], np.ndarray]] = {}
    for (_, slots), places in alike.items():
        run, probes = _compiled(len(REGISTRY), slots)
        for start in range(0, len(places), TOGETHER):
            some = places[start : start + TOGETHER]
            found = run(np.int32(len(some)), _together([encoded[place] for place in some]), probes)
            looks |= {place: partial(_row, found, row) for row, place in enumerate(some)}
    return [looks[place] for place in range(len(encoded))]


def _together(programs: Sequence[Encoded]) -> Encoded:
    """Encoded programs of one size class side by side, with room for `TOGETHER` of them."""
    room = [np.zeros((TOGETHER, *np.shape(array)), array.dtype) for array in programs[0]]
    for array, parts in zip(room, zip(*programs, strict=True), strict=True):
        array[: len(programs)] = parts
    return Encoded(*room)


def _row(found: Array, row: int) -> np.ndarray:
    return np.array(np.asarray(found)[row])


@cache
def _compiled(functions: int, slots: int) -> tuple[Any, dict[str, Array]]:
    """Compiled once for each size class, and again when the language has grown; and what it runs on."""
    probes = _probes()

    def one(encoded: Encoded, probes: dict[str, Array]) -> Array:
        rule = interpreted(encoded, SIZES)

        def step(state: Any, now: tuple[Array, Array, Array]) -> tuple[Any, Array]:  # noqa: ANN401 - the rule's own
            weights, gradient, learning_rate = now
            update, state = rule.update(weights, gradient, state, learning_rate)
            return state, update

        inputs = (probes["weights"], probes["gradients"], probes["rates"])
        updates = lax.scan(step, rule.init(probes["weights"][0]), inputs)[1].ravel()
        roots = jnp.sign(updates) * jnp.sqrt(jnp.sqrt(jnp.sqrt(jnp.abs(updates))))
        return jnp.concatenate([jnp.sqrt(jnp.mean(roots**2))[None], probes["projections"] @ roots])

    def run(count: Array, encoded: Encoded, probes: dict[str, Array]) -> Array:
        """One after the other, which is faster than side by side (`docs/decisions.md`)."""

        def next_one(place: Array, found: Array) -> Array:
            return found.at[place].set(one(Encoded(*(array[place] for array in encoded)), probes))

        found: Array = lax.fori_loop(0, count, next_one, jnp.zeros((TOGETHER, 1 + NUMBERS), jnp.float32))
        return found

    return jax.jit(run), probes


def _probes() -> dict[str, Array]:
    generator = np.random.default_rng(20230213)
    shape = (STEPS, sum(SIZES))
    signs = generator.choice([-1.0, 1.0], (2, *shape))
    weights = signs[0] * 10 ** generator.uniform(-2, 0.5, shape)
    gradients = signs[1] * 10 ** generator.uniform(-2, 0.5, shape)
    gradients[:, ::13] = weights[:, ::7] = 0.0
    gradients[generator.random(shape) < _ZEROS] = 0.0
    rates = np.cos(np.linspace(0, 0.45 * np.pi, STEPS)) ** 4
    projections = generator.choice([-1.0, 1.0], (NUMBERS, gradients.size)) / np.sqrt(gradients.size)
    arrays = {"weights": weights, "gradients": gradients, "rates": rates, "projections": projections}
    return {name: jnp.asarray(array, jnp.float32) for name, array in arrays.items()}
