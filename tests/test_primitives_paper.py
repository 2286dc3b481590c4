"""Every function of the paper means exactly what the paper says; each claim of the table is one test over all rows."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from primitives import PAPER, REGISTRY, Kind, Program, Property, Statement, check, parse, to_text
from primitives.checking import kinds_before
from primitives.interpreter import encode, interpreted, run_steps
from primitives.kinds import ANY, ONLY_SCALAR
from primitives.registry import Primitive
from tests.programs import SIZES

X = np.array([-2.5, -0.95, -0.4, -1e-3, 1e-3, 0.3, 0.7, 1.02, 1.8, 3.0, -0.2, 0.05, 0.9])
Y = np.array([0.5, -2.0, 3.0, 0.1, -0.7, 1.5, 2.0, -1.0, 0.2, 0.6, -3.0, 4.0, -0.3])
OVER = np.cumsum((0, *SIZES))


def per_array(x: np.ndarray) -> np.ndarray:
    parts = [np.full(b - a, np.sqrt(np.sum(x[a:b] ** 2))) for a, b in pairwise(OVER)]
    return np.concatenate(parts)


def length(x: np.ndarray) -> float:
    return float(np.sqrt(np.sum(x**2)))


# Written down from the published meanings, in numpy and float64, independently of the table under test.
MEANING: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / (y + 1e-8),
    "max": np.maximum,
    "min": np.minimum,
    "get_pi": lambda: 3.141592653589793,
    "get_e": lambda: 2.718281828459045,
    "get_eps": lambda: 1e-8,
    "abs": np.abs,
    "cos": np.cos,
    "sin": np.sin,
    "tan": np.tan,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "arctan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "arcsinh": np.arcsinh,
    "arccosh": np.arccosh,
    "arctanh": np.arctanh,
    "exp": np.exp,
    "exp2": lambda x: 2.0**x,
    "exp10": lambda x: 10.0**x,
    "expm1": lambda x: np.exp(x) - 1,
    "log": lambda x: np.log(np.abs(x)),
    "log10": lambda x: np.log10(np.abs(x)),
    "log2": lambda x: np.log2(np.abs(x)),
    "log1p": lambda x: np.log(np.abs(1 + x)),
    "square": lambda x: x * x,
    "sqrt": lambda x: np.sqrt(np.abs(x)),
    "cube": lambda x: x**3,
    "cbrt": np.cbrt,
    "sign": np.sign,
    "reciprocal": lambda x: 1 / x,
    "negative": lambda x: -x,
    "norm": per_array,
    "global_norm": length,
    "dot": lambda x, y: np.sum(x * y),
    "cosine_sim": lambda x, y: np.sum(x * y) / (length(x) * length(y)),
    "clip": lambda x, c: x * min(1.0, c / length(x)),
    "power": lambda x, y: x**y,
    "interp": lambda x, y, a: (1 - a) * x + a * y,
}

ROWS = [pytest.param(row, id=row.name) for row in REGISTRY]


def probe_arguments(row: Primitive) -> list[np.ndarray]:
    return [np.array(0.3) if kinds == ONLY_SCALAR else (X, Y)[place] for place, kinds in enumerate(row.accepts)]


def evaluate(row: Primitive, arguments: list[np.ndarray]) -> np.ndarray:
    return np.asarray(row.call([jnp.asarray(a, jnp.float32) for a in arguments], SIZES))


def program_of(row: Primitive) -> Program:
    """A program whose update is a function of the row's result."""
    letters = ["g", "w"]
    arguments = tuple(0.3 if kinds == ONLY_SCALAR else letters[i] for i, kinds in enumerate(row.accepts))
    rounded = tuple(a if isinstance(a, str) else float(np.float32(a)) for a in arguments)
    statements = (Statement("x", row.name, rounded), Statement("update", "multiply", ("g", "x")))
    return Program(statements)


