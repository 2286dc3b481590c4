"""Every rule of the table is true, and does what its row says."""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
import pytest

from primitives import REGISTRY, Primitive, Property, register
from primitives.kinds import ANY
from simplify.notation import text
from simplify.patterns import Pattern, normal, pattern
from simplify.rule import Domain, Exactness, Rule, Use
from simplify.rules import rule_set, rules
from simplify.terms import Graph

SIZES = (5, 3, 4)
DRAWS = 8
_UNARY = {row.name for row in REGISTRY if row.arity == 1}


def value(formula: Pattern, bound: Mapping[str, np.ndarray]) -> np.ndarray:
    """The value of a formula in the language's own functions, in float32."""
    if isinstance(formula.leaf, str):
        return np.asarray(bound[formula.leaf], np.float32)
    if formula.leaf is not None:
        return np.asarray(formula.leaf, np.float32)
    arguments = [jnp.asarray(value(argument, bound)) for argument in formula.arguments]
    if formula.function in ("norm", "global_norm", "dot", "cosine_sim", "clip"):  # these want arrays
        size = sum(SIZES)
        wide = 1 if formula.function == "clip" else len(arguments)
        arguments = [jnp.broadcast_to(a, (size,)) for a in arguments[:wide]] + arguments[wide:]
    with np.errstate(all="ignore"):
        return np.asarray(REGISTRY[formula.function].call(arguments, SIZES))


