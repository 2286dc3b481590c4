"""The table of rewrite rules: pattern, replacement, law in ordinary notation, and conditions.

Each rule is exact in real numbers, or with the exception that its row declares: the guard 1e-8 in `/`, or a NaN or
an infinity. Rules for odd, even, increasing, idempotent and homogeneous functions are generated from the
registry, so that they hold for registered primitives too.

Examples: `x / sqrt(x*x)` becomes `sign(x)` by two rows, and `interp(g, interp(g, v, a), b)` becomes
`interp(g, v, a*b)` by one.
"""

from collections.abc import Iterable, Sequence
from functools import cache

from primitives import REGISTRY, Primitive, Property
from simplify.rule import Domain, Exactness, Rule, Use
from simplify.rule_kinds import (
    Average,
    CommonConstant,
    CommonFactor,
    Distributed,
    Dominated,
    Leading,
    LikeSigns,
    LikeTerms,
)

SHORT = (Use.ALWAYS, Use.CONTRACTING)  # the rules that are applied while nodes are made, unless sums are multiplied out

_POSITIVE_X, _NONNEGATIVE_X = {"x": Domain.POSITIVE}, {"x": Domain.NONNEGATIVE}
_GUARD, _FINITE = Exactness.GUARD, Exactness.FINITE

_ARITHMETIC = (
    Leading("x + 0", "x", "x + 0 = x"),
    Leading("x * 1", "x", "1·x = x"),
    Leading("x * 0", "0", "0·x = 0", exactness=_FINITE),
    LikeTerms("a*x + b*x", "(a + b) * x", "a·x + b·x = (a + b)·x"),
    Rule("x * reciprocal(x)", "1", "x · (1/x) = 1", exactness=_FINITE),
    Rule("reciprocal(reciprocal(x))", "x", "1 / (1/x) = x", exactness=_FINITE),
    Rule("reciprocal(1/x)", "x + 1e-8", "1 / (1/(x + 1e-8)) = x + 1e-8", exactness=_FINITE),
    Rule("1 / (1/x)", "x", "1 / (1/x) = x", exactness=_GUARD),
    Rule("x / x", "1", "x / x = 1", exactness=_GUARD),
    CommonFactor("x*y + x*z", "x * (y + z)", "x·y + x·z = x·(y + z)", use=Use.GAINFUL),
    CommonConstant(
        "a*x + b*y",
        "a * (x + b*reciprocal(a)*y)",
        "a·x + b·y = a·(x + (b/a)·y)",
        {"x": Domain.COMPUTED},
        use=Use.FACTORING,
    ),
    Rule("1 / (a*x)", "reciprocal(a) * (1/x)", "1 / (c·x) = (1/c)·(1/x)", exactness=Exactness.SHIFTED, use=Use.PULLING),
    Rule("reciprocal(a*x)", "reciprocal(a) * reciprocal(x)", "1 / (c·x) = (1/c)·(1/x)", use=Use.PULLING),
)

_SIGNS_AND_ROOTS = (
    Rule("sqrt(x*x)", "abs(x)", "√x² = |x|"),
    Rule("sqrt(x) * sqrt(x)", "abs(x)", "√|x|·√|x| = |x|"),
    Rule("abs(x) * abs(x)", "x * x", "|x|² = x²"),
    Rule("abs(x)", "x", "|x| = x for x ≥ 0", _NONNEGATIVE_X),
    Rule("abs(x)", "-x", "|x| = -x for x < 0", {"x": Domain.NEGATIVE}),
    Rule("sign(x)", "1", "sign x = 1 for x > 0", _POSITIVE_X),
    Rule("x * sign(x)", "abs(x)", "x · sign x = |x|"),
    Rule("abs(x) * sign(x)", "x", "|x| · sign x = x"),
    Rule("sign(x) * sign(x) * sign(x)", "sign(x)", "(sign x)³ = sign x"),
    Rule("x / abs(x)", "sign(x)", "x / |x| = sign x", exactness=_GUARD),
    Rule("abs(x) / x", "sign(x)", "|x| / x = sign x", exactness=_GUARD),
    Rule("sign(x*y)", "sign(y)", "sign(c·x) = sign x for c > 0", _POSITIVE_X),
    LikeSigns("sign(x*x*x)", "sign(x)", "the sign of a product is the product of signs"),
    LikeSigns("sign(1/x)", "sign(x)", "sign(1/x) = sign x", exactness=_GUARD),
    LikeSigns("sign(reciprocal(x))", "sign(x)", "sign(1/x) = sign x", exactness=_FINITE),
    LikeSigns("sign(x*x*x*y)", "sign(x*y)", "the sign of a product is the product of signs", use=Use.GAINFUL),
    LikeSigns("sign(y/x)", "sign(x*y)", "sign(y/x) = sign(x·y)", exactness=_GUARD, use=Use.GAINFUL),
    Rule("sign(sign(x) * y)", "sign(x*y)", "sign(sign x · y) = sign(x·y)"),
    Rule("sign(clip(x, y))", "sign(x)", "sign clip(x, c) = sign x for c > 0", {"y": Domain.POSITIVE}),
    Rule("sqrt(x*x*y)", "abs(x) * sqrt(y)", "√(x²·y) = |x|·√y", use=Use.GAINFUL),
    Rule("sqrt(a*x)", "sqrt(a) * sqrt(x)", "√(c·x) = √c·√x", use=Use.PULLING),
    Rule("abs(a*x)", "abs(a) * abs(x)", "|c·x| = |c|·|x|", use=Use.PULLING),
    Rule("cbrt(a*x)", "cbrt(a) * cbrt(x)", "∛(c·x) = ∛c·∛x", use=Use.PULLING),
)  # fmt: skip

