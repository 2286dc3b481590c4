"""Simplification changes how a program is written and nothing else."""

import numpy as np
import pytest
from hypothesis import example, given, settings

from primitives import BUILTINS, REGISTRY, Program, builtin, check, live, live_part, structure_hash, to_text
from primitives.kinds import ONLY_SCALAR
from simplify import exact
from simplify.exact import simplify
from simplify.probes import GUARDED, TOLERANCE, agree, trace
from simplify.rule import Exactness
from simplify.steps import Step
from simplify.work import Work
from tests.programs import mutant, programs, train
from tests.tangles import PLAIN, tangle

TANGLES = 5 + 1  # for each built-in: 54 in all


def body(program: Program) -> list[str]:
    return [line.strip() for line in to_text(program).splitlines()[1:-1]]


@settings(max_examples=60)
@given(programs)
@example(mutant("adam", 155, 20))
def test_what_is_simplified_is_valid_no_longer_and_does_the_same_for_20_steps(program: Program) -> None:
    found = simplify(program)
    assert check(found.program) is None
    before, after = live(program), live(found.program)
    assert len(found.program.statements) == len(after.lines) <= len(before.lines)
    assert len(after.slots) <= len(before.slots)
    assert set(found.slots.values()) == set(after.slots)
    guarded = any(step.exactness in (Exactness.GUARD, Exactness.SHIFTED) for step in found.steps)
    assert agree(program, found.program, found.slots, GUARDED if guarded else TOLERANCE)


@settings(max_examples=40)
@given(programs)
def test_simplifying_twice_is_simplifying_once(program: Program) -> None:
    once = simplify(program).program
    assert simplify(once).program == once


@pytest.mark.parametrize("name", PLAIN)
def test_a_builtin_is_as_short_as_it_can_be(name: str) -> None:
    found = simplify(builtin(name)).program
    idle = [statement for statement in builtin(name).statements if statement.arguments[1:] == (1.0,)]  # a rate of 1
    assert len(found.statements) == len(builtin(name).statements) - len(idle)


def test_tangles_come_back_to_the_form_of_the_builtin() -> None:
    back, total = 0, 0
    for name in PLAIN:
        wanted = simplify(builtin(name)).program
        constants = [value for *_, value in wanted.constants()]
        for seed in range(TANGLES):
            program = tangle(name, seed)
            assert 5 <= len(program.statements) - len(builtin(name).statements) <= 26
            found = simplify(program).program
            total += 1
            back += structure_hash(found) == structure_hash(wanted) and np.allclose(
                [value for *_, value in found.constants()], constants, rtol=1e-4
            )
    assert total >= 50
    assert back >= 0.95 * total


def test_the_papers_program_comes_down_to_lion_but_for_clip_and_arcsin() -> None:
    found = simplify(builtin("lion_raw"))
    assert body(found.program) == [
        "x1 = clip(g, lr)",
        "x2 = arcsin(x1)",
        "update = interp(x2, m, 0.9)",
        "update = sign(update)",
        "decay = w * 0.46019784",
        "update = update + decay",
        "rate = lr * 0.021717617",
        "update = update * rate",
        "m = interp(x2, m, 0.99821967)",
    ]
    assert found.slots == {"v": "m"}
    laws = [step.rule for step in found.steps]
    assert laws[:9] == ["no update depends on it"] * 9
    assert {"√x² = |x|", "x / |x| = sign x", "interp(x, interp(x, y, a), b) = interp(x, y, a·b)"} <= set(laws)
    by_law = {step.rule: step.exactness for step in found.steps}
    assert by_law["x / |x| = sign x"] == Exactness.GUARD
    assert by_law["√x² = |x|"] == Exactness.EXACT


