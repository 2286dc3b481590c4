"""Claims about trained weights and about updates: flatness of the minima, and the size of Lion's updates.

Networks are trained with Lion and AdamW at the constants of each tuning. Sharpness is the largest eigenvalue of the
Hessian of the training loss, by Lanczos iterations on Hessian-vector products (`scipy.sparse.linalg.eigsh`). The
increase of the training loss under random perturbations of a given share of the norm of the weights measures flatness
at a distance.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from primitives import PEAK
from proxy_tasks import Task, Trainer, problem, training_rows
from search.claims.claim import Claim, Estimate, Result, majority
from search.claims.comparisons import ADAMW, LION, Measuring
from search.claims.entrants import untuned
from search.claims.maps import tuned_pair
from selection import LAST_SEEDS, Optimizer, pooled_variance

RADII = (0.05, 0.1, 0.2)  # norms of perturbations, as shares of the norm of the weights
_DRAWS = 5  # perturbations of each radius
_POINTS = 60  # of a drawn curve of norms
_ROWS = 1024  # randomly chosen training rows, on which losses are computed
_HESSIAN_ROWS = 256  # the first of these, for Hessians, since one eigenvalue takes dozens of products


def weights_and_updates(measuring: Measuring) -> Result:
    """Claims about flatness, training error, and the norm of updates."""
    rows, curves = [], []
    claims = []
    estimates: dict[str, list[tuple[str, Estimate]]] = {what: [] for what in _STATEMENTS}
    for name in measuring.settings.map_tasks:
        task = untuned(name)
        measuring.note(f"weights and updates of Lion and AdamW on {name}")
        found = {optimizer: _study(task, tuned, measuring) for optimizer, tuned in tuned_pair(measuring, task).items()}
        for optimizer, values in found.items():
            curves.append({"task": name, "optimizer": optimizer, "norms": values.pop("curve")})
            means = {what: float(np.mean(value)) for what, value in values.items()}
            rows.append({"task": name, "optimizer": optimizer, **means})
        for what in _STATEMENTS:
            own, base = (found[one][what] / np.mean(found[ADAMW][what]) for one in (LION, ADAMW))
            estimates[what].append((name, Estimate.of(own - base, pooled_variance([own, base]))))
    for what, (statement, paper, negative) in _STATEMENTS.items():
        claims.append(
            Claim(
                statement,
                paper,
                "; ".join(f"{estimate.as_share()} on {name}" for name, estimate in estimates[what]),
                majority([estimate.answer(negative=negative) for _, estimate in estimates[what]]),
                "Lion minus AdamW, in per cent of the mean of AdamW; small networks, trained shortly",
            )
        )
    return Result("weights", tuple(claims), {"rows": rows, "curves": curves, "radii": list(RADII)})


_FLAT = "flatter minima, seen in the loss under perturbation"
_STATEMENTS = {  # quantity: claim, the paper's statement, whether Lion's value is the smaller one
    "training": ("Lion ends with a higher training loss", "higher training error, lower validation error", False),
    "test": ("Lion ends with a lower test loss", "higher training error, lower validation error", True),
    f"rise {RADII[1]:g}": (
        f"perturbing the weights by {100 * RADII[1]:.0f} % raises Lion's training loss less",
        _FLAT,
        True,
    ),
    "sharpness": ("the largest eigenvalue of the Hessian is smaller after Lion", _FLAT, True),
    "norm": ("Lion's updates have the larger norm before the rate", "the sign gives updates of a larger norm", False),
}


def _study(task: Task, tunings: Sequence[Optimizer], measuring: Measuring) -> dict[str, Any]:
    """Quantities of each tuning and seed, shape `(tunings, seeds)`, and the mean curve of the norm of updates."""
    trainer = Trainer(task, range(LAST_SEEDS, LAST_SEEDS + measuring.settings.weight_seeds), compile_programs=True)
    train, test = chosen_rows(task), problem(task).rows["test"]
    loss = jax.jit(problem(task).loss)
    few = {name: values[:_HESSIAN_ROWS] for name, values in train.items()}
    product = hessian_product(lambda weights: loss(weights, few))
    found: dict[str, list[Any]] = {}
    for tuned in tunings:
        trajectory = trainer.trajectory(tuned)
        rate = dict(zip(tuned.names, tuned.values, strict=True))["learning_rate"]
        size = trajectory.weights.shape[1]
        norms = trajectory.update_norms / (rate / PEAK * task.schedule()[:, None]) / np.sqrt(size)
        weights = [jnp.asarray(row) for row in trajectory.weights]
        values = {
            "training": [float(loss(row, train)) for row in weights],
            "test": [float(loss(row, test)) for row in weights],
            "sharpness": [largest_eigenvalue(product, row) for row in weights],
            "norm": norms[len(norms) // 10 :].mean(axis=0),  # without the first steps
            "curve": norms.mean(axis=1),
        } | {
            f"rise {radius:g}": [_rise(lambda row: loss(row, train), row, radius) for row in weights]
            for radius in RADII
        }
        for what, value in values.items():
            found.setdefault(what, []).append(value)
    return {what: np.array(values) for what, values in found.items()} | {
        "curve": _points(np.mean(found["curve"], axis=0))
    }


def chosen_rows(task: Task) -> dict[str, Array]:
    """Randomly chosen training rows, always the same; those of some tasks are stored in an order."""
    rows = training_rows(task)[0]
    count = len(next(iter(rows.values())))
    chosen = np.random.default_rng(0).permutation(count)[:_ROWS]
    return {name: jnp.asarray(values[chosen]) for name, values in rows.items()}


def _points(values: np.ndarray) -> list[list[float]]:
    """Some points of a curve over steps: `[step, value]`."""
    chosen = np.unique(np.linspace(0, len(values) - 1, _POINTS).astype(int))
    return [[int(step), float(values[step])] for step in chosen]


def _rise(loss: Callable[[Array], Array], weights: Array, radius: float) -> float:
    """Mean increase of the loss under random perturbations of norm `radius` times that of the weights."""
    generator = np.random.default_rng(0)
    rises = []
    for _ in range(_DRAWS):
        direction = jnp.asarray(generator.normal(size=weights.shape), jnp.float32)
        step = direction * (radius * jnp.linalg.norm(weights) / jnp.linalg.norm(direction))
        rises.append(float(loss(weights + step) - loss(weights)))
    return float(np.mean(rises))


def hessian_product(loss: Callable[[Array], Array]) -> Callable[[Array, Array], Array]:
    """The product of the Hessian of `weights -> loss` with a vector, as a compiled function of weights and vector."""
    return jax.jit(lambda weights, vector: jax.jvp(jax.grad(loss), (weights,), (vector,))[1])


def largest_eigenvalue(product: Callable[[Array, Array], Array], weights: Array) -> float:
    """The largest eigenvalue of the Hessian of a loss; NaN at weights that are not finite.

    Args:
        product: result of `hessian_product`.
        weights: shape `(P,)`.

    Example:
        >>> product = hessian_product(lambda w: 3 * w[0] ** 2 + w[1] ** 2 + 0.1 * w[2] ** 2)
        >>> round(largest_eigenvalue(product, jnp.ones(3)), 4)
        6.0
    """
    from scipy.sparse.linalg import LinearOperator, eigsh

    def times(vector: np.ndarray) -> np.ndarray:
        return np.asarray(product(weights, jnp.asarray(np.ravel(vector), weights.dtype)), float)

    start = np.random.default_rng(0).normal(size=weights.size)
    if not np.all(np.isfinite(times(start))):
        return float("nan")
    operator = LinearOperator((weights.size, weights.size), matvec=times, dtype=float)
    return float(eigsh(operator, k=1, which="LA", v0=start, tol=1e-3, return_eigenvectors=False)[0])
