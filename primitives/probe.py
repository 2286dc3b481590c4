"""Signatures: sixty numbers that describe the updates of a program on fixed weights and gradients, the probes.

Programs that compute the same have equal signatures up to rounding, however they are written. The weights of each step
are given and not updated, so that rounding errors do not grow from step to step. Gradients span two and a half decades
(smaller ones vanish beside the 1e-8 in `/`). Some are zero at every step, as for dead inputs, and some at random steps.
Some weights are zero, as biases are at first, and the learning rate falls as in a schedule. The probes are large
enough to show a sign that flips for one weight in a thousand.
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
TOGETHER = 64  # programs in one call of the compiled function; a call costs as much as running one of them
_ZEROS = 0.15  # share of the gradients that are zero at a step


def signature(program: Program) -> np.ndarray:
    """Compute random projections of the updates of a valid program on the probes.

    Updates span decades, so their eighth roots are projected, with the sign kept.

    Returns:
        Float32, shape `(1 + NUMBERS,)`. The first number is the root mean square of the eighth roots, which is the
        scale of the others. No number is finite if an update is not.
    """
    return signatures([program])[0]()


def signatures(programs: Iterable[Program]) -> list[Callable[[], np.ndarray]]:
    """Begin to compute the signatures of many valid programs, in the background.

    Returns:
        For each program a function that waits for its signature and returns it.
    """
    encoded = [encode(program) for program in programs]
    alike: dict[tuple[int, int], list[int]] = {}  # indices of the programs that one compiled function can run
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
    """Stack encoded programs of one size class, padded to `TOGETHER` of them."""
    room = [np.zeros((TOGETHER, *np.shape(array)), array.dtype) for array in programs[0]]
    for array, parts in zip(room, zip(*programs, strict=True), strict=True):
        array[: len(programs)] = parts
    return Encoded(*room)


def _row(found: Array, row: int) -> np.ndarray:
    return np.array(np.asarray(found)[row])


@cache
def _compiled(functions: int, slots: int) -> tuple[Any, dict[str, Array]]:
    """Function for a number of primitives and of state slots, compiled once for each size class, and the probes."""
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
        """Run programs one after the other, which is faster than `vmap` (`docs/decisions.md`)."""

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
