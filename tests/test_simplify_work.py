"""Work is counted: no program takes long, and past the limit the answer is still equal to the program."""

import random
import sys
from collections.abc import Iterator

import pytest

from primitives import BUILTINS, Program, builtin, functional_hash, live, live_part
from primitives.program import Statement
from simplify import exact
from simplify.exact import canonical, simplify
from simplify.expansion import canonical_form
from simplify.probes import GUARDED, agree
from simplify.recognition import recognise, resembles
from simplify.terms import commutative
from simplify.work import SEARCH, THOROUGH, Exhausted, Work
from tests.programs import mutant, train


def _slots(count: int) -> str:
    return ", ".join(f"s{i}" for i in range(count))


LARGE = {
    "60 nested averages": train(*(f"m = interp({x}, m, 0.{i})" for i in range(1, 31) for x in "gw"), "update = m * lr"),
    "182 statements that multiply out": train(
        "a = interp(g, m, 0.5)",
        *(line for i in range(1, 61) for line in (f"b = interp(a, w, 0.{i})", "a = interp(b, v, 0.3)", "a = a * b")),
        "v = a * 0.5",
        "update = a * lr",
    ),
    "182 statements inside one another": train("a = g * 1", *["a = sin(a)", "a = a / w"] * 91, "update = a * lr"),
    "400 nested sines": train("a = sin(g)", *["a = sin(a)"] * 399, "a = max(a, w)", "update = a * lr"),
    "100 dense statements": train(
        *("x0 = sin(g)", "x1 = tanh(w)"),
        *(f"x{i} = x{i - 1} {'*+'[i % 2]} x{i // 3}" if i % 3 else f"x{i} = sin(x{i - 1})" for i in range(2, 99)),
        "update = x98 * lr",
    ),
    "300 divisions": train("a = 1 / g", *["a = 1 / a"] * 300, "update = a * lr"),
    "64 squarings": train("a = g * g", *["a = square(a)"] * 64, "update = a * lr"),
    "64 doublings": train("a = g + w", *["a = a + a"] * 64, "update = a * lr"),
    "64 squarings of a sum": train("a = g + w", *["a = a * a"] * 64, "update = a * lr"),
    "64 products of sums": train("a = g + w", *["b = a + m", "a = a * b"] * 64, "m = g * 1", "update = a * lr"),
    "100 slots": train(
        *(f"s{i} = interp(g, s{i}, 0.9)" for i in range(100)),
        "u = s0 * 1",
        *(f"u = u + s{i}" for i in range(1, 100)),
        "update = u * lr",
        slots=_slots(100),
    ),
    "a gradient handed on for 100 steps": train(
        *(f"s{i} = s{i - 1} * 1" for i in range(99, 0, -1)), "s0 = g * 1", "update = s99 * lr", slots=_slots(100)
    ),
    "signs of signs": train("a = tanh(g)", *["a = sign(a)", "a = abs(a)", "a = max(a, w)"] * 100, "update = a * lr"),
}  # fmt: skip

# Programs that a search met, for which an earlier simplifier took from seconds to two minutes.
SLOW = {
    "an average of quotients": train(
        "m = interp(g, m, 0.9)", "x5 = m * v", "d = g - x5", "d2 = square(d)", "x4 = interp(d2, lr, 0.039833974)",
        "x1 = x4 / d", "v = interp(x1, v, 0.999)", "s = square(v)", "x2 = g / m", "x3 = d2 / x2", "update = x3 / s",
        "lr = lr * 0.001", "update = update * lr",
    ),
    "a product of powers": train(
        "x3 = square(0.0077175945)", "m = interp(g, x3, 0.9)", "x7 = g - 0.0060820505", "x6 = sqrt(x7)", "d = g - x6",
        "x4 = interp(g, x3, 0.9)", "x5 = square(d)", "x1 = x5 * x4", "s = square(x1)", "update = m / s",
        "x2 = interp(g, m, 0.9)", "update = update * x2",
    ),
    "a fourth power": train(
        "m = interp(g, m, 0.9)", "x9 = square(g)", "x10 = v + x9", "d = x10 - m", "x2 = square(d)", "d2 = square(x2)",
        "v = interp(d2, v, 0.999)", "x1 = v / lr", "x7 = sqrt(x1)", "x8 = square(x7)", "s = sqrt(x8)", "update = m / s",
    ),
}  # fmt: skip


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Work]]:
    """The work of every simplification from now on."""
    counted: list[Work] = []

    class Counted(Work):
        def __init__(self, limit: int = THOROUGH) -> None:
            super().__init__(limit)
            counted.append(self)

    monkeypatch.setattr(exact, "Work", Counted)
    simplify.cache_clear()
    yield counted
    simplify.cache_clear()


