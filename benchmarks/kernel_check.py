"""Results of the kernel, compared with those of the interpreter; and the memory that a program takes on each task.

On a CPU the kernel runs in Pallas's interpret mode, whose time means nothing.
"""

from collections.abc import Sequence
from itertools import islice

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.descent import descendants
from benchmarks.limits import Limit, Section, table
from primitives import (
    REGISTRY,
    Encoded,
    Primitive,
    batched,
    builtin,
    encode,
    interpreted,
    kernel_faults,
    size_class,
    stacked,
)
from primitives.kernel import TILE, Frame
from proxy_tasks import TASKS, problem

FORMS = ((0, 1, 3), (1, -1, -2), (-2, 0, -1), (-1, -1, -1))  # operands: w, g, v, a constant, the learning rate
SIZES = (1500, 7, 600)  # weights of the parameter arrays: three tiles, and arrays that begin within a tile
SEEDS = 2
DESCENDANTS = 48
APART = 1e-4  # largest relative difference of a number; a random program may amplify rounding
SMALLEST = size_class(builtin("sgd"))  # room for statements
_MIB = 2**20

Arrays = tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]  # weights, gradient, state slots


def call_of(row: Primitive, operands: Sequence[int]) -> Encoded:
    """One statement that calls a function; its result is the update and the first of two state slots.

    Args:
        row: the function.
        operands: as in `Encoded`; constants are 0.7.
    """
    blank = encode(builtin("sgd"))
    code = Encoded(
        length=np.array(1, np.int32),
        operations=np.zeros_like(blank.operations),
        operands=np.full_like(blank.operands, -1),
        constants=np.full_like(blank.constants, 0.7),
        outputs=np.array([4, 4, 3], np.int32),
    )
    code.operations[0] = REGISTRY.code(row.name)
    code.operands[0, : row.arity] = operands[: row.arity]
    return code


def arrays() -> Arrays:
    """Weights, gradients and state of some seeds, shape `(SEEDS, P)`; one weight is NaN, one infinite, one zero."""
    generator = np.random.default_rng(0)
    weights, gradient, m, v = generator.normal(size=(4, SEEDS, sum(SIZES))).astype(np.float32)
    weights[0, :3] = np.nan, np.inf, 0
    return weights, gradient, (m, np.abs(v))


def by_kernel(codes: Sequence[Encoded], given: Arrays) -> np.ndarray:
    """The update of each program by one kernel, shape `(programs, SEEDS, P)`."""
    weights, gradient, *state = (jnp.broadcast_to(x, (len(codes), *x.shape)) for x in (given[0], given[1], *given[2]))
    rule = batched(stacked(codes, len(codes)), SIZES, kernel=True)
    return np.asarray(jax.jit(rule.update)(weights, gradient, tuple(state), jnp.float32(0.3))[0])


def one_by_one(codes: Sequence[Encoded], given: Arrays) -> np.ndarray:
    """The same by the interpreter, one program after the other."""

    @jax.jit
    def run(code: Encoded) -> jax.Array:
        rule = interpreted(code, SIZES)
        weights, gradient = jnp.asarray(given[0]), jnp.asarray(given[1])
        return rule.update(weights, gradient, (*given[2], rule.init(weights)[-1]), jnp.float32(0.3))[0]  # type: ignore[arg-type]

    return np.stack([np.asarray(run(code)) for code in codes])


def section() -> Section:
    """Programs on which the kernel and the interpreter differ, and functions that Triton lacks."""
    programs = (program for program in descendants(seed=2) if size_class(program) == SMALLEST)
    codes = [call_of(row, operands) for row in REGISTRY for operands in FORMS]
    codes += [encode(program) for program in islice(programs, DESCENDANTS)]
    given = arrays()
    found, expected = by_kernel(codes, given), one_by_one(codes, given)
    differ = [
        not np.allclose(a, b, rtol=APART, atol=1e-6, equal_nan=True) for a, b in zip(found, expected, strict=True)
    ]
    lines = [
        "## The kernel and the interpreter",
        "",
        f"{len(REGISTRY)} functions in {len(FORMS)} argument forms and {DESCENDANTS} descendants of AdamW, {SEEDS} "
        f"seeds, {sum(SIZES):,} weights, NaN, infinity and zero among them: {sum(differ)} of {len(codes)} programs "
        f"differ from the interpreter.",
    ]
    limits = [
        Limit("programs on which kernel and interpreter differ", sum(differ), 0),
        Limit("functions that Triton lacks", len(kernel_faults(SIZES)), 0),
    ]
    return Section(lines, limits)


def cost_section(names: Sequence[str] = tuple(TASKS)) -> Section:
    """What a program of the smallest size class with two slots takes in the kernel, for each task."""
    rows = []
    for name in names:
        weights = sum(problem(TASKS[name]).sizes)
        frame = Frame(programs=1, seeds=3, weights=weights, slots=2, statements=SMALLEST, tile=TILE)
        memory = 4 * frame.seeds * frame.registers * frame.tiles * frame.tile / _MIB
        rows.append([name, f"{weights:,}", str(frame.tiles), f"{memory:.1f} MiB", f"{512 * memory / 1024:.1f} GiB"])
    heads = ["task", "weights", "tiles", "registers of a program, 3 seeds", "of 512 programs"]
    return Section(["## Registers in device memory", "", *table(heads, rows)], [])