def draw(rule: Rule, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Values for the letters of a rule, in their domains; those that clip and interp want as scalars are scalars."""
    bound: dict[str, np.ndarray] = {}
    for letter in sorted(pattern(rule.left).letters):
        scalar = letter in "abcdef" or f", {letter})" in rule.left
        numbers = generator.normal(size=() if scalar else sum(SIZES))
        numbers = np.sign(numbers) * (0.05 + 0.8 * np.abs(np.tanh(numbers)))  # inside the domain of arcsin
        match rule.where.get(letter):
            case Domain.POSITIVE | Domain.NONNEGATIVE:
                numbers = np.abs(numbers)
            case Domain.NEGATIVE:
                numbers = -np.abs(numbers)
        bound[letter] = numbers.astype(np.float32)
    return bound


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: f"{rule.left} -> {rule.right}")
def test_a_rule_is_true_on_probes(rule: Rule) -> None:
    generator = np.random.default_rng(0)
    tolerance = 1e-3 if rule.exactness in (Exactness.GUARD, Exactness.SHIFTED) else 1e-4
    seen = 0
    for _ in range(DRAWS):
        bound = draw(rule, generator)
        left, right = value(pattern(rule.left), bound), value(pattern(rule.right), bound)
        left, right = np.broadcast_arrays(left, right)
        if rule.exactness is Exactness.FINITE:
            finite = np.isfinite(left)
            left, right = left[finite], right[finite]
        seen += left.size
        np.testing.assert_allclose(left, right, rtol=tolerance, atol=2e-5, equal_nan=True)
    assert seen or rule.left.endswith("arccosh(x))")  # which is NaN below 1


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: f"{rule.left} -> {rule.right}")
def test_a_rule_applies_to_its_own_left_side(rule: Rule) -> None:
    letters = pattern(rule.left).letters
    graph = Graph(None, frozenset(x for x in letters if rule.where.get(x) is Domain.NONNEGATIVE))
    constants = {"a": 0.7, "b": 0.4, "c": 1.3, "d": 2.1}
    bindings = {}
    for letter in letters:
        domain = rule.where.get(letter)
        if letter in constants:
            bindings[letter] = graph.leaf(-2.0 if domain is Domain.NEGATIVE else constants[letter])
        elif domain in (Domain.POSITIVE, Domain.NEGATIVE):
            bindings[letter] = graph.make("exp", [graph.leaf(letter)])
            if domain is Domain.NEGATIVE:
                bindings[letter] = graph.make("negative", [bindings[letter]])
        elif domain is Domain.COMPUTED:
            bindings[letter] = graph.make("tanh", [graph.leaf(letter)])
        else:
            bindings[letter] = graph.leaf(letter)
    node = made(graph, normal(pattern(rule.left)), bindings)
    found = list(rule.results(graph, node))
    wanted = made(graph, normal(pattern(rule.right)), bindings)
    assert text(graph, wanted) in [text(graph, one) for one in found], text(
        graph, node
    )  # as text: constants may differ by rounding


def made(graph: Graph, formula: Pattern, bindings: Mapping[str, int]) -> int:
    if isinstance(formula.leaf, str):
        return bindings[formula.leaf]
    if formula.leaf is not None:
        return graph.leaf(formula.leaf)
    return graph.make(formula.function, [made(graph, argument, bindings) for argument in formula.arguments])


def test_rules_that_are_always_applied_take_no_more_statements() -> None:
    for rule in rules():
        if rule.use in (Use.ALWAYS, Use.CONTRACTING):
            assert pattern(rule.right).functions <= max(1, pattern(rule.left).functions - 1), rule.left


def test_a_row_says_what_it_does_once() -> None:
    rows = [(rule.left, rule.right) for rule in rules()]
    assert len(rows) == len(set(rows))
    assert all(rule.law and set(rule.where) <= pattern(rule.left).letters for rule in rules())
    assert all(pattern(rule.right).letters <= pattern(rule.left).letters for rule in rules())


def test_every_property_of_the_registry_that_rules_speak_of_gives_a_rule() -> None:
    lefts = {rule.left for rule in rules()}
    for row in REGISTRY:
        if row.arity != 1 or row.name in ("negative", "square", "cube"):
            continue
        if Property.IDEMPOTENT in row.properties:
            assert f"{row.name}({row.name}(x))" in lefts
        if row.properties & {Property.ODD, Property.EVEN}:
            assert f"{row.name}(-x)" in lefts


@pytest.mark.usefixtures("own_registry")
def test_a_function_of_the_users_own_brings_its_rules() -> None:
    rules()  # what was known before must not hide what is new
    properties = frozenset({Property.ODD, Property.INCREASING})
    register(Primitive("softsign", lambda x: x / (1 + jnp.abs(x)), (ANY,), properties=properties))
    graph = Graph(rule_set((Use.ALWAYS,)))
    assert graph.make("sign", [graph.make("softsign", [graph.leaf("m")])]) == graph.make("sign", [graph.leaf("m")])


def test_a_constant_formula_matches_its_value_alone() -> None:
    graph = Graph(rule_set((Use.ALWAYS, Use.CONTRACTING)))

    def average(first: float, second: float) -> str:
        terms = [graph.make("multiply", [graph.leaf(c), graph.leaf(n)]) for c, n in ((first, "g"), (second, "m"))]
        return graph.nodes[graph.make("add", terms)].function

    assert (average(0.1, 0.9), average(0.1, 0.91), average(-0.5, 1.5)) == ("interp", "add", "interp")


@pytest.mark.parametrize(
    "outer", ["interp({}, x, 0.3)", "interp(x, {}, 0.7)", "interp({}, y, 0.3)", "interp(y, {}, 0.7)"]
)
@pytest.mark.parametrize("inner", ["interp(x, y, 0.4)", "interp(y, x, 0.4)"])
def test_averages_of_averages_are_one_whichever_way_round(outer: str, inner: str) -> None:
    graph = Graph(rule_set((Use.ALWAYS,)))
    node = made(graph, normal(pattern(outer.format(inner))), {"x": graph.leaf("w"), "y": graph.leaf("g")})
    first, second, share = graph.nodes[node].arguments
    given = {"w": 2.0, "g": -3.0}
    values = [given[str(graph.nodes[leaf].leaf)] for leaf in (first, second)]
    found = (1 - (graph.value(share) or 0)) * values[0] + (graph.value(share) or 0) * values[1]
    bound = {letter: np.asarray(given[name], np.float32) for letter, name in (("x", "w"), ("y", "g"))}
    assert found == pytest.approx(float(value(pattern(outer.format(inner)), bound)), rel=1e-5)


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize("properties", [frozenset(), frozenset({Property.ODD, Property.INCREASING})])
def test_rules_of_a_function_of_the_same_name_with_other_properties_are_its_own(
    properties: frozenset[Property],
) -> None:
    register(Primitive("softsign", lambda x: x / (1 + jnp.abs(x)), (ANY,), properties=properties))
    assert any(rule.left == "sign(softsign(x))" for rule in rules()) == bool(properties)
