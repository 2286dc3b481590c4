"""The kernel, in Pallas's interpret mode, agrees with the interpreter; batches under `vmap` do as well."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from benchmarks.kernel_check import FORMS, call_of
from primitives import ANY, BUILTINS, REGISTRY, Primitive, Program, builtin, parse
from primitives.batches import batched, kernel_faults, stacked
from primitives.interpreter import SMALLEST_CLASS, Encoded, encode, interpreted
from primitives.kernel import fused
from primitives.registry import Registry
from tests.programs import SIZES, programs

PROGRAMS, SEEDS, WEIGHTS = 192, 2, sum(SIZES)
TILE = 8  # two tiles for 13 weights, with a parameter array across both
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e38, -1e38, 1e-38, -1.0, 1.0, 2.0, -0.5, 88.0]
RATES = np.array([[0.3], [0.01]], np.float32)

Found = tuple[jax.Array, tuple[jax.Array, ...]]  # update, next state slots
Arrays = tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]  # weights, gradient, state slots


def arrays(special: bool) -> Arrays:
    """Weights, gradients and state of two seeds; with `special`, one seed has NaN, infinities and other extremes."""
    generator = np.random.default_rng(0)
    values = generator.normal(size=(4, SEEDS, WEIGHTS)).astype(np.float32)
    if special:
        for place in range(4):
            values[place, 1] = np.roll(np.array(SPECIAL, np.float32), 3 * place)
    return values[0], values[1], (values[2], np.abs(values[3]))


@jax.jit
def _kernel(code: Encoded, weights: jax.Array, gradient: jax.Array, state: tuple[jax.Array, ...]) -> Found:
    return fused(code, SIZES, interpret=True, tile=TILE).update(weights, gradient, state, jnp.asarray(RATES))


@jax.jit
def _alone(code: Encoded, weights: jax.Array, gradient: jax.Array, state: tuple[jax.Array, ...]) -> Found:
    rule = interpreted(code, SIZES)
    update, after = rule.update(weights, gradient, (*state, rule.init(weights)[-1]), jnp.asarray(RATES))
    return update, after[:-1]


def by_kernel(codes: Sequence[Encoded], given: Arrays) -> np.ndarray:
    """Update and state slots of each program by one kernel, shape (programs, 3, seeds, weights)."""
    repeated = [np.broadcast_to(array, (PROGRAMS, SEEDS, WEIGHTS)) for array in (given[0], given[1], *given[2])]
    update, after = _kernel(stacked(codes, PROGRAMS), *repeated[:2], tuple(repeated[2:]))
    return np.stack([update, *after], axis=1)[: len(codes)]


def one_by_one(codes: Sequence[Encoded], given: Arrays) -> np.ndarray:
    """The same by the interpreter, one program after the other."""
    found = [_alone(code, *given) for code in codes]
    return np.array([[update, *after] for update, after in found])


@pytest.mark.parametrize("special", [False, True], ids=["ordinary", "with NaN and infinities"])
def test_every_function_gives_in_the_kernel_what_it_gives_in_the_interpreter(special: bool) -> None:
    codes = [call_of(row, operands) for row in REGISTRY for operands in FORMS]
    given = arrays(special)
    np.testing.assert_allclose(by_kernel(codes, given), one_by_one(codes, given), rtol=2e-6, atol=1e-7)


@settings(max_examples=4, deadline=None)
@given(st.lists(programs.filter(lambda program: len(encode(program).operations) == SMALLEST_CLASS), min_size=20))
def test_the_kernel_agrees_with_the_interpreter_on_random_programs(chosen: list[Program]) -> None:
    codes, (weights, gradient, state) = [encode(program) for program in chosen[:PROGRAMS]], arrays(special=False)
    found, expected = by_kernel(codes, (weights, gradient, state)), one_by_one(codes, (weights, gradient, state))
    nudged = one_by_one(codes, (weights, gradient * np.float32(1 + 2e-7), state))  # moves what amplifies rounding
    for program, mine, its, moved in zip(chosen, found, expected, nudged, strict=False):
        close = np.allclose(mine, its, rtol=1e-5, atol=1e-6, equal_nan=True)
        assert close or not np.allclose(moved, its, rtol=1e-6, atol=1e-7, equal_nan=True), program


def test_a_program_gets_the_same_bits_at_any_place_of_a_batch() -> None:
    codes = [encode(builtin(name)) for name in BUILTINS]
    found, reversed_ = by_kernel(codes, arrays(special=False)), by_kernel(codes[::-1], arrays(special=False))
    np.testing.assert_array_equal(found, reversed_[::-1])


def test_batches_under_vmap_agree_with_the_interpreter() -> None:
    codes, (weights, gradient, _) = [encode(builtin(name)) for name in BUILTINS], arrays(special=False)
    own, slope = (jnp.broadcast_to(array, (len(codes), SEEDS, WEIGHTS)) for array in (weights, gradient))
    rule = batched(stacked(codes, len(codes)), SIZES, kernel=False)
    update, after = jax.jit(rule.update)(own, slope, rule.init(own), jnp.asarray(RATES))
    zero = np.zeros_like(weights)
    expected = one_by_one(codes, (weights, gradient, (zero, zero)))
    np.testing.assert_allclose(np.stack([update, *after[:2]], axis=1), expected, rtol=1e-6, atol=1e-7)


@pytest.fixture
def small_language(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A language of three functions, to which tests add their own."""
    small = Registry()
    for name in ("multiply", "add", "clip"):
        small.add(REGISTRY[name])
    for module in ("text", "checking", "dataflow", "interpreter", "batches", "kernel"):
        monkeypatch.setattr(f"primitives.{module}.REGISTRY", small)
    return small