@pytest.mark.parametrize("program", (LARGE | SLOW).values(), ids=LARGE | SLOW)
def test_a_large_program_is_answered_within_the_limit_of_work(program: Program, spent: list[Work]) -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(900)  # a caller may be some frames deep
    try:
        found = simplify(program, SEARCH)
        recognise(program)
        resembles(program)
    finally:
        sys.setrecursionlimit(limit)
    assert len(live(found.program).lines) <= len(live(program).lines)
    assert found.complete or "limit of work" in found.steps[-1].rule
    if len(program.statements) < 500:
        assert agree(live_part(program), found.program, found.slots, GUARDED)
    for work in spent:
        assert work.left >= -len(program.statements) * 8  # the step that exceeds the limit is the last


def test_the_limit_is_the_same_whatever_the_machine(spent: list[Work]) -> None:
    program = SLOW["a fourth power"]
    left = []
    for _ in range(2):
        simplify.cache_clear()
        simplify(program, SEARCH)
        left.append([work.left for work in spent])
        spent.clear()
    assert left[0] == left[1]


def test_what_was_found_so_far_is_told_from_what_is_complete() -> None:
    tangled = mutant("adamw", 3, 12)
    whole = simplify(tangled)
    parts = [simplify(tangled, budget) for budget in (10, 100, 300, 1000, 3000)]
    assert [part.complete for part in (*parts, whole)] == [False, False, False, False, True, True]
    for part in parts:
        assert not part.complete or part.program == whole.program
        assert agree(live_part(tangled), part.program, part.slots, GUARDED)
    assert parts[0].program != whole.program


def test_a_form_that_takes_too_long_is_refused() -> None:
    with pytest.raises(Exhausted):
        canonical_form(LARGE["64 products of sums"], 500)


def test_most_mutants_take_little_work(spent: list[Work]) -> None:
    complete = 0
    for seed in range(60):
        complete += simplify(mutant(BUILTINS[seed % len(BUILTINS)], seed, 1 + seed % 12), SEARCH).complete
    used = sorted(SEARCH - work.left for work in spent)
    assert used[len(used) // 2] < SEARCH / 8
    assert complete >= 57


def otherwise(program: Program, seed: int) -> Program:
    """The same program with its slots exchanged, its statements in another order, and commutative arguments swapped."""
    draws = random.Random(seed)
    names = {"m": "v", "v": "m"}
    lines = [
        Statement(
            names.get(target, target), function, tuple(names.get(a, a) if isinstance(a, str) else a for a in given)
        )
        for target, function, given in live_part(program).statements
    ]
    lines = [
        line._replace(arguments=line.arguments[::-1]) if commutative(line.primitive) and draws.random() < 0.5 else line
        for line in lines
    ]
    for place in [draws.randrange(max(1, len(lines) - 1)) for _ in range(40)] if len(lines) > 1 else ():
        one, two = lines[place : place + 2]
        if one.target not in (two.target, *two.arguments) and two.target not in one.arguments:
            lines[place : place + 2] = [two, one]
    return program._replace(statements=tuple(lines))


def test_the_canonical_form_does_not_depend_on_names_or_order() -> None:
    changed = 0
    for seed in range(120):
        program = mutant(BUILTINS[seed % len(BUILTINS)], seed, 1 + seed % 25)
        other = otherwise(program, seed)
        assert functional_hash(program) == functional_hash(other)
        changed += other != live_part(program)
        assert canonical(program) == canonical(other), seed
    assert changed > 100


def test_the_canonical_form_of_a_canonical_form_is_itself() -> None:
    for name in BUILTINS:
        assert canonical(canonical(builtin(name))) == canonical(builtin(name))
    for seed in range(60):
        found = simplify(mutant(BUILTINS[seed % len(BUILTINS)], 1000 + seed, 1 + seed % 25), SEARCH)
        assert not found.complete or canonical(found.program) == found.program


def test_statement_0_is_not_the_constant_0() -> None:
    program = train("update = log2(0.0)", "x = interp(g, m, 0.9)", "update = x - update", "update = tanh(update)",
                    "m = log2(x)")  # fmt: skip
    found = simplify(program)
    assert agree(program, found.program, found.slots)