def test_the_set_is_the_44_usable_functions_of_the_paper() -> None:
    assert len(PAPER) == 44
    assert set(PAPER) == set(MEANING)
    assert "invert" not in REGISTRY


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_a_function_means_what_the_paper_says(row: Primitive) -> None:
    arguments = probe_arguments(row)
    expected = np.asarray(MEANING[row.name](*arguments))
    found = evaluate(row, arguments)
    np.testing.assert_allclose(
        np.broadcast_to(found, expected.shape or (1,)), expected.reshape(expected.shape or (1,)), rtol=3e-5, atol=3e-6
    )
    assert np.any(np.isfinite(found))


@pytest.mark.parametrize("row", ROWS)
def test_a_function_prints_and_parses_back(row: Primitive) -> None:
    program = program_of(row)
    assert parse(to_text(program)) == program
    for spelling in (row.name, *row.aliases, *filter(None, [row.symbol])):
        assert REGISTRY.find(spelling) is row


@pytest.mark.parametrize("row", ROWS)
def test_the_result_has_the_kind_that_abstract_execution_says(row: Primitive) -> None:
    kind = kinds_before(program_of(row), 1)["x"]
    found = evaluate(row, probe_arguments(row))
    if kind is Kind.SCALAR:
        assert found.size == 1
    else:
        assert found.shape == X.shape
    if kind is Kind.LEAF:
        for start, end in pairwise(OVER):
            assert np.unique(found[start:end]).size == 1


@pytest.mark.parametrize("row", ROWS)
def test_the_interpreter_runs_every_function_as_the_table_has_it(row: Primitive) -> None:
    program = program_of(row)
    assert check(program) is None
    gradients = jnp.asarray(np.stack([X, Y]), jnp.float32)
    weights = jnp.asarray(Y, jnp.float32)
    found = np.asarray(run_steps(interpreted(encode(program), SIZES), weights, gradients, jnp.ones(2)))
    letters = {"g": X, "w": Y}
    arguments = [np.asarray(letters[a] if isinstance(a, str) else a) for a in program.statements[0].arguments]
    expected = Y - X * np.broadcast_to(evaluate(row, arguments), X.shape)
    np.testing.assert_allclose(found[0], expected, rtol=1e-5, atol=1e-5)


CLAIMS = [pytest.param(row, claim, id=f"{row.name}-{claim}") for row in REGISTRY for claim in sorted(row.properties)]


@pytest.mark.parametrize(("row", "claim"), CLAIMS)
def test_a_claimed_property_holds_on_probes(row: Primitive, claim: Property) -> None:
    def call(*arguments: np.ndarray) -> np.ndarray:
        return evaluate(row, list(arguments))

    same = partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6)
    if claim is Property.COMMUTATIVE:
        np.testing.assert_array_equal(call(X, Y), call(Y, X))
    elif claim is Property.ODD:
        same(call(-X), -call(X))
    elif claim is Property.EVEN:
        same(call(-X), call(X))
    elif claim is Property.IDEMPOTENT:
        same(call(call(X)), call(X))
    elif claim is Property.POSITIVELY_HOMOGENEOUS:
        same(call(2.5 * X), 2.5 * call(X))
    else:
        values = call(np.sort(X))
        defined = values[np.isfinite(values)]
        assert claim is Property.INCREASING
        assert defined.size > 1
        assert np.all(np.diff(defined) >= 0)


@pytest.mark.parametrize("name", ["arcsin", "arccos", "arccosh", "arctanh", "power"])
def test_an_argument_outside_the_domain_gives_nan(name: str) -> None:
    row = REGISTRY[name]
    arguments = [np.array([-2.5]), np.array([0.5])][: row.arity]
    assert np.isnan(evaluate(row, arguments)).all()


def test_log1p_keeps_its_digits_near_zero() -> None:
    np.testing.assert_allclose(evaluate(REGISTRY["log1p"], [np.array([1e-6])]), [np.log1p(1e-6)], rtol=1e-6)


def test_a_function_that_broadcasts_takes_every_kind() -> None:
    assert all(kinds == ANY for kinds in REGISTRY["multiply"].accepts)
