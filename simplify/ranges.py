"""Ranges: the interval in which the values of a node lie, and whether they can be zero, by interval arithmetic.

The range of a node follows from those of its arguments. It holds for real numbers, where the node is not NaN. The
learning rate is assumed to be positive. An increasing function of one argument, also a user's, maps the ends of a range
to the ends of its range.

Examples: an average of squares lies in `[0, inf)`, and `arccos(x) - 4` in `[-4, -0.85]`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import inf, isnan, pi
from typing import NamedTuple

import numpy as np

from primitives import EPSILON, LEARNING_RATE, REGISTRY, Primitive, Property
from simplify.numeric import function as numeric
from simplify.terms import INVERSE, Graph


class Range(NamedTuple):
    """An interval, possibly without zero."""

    low: float = -inf
    high: float = inf
    nonzero: bool = False

    @property
    def nonnegative(self) -> bool:
        """Whether all values are at least zero."""
        return self.low >= 0

    @property
    def positive(self) -> bool:
        """Whether all values are above zero."""
        return self.low > 0 or (self.low == 0 and self.nonzero)

    @property
    def negative(self) -> bool:
        """Whether all values are below zero."""
        return self.high < 0 or (self.high == 0 and self.nonzero)

    @property
    def without_zero(self) -> bool:
        """Whether zero is not among the values."""
        return self.nonzero or self.low > 0 or self.high < 0


ANYWHERE, AT_LEAST_ZERO, ABOVE_ZERO = Range(), Range(0.0), Range(0.0, inf, True)


def range_of(graph: Graph, node: int) -> Range:
    """The range of a node; ranges are cached in the graph."""
    known: dict[int, Range] = graph.ranges
    open_ends = [node]
    while open_ends:
        last = open_ends[-1]
        missing = [argument for argument in graph.nodes[last].arguments if argument not in known]
        if missing:
            open_ends += missing
        else:
            open_ends.pop()
            if last not in known:
                graph.work.spend()
                known[last] = _found(graph, last)
    return known[node]


def _found(graph: Graph, node: int) -> Range:
    function, arguments, leaf = graph.nodes[node]
    if isinstance(leaf, float):
        return Range(leaf, leaf, leaf != 0)
    if isinstance(leaf, str):
        if leaf == LEARNING_RATE:
            return ABOVE_ZERO
        return AT_LEAST_ZERO if leaf in graph.nonnegative else ANYWHERE
    given = [graph.ranges[argument] for argument in arguments]
    if function == "multiply":
        return _product(arguments, given)
    if function == "dot":
        return AT_LEAST_ZERO if arguments[0] == arguments[1] else ANYWHERE
    if function in _KNOWN:
        return _KNOWN[function](given)
    return _unary(function, given[0]) if len(given) == 1 else ANYWHERE


def _times(x: float, y: float) -> float:
    return 0.0 if x == 0 or y == 0 else x * y  # an infinite end is not a value of the range


def _both(x: Range, y: Range) -> Range:
    """The range of a product."""
    ends = [_times(a, b) for a in (x.low, x.high) for b in (y.low, y.high)]
    return Range(min(ends), max(ends), x.without_zero and y.without_zero)


def _product(arguments: Sequence[int], given: Sequence[Range]) -> Range:
    """The range of a product; a factor that occurs an even number of times is not negative."""
    result = Range(1.0, 1.0, True)
    for factor, here in dict(zip(arguments, given, strict=True)).items():
        times = arguments.count(factor)
        even = _both(here, here)
        even = even._replace(low=max(0.0, even.low))
        for part in [even] * (times // 2) + [here] * (times % 2):
            result = _both(result, part)
    return result


def _sum(given: Sequence[Range]) -> Range:
    low, high = sum(x.low for x in given), sum(x.high for x in given)
    one_sign = all(x.low >= 0 for x in given) or all(x.high <= 0 for x in given)
    apart = one_sign and any(x.without_zero for x in given)
    return Range(low, high, apart or low > 0 or high < 0)


def _interp(given: Sequence[Range]) -> Range:
    """`(1 - a)·x + a·y`, which lies between `x` and `y` where `0 <= a <= 1`."""
    x, y, share = given
    rest = Range(1 - share.high, 1 - share.low, share.low > 1 or share.high < 1)
    apart = _sum([_both(rest, x), _both(share, y)])
    if share.low < 0 or share.high > 1:
        return apart
    return Range(min(x.low, y.low), max(x.high, y.high), apart.nonzero or (x.positive and y.positive))


def _inverse(given: Sequence[Range]) -> Range:
    """`1 / (x + 1e-8)`, which is positive where `x` is not negative."""
    (x,) = given
    if x.low >= 0:
        return Range(1 / (x.high + EPSILON), 1 / (x.low + EPSILON), True)
    return Range(1 / (x.high + EPSILON), 0.0, True) if x.high < -EPSILON else ANYWHERE


def _reciprocal(given: Sequence[Range]) -> Range:
    (x,) = given
    if x.low >= 0:
        return Range(1 / x.high if x.high else inf, 1 / x.low if x.low else inf, True)
    return Range(-inf, 0.0, True) if x.high <= 0 else Range(-inf, inf, True)


def _clip(given: Sequence[Range]) -> Range:
    x, most = given
    if not most.nonnegative:
        return ANYWHERE
    return Range(min(x.low, 0.0), max(x.high, 0.0), x.without_zero and most.positive)


def _power(given: Sequence[Range]) -> Range:
    base, exponent = given
    if base.low < 0:
        return AT_LEAST_ZERO if exponent.low == exponent.high and exponent.low % 2 == 0 else ANYWHERE
    return ABOVE_ZERO if base.positive else AT_LEAST_ZERO


def _largest(given: Sequence[Range]) -> Range:
    x, y = given
    apart = (x.without_zero and y.without_zero) or x.positive or y.positive
    return Range(max(x.low, y.low), max(x.high, y.high), apart)


def _least(given: Sequence[Range]) -> Range:
    x, y = given
    apart = (x.without_zero and y.without_zero) or x.negative or y.negative
    return Range(min(x.low, y.low), min(x.high, y.high), apart)


def _size(given: Sequence[Range]) -> Range:
    (x,) = given
    low = 0.0 if x.low <= 0 <= x.high else min(abs(x.low), abs(x.high))
    return Range(low, max(abs(x.low), abs(x.high)), x.without_zero)


def _root(given: Sequence[Range]) -> Range:
    low, high, apart = _size(given)
    return Range(low**0.5, high**0.5, apart)


def _within(low: float, high: float, nonzero: bool = False) -> Callable[[Sequence[Range]], Range]:
    return lambda given: Range(low, high, nonzero)


_KNOWN: Mapping[str, Callable[[Sequence[Range]], Range]] = {
    "add": _sum,
    "interp": _interp,
    INVERSE: _inverse,
    "reciprocal": _reciprocal,
    "clip": _clip,
    "power": _power,
    "max": _largest,
    "min": _least,
    "abs": _size,
    "sqrt": _root,
    "norm": _within(0.0, inf),
    "global_norm": _within(0.0, inf),
    "cosine_sim": _within(-1.0, 1.0),
    "sin": _within(-1.0, 1.0),
    "cos": _within(-1.0, 1.0),
    "arccos": _within(0.0, pi),
    "arccosh": _within(0.0, inf),
    "cosh": _within(1.0, inf, True),
    "exp": _within(0.0, inf, True),
    "exp2": _within(0.0, inf, True),
    "exp10": _within(0.0, inf, True),
}


def _unary(function: str, given: Range) -> Range:
    """The range of an increasing function of one argument: it maps ends to ends."""
    if function not in REGISTRY or Property.INCREASING not in REGISTRY[function].properties:
        return ANYWHERE
    with np.errstate(all="ignore"):
        low, high = (float(numeric(REGISTRY[function])(np.float64(end))) for end in given[:2])
    low, high = _edge(function, low, -1.0), _edge(function, high, 1.0)
    return Range(low, high, given.without_zero and keeps_sign(function))


def _edge(function: str, end: float, side: float) -> float:
    """The value of a function at the end of a range; at the end of its domain [-1, 1] if it has none there."""
    if not isnan(end):
        return end
    with np.errstate(all="ignore"):
        last = float(numeric(REGISTRY[function])(np.float64(side)))
    return side * inf if isnan(last) else last


def keeps_sign(function: str) -> bool:
    """Whether a function of one argument has the sign of its argument: it is increasing and maps zero to zero.

    >>> keeps_sign("expm1"), keeps_sign("exp"), keeps_sign("sin")
    (True, False, False)
    """
    return function in REGISTRY and _keeps_sign(REGISTRY[function])


@lru_cache(maxsize=1024)
def _keeps_sign(row: Primitive) -> bool:
    if row.arity != 1 or Property.INCREASING not in row.properties:
        return False
    with np.errstate(all="ignore"):
        values = [float(numeric(row)(np.float64(x))) for x in (-1e-3, 0.0, 1e-3)]
    return values[0] < 0 == values[1] < values[2]
