"""Batches of programs as one update rule: by one kernel, or by the interpreter under `vmap`.

The kernel (`primitives.kernel`) is for NVIDIA GPUs. It has every function that works by tiles (`primitives.tiling`) and
that Triton can compile. `vmap` has all functions, and runs on every backend: a TPU, or a CPU.
"""

from collections.abc import Mapping, Sequence
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from primitives.interpreter import Encoded, State, UpdateRule, interpreted
from primitives.passes import Tiled
from primitives.registry import MAX_ARITY, REGISTRY, Primitive
from primitives.tiling import UntiledError, tiled


def stacked(encoded: Sequence[Encoded], count: int) -> Encoded:
    """Stack programs of one size class and one number of slots; the last one is repeated until there are `count`."""
    padded = [*encoded, *[encoded[-1]] * (count - len(encoded))]
    return Encoded(*map(np.stack, zip(*padded, strict=True)))


def batched(encoded: Encoded, sizes: tuple[int, ...], *, kernel: bool) -> UpdateRule:
    """Make the update rule of a batch of encoded programs.

    Args:
        encoded: N programs of one size class, their arrays stacked along a first axis. They may be traced.
        sizes: number of weights in each parameter array, in order; their sum is P.
        kernel: compute it by one kernel; on a CPU this is Pallas's interpret mode. Otherwise the interpreter runs under
            `vmap`. A program that uses a function in `kernel_faults` needs the latter.

    Returns:
        The update rule for weights of shape `(N, S, P)` and a learning rate of shape `()` or `(S, 1)`.
    """
    if kernel:
        from primitives.kernel import fused  # with Pallas, whose import takes .2 s

        interpret = jax.default_backend() == "cpu"
        without = frozenset() if interpret else frozenset(kernel_faults(sizes))
        return fused(encoded, sizes, without=without, interpret=interpret)

    def init(weights: Array) -> State:
        return jax.vmap(lambda code, own: interpreted(code, sizes).init(own))(encoded, weights)

    def update(weights: Array, gradient: Array, state: State, learning_rate: Array) -> tuple[Array, State]:
        def one(code: Encoded, own: Array, slope: Array, held: State) -> tuple[Array, State]:
            return interpreted(code, sizes).update(own, slope, held, learning_rate)

        return jax.vmap(one)(encoded, weights, gradient, state)

    return UpdateRule(init, update)


def kernel_faults(sizes: tuple[int, ...]) -> Mapping[str, str]:
    """Functions of the language that the kernel does not have: names, with the reason.

    Programs that use one of them run under `vmap`. The answer is for NVIDIA GPUs, and needs none.

    Args:
        sizes: number of weights in each parameter array.
    """
    return _faults(sizes, tuple(REGISTRY))


@cache
def _faults(sizes: tuple[int, ...], rows: tuple[Primitive, ...]) -> dict[str, str]:
    """Faults of some functions."""
    derived: dict[str, Tiled] = {}
    faults: dict[str, str] = {}
    for row in rows:
        try:
            derived[row.name] = tiled(row, sizes)
        except UntiledError as error:
            faults[row.name] = str(error)
    if _lowering_fault(list(derived.values())):
        one_by_one = {name: _lowering_fault([function]) for name, function in derived.items()}
        faults |= {name: reason for name, reason in one_by_one.items() if reason}
    return faults


def _lowering_fault(functions: Sequence[Tiled]) -> str:
    """Why a kernel with some functions cannot be lowered to Triton; empty if it can."""
    from primitives.kernel import Branches, Frame, kernel_call

    frame = Frame(programs=1, seeds=1, weights=functions[0].size, slots=0, statements=1, tile=8)
    code = [((1,), jnp.int32), ((1, 1, 2), jnp.int32), ((1, 1, MAX_ARITY), jnp.int32)]
    numbers = [(1, 1, MAX_ARITY), (1, 1), (1,), (1, 1, frame.weights), (1, 1, frame.weights)]
    dtypes = [jnp.float32, jnp.int32, *[jnp.float32] * 3]  # constants, outputs, rate, weights, gradient
    arrays = [jax.ShapeDtypeStruct(*array) for array in [*code, *zip(numbers, dtypes, strict=True)]]  # type: ignore[no-untyped-call]
    try:
        call = kernel_call(frame, Branches.of(functions), interpret=False)
        jax.jit(call).trace(*arrays).lower(lowering_platforms=("cuda",))
    except Exception as error:  # Pallas and MLIR raise many kinds
        return next(iter(str(error).splitlines()), "") or type(error).__name__
    return ""