def written(*lines: str, slots: str = "m, v") -> Program:
    body = "\n    ".join(lines)
    return parse(f"def train(w, g, {slots}, lr):\n    {body}\n    return update, {slots}\n")


OWN: dict[str, Callable[[jax.Array], jax.Array]] = {
    "soft_max": jax.nn.softmax,
    "centred": lambda x: x - jnp.mean(x, axis=-1, keepdims=True),
    "standardised": lambda x: x / jnp.std(x, axis=-1, keepdims=True),
    "largest": lambda x: jnp.max(x, axis=-1, keepdims=True) + jnp.min(x, axis=-1, keepdims=True),
    "soft_plus": lambda x: jax.nn.softplus(x) + jax.nn.relu(x),
}


def test_a_users_own_function_runs_in_the_kernel_with_its_reductions(small_language: Registry) -> None:
    for name, function in OWN.items():
        small_language.add(Primitive(name, function, (ANY,)))
    weights, gradient, state = arrays(special=False)
    codes = [encode(written(f"x = {name}(g)", "update = x * lr")) for name in OWN]
    repeated = [jnp.broadcast_to(array, (len(codes), SEEDS, WEIGHTS)) for array in (weights, gradient, *state)]
    rule = fused(stacked(codes, len(codes)), SIZES, interpret=True, tile=TILE)
    update, _ = jax.jit(rule.update)(*repeated[:2], tuple(repeated[2:]), jnp.float32(0.5))
    plain = batched(stacked(codes, len(codes)), SIZES, kernel=False)
    expected, _ = jax.jit(plain.update)(*repeated[:2], plain.init(repeated[0]), jnp.float32(0.5))
    np.testing.assert_allclose(update, expected, rtol=1e-5, atol=1e-6)
    assert not kernel_faults(SIZES)


@pytest.mark.parametrize("slots", ["m", "m, v, a, b"])
def test_programs_may_have_any_number_of_slots_and_statements(small_language: Registry, slots: str) -> None:
    lines = ["m = m + g", *["g = g * 0.9"] * 30, "update = g + m"]
    code = encode(written(*lines, slots=slots))
    assert len(code.operations) == 2 * SMALLEST_CLASS
    weights, gradient = (jnp.asarray(array)[None] for array in arrays(special=False)[:2])
    rules = fused(stacked([code], 1), SIZES, interpret=True), interpreted(code, SIZES)
    found, after = rules[0].update(weights, gradient, rules[0].init(weights), jnp.float32(1))
    expected, states = rules[1].update(weights[0], gradient[0], rules[1].init(weights[0]), jnp.float32(1))
    np.testing.assert_allclose(found[0], expected, rtol=1e-6)
    assert len(after) == len(slots.split(", "))
    np.testing.assert_allclose(np.concatenate(after), np.stack(states[:-1]), rtol=1e-6)


def test_triton_has_every_function_of_the_language() -> None:
    assert not kernel_faults(SIZES)


def test_what_the_kernel_cannot_compute_is_named_with_the_reason(small_language: Registry) -> None:
    small_language.add(Primitive("running", lambda x: jnp.cumsum(x, axis=-1), (ANY,)))
    small_language.add(Primitive("shifted", lambda x: jnp.roll(x, 1, axis=-1), (ANY,)))
    small_language.add(Primitive("count", lambda x: jnp.sum(jnp.ones_like(x), axis=-1, keepdims=True), (ANY,)))
    small_language.add(Primitive("table", lambda x: x * np.arange(WEIGHTS, dtype=np.float32), (ANY,)))
    small_language.add(Primitive("not_in_triton", lax.lgamma, (ANY,)))
    faults = kernel_faults(SIZES)
    assert list(faults) == ["running", "shifted", "count", "table", "not_in_triton"]
    assert "`cumsum`" in faults["running"]
    assert "`concatenate`" in faults["shifted"]
    assert "`reduce_sum`" in faults["count"]
    assert "constant of shape" in faults["table"]
    assert "lgamma" in faults["not_in_triton"]
