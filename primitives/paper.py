"""The published function set: the 44 usable functions of Chen et al. (2023), each with its exact meaning.

The search space that the authors published lists 45. `invert` (bitwise not) has no meaning on floats and is left
out. The guards of the original are kept (`/` adds 1e-8; `log`, `log10`, `log2` and `sqrt` take |x|; `log1p` takes
|1 + x|); nothing else is guarded, so that an argument outside the domain gives NaN. Four faults of the published
code are mended: `cbrt` is a function of its argument, `power` works on trees, `interp` wants the scalar last, and
constants are drawn rather than always 1.
"""

import math
from collections.abc import Callable

import jax.numpy as jnp
from jax import Array

from primitives.kinds import ANY, ONLY_SCALAR, ONLY_TREE, Kind
from primitives.registry import Primitive, Property, register

EPSILON = 1e-8  # the guard in `/` and the value of `get_eps` (search space of Chen et al., 2023)
SOURCE = "Chen et al. (2023), published search space"

COMMUTATIVE, ODD, EVEN = Property.COMMUTATIVE, Property.ODD, Property.EVEN
IDEMPOTENT, INCREASING = Property.IDEMPOTENT, Property.INCREASING
HOMOGENEOUS = Property.POSITIVELY_HOMOGENEOUS


def _total(values: Array) -> Array:
    """Sum over all weights, shape `(..., 1)`."""
    return jnp.sum(values, axis=-1, keepdims=True)


def _norm(x: Array, sizes: tuple[int, ...]) -> Array:
    """Euclidean norm of each parameter array, laid over its stretch of the last axis."""
    ends = [sum(sizes[: index + 1]) for index in range(len(sizes))]
    parts = [x[..., end - size : end] for end, size in zip(ends, sizes, strict=True)]
    return jnp.concatenate([jnp.broadcast_to(jnp.sqrt(_total(part * part)), part.shape) for part in parts], axis=-1)


def _global_norm(x: Array) -> Array:
    return jnp.sqrt(_total(x * x))


def _dot(x: Array, y: Array) -> Array:
    return _total(x * y)


def _cosine_sim(x: Array, y: Array) -> Array:
    return _dot(x, y) / (_global_norm(x) * _global_norm(y))


def _clip(x: Array, c: Array) -> Array:
    return x * jnp.minimum(1.0, c / _global_norm(x))


def _interp(x: Array, y: Array, a: Array) -> Array:
    return (1 - a) * x + a * y


def _log1p(x: Array) -> Array:
    """log|1 + x|, exact near zero, where 1 + x would lose digits."""
    return jnp.where(x > -1, jnp.log1p(x), jnp.log(-(1 + x)))


def _row(
    name: str,
    function: Callable[..., Array],
    accepts: tuple[frozenset[Kind], ...],
    formula: str,
    *properties: Property,
    result: Kind | None = None,
    symbol: str | None = None,
    aliases: tuple[str, ...] = (),
    per_array: bool = False,
) -> Primitive:
    return Primitive(
        name, function, accepts, result, formula, SOURCE, symbol, aliases, frozenset(properties), per_array
    )


def _constant(name: str, value: float, formula: str) -> Primitive:
    return _row(name, lambda: jnp.float32(value), (), formula, result=Kind.SCALAR)


def _unary(name: str, function: Callable[..., Array], formula: str, *properties: Property) -> Primitive:
    return _row(name, function, (ANY,), formula, *properties)


def _binary(
    name: str, symbol: str | None, function: Callable[..., Array], formula: str, *properties: Property
) -> Primitive:
    return _row(name, function, (ANY, ANY), formula, *properties, symbol=symbol)


def _reduction(name: str, arity: int, function: Callable[..., Array], formula: str, *properties: Property) -> Primitive:
    return _row(name, function, (ONLY_TREE,) * arity, formula, *properties, result=Kind.SCALAR)


