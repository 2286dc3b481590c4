"""The published function set: the 44 usable functions of Chen et al. (2023), each with its exact meaning.

The search space that the authors published lists 45. `invert` (bitwise not) has no meaning on floating-point numbers
and is left out. The guards of the original are kept (`/` adds 1e-8; `log`, `log10`, `log2` and `sqrt` take |x|;
`log1p` takes |1 + x|). Two quotients that the original leaves as 0/0 have a value: `clip` of zeros is zero, and
`cosine_sim` with zeros is 0. Nothing else is guarded: an argument outside the domain gives NaN. Four faults of the
published code are corrected: `cbrt` is a function of its argument, `power` works on trees, `interp` takes the scalar
last, and new constants are drawn at random instead of being 1.
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

_ABS = r"\left|{0}\right|"  # in LaTeX


def _total(values: Array) -> Array:
    """Sum over all weights, shape `(..., 1)`."""
    return jnp.sum(values, axis=-1, keepdims=True)


def _norm(x: Array, sizes: tuple[int, ...]) -> Array:
    """Euclidean norm of each parameter array, repeated over its part of the last axis."""
    ends = [sum(sizes[: index + 1]) for index in range(len(sizes))]
    parts = [x[..., end - size : end] for end, size in zip(ends, sizes, strict=True)]
    return jnp.concatenate([jnp.broadcast_to(jnp.sqrt(_total(part * part)), part.shape) for part in parts], axis=-1)


def _global_norm(x: Array) -> Array:
    return jnp.sqrt(_total(x * x))


def _dot(x: Array, y: Array) -> Array:
    return _total(x * y)


def _cosine_sim(x: Array, y: Array) -> Array:
    """Cosine of an angle, and 0 where x or y is zero, since the quotient is 0/0 there."""
    norms = _global_norm(x) * _global_norm(y)
    return jnp.where(norms == 0, 0.0, _dot(x, y) / jnp.where(norms == 0, 1.0, norms))


def _clip(x: Array, c: Array) -> Array:
    """Scale x down to the norm c. Where the norm is 0, the factor is the limit of min(1, c / norm), or 0 for c <= 0."""
    norm = _global_norm(x)
    factor = jnp.minimum(1.0, c / jnp.where(norm == 0, 1.0, norm))
    return x * jnp.where(norm == 0, jnp.where(c > 0, 1.0, 0.0), factor)


def _interp(x: Array, y: Array, a: Array) -> Array:
    return (1 - a) * x + a * y


def _log1p(x: Array) -> Array:
    """log|1 + x|, accurate near zero, where 1 + x would be rounded."""
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
    code: str = "",
    torch: str = "",
    latex: str = "",
) -> Primitive:
    properties_ = frozenset(properties)
    return Primitive(
        name, function, accepts, result, formula, SOURCE, symbol, aliases, properties_, per_array, code, torch, latex
    )


def _constant(name: str, value: float, formula: str) -> Primitive:
    return _row(name, lambda: jnp.float32(value), (), formula, result=Kind.SCALAR)


def _unary(
    name: str,
    function: Callable[..., Array],
    formula: str,
    *properties: Property,
    code: str = "",
    torch: str = "",
    latex: str = "",
) -> Primitive:
    code = code or f"xp.{name}({{0}})"
    return _row(name, function, (ANY,), formula, *properties, code=code, torch=torch, latex=latex)


def _binary(
    name: str,
    symbol: str | None,
    function: Callable[..., Array],
    formula: str,
    *properties: Property,
    code: str,
    torch: str = "",
    latex: str,
) -> Primitive:
    return _row(name, function, (ANY, ANY), formula, *properties, symbol=symbol, code=code, torch=torch, latex=latex)


def _reduction(
    name: str, arity: int, function: Callable[..., Array], formula: str, *properties: Property, latex: str
) -> Primitive:
    arguments = ", ".join(f"{{{place}}}" for place in range(arity))
    code = f"_{name}({arguments})"  # a helper function of the exported module
    return _row(name, function, (ONLY_TREE,) * arity, formula, *properties, result=Kind.SCALAR, code=code, latex=latex)


_ROWS = (
    _binary("add", "+", lambda x, y: x + y, "x + y", COMMUTATIVE, code="{0} + {1}", latex="{0} + {1}"),
    _binary("subtract", "-", lambda x, y: x - y, "x - y", code="{0} - {1}", latex="{0} - {1}"),
    _binary("multiply", "*", lambda x, y: x * y, "x y", COMMUTATIVE, code="{0} * {1}", latex=r"{0} \, {1}"),
    _binary(
        "divide",
        "/",
        lambda x, y: x / (y + EPSILON),
        "x / (y + 1e-8)",
        code="{0} / ({1} + 1e-8)",
        latex=r"\frac{{{0}}}{{{1} + \epsilon}}",
    ),
    _binary(
        "max",
        None,
        jnp.maximum,
        "max(x, y)",
        COMMUTATIVE,
        code="xp.maximum({0}, {1})",
        latex=r"\max\left({0}, {1}\right)",
    ),
    _binary(
        "min",
        None,
        jnp.minimum,
        "min(x, y)",
        COMMUTATIVE,
        code="xp.minimum({0}, {1})",
        latex=r"\min\left({0}, {1}\right)",
    ),
    _constant("get_pi", math.pi, "π"),
    _constant("get_e", math.e, "e"),
    _constant("get_eps", EPSILON, "1e-8"),
    _unary("abs", jnp.abs, "|x|", EVEN, IDEMPOTENT, HOMOGENEOUS, latex=_ABS),
    _unary("cos", jnp.cos, "cos x", EVEN, latex=r"\cos\left({0}\right)"),
    _unary("sin", jnp.sin, "sin x", ODD, latex=r"\sin\left({0}\right)"),
    _unary("tan", jnp.tan, "tan x", ODD, latex=r"\tan\left({0}\right)"),
    _unary("arcsin", jnp.arcsin, "arcsin x", ODD, INCREASING, latex=r"\arcsin\left({0}\right)"),
    _unary("arccos", jnp.arccos, "arccos x", latex=r"\arccos\left({0}\right)"),
    _unary("arctan", jnp.arctan, "arctan x", ODD, INCREASING, latex=r"\arctan\left({0}\right)"),
    _unary("sinh", jnp.sinh, "sinh x", ODD, INCREASING, latex=r"\sinh\left({0}\right)"),
    _unary("cosh", jnp.cosh, "cosh x", EVEN, latex=r"\cosh\left({0}\right)"),
    _unary("tanh", jnp.tanh, "tanh x", ODD, INCREASING, latex=r"\tanh\left({0}\right)"),
    _unary("arcsinh", jnp.arcsinh, "arcsinh x", ODD, INCREASING),
    _unary("arccosh", jnp.arccosh, "arccosh x", INCREASING),
    _unary("arctanh", jnp.arctanh, "arctanh x", ODD, INCREASING),
    _unary("exp", jnp.exp, "e^x", INCREASING, latex=r"\exp\left({0}\right)"),
    _unary("exp2", jnp.exp2, "2^x", INCREASING, latex="2^{{{0}}}"),
    _unary("exp10", lambda x: jnp.power(10.0, x), "10^x", INCREASING, code="10.0 ** ({0})", latex="10^{{{0}}}"),
    _unary("expm1", jnp.expm1, "e^x - 1", INCREASING),
    _unary("log", lambda x: jnp.log(jnp.abs(x)), "log |x|", EVEN, code="xp.log(xp.abs({0}))", latex=rf"\log {_ABS}"),
    _unary(
        "log10",
        lambda x: jnp.log10(jnp.abs(x)),
        "log10 |x|",
        EVEN,
        code="xp.log10(xp.abs({0}))",
        latex=rf"\log_{{{{10}}}} {_ABS}",
    ),
    _unary(
        "log2", lambda x: jnp.log2(jnp.abs(x)), "log2 |x|", EVEN, code="xp.log2(xp.abs({0}))", latex=rf"\log_2 {_ABS}"
    ),
    _unary(
        "log1p",
        _log1p,
        "log |1 + x|",
        latex=r"\log\left|1 + {0}\right|",
        code="xp.where({0} > -1, xp.log1p(xp.maximum({0}, -1.0)), xp.log(xp.abs(1 + {0})))",
        torch="torch.where({0} > -1, torch.log1p(torch.clamp({0}, min=-1.0)), torch.log(torch.abs(1 + {0})))",
    ),
    _unary("square", jnp.square, "x^2", EVEN, latex="{0}^2"),
    _unary(
        "sqrt",
        lambda x: jnp.sqrt(jnp.abs(x)),
        "sqrt |x|",
        EVEN,
        code="xp.sqrt(xp.abs({0}))",
        latex=rf"\sqrt{{{{{_ABS}}}}}",
    ),
    _unary("cube", lambda x: x * x * x, "x^3", ODD, INCREASING, code="{0} * {0} * {0}", latex="{0}^3"),
    _unary(
        "cbrt",
        jnp.cbrt,
        "x^(1/3)",
        ODD,
        INCREASING,
        torch="torch.sign({0}) * torch.abs({0}) ** (1 / 3)",
        latex=r"\sqrt[3]{{{0}}}",
    ),
    _unary("sign", jnp.sign, "sign x", ODD, IDEMPOTENT, INCREASING),
    _unary("reciprocal", lambda x: 1 / x, "1 / x", ODD, code="1 / {0}", latex=r"\frac{{1}}{{{0}}}"),
    _unary("negative", jnp.negative, "-x", ODD, HOMOGENEOUS, code="-{0}", latex="-{0}"),
    _row(
        "norm",
        _norm,
        (ONLY_TREE,),
        "sqrt(sum x^2) over each parameter array",
        EVEN,
        HOMOGENEOUS,
        result=Kind.LEAF,
        per_array=True,
        code="xp.sqrt(xp.sum({0} * {0}))",
        latex=r"\left\Vert {0} \right\Vert",
    ),
    _reduction(
        "global_norm",
        1,
        _global_norm,
        "sqrt(sum x^2) over all weights",
        EVEN,
        HOMOGENEOUS,
        latex=r"\left\Vert {0} \right\Vert_2",
    ),
    _reduction("dot", 2, _dot, "sum x y over all weights", COMMUTATIVE, latex=r"\langle {0}, {1} \rangle"),
    _reduction(
        "cosine_sim",
        2,
        _cosine_sim,
        "dot(x, y) / (global_norm(x) global_norm(y))",
        COMMUTATIVE,
        latex=r"\cos\angle({0}, {1})",
    ),
    _row(
        "clip",
        _clip,
        (ONLY_TREE, ONLY_SCALAR),
        "x min(1, c / global_norm(x))",
        result=Kind.TREE,
        aliases=("clip_by_global_norm",),
        code="_clip({0}, {1})",
        latex=r"\mathrm{{clip}}\left({0}, {1}\right)",
    ),
    _binary(
        "power",
        None,
        jnp.power,
        "x^y",
        code="xp.power({0}, {1})",
        torch="torch.pow({0}, {1})",
        latex="{0}^{{{1}}}",
    ),
    _row(
        "interp",
        _interp,
        (ANY, ANY, ONLY_SCALAR),
        "(1 - a) x + a y",
        code="(1 - {2}) * {0} + {2} * {1}",
        latex=r"(1 - {2}) \, {0} + {2} \, {1}",
    ),
)

PAPER: tuple[str, ...] = tuple(register(row).name for row in _ROWS)
