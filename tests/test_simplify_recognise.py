"""A program is recognised if it is a known optimizer up to names, order and constants, and not otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from primitives import BUILTINS, Program, builtin, parse, structure_hash
from search.randomness import Draws
from simplify.recognise import recognise
from tests.programs import MUTATOR


def text(*lines: str) -> Program:
    return parse("\n    ".join(["def train(w, g, m, v, lr):", *lines, "return update, m, v"]))


@pytest.mark.parametrize("name", BUILTINS)
def test_every_builtin_is_recognised_as_itself(name: str) -> None:
    found = recognise(builtin(name))
    assert found is not None
    assert found.name == name


def test_lion_is_recognised_under_other_names_in_another_order_with_other_constants() -> None:
    disguised = text(
        "decay = 0.27 * w",
        "noise = cosh(decay)",
        "t = interp(g, v, 0.78)",
        "v = interp(g, v, 0.948)",
        "t = sign(t)",
        "t = decay + t",
        "rate = 0.0145 * lr",
        "update = rate * t",
    )
    found = recognise(disguised)
    assert found is not None
    assert found.name == "lion"
    assert sorted(found.constants) == pytest.approx([0.0145, 0.27, 0.78, 0.948], rel=1e-6)


@pytest.mark.parametrize(
    "lines",
    [
        ("m = interp(g, m, 0.9)", "update = sign(m)", "d = w * 0.1", "update = update + d", "update = update * lr"),
        (
            "u = interp(g, m, 0.9)",
            "m = interp(g, m, 0.99)",
            "d = w * 0.1",
            "u = u + d",
            "r = lr * 0.1",
            "update = u * r",
        ),
        (
            *("u = interp(g, m, 0.9)", "m = interp(g, m, 0.99)", "d = w * 0.1", "u = u + d"),
            *("u = sign(u)", "r = lr * 0.1", "update = u * r"),
        ),
        (
            *("u = interp(g, v, 0.9)", "u = sign(u)", "v = interp(g, m, 0.99)", "m = interp(g, m, 0.5)"),
            *("d = w * 0.1", "u = u + d", "r = lr * 0.1", "update = u * r"),
        ),
    ],
    ids=["one beta", "no sign", "decay inside the sign", "a second memory"],
)
def test_near_misses_are_not_lion(lines: tuple[str, ...]) -> None:
    found = recognise(text(*lines))
    assert found is None or found.name != "lion"


@given(st.sampled_from(BUILTINS), st.integers(0, 10**6))
def test_a_mutant_is_recognised_only_if_its_structure_is_that_of_a_builtin(name: str, seed: int) -> None:
    child = MUTATOR.child(builtin(name), Draws(seed)).program
    found = recognise(child)
    assert (found is not None) == (structure_hash(child) in {structure_hash(builtin(b)) for b in BUILTINS})