_POSITIVE_SHARE = {"a": Domain.POSITIVE, "b": Domain.SHARE}
_BOTH_POSITIVE = {"a": Domain.POSITIVE, "b": Domain.POSITIVE}
_SCALES_UNDER_SIGNS = (
    Rule("sign(interp(x, a*y, b))", "sign(interp(x, y, a*b*reciprocal(1 - b + a*b)))",
         "sign interp(x, c·y, a) = sign interp(x, y, a·c/(1 - a + a·c))", _POSITIVE_SHARE),
    Rule("sign(a*x + b*y)", "sign(interp(x, y, b*reciprocal(a + b)))",
         "sign(a·x + b·y) = sign interp(x, y, b/(a + b))", _BOTH_POSITIVE, use=Use.GAINFUL),
    Rule("sign(x + b*y)", "sign(interp(x, y, b*reciprocal(1 + b)))",
         "sign(x + b·y) = sign interp(x, y, b/(1 + b))", {"b": Domain.POSITIVE}, use=Use.GAINFUL),
)  # fmt: skip

# Constants that tuning has driven to values at which they have no effect.
_FAR = Exactness.FAR
_SATURATION = (
    Rule("tanh(a*x)", "sign(x)", "tanh(c·x) = sign x for c > 1e12", {"a": Domain.HUGE}, _FAR),
    Rule("arctan(a*x)", "1.5707963705062866 * sign(x)", "arctan(c·x) = π/2 · sign x for c > 1e12",
         {"a": Domain.HUGE}, _FAR, Use.PULLING),
    Rule("sqrt(x*x + a)", "abs(x)", "√(x² + c) = |x| for c < 1e-20", {"a": Domain.TINY}, _FAR),
    Rule("max(a, x)", "x", "max(x, c) = x for x ≥ 0, c < 1e-20", {"x": Domain.NONNEGATIVE, "a": Domain.TINY}, _FAR),
    Rule("min(x, a)", "x", "min(x, c) = x for c > 1e12", {"a": Domain.HUGE}, _FAR),
)  # fmt: skip

_MAX_AND_MIN = (
    Rule("max(x, x)", "x", "max(x, x) = x"),
    Rule("min(x, x)", "x", "min(x, x) = x"),
    Rule("max(x, -x)", "abs(x)", "max(x, -x) = |x|"),
    Rule("min(x, -x)", "-abs(x)", "min(x, -x) = -|x|", use=Use.GAINFUL),
    Rule("max(x, abs(x))", "abs(x)", "max(x, |x|) = |x|"),
    Rule("min(x, abs(x))", "x", "min(x, |x|) = x"),
    Rule("max(x, -abs(x))", "x", "max(x, -|x|) = x"),
    Rule("min(x, -abs(x))", "-abs(x)", "min(x, -|x|) = -|x|"),
    Rule("max(x, max(x, y))", "max(x, y)", "max(x, max(x, y)) = max(x, y)"),
    Rule("min(x, min(x, y))", "min(x, y)", "min(x, min(x, y)) = min(x, y)"),
    Dominated("max(x, a)", "x", "max(x, y) = x for x ≥ y", {"x": Domain.NONNEGATIVE, "a": Domain.NEGATIVE}),
    Dominated("min(x, a)", "a", "min(x, y) = y for x ≥ y", {"x": Domain.NONNEGATIVE, "a": Domain.NEGATIVE}),
)