_ROWS = (
    _binary("add", "+", lambda x, y: x + y, "x + y", COMMUTATIVE),
    _binary("subtract", "-", lambda x, y: x - y, "x - y"),
    _binary("multiply", "*", lambda x, y: x * y, "x y", COMMUTATIVE),
    _binary("divide", "/", lambda x, y: x / (y + EPSILON), "x / (y + 1e-8)"),
    _binary("max", None, jnp.maximum, "max(x, y)", COMMUTATIVE),
    _binary("min", None, jnp.minimum, "min(x, y)", COMMUTATIVE),
    _constant("get_pi", math.pi, "π"),
    _constant("get_e", math.e, "e"),
    _constant("get_eps", EPSILON, "1e-8"),
    _unary("abs", jnp.abs, "|x|", EVEN, IDEMPOTENT, HOMOGENEOUS),
    _unary("cos", jnp.cos, "cos x", EVEN),
    _unary("sin", jnp.sin, "sin x", ODD),
    _unary("tan", jnp.tan, "tan x", ODD),
    _unary("arcsin", jnp.arcsin, "arcsin x", ODD, INCREASING),
    _unary("arccos", jnp.arccos, "arccos x"),
    _unary("arctan", jnp.arctan, "arctan x", ODD, INCREASING),
    _unary("sinh", jnp.sinh, "sinh x", ODD, INCREASING),
    _unary("cosh", jnp.cosh, "cosh x", EVEN),
    _unary("tanh", jnp.tanh, "tanh x", ODD, INCREASING),
    _unary("arcsinh", jnp.arcsinh, "arcsinh x", ODD, INCREASING),
    _unary("arccosh", jnp.arccosh, "arccosh x", INCREASING),
    _unary("arctanh", jnp.arctanh, "arctanh x", ODD, INCREASING),
    _unary("exp", jnp.exp, "e^x", INCREASING),
    _unary("exp2", jnp.exp2, "2^x", INCREASING),
    _unary("exp10", lambda x: jnp.power(10.0, x), "10^x", INCREASING),
    _unary("expm1", jnp.expm1, "e^x - 1", INCREASING),
    _unary("log", lambda x: jnp.log(jnp.abs(x)), "log |x|", EVEN),
    _unary("log10", lambda x: jnp.log10(jnp.abs(x)), "log10 |x|", EVEN),
    _unary("log2", lambda x: jnp.log2(jnp.abs(x)), "log2 |x|", EVEN),
    _unary("log1p", _log1p, "log |1 + x|"),
    _unary("square", jnp.square, "x^2", EVEN),
    _unary("sqrt", lambda x: jnp.sqrt(jnp.abs(x)), "sqrt |x|", EVEN),
    _unary("cube", lambda x: x * x * x, "x^3", ODD, INCREASING),
    _unary("cbrt", jnp.cbrt, "x^(1/3)", ODD, INCREASING),
    _unary("sign", jnp.sign, "sign x", ODD, IDEMPOTENT, INCREASING),
    _unary("reciprocal", lambda x: 1 / x, "1 / x", ODD),
    _unary("negative", jnp.negative, "-x", ODD, HOMOGENEOUS),
    _row(
        "norm",
        _norm,
        (ONLY_TREE,),
        "sqrt(sum x^2) over each parameter array",
        EVEN,
        HOMOGENEOUS,
        result=Kind.LEAF,
        per_array=True,
    ),
    _reduction("global_norm", 1, _global_norm, "sqrt(sum x^2) over all weights", EVEN, HOMOGENEOUS),
    _reduction("dot", 2, _dot, "sum x y over all weights", COMMUTATIVE),
    _reduction("cosine_sim", 2, _cosine_sim, "dot(x, y) / (global_norm(x) global_norm(y))", COMMUTATIVE),
    _row(
        "clip",
        _clip,
        (ONLY_TREE, ONLY_SCALAR),
        "x min(1, c / global_norm(x))",
        result=Kind.TREE,
        aliases=("clip_by_global_norm",),
    ),
    _binary("power", None, jnp.power, "x^y"),
    _row("interp", _interp, (ANY, ANY, ONLY_SCALAR), "(1 - a) x + a y"),
)

PAPER: tuple[str, ...] = tuple(register(row).name for row in _ROWS)
