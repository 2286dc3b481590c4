"""Claims about trained weights and about updates: flatness of the minima, and the size of Lion's updates.

Networks are trained with tuned Lion and AdamW. Sharpness is the largest eigenvalue of the Hessian of the training loss,
by Lanczos iterations on Hessian-vector products (`scipy.sparse.linalg.eigsh`). The increase of the training loss under
random perturbations of a given share of the norm of the weights measures flatness at a distance.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from primitives import PEAK
from proxy_tasks import Task, Trainer, builtin_task, problem, training_rows
from search.claims.claim import Claim, Estimate, Result, majority
from search.claims.comparisons import ADAMW, LION, Measuring
from search.claims.maps import tuned_pair
from selection import LAST_SEEDS, Optimizer

RADII = (0.05, 0.1, 0.2)  # norms of perturbations, as shares of the norm of the weights
_DRAWS = 5  # perturbations of each radius
_POINTS = 60  # of a drawn curve of norms
_ROWS = 1024  # training rows on which losses and Hessians are computed


def weights_and_updates(measuring: Measuring) -> Result:
    """Claims about flatness, training error, and the norm of updates."""
    rows, curves = [], []
    claims = []
    estimates: dict[str, list[tuple[str, Estimate]]] = {what: [] for what in _STATEMENTS}
    for name in measuring.settings.map_tasks:
        task = builtin_task(name)
        measuring.note(f"weights and updates of Lion and AdamW on {name}")
        found = {optimizer: _study(task, tuned, measuring) for optimizer, tuned in tuned_pair(measuring, task).items()}
        for optimizer, values in found.items():
            curves.append({"task": name, "optimizer": optimizer, "norms": values.pop("curve")})
            means = {what: float(np.mean(value)) for what, value in values.items()}
            rows.append({"task": name, "optimizer": optimizer, **means})
        for what in _STATEMENTS:
            base = found[ADAMW][what]
            difference = (found[LION][what] - base) / np.mean(base)
            estimates[what].append((name, Estimate.of(difference)))
    for what, (statement, paper, negative) in _STATEMENTS.items():
        claims.append(
            Claim(
                statement,
                paper,
                "; ".join(f"{estimate.as_share()} on {name}" for name, estimate in estimates[what]),
                majority([estimate.answer(negative=negative) for _, estimate in estimates[what]]),
                "Lion minus AdamW, in per cent of the mean of AdamW, paired by seed; small networks, trained shortly",
            )
        )
    return Result("weights", tuple(claims), {"rows": rows, "curves": curves, "radii": list(RADII)})


_FLAT = "flatter minima, seen in the loss under perturbation"
_STATEMENTS = {  # quantity: claim, the paper's statement, whether Lion's value is the smaller one
    "training": ("Lion ends with a higher training loss", "higher training error, lower validation error", False),
    "validation": ("Lion ends with a lower validation loss", "higher training error, lower validation error", True),
    f"rise {RADII[1]:g}": (
        f"perturbing the weights by {100 * RADII[1]:.0f} % raises Lion's training loss less",
        _FLAT,
        True,
    ),
    "sharpness": ("the largest eigenvalue of the Hessian is smaller after Lion", _FLAT, True),
    "norm": ("Lion's updates have the larger norm before the rate", "the sign gives updates of a larger norm", False),
}


def _study(task: Task, tuned: Optimizer, measuring: Measuring) -> dict[str, Any]:
    """Quantities of each seed, shape `(seeds,)`, and the curve of the norm of updates."""
    trainer = Trainer(task, range(LAST_SEEDS, LAST_SEEDS + measuring.settings.weight_seeds), compile_programs=True)
    trajectory = trainer.trajectory(tuned)
    rate = dict(zip(tuned.names, tuned.values, strict=True))["learning_rate"]
    size = trajectory.weights.shape[1]
    norms = trajectory.update_norms / (rate / PEAK * task.schedule()[:, None]) / np.sqrt(size)
    rows = {name: jnp.asarray(values[:_ROWS]) for name, values in training_rows(task)[0].items()}
    loss = problem(task).loss
    at = jax.jit(lambda weights: loss(weights, rows))
    validation = jax.jit(lambda weights: loss(weights, problem(task).rows["validation"]))
    weights = [jnp.asarray(row) for row in trajectory.weights]
    return {
        "training": np.array([float(at(row)) for row in weights]),
        "validation": np.array([float(validation(row)) for row in weights]),
        "sharpness": np.array([largest_eigenvalue(at, row) for row in weights]),
        "norm": norms[len(norms) // 10 :].mean(axis=0),  # without the first steps
        "curve": _points(norms.mean(axis=1)),
    } | {f"rise {radius:g}": np.array([_rise(at, row, radius) for row in weights]) for radius in RADII}


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


def largest_eigenvalue(loss: Callable[[Array], Array], weights: Array) -> float:
    """The largest eigenvalue of the Hessian of a loss.

    Args:
        loss: `weights -> loss`.
        weights: shape `(P,)`.

    Example:
        >>> round(largest_eigenvalue(lambda w: 3 * w[0] ** 2 + w[1] ** 2 + 0.1 * w[2] ** 2, jnp.ones(3)), 4)
        6.0
    """
    from scipy.sparse.linalg import LinearOperator, eigsh

    product = jax.jit(lambda vector: jax.jvp(jax.grad(loss), (weights,), (vector,))[1])

    def times(vector: np.ndarray) -> np.ndarray:
        return np.asarray(product(jnp.asarray(np.ravel(vector), weights.dtype)), float)

    operator = LinearOperator((weights.size, weights.size), matvec=times, dtype=float)
    start = np.random.default_rng(0).normal(size=weights.size)
    return float(eigsh(operator, k=1, which="LA", v0=start, tol=1e-3, return_eigenvectors=False)[0])
