"""From functions of the language to passes over tiles (`primitives.passes`).

A function is traced on vectors of shape `(P,)`, and each of its operations becomes a `Node`. A row of the registry
therefore has no field for tiles, also for a custom function. A function with an operation that does not
work by tiles, such as a sort or a cumulative sum, raises `UntiledError`.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

from primitives.passes import REDUCTIONS, Joined, Node, Tiled, Window, maximum, minimum
from primitives.registry import Primitive

_CALLS = {"jit": "jaxpr", "pjit": "jaxpr", "closed_call": "call_jaxpr", "custom_jvp_call": "call_jaxpr"}
_CALLS |= {"custom_vjp_call": "call_jaxpr"}
_SAME = ("broadcast_in_dim", "reshape", "squeeze", "copy", "copy_p", "stop_gradient")
_ELEMENTWISE = frozenset(
    (
        *("abs", "add", "ceil", "clamp", "convert_element_type", "div", "floor", "integer_pow", "max", "min", "mul"),
        *("neg", "pow", "rem", "round", "select_n", "sign", "square", "sub"),
        *("and", "eq", "ge", "gt", "is_finite", "le", "lt", "ne", "not", "or", "xor"),
        *("cbrt", "exp", "exp2", "expm1", "log", "log1p", "logistic", "rsqrt", "sqrt"),
        *("acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cos", "cosh", "sin", "sinh", "tan", "tanh"),
        *("digamma", "erf", "erf_inv", "erfc", "lgamma"),
    )
)
_REPLACED = {"max": maximum, "min": minimum}


class UntiledError(Exception):
    """A function cannot be computed by tiles; the message names the operation."""


def tiled(row: Primitive, sizes: tuple[int, ...]) -> Tiled:
    """Derive the passes of a function of the language.

    Args:
        row: the function.
        sizes: number of weights in each parameter array; their sum is P.

    Raises:
        UntiledError: an operation of the function does not work by tiles, or the function cannot be traced.
    """
    size = sum(sizes)
    vectors = [jax.ShapeDtypeStruct((size,), jnp.float32)] * row.arity  # type: ignore[no-untyped-call]
    try:
        traced = jax.make_jaxpr(lambda *arguments: row.call(list(arguments), sizes))(*vectors)
    except Exception as error:  # of code that is not ours
        raise UntiledError(f"it cannot be traced on vectors of shape ({size},): {error}") from None
    arguments = [Node((), Window(0, size), 0, place=place) for place in range(row.arity)]
    (result,) = _evaluated(traced.jaxpr, [_constant(value) for value in traced.consts], arguments)
    if result.window not in (None, Window(0, size)):
        raise UntiledError("its result does not have the length of its arguments")
    return Tiled(result, size)


def constant(value: float) -> Tiled:
    """The function without arguments that gives a number, on vectors of any length."""
    return Tiled(_constant(np.float32(value)), 1)


def _constant(value: Any) -> Node:  # noqa: ANN401 - an array or a number
    if np.size(value) != 1:
        raise UntiledError(f"it holds a constant of shape {np.shape(value)}")
    number = np.asarray(value).reshape(())
    return Node((), None, 0, lambda: jnp.full((), number.item(), jax.dtypes.canonicalize_dtype(number.dtype)))


def _evaluated(jaxpr: core.Jaxpr, constants: Sequence[Node], arguments: Sequence[Node]) -> list[Node]:
    """Nodes of the results of a traced function."""
    nodes: dict[Any, Node] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*constants, *arguments], strict=True))

    def node(variable: Any) -> Node:  # noqa: ANN401 - a variable, or a literal
        return _constant(variable.val) if isinstance(variable, core.Literal) else nodes[variable]

    for equation in jaxpr.eqns:
        inputs = [node(variable) for variable in equation.invars]
        nodes |= zip(equation.outvars, _outputs(equation, inputs), strict=True)
    return [node(variable) for variable in jaxpr.outvars]


def _outputs(equation: Any, inputs: list[Node]) -> list[Node]:  # noqa: ANN401 - JAX's equations are not typed
    name, params = equation.primitive.name, equation.params
    if name in _CALLS:
        inner = params[_CALLS[name]]
        return _evaluated(inner.jaxpr, [_constant(value) for value in inner.consts], inputs)
    shapes = [variable.aval.shape for variable in (*equation.invars, *equation.outvars)]
    passes = max((given.passes for given in inputs), default=0)
    if name in _SAME and (inputs[0].window is None or shapes[0] == shapes[-1]):
        return inputs
    if name == "slice" and inputs[0].window and set(params["strides"] or (1,)) == {1}:
        begin, end = (
            inputs[0].window.begin + limits[0] for limits in (params["start_indices"], params["limit_indices"])
        )
        return [Node((inputs[0],), Window(begin, end), passes)]
    if name == "concatenate":
        return [_joined(inputs, [shape[0] for shape in shapes[:-1]], passes)]
    if name in REDUCTIONS:
        return [_reduction(name, inputs[0], equation.invars[0].aval)]
    windows = {given.window for given in inputs if given.window}
    if name not in _ELEMENTWISE or len(windows) > 1:
        raise UntiledError(f"its operation `{name}` does not work by tiles")
    compute = _REPLACED.get(name) or partial(equation.primitive.bind, **params)
    return [Node(tuple(inputs), next(iter(windows), None), passes, compute)]


def _reduction(name: str, node: Node, kind: Any) -> Node:  # noqa: ANN401 - shape and dtype
    if kind.size == 1 and node.window is None:
        return node
    if node.window is None or kind.dtype != np.float32:
        raise UntiledError(f"its operation `{name}` reduces a value that is not a vector of numbers")
    return Node((node,), None, node.passes + 1, reduction=name)


def _joined(inputs: Sequence[Node], lengths: Sequence[int], passes: int) -> Node:
    """Concatenated vectors, of which each stays at the positions where it was."""
    ends = np.cumsum([0, *lengths]).tolist()
    begins = {given.window.begin - begin for given, begin in zip(inputs, ends[:-1], strict=True) if given.window}
    first = begins.pop() if begins else 0
    if begins:
        raise UntiledError("its `concatenate` moves weights to other positions")
    window = Window(first, first + ends[-1])
    return Joined(tuple(inputs), window, passes, ends=tuple(first + end for end in ends[1:]))
