"""Replay: updates of a program on weights and gradients recorded during one training of the starting program.

A replay takes milliseconds, a training tenths of a second. A replay finds two kinds of children that need no training:

- *near twins*: the updates of child and parent agree up to a factor, such as `tan(m)` and `m` for small m;
- *ascent*: the update is zero or not finite, or its mean cosine with the gradient is not positive.

On an accelerator the children of a generation are replayed in batches.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache, lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from primitives import REGISTRY, Encoded, Program, batched, encode, functional_hash, interpreted
from proxy_tasks import Computation, Task, in_batches, loop_inputs, problem

_EVERY = 10  # number of points that are spread evenly over the steps
_LAST = 4  # number of further points at the last consecutive steps


class Replay:
    """Recorded weights, gradients and learning rates of K points of a training.

    Args:
        task: the task of the training.
        program: the optimizer of the training.
        seed: seed of the network.
    """

    def __init__(self, task: Task, program: Program, seed: int) -> None:
        self._task, self._sizes = task, problem(task).sizes
        self._points = recorded(task, program, seed)
        self._gradients = np.asarray(self._points[1], float)
        self._known: dict[str, np.ndarray] = {}

    def prepare(self, programs: Sequence[Program]) -> None:
        """Forget all other programs; on an accelerator, replay these in batches.

        Args:
            programs: programs whose updates will be asked for; on a CPU each is replayed when it is.
        """
        wanted = {functional_hash(program): program for program in programs}
        self._known = {key: updates for key, updates in self._known.items() if key in wanted}
        new = {key: program for key, program in wanted.items() if key not in self._known}
        if new and in_batches():
            loop = partial(_replayed_together, self._sizes, len(REGISTRY))
            points = dict(zip(("weights", "gradients", "rates"), self._points, strict=True))
            replays = Computation(task=self._task, loop=loop, inputs=lambda places: points, key="replay")
            self._known |= zip(new, np.asarray(replays.results(list(new.values())), float), strict=True)

    def updates(self, program: Program) -> np.ndarray:
        """Updates at the recorded points, shape `(K, P)`; the state is passed from each point to the next."""
        key = functional_hash(program)
        if key not in self._known:
            run = _replayed(self._sizes, len(REGISTRY))
            self._known[key] = np.asarray(run(encode(program), *self._points), float)
        return self._known[key]

    def residual(self, child: Program, parent: Program) -> float:
        """‖u − a v‖ / ‖u‖ for updates u of the child and v of the parent, with the least-squares factor a."""
        one, other = (self.updates(program).ravel() for program in (child, parent))
        with np.errstate(all="ignore"):
            size, scale = float(one @ one), float(other @ other)
            if not (math.isfinite(size) and math.isfinite(scale) and size > 0 and scale > 0):
                return math.inf
            rest = one - float(one @ other) / scale * other
            return math.sqrt(float(rest @ rest) / size)

    def descends(self, program: Program) -> bool:
        """Whether the updates are finite and their mean cosine with the gradient is positive."""
        with np.errstate(all="ignore"):
            updates = self.updates(program)
            sizes = np.linalg.norm(updates, axis=1) * np.linalg.norm(self._gradients, axis=1)
            cosines = np.sum(updates * self._gradients, axis=1) / np.maximum(sizes, 1e-300)
            return bool(np.all(np.isfinite(updates)) and np.mean(cosines) > 0)


@lru_cache(maxsize=4)
def recorded(task: Task, program: Program, seed: int) -> tuple[Array, Array, Array]:
    """Weights and gradients, shape `(K, P)`, and learning rates, shape `(K,)`, along a training."""
    built = problem(task)
    inputs = jax.device_put(loop_inputs(task, [seed], "validation"))
    rule = interpreted(encode(program), built.sizes)
    gradient_of = jax.vmap(jax.grad(built.loss))

    def advance(carry: tuple[Array, Any], at: tuple[Array, Array]) -> tuple[tuple[Array, Any], tuple[Array, Array]]:
        weights, state = carry
        order, rate = at
        rows = {name: values[order] for name, values in inputs["train"].items()}
        gradient = gradient_of(weights, rows) * inputs.get("loss_scale", 1.0)
        update, state = rule.update(weights, gradient, state, rate)
        return (weights - update, state), (weights[0], gradient[0])

    begin = (inputs["weights"], rule.init(inputs["weights"]))
    rates = inputs["schedule"].reshape(len(inputs["schedule"]))
    _, (weights, gradients) = jax.jit(lambda: lax.scan(advance, begin, (inputs["order"], rates)))()
    steps = len(rates)
    chosen = sorted({*range(steps // _EVERY - 1, steps, max(1, steps // _EVERY)), *range(steps - _LAST, steps)})
    points = np.array([step for step in chosen if step >= 0])
    return weights[points], gradients[points], rates[points]


@cache
def _replayed(sizes: tuple[int, ...], functions: int) -> Callable[[Encoded, Array, Array, Array], Array]:
    """The replay of encoded programs; compiled once for each number of functions in the language."""

    @jax.jit
    def run(code: Encoded, weights: Array, gradients: Array, rates: Array) -> Array:
        rule = interpreted(code, sizes)

        def step(state: Any, at: tuple[Array, Array, Array]) -> tuple[Any, Array]:  # noqa: ANN401 - of a rule
            update, state = rule.update(at[0], at[1], state, at[2])
            return state, update

        updates: Array = lax.scan(step, rule.init(weights[0]), (weights, gradients, rates))[1]
        return updates

    return run


@cache
def _replayed_together(
    sizes: tuple[int, ...], functions: int, kernel: bool
) -> Callable[[Encoded, dict[str, Array]], tuple[Array, None]]:
    """The replay of a batch of N encoded programs: `(codes, points) -> updates`, shape `(N, K, P)`."""

    @jax.jit
    def run(codes: Encoded, points: dict[str, Array]) -> tuple[Array, None]:
        rule = batched(codes, sizes, kernel=kernel)
        shape = (len(codes.length), 1, sum(sizes))

        def step(state: Any, at: tuple[Array, Array, Array]) -> tuple[Any, Array]:  # noqa: ANN401 - of a rule
            weights, gradient = (jnp.broadcast_to(array, shape) for array in at[:2])
            update, state = rule.update(weights, gradient, state, at[2])
            return state, update[:, 0]

        begin = rule.init(jnp.broadcast_to(points["weights"][0], shape))
        updates = lax.scan(step, begin, (points["weights"], points["gradients"], points["rates"]))[1]
        return jnp.swapaxes(updates, 0, 1), None

    return run