_INTERPOLATION = (
    Rule("interp(x, x, y)", "x", "interp(x, x, a) = x"),
    Rule("interp(x, y, 0)", "x", "interp(x, y, 0) = x"),
    Rule("interp(0, y, z)", "z * y", "interp(0, y, a) = a·y"),
    Rule("interp(x, 0, a)", "(1 - a) * x", "interp(x, 0, a) = (1 - a)·x"),
    Rule("interp(x, interp(x, y, a), b)", "interp(x, y, a*b)", "interp(x, interp(x, y, a), b) = interp(x, y, a·b)"),
    Average("a*x + (1 - a)*y", "interp(x, y, 1 - a)", "a·x + (1 - a)·y = interp(x, y, 1 - a)",
         use=Use.CONTRACTING),
    Rule("interp(a*x, a*y, b)", "a * interp(x, y, b)", "interp(c·x, c·y, a) = c·interp(x, y, a)", use=Use.GAINFUL),
    Rule("interp(x, y, a)", "(1 - a)*x + a*y", "interp(x, y, a) = (1 - a)·x + a·y", use=Use.EXPANDING),
    Distributed("x * (y + z)", "x*y + x*z", "x·(y + z) = x·y + x·z", use=Use.EXPANDING),
)  # fmt: skip

_POWERS = (
    Rule("power(x, 1)", "x", "x¹ = x"),
    Rule("power(x, 0)", "1", "x⁰ = 1"),
    Rule("power(x, 2)", "square(x)", "x² by its own name"),
    Rule("power(x, 3)", "cube(x)", "x³ by its own name", exactness=_FINITE),
    Rule("power(x, -1)", "reciprocal(x)", "x⁻¹ = 1/x", exactness=_FINITE),
    Rule("power(x, 0.5)", "sqrt(x)", "x^½ = √x for x ≥ 0", _NONNEGATIVE_X),
    Rule("exp(x) * exp(y)", "exp(x + y)", "eˣ·eʸ = eˣ⁺ʸ", exactness=_FINITE, use=Use.GAINFUL),
)

_INVERSE_FUNCTIONS = (
    Rule("cbrt(x*x*x)", "x", "∛x³ = x"),
    Rule("cbrt(x*x*x*y)", "x * cbrt(y)", "∛(x³·y) = x·∛y", use=Use.GAINFUL),
    Rule("cbrt(sign(x))", "sign(x)", "∛sign x = sign x"),
    Rule("cbrt(x) * cbrt(x) * cbrt(x)", "x", "(∛x)³ = x"),
    Rule("exp(log(x))", "abs(x)", "e^log|x| = |x|"),
    Rule("exp2(log2(x))", "abs(x)", "2^log2|x| = |x|"),
    Rule("exp10(log10(x))", "abs(x)", "10^log10|x| = |x|"),
    Rule("log(exp(x))", "x", "log eˣ = x", exactness=_FINITE),
    Rule("log2(exp2(x))", "x", "log2 2ˣ = x", exactness=_FINITE),
    Rule("log10(exp10(x))", "x", "log10 10ˣ = x", exactness=_FINITE),
    Rule("log1p(expm1(x))", "x", "log(1 + (eˣ - 1)) = x", exactness=_FINITE),
    Rule("sinh(arcsinh(x))", "x", "sinh arcsinh x = x"),
    Rule("arcsinh(sinh(x))", "x", "arcsinh sinh x = x", exactness=_FINITE),
    Rule("tanh(arctanh(x))", "x", "tanh arctanh x = x", exactness=_FINITE),
    Rule("arctanh(tanh(x))", "x", "arctanh tanh x = x", exactness=_FINITE),
    Rule("sin(arcsin(x))", "x", "sin arcsin x = x", exactness=_FINITE),
    Rule("cos(arccos(x))", "x", "cos arccos x = x", exactness=_FINITE),
    Rule("tan(arctan(x))", "x", "tan arctan x = x"),
    Rule("cosh(arccosh(x))", "x", "cosh arccosh x = x", exactness=_FINITE),
    Rule("arccosh(cosh(x))", "abs(x)", "arccosh cosh x = |x|", exactness=_FINITE),
)

