"""The interpreter: one compiled function that runs any program, which it takes as data.

Compiling a program takes about a second, and training a tiny network with it a few hundredths of a second. Therefore a
program is *encoded* as arrays (operation codes, operands, constants), and one function, compiled once, executes the
arrays. Only the live part is encoded. Statement i writes register i and no other (static single assignment), each
operand is read inside the branch that uses it, and constants stay scalars.

Programs are padded to a size class, a power of two, so that few versions of the function are compiled. `compiled` is
the alternative for long runs: the program is traced and compiled by XLA. Both return an update rule, a pair of
functions as in optax. Both compute in float32 or in the dtype of the weights, whichever is wider.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from primitives.dataflow import Source, flow, live
from primitives.program import GRADIENT, LEARNING_RATE, UPDATE, WEIGHTS, Program
from primitives.registry import MAX_ARITY, REGISTRY

SMALLEST_CLASS = 16  # statements; AdamW has 9, the raw program of Chen et al. (2023) 12 that are live

CONSTANT_OPERAND, LEARNING_RATE_OPERAND = -1, -2  # operands that are not registers
FIRST_SLOT = 2  # registers: w, g, the state slots, then one for each statement

State = tuple[Array, ...]


class UpdateRule(NamedTuple):
    """An optimizer as two pure functions; weights of shape `(..., P)`, learning rate of shape `()` or `(..., 1)`.

    Attributes:
        init: `weights -> state`.
        update: `(weights, gradient, state, learning_rate) -> (update, state)`, where `update` is what is
            subtracted from the weights.
    """

    init: Callable[[Array], State]
    update: Callable[[Array, Array, State, Array], tuple[Array, State]]


class Encoded(NamedTuple):
    """A program as arrays; N is its size class, A the largest number of arguments, K the number of slots.

    Attributes:
        length: number of statements, int32, shape `()`.
        operations: operation codes, int32, shape `(N,)`.
        operands: registers, or a negative code for a constant or the learning rate; int32, shape `(N, A)`.
        constants: values of the operands that are constants, float32, shape `(N, A)`.
        outputs: registers of the update and of the next state slots, int32, shape `(1 + K,)`.
    """

    length: np.ndarray | Array
    operations: np.ndarray | Array
    operands: np.ndarray | Array
    constants: np.ndarray | Array
    outputs: np.ndarray | Array


def size_class(program: Program) -> int:
    """Number of statements after padding: the least power of two that holds the live part, `SMALLEST_CLASS` or more."""
    return max(SMALLEST_CLASS, 1 << (len(live(program).lines) - 1).bit_length())


def encode(program: Program) -> Encoded:
    """Encode the live part of a valid program. Dead state slots keep their value, zero."""
    graph = flow(program)
    lines, live_slots = live(program)
    room = size_class(program)
    inputs = (WEIGHTS, GRADIENT, *program.slots)
    registers: dict[Source, int] = {name: index for index, name in enumerate(inputs)}
    registers |= {line: len(inputs) + index for index, line in enumerate(lines)}
    registers[LEARNING_RATE] = LEARNING_RATE_OPERAND
    encoded = Encoded(
        length=np.array(len(lines), np.int32),
        operations=np.zeros(room, np.int32),
        operands=np.full((room, MAX_ARITY), CONSTANT_OPERAND, np.int32),
        constants=np.zeros((room, MAX_ARITY), np.float32),
        outputs=np.array(
            [registers[graph.outputs[UPDATE]]]
            + [registers[graph.outputs[slot] if slot in live_slots else slot] for slot in program.slots],
            np.int32,
        ),
    )
    for index, line in enumerate(lines):
        encoded.operations[index] = REGISTRY.code(program.statements[line].primitive)
        for place, source in enumerate(graph.arguments[line]):
            if isinstance(source, float):
                encoded.constants[index, place] = source
            else:
                encoded.operands[index, place] = registers[source]
    return encoded


def interpreted(encoded: Encoded, sizes: tuple[int, ...]) -> UpdateRule:
    """Make the update rule of an encoded program.

    Args:
        encoded: the program. Its arrays may be traced, so that one compilation serves a whole size class.
        sizes: number of weights in each parameter array, in order; their sum is P.
    """
    code = Encoded(*map(jnp.asarray, encoded))
    slots = len(code.outputs) - 1
    first = FIRST_SLOT + slots

    def init(weights: Array) -> State:
        zero = jnp.zeros_like(weights, dtype=_wide(weights))
        return (*(zero for _ in range(slots)), jnp.zeros((first + len(code.operations), *weights.shape), zero.dtype))

    def update(weights: Array, gradient: Array, state: State, learning_rate: Array) -> tuple[Array, State]:
        *held, registers = state
        for index, value in enumerate((weights, gradient, *held)):
            registers = registers.at[index].set(value)

        def statement(index: Array, registers: Array) -> Array:
            value = lax.switch(
                code.operations[index],
                branches,
                registers,
                code.operands[index],
                code.constants[index],
                learning_rate,
            )
            return registers.at[first + index].set(value)

        branches = [_branch(row.call, row.arity, sizes, weights.shape) for row in REGISTRY]
        registers = lax.fori_loop(0, code.length, statement, registers)
        results = [_register(registers, output) for output in code.outputs]
        return _narrow(results[0], weights), (*results[1:], registers)

    return UpdateRule(init, update)


def _wide(weights: Array) -> jnp.dtype:
    """Dtype in which a program is run: at least float32, since the 1e-8 in `/` is 0 in float16."""
    return jnp.promote_types(weights.dtype, jnp.float32)


def _narrow(update: Array, weights: Array) -> Array:
    """The update in the dtype of the weights, if they are floating-point numbers."""
    return update.astype(weights.dtype) if jnp.issubdtype(weights.dtype, jnp.inexact) else update


def _register(registers: Array, index: Array) -> Array:
    row: Array = lax.dynamic_index_in_dim(registers, index, keepdims=False)
    return row


def _branch(
    call: Callable[[list[Array], tuple[int, ...]], Array],
    arity: int,
    sizes: tuple[int, ...],
    shape: tuple[int, ...],
) -> Callable[[Array, Array, Array, Array], Array]:
    """Make the branch of one primitive, from the register file to the value of a register."""

    def run(registers: Array, operands: Array, constants: Array, learning_rate: Array) -> Array:
        def read(place: int) -> Array:
            operand = operands[place]
            scalar = jnp.where(operand == LEARNING_RATE_OPERAND, learning_rate, constants[place])
            return jnp.where(operand < 0, scalar, _register(registers, jnp.maximum(operand, 0)))

        value = call([read(place) for place in range(arity)], sizes)
        return jnp.broadcast_to(value, shape).astype(registers.dtype)

    return run


def compiled(program: Program, sizes: tuple[int, ...], constants: Array | None = None) -> UpdateRule:
    """Make the update rule of a valid program, to be traced and compiled by XLA together with the loop around it.

    Args:
        program: its live part is traced.
        sizes: number of weights in each parameter array, in order; their sum is P.
        constants: values in place of its constants, in the order of `Program.constants()`, float32, shape `(C,)`. They
            may be traced, so that one compilation serves all values.
    """
    graph = flow(program)
    lines, live_slots = live(program)
    written = list(program.constants())
    given = np.array([value for *_, value in written], np.float32) if constants is None else constants
    number = {(line, place): index for index, (line, place, _) in enumerate(written)}

    def init(weights: Array) -> State:
        return tuple(jnp.zeros_like(weights, dtype=_wide(weights)) for _ in live_slots)

    def update(weights: Array, gradient: Array, state: State, learning_rate: Array) -> tuple[Array, State]:
        wide = [array.astype(_wide(array)) for array in (weights, gradient, learning_rate)]
        values: dict[Source, Array] = dict(zip((WEIGHTS, GRADIENT, LEARNING_RATE), wide, strict=True))
        values |= dict(zip(live_slots, state, strict=True))
        for line in lines:
            arguments = [
                jnp.asarray(given[number[line, place]]) if isinstance(source, float) else values[source]
                for place, source in enumerate(graph.arguments[line])
            ]
            values[line] = REGISTRY[program.statements[line].primitive].call(arguments, sizes)
        after = tuple(values[graph.outputs[slot]] for slot in live_slots)
        return _narrow(values[graph.outputs[UPDATE]], weights), after

    return UpdateRule(init, update)


def run_steps(rule: UpdateRule, weights: Array, gradients: Array, learning_rates: Array) -> Array:
    """Run an optimizer on given gradients.

    Args:
        rule: the optimizer.
        weights: shape `(P,)`.
        gradients: shape `(T, P)`.
        learning_rates: shape `(T,)`.

    Returns:
        Weights after each step, shape `(T, P)`.
    """

    def step(carry: tuple[Array, State], inputs: tuple[Array, Array]) -> tuple[tuple[Array, State], Array]:
        weights, state = carry
        update, state = rule.update(weights, inputs[0], state, inputs[1])
        weights = weights - update
        return (weights, state), weights

    _, path = jax.lax.scan(step, (weights, rule.init(weights)), (gradients, learning_rates))
    return path
