"""Claims about memory and time of a step.

Memory is that of the optimizer state for the parameters of ViT-B/16, from shapes alone. Time is measured in this
process, in turns, for the update of one tree of parameters and for a whole step of training.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from primitives import builtin, to_optax
from proxy_tasks import Trainer, builtin_task
from search.claims.claim import Answer, Claim, Estimate, Result
from selection import optimizer

_DEPTH, _WIDTH, _HIDDEN, _PATCH, _TOKENS, _CLASSES = 12, 768, 3072, 16, 197, 1000  # ViT-B/16 (Dosovitskiy et al., 2021)
_ROUNDS = 15
_TASK = "vit_x10"  # of the whole step
_SEEDS = 2
_STEPS = 400  # steps of a timed training, so that the final loss takes a small share of the time
_TREE = [(512, 512), (512,)] * 8  # parameters of the update alone, 2.1 million
_LEAST_GAIN = 0.02  # in steps per second; the paper has 0.02 to 0.15


def vit_b16() -> dict[str, tuple[int, ...]]:
    """Shapes of the parameters of ViT-B/16 for images of 224×224 and 1,000 classes: 86.6 million.

    >>> import math
    >>> sum(map(math.prod, vit_b16().values()))
    86567656
    """
    shapes: dict[str, tuple[int, ...]] = {
        "patches": (_PATCH * _PATCH * 3, _WIDTH),
        "patches bias": (_WIDTH,),
        "class token": (_WIDTH,),
        "positions": (_TOKENS, _WIDTH),
    }
    for block in range(_DEPTH):
        shapes |= {
            f"{block} attention": (_WIDTH, 3 * _WIDTH),
            f"{block} attention bias": (3 * _WIDTH,),
            f"{block} output": (_WIDTH, _WIDTH),
            f"{block} output bias": (_WIDTH,),
            f"{block} hidden": (_WIDTH, _HIDDEN),
            f"{block} hidden bias": (_HIDDEN,),
            f"{block} back": (_HIDDEN, _WIDTH),
            f"{block} back bias": (_WIDTH,),
        }
        for norm in ("first norm", "second norm"):
            shapes |= {f"{block} {norm} scale": (_WIDTH,), f"{block} {norm} bias": (_WIDTH,)}
    return shapes | {
        "last norm scale": (_WIDTH,),
        "last norm bias": (_WIDTH,),
        "head": (_WIDTH, _CLASSES),
        "head bias": (_CLASSES,),
    }


def transformations() -> dict[str, Any]:
    """The optimizers whose state and time are measured: those of optax, and programs that were exported to optax."""
    import optax

    return {
        "optax.lion": optax.lion(1e-4, weight_decay=0.1),
        "optax.adamw": optax.adamw(1e-3),
        "optax.adafactor": optax.adafactor(1e-3),
        "exported lion": to_optax(builtin("lion")),
        "exported adamw": to_optax(builtin("adamw")),
    }


def memory() -> Result:
    """The claim that Lion needs half of AdamW's optimizer memory."""
    rows = []
    for dtype in (jnp.float32, jnp.bfloat16):
        tree = jax.eval_shape(lambda dtype=dtype: {key: jnp.zeros(shape, dtype) for key, shape in vit_b16().items()})
        for name, transformation in transformations().items():
            state = jax.eval_shape(transformation.init, tree)
            size = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))
            rows.append({"optimizer": name, "parameters": jnp.dtype(dtype).name, "mebibytes": size / 2**20})
    sizes = {row["optimizer"]: row["mebibytes"] for row in rows if row["parameters"] == "float32"}
    ratio, exported = sizes["optax.lion"] / sizes["optax.adamw"], sizes["exported lion"] / sizes["exported adamw"]
    claim = Claim(
        "Lion has half of AdamW's optimizer state",
        "one slot in place of two: ViT-B/16 at batch 4,096 on 8 chips in place of 16",
        f"{sizes['optax.lion']:.0f} against {sizes['optax.adamw']:.0f} MiB for ViT-B/16 in optax (ratio {ratio:.2f}), "
        f"{sizes['exported lion']:.0f} against {sizes['exported adamw']:.0f} MiB exported ({exported:.2f})",
        Answer.HOLDS if max(ratio, exported) < 0.51 else Answer.FAILS,
        "computed from shapes; the number of chips is not measured",
    )
    return Result("memory", (claim,), {"rows": rows})