_REDUCTIONS = (
    Rule("clip(0, x)", "0", "clip(0, c) = 0 for c ≥ 0", _NONNEGATIVE_X),
    Rule("norm(0)", "0", "|0| = 0"),
    Rule("global_norm(0)", "0", "|0| = 0"),
    Rule("dot(0, x)", "0", "dot(0, x) = 0", exactness=_FINITE),
    Rule("clip(clip(x, y), y)", "clip(x, y)", "clip(clip(x, c), c) = clip(x, c) for c ≥ 0", {"y": Domain.NONNEGATIVE}),
    Rule("cosine_sim(a*x, y)", "cosine_sim(x, y)", "cosine_sim(c·x, y) = cosine_sim(x, y) for c > 0",
         {"a": Domain.POSITIVE}),
)  # fmt: skip

_TABLE = (
    *_ARITHMETIC, *_SIGNS_AND_ROOTS, *_SCALES_UNDER_SIGNS, *_SATURATION, *_MAX_AND_MIN, *_INTERPOLATION, *_POWERS,
    *_INVERSE_FUNCTIONS, *_REDUCTIONS,
)  # fmt: skip


_BOUNDED = {"arcsin", "arctanh"}  # NaN outside [-1, 1]


def _generated(row: Primitive) -> list[Rule]:
    """The rules that follow from the properties of a function of one argument."""
    if row.arity != 1 or row.name in ("negative", "square", "cube"):
        return []
    f, has = row.name, row.properties
    rules = []
    if Property.IDEMPOTENT in has:
        rules.append(Rule(f"{f}({f}(x))", f"{f}(x)", f"{f}({f} x) = {f} x"))
    if Property.EVEN in has:
        rules.append(Rule(f"{f}(-x)", f"{f}(x)", f"{f}(-x) = {f} x"))
        if f != "abs":
            rules.append(Rule(f"{f}(abs(x))", f"{f}(x)", f"{f} |x| = {f} x"))
    if Property.ODD in has:
        rules.append(Rule(f"{f}(-x)", f"-{f}(x)", f"{f}(-x) = -{f} x", use=Use.PULLING))
        law = f"{f}(c·x) = -{f}(-c·x) for c < 0"
        rules.append(Rule(f"{f}(a*x)", f"-{f}(-a*x)", law, {"a": Domain.NEGATIVE}, use=Use.PULLING))
        if Property.INCREASING in has and f != "sign":
            exactness = Exactness.FINITE if f in _BOUNDED else Exactness.EXACT
            rules.append(Rule(f"sign({f}(x))", "sign(x)", f"sign {f} x = sign x", exactness=exactness))
    if Property.POSITIVELY_HOMOGENEOUS in has and f != "abs":
        where = {"a": Domain.POSITIVE}
        rules.append(Rule(f"{f}(a*x)", f"a * {f}(x)", f"{f}(c·x) = c·{f} x for c > 0", where, use=Use.PULLING))
    return rules


_Functions = tuple[tuple[str, frozenset[Property]], ...]  # names and properties, on which rules rest


def _functions() -> _Functions:
    return tuple((row.name, row.properties) for row in REGISTRY)


@cache
def _all(functions: _Functions) -> tuple[Rule, ...]:
    return (*_TABLE, *(rule for name, _ in functions for rule in _generated(REGISTRY[name])))


def rules() -> tuple[Rule, ...]:
    """Every rule for the functions that are registered now."""
    return _all(_functions())


class RuleSet:
    """A sequence of rules with an index by the functions that they match.

    Args:
        chosen: the rules in order.
    """

    def __init__(self, chosen: Iterable[Rule]) -> None:
        self._by_root: dict[str, list[Rule]] = {}
        for rule in chosen:
            self._by_root.setdefault(rule.root, []).append(rule)
        self._fitting: dict[tuple[str, frozenset[str]], tuple[Rule, ...]] = {}

    def fitting(self, function: str, among: frozenset[str]) -> Sequence[Rule]:
        """Rules, in order, that can match a function whose arguments are calls of the functions `among`."""
        key = function, among
        if key not in self._fitting:
            rules = self._by_root.get(function, ())
            self._fitting[key] = tuple(rule for rule in rules if rule.needs <= among)
        return self._fitting[key]


@cache
def _rule_set(functions: _Functions, uses: tuple[Use, ...], exactness: tuple[Exactness, ...]) -> RuleSet:
    return RuleSet(rule for rule in _all(functions) if rule.use in uses and rule.exactness in exactness)


def rule_set(uses: tuple[Use, ...], exactness: tuple[Exactness, ...] = tuple(Exactness)) -> RuleSet:
    """The rules with one of the given uses and exactness."""
    return _rule_set(_functions(), uses, exactness)
