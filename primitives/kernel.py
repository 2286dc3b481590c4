"""The interpreter as one kernel: each block runs one program for one seed, and branches where `vmap` would select.

Under `vmap`, `lax.switch` computes every function of the language and selects one. A kernel has real branches. The
registers of a block lie in device memory, and each statement is a loop over tiles (`primitives.passes`), so that
vectors may have any length. The functions are those of the registry, as for `interpreted`, which is the reference.

The kernel is written in Pallas and compiled by Triton, for NVIDIA GPUs. In Pallas's interpret mode it runs on any
backend, slowly, which serves tests. `primitives.batches` chooses between the kernel and `vmap`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

from primitives.interpreter import FIRST_SLOT, LEARNING_RATE_OPERAND, Encoded, State, UpdateRule
from primitives.passes import Tiled
from primitives.registry import MAX_ARITY, REGISTRY, Primitive
from primitives.tiling import UntiledError, constant, tiled

TILE = 1024  # weights that a block handles at a time: eight for each of its threads
_WARPS = 4  # of 32 threads
_NAN = constant(float("nan"))
Ref = Any  # a reference of Pallas, which has no type


@dataclass(frozen=True)
class Frame:
    """Shapes of a kernel.

    Attributes:
        programs: number N of programs.
        seeds: number S of seeds.
        weights: number P of weights.
        slots: number K of state slots.
        statements: room for statements.
        tile: weights that a block handles at a time.
    """

    programs: int
    seeds: int
    weights: int
    slots: int
    statements: int
    tile: int

    @property
    def registers(self) -> int:
        """Number of registers: weights, gradient, slots, and one for each statement."""
        return FIRST_SLOT + self.slots + self.statements

    @property
    def tiles(self) -> int:
        """Number of tiles of a vector."""
        return -(-self.weights // self.tile)


@dataclass(frozen=True)
class Branches:
    """The functions of the language as a kernel branches between them.

    Attributes:
        elementwise: functions that one pass computes; the first gives NaN.
        in_passes: functions that need several passes.
        codes: for each operation code, the branch among `in_passes` (0 for `elementwise`, then from 1), and the branch
            among `elementwise`; int32, shape `(functions, 2)`.
    """

    elementwise: tuple[Tiled, ...]
    in_passes: tuple[Tiled, ...]
    codes: np.ndarray

    @classmethod
    def of(cls, functions: Sequence[Tiled]) -> Self:
        """The branches of functions with the codes 0, 1, 2 and so on."""
        elementwise = [_NAN, *(function for function in functions if not function.passes)]
        in_passes = [function for function in functions if function.passes]
        codes = [
            (1 + in_passes.index(function), 0) if function.passes else (0, elementwise.index(function))
            for function in functions
        ]
        return cls(tuple(elementwise), tuple(in_passes), np.array(codes, np.int32))


def fused(
    encoded: Encoded,
    sizes: tuple[int, ...],
    *,
    without: frozenset[str] = frozenset(),
    interpret: bool = False,
    tile: int = TILE,
) -> UpdateRule:
    """Make the update rule of a batch of encoded programs, computed by one kernel.

    Args:
        encoded: N programs of one size class, their arrays stacked along a first axis. They may be traced.
        sizes: number of weights in each parameter array, in order; their sum is P.
        without: names of functions that the kernel leaves out. These, and functions that do not work by tiles, give
            NaN.
        interpret: run in Pallas's interpret mode, on any backend.
        tile: weights that a block handles at a time, a power of two; less for shorter vectors.

    Returns:
        The update rule for weights of shape `(N, S, P)`, float32, and a learning rate of shape `()` or `(S, 1)`.
    """
    code = Encoded(*map(jnp.asarray, encoded))
    slots = code.outputs.shape[1] - 1
    size = sum(sizes)
    tile = min(tile, 1 << (size - 1).bit_length())

    def init(weights: Array) -> State:
        return tuple(jnp.zeros(weights.shape, jnp.float32) for _ in range(slots))

    def update(weights: Array, gradient: Array, state: State, learning_rate: Array) -> tuple[Array, State]:
        programs, seeds, _ = weights.shape
        rates = jnp.broadcast_to(jnp.ravel(learning_rate), (seeds,)).astype(jnp.float32)
        branches = _branches(sizes, tuple(REGISTRY), without)
        call = kernel_call(Frame(programs, seeds, size, slots, code.operations.shape[1], tile), branches, interpret)
        operations = jnp.asarray(branches.codes)[code.operations]
        found, *after, _ = call(*code._replace(operations=operations), rates, weights, gradient, *state)
        return found, tuple(after)

    return UpdateRule(init, update)


@cache
def _branches(sizes: tuple[int, ...], rows: tuple[Primitive, ...], without: frozenset[str]) -> Branches:
    """The branches of a kernel for the functions of the language."""
    return Branches.of([_NAN if row.name in without else _tiled_or_nan(row, sizes) for row in rows])


def _tiled_or_nan(row: Primitive, sizes: tuple[int, ...]) -> Tiled:
    try:
        return tiled(row, sizes)
    except UntiledError:
        return _NAN


def kernel_call(frame: Frame, branches: Branches, interpret: bool) -> Callable[..., Any]:
    """The kernel as a function.

    Args:
        frame: shapes.
        branches: functions between which a statement branches.
        interpret: run in Pallas's interpret mode.

    Returns:
        A function of the arrays of a batch of `Encoded` programs, with both numbers of `Branches.codes` in place of
        each operation; of the learning rates, shape `(S,)`; and of weights, gradient and state slots, shape
        `(N, S, P)`. It returns the updates, the next state slots, and the registers.
    """
    vector = pl.BlockSpec((None, None, frame.weights), lambda n, s: (n, s, 0))
    registers = pl.BlockSpec((None, None, frame.registers, frame.tiles * frame.tile), lambda n, s: (n, s, 0, 0))

    def of_program(*shape: int) -> pl.BlockSpec:
        return pl.BlockSpec((None, *shape), lambda n, s: (n, *(0 for _ in shape)))

    shape = (frame.programs, frame.seeds)
    vectors = [jax.ShapeDtypeStruct((*shape, frame.weights), jnp.float32)] * (1 + frame.slots)  # type: ignore[no-untyped-call]
    file = jax.ShapeDtypeStruct((*shape, frame.registers, frame.tiles * frame.tile), jnp.float32)  # type: ignore[no-untyped-call]
    return pl.pallas_call(
        _kernel(frame, branches, barrier=not interpret),
        grid=shape,
        in_specs=[
            pl.BlockSpec((1,), lambda n, s: (n,)),
            of_program(frame.statements, 2),
            of_program(frame.statements, MAX_ARITY),
            of_program(frame.statements, MAX_ARITY),
            of_program(1 + frame.slots),
            pl.BlockSpec((1,), lambda n, s: (s,)),
            *[vector] * (2 + frame.slots),
        ],
        out_specs=[*[vector] * (1 + frame.slots), registers],
        out_shape=[*vectors, file],
        interpret=interpret,
        compiler_params=None if interpret else triton.CompilerParams(num_warps=_WARPS, num_stages=1),
        name="interpreter",
    )


def _kernel(frame: Frame, branches: Branches, barrier: bool) -> Callable[..., None]:
    """The body of the kernel: one program, one seed."""
    first = FIRST_SLOT + frame.slots
    simple = [partial(function.on_tile, frame.tile) for function in branches.elementwise]
    synchronise = triton.debug_barrier if barrier else lambda: None

    def span(index: Array) -> Any:  # noqa: ANN401 - an index of Pallas
        return pl.ds(index * frame.tile, frame.tile)

    def copy(source: Ref, begin: tuple[Array, ...], target: Ref, end: tuple[Array, ...]) -> None:
        """Copy a vector by tiles; a register is longer than a vector, and its end may be anything."""

        def one(index: Array, nothing: None) -> None:
            inside = index * frame.tile + lax.iota(jnp.int32, frame.tile) < frame.weights
            values = triton.load(source.at[(*begin, span(index))], mask=inside, other=0.0)
            triton.store(target.at[(*end, span(index))], values, mask=inside)

        lax.fori_loop(0, frame.tiles, one, None)

    def body(
        length: Ref, operations: Ref, operands: Ref, constants: Ref, outputs: Ref, rate: Ref, *arrays: Ref
    ) -> None:
        given, results, file = arrays[:first], arrays[first:-1], arrays[-1]
        for register, source in enumerate(given):
            copy(source, (), file, (jnp.int32(register),))
        synchronise()

        def statement(line: Array, nothing: None) -> None:
            def read(place: int, index: Array) -> Array:
                operand = operands[line, place]
                scalar = jnp.where(operand == LEARNING_RATE_OPERAND, rate[0], constants[line, place])
                register = file.at[jnp.maximum(operand, 0), span(index)]
                stored = jnp.broadcast_to(operand >= 0, (frame.tile,))
                return triton.load(register, mask=stored, other=jnp.broadcast_to(scalar, (frame.tile,)))

            def write(index: Array, values: Array) -> None:
                triton.store(file.at[first + line, span(index)], values)

            def elementwise() -> None:
                def one(index: Array, nothing: None) -> None:
                    arguments = [read(place, index) for place in range(MAX_ARITY)]
                    write(index, lax.switch(operations[line, 1], simple, index, *arguments))

                lax.fori_loop(0, frame.tiles, one, None)

            in_passes = [partial(function.run, read, write, frame.tile) for function in branches.in_passes]
            lax.switch(operations[line, 0], [elementwise, *in_passes])
            synchronise()

        lax.fori_loop(0, length[0], statement, None)
        for place, target in enumerate(results):
            copy(file, (outputs[place],), target, ())

    return body