CASES = {
    "m over the root of its square": (
        ["m = interp(g, m, 0.9)", "a = m * m", "a = sqrt(a)", "u = m / a", "update = u * lr"],
        ["m = interp(g, m, 0.9)", "update = sign(m)", "update = update * lr"],
    ),
    "m over its size": (
        ["m = interp(g, m, 0.9)", "a = abs(m)", "u = m / a", "update = u * lr"],
        ["m = interp(g, m, 0.9)", "update = sign(m)", "update = update * lr"],
    ),
    "state that only renames state": (
        ["m = interp(g, m, 0.9)", "v = m * 1.0", "u = m + v", "update = u * lr"],
        ["m = interp(g, m, 0.9)", "rate = lr * 2.0", "update = m * rate"],
    ),
    "state twice": (
        ["m = interp(g, m, 0.9)", "v = interp(g, v, 0.9)", "u = m + v", "update = u * lr"],
        ["m = interp(g, m, 0.9)", "rate = lr * 2.0", "update = m * rate"],
    ),
    "state that stays zero": (
        ["v = sin(v)", "u = g + v", "update = u * lr"],
        ["update = g * lr"],
    ),
    "an average of squares is not negative": (
        ["s = g * g", "v = interp(s, v, 0.9)", "a = abs(v)", "b = sqrt(a)", "u = g / b", "update = u * lr"],
        ["g2 = square(g)", "m = interp(g2, m, 0.9)", "update = sqrt(m)", "update = g / update", "update = update * lr"],
    ),
    "the sign of positive scalings and odd functions": (
        ["t = cbrt(g)", "t = t * lr", "t = t * 3.0", "t = tanh(t)", "t = sign(t)", "update = t * 0.1"],
        ["update = sign(g)", "update = update * 0.1"],
    ),
    "multiplied out": (
        ["t = w + g", "t = t * 0.5", "s = w * 0.5", "update = t - s"],
        ["update = g * 0.5"],
    ),
    "constants": (
        ["a = get_pi()", "a = cos(a)", "b = a + 1.5", "update = g * b"],
        ["update = g * 0.5"],
    ),
    "two ways of writing one average": (
        ["a = m * 0.75", "b = g * 0.25", "m = a + b", "update = m * lr"],
        ["m = interp(g, m, 0.75)", "update = m * lr"],
    ),
    "a duplicated expression": (
        ["a = tanh(g)", "b = g * 1.0", "b = tanh(b)", "c = a * b", "update = c * lr"],
        ["update = tanh(g)", "update = square(update)", "update = update * lr"],
    ),
}


@pytest.mark.parametrize(("given", "expected"), CASES.values(), ids=CASES)
def test_laws_as_they_work_together(given: list[str], expected: list[str]) -> None:
    found = body(simplify(train(*given)).program)
    assert sorted(found, key=str) == sorted(expected, key=str) or len(found) == len(expected)
    assert structure_hash(simplify(train(*given)).program) == structure_hash(train(*expected))


def test_rules_are_given_up_where_they_would_hide_that_a_program_diverges() -> None:
    program = train("a = log(m)", "b = a - a", "u = g + b", "update = u * lr", "m = g * 0.0")
    assert np.isnan(trace(program)["update"]).all()
    assert np.isnan(trace(simplify(program).program)["update"]).all()


def test_a_broken_rule_is_caught_by_the_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = exact._to_the_end
    program = builtin("signum")

    def broken(given: Program, exactness: tuple[Exactness, ...], work: Work) -> exact.Simplified:
        wrong = train("m = interp(g, m, 0.9)", "update = sign(m)", "rate = lr * -0.0001", "update = update * rate")
        steps = (Step("a rule", "x", "y", Exactness.EXACT),)
        return exact.Simplified(wrong, steps, {"m": "m"}) if len(exactness) > 1 else whole(given, exactness, work)

    monkeypatch.setattr(exact, "_to_the_end", broken)
    simplify.cache_clear()
    assert np.array_equal(trace(simplify(program).program)["update"], trace(program)["update"])
    simplify.cache_clear()


SINGLE = [
    f"{row.name}({', '.join('0.3' if kinds == ONLY_SCALAR else name for kinds, name in pairs)})"
    for row in REGISTRY
    for pairs in [list(zip(row.accepts, "gw.", strict=False))]
]
PLAINLY = {
    **{name: builtin(name) for name in BUILTINS},
    **{f"u = {call}": train(f"u = {call}", "t = u + g", "update = t * lr") for call in SINGLE},
    "a difference": train("u = g - m", "m = interp(g, m, 0.9)", "a = 0.5 - u", "b = a - w", "update = b * lr"),
}


@pytest.mark.parametrize("program", PLAINLY.values(), ids=PLAINLY)
def test_in_plain_programs_no_rule_has_to_be_given_up(program: Program) -> None:
    found = exact._to_the_end(live_part(program), tuple(Exactness), Work())
    assert agree(program, found.program, found.slots, GUARDED)


def test_rules_are_given_up_for_few_programs() -> None:
    kept = 0
    for seed in range(30):
        program = live_part(mutant(BUILTINS[seed % len(BUILTINS)], seed, 3 + seed % 20))
        found = exact._to_the_end(program, tuple(Exactness), Work())
        kept += agree(program, found.program, found.slots, GUARDED)
    assert kept >= 28


def test_more_slots_than_two_are_simplified_and_named_from_the_front() -> None:
    lines = ("a = interp(g, a, 0.5)", "c = interp(g, c, 0.9)", "b = interp(a, b, 0.5)", "u = b + c", "update = u * lr")
    found = simplify(train(*lines, slots="d, c, b, a"))
    assert found.slots["b"] == "b"  # the deepest comes last
    assert {found.slots["a"], found.slots["c"]} == {"d", "c"}


@pytest.mark.parametrize("name", BUILTINS)
def test_steps_tell_what_was_done(name: str) -> None:
    for step in simplify(tangle(name, 0) if name in PLAIN else builtin(name)).steps:
        assert step.rule
        assert step.before != step.after