def speed() -> Result:
    """The claim that a step with Lion takes less time."""
    rows, claims = [], []
    limits = {"update alone": "", f"whole step on {_TASK}": "; Adafactor without factored moments"}
    for (what, limit), seconds in zip(limits.items(), (_update_seconds(), _step_seconds()), strict=True):
        reference = np.array(seconds["optax.lion"])
        for name, values in seconds.items():
            rows.append(
                {"what": what, "optimizer": name, "milliseconds": 1000 * statistics.median(values)}
                | {"rounds": len(values)}
            )
        for rival in ("optax.adamw", "optax.adafactor"):
            gain = Estimate.of(np.log(np.array(seconds[rival]) / reference))
            claims.append(
                Claim(
                    f"Lion takes at least 2 % more steps per second than {rival.removeprefix('optax.')} ({what})",
                    "2 to 15 % more",
                    f"{gain.per_cent()} on {jax.default_backend().upper()}",
                    _in_range(gain),
                    f"one process with one thread, in turns; small networks{limit}",
                )
            )
    return Result("speed", tuple(claims), {"rows": rows, "backend": jax.default_backend()})


def _in_range(gain: Estimate) -> Answer:
    """Whether Lion is faster by at least the paper's smallest gain."""
    least = np.log1p(_LEAST_GAIN)
    return Answer.HOLDS if gain.low > least else Answer.FAILS if gain.high < least else Answer.OPEN


def update_step(transformation: Any) -> Callable[..., Any]:  # noqa: ANN401 - of optax
    """One update as a compiled function: `gradients, state, parameters -> state, parameters`.

    The gradients are an argument. XLA would compute a part of the update at compile time if they were constants.
    """

    def step(gradients: Any, state: Any, parameters: Any) -> Any:  # noqa: ANN401 - trees
        updates, state = transformation.update(gradients, state, parameters)
        return state, jax.tree.map(jnp.add, parameters, updates)

    return jax.jit(step)


def _wait(step: Callable[..., Any], *arguments: Any) -> None:  # noqa: ANN401 - trees
    jax.block_until_ready(step(*arguments))  # type: ignore[no-untyped-call]


def _update_seconds() -> dict[str, list[float]]:
    """Seconds of one update of a tree, in turns: a list for each optimizer."""
    generator = np.random.default_rng(0)
    parameters = [jnp.asarray(generator.normal(size=shape), jnp.float32) for shape in _TREE]
    gradients = [jnp.asarray(generator.normal(size=shape), jnp.float32) for shape in _TREE]
    runs = {}
    for name, transformation in transformations().items():
        step, state = update_step(transformation), transformation.init(parameters)
        runs[name] = partial(_wait, step, gradients, state, parameters)
    return _in_turns(runs, repeats=10)


def _step_seconds() -> dict[str, list[float]]:
    """Seconds of one whole step of training, in turns: a list for each optimizer of optax."""
    task = builtin_task(_TASK)
    trainer = Trainer(task, range(_SEEDS), compile_programs=True, horizon=_STEPS)
    entrants = {f"optax.{name}": optimizer(name) for name in ("lion", "adamw", "adafactor")}
    seconds = _in_turns({name: partial(trainer.losses, entrant) for name, entrant in entrants.items()})
    return {name: [value / _STEPS for value in values] for name, values in seconds.items()}


def _in_turns(runs: Mapping[str, Callable[[], Any]], repeats: int = 1) -> dict[str, list[float]]:
    """Seconds of each function in each round; every round calls all of them, after one call that compiles."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    for _ in range(_ROUNDS):
        for name, run in runs.items():
            begin = time.perf_counter()
            for _ in range(repeats):
                run()
            seconds[name].append((time.perf_counter() - begin) / repeats)
    return seconds
