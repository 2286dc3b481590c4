"""Liveness across steps, and a hash that sees what a program computes and nothing else."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from primitives import (
    BUILTINS,
    REGISTRY,
    Program,
    Property,
    Statement,
    builtin,
    functional_hash,
    live,
    live_part,
    parse,
    structure_hash,
)
from primitives.text import statement_text
from search.engine.randomness import Draws
from tests.programs import MUTATOR, path, programs


def written(*lines: str, slots: str = "m, v") -> Program:
    """A program from its statements."""
    body = "".join(f"    {line}\n" for line in lines)
    return parse(f"def train(w, g, {slots}, lr):\n{body}    return update, {slots}\n")


def test_the_live_part_of_the_raw_program_is_twelve_statements() -> None:
    raw = builtin("lion_raw")
    lines, slots = live(raw)
    dead = [statement_text(s) for line, s in enumerate(raw.statements) if line not in lines]
    assert len(lines) == 12
    assert slots == ("v",)
    assert dead == [
        "m = clip(m, lr)",
        "v845 = sqrt(0.62706333)",
        "v968 = sign(v)",
        "v968 = v - v",
        "v845 = tanh(v845)",
        "v1 = square(v1)",
        "m = cosh(update)",
        "lr = tan(1.45722)",
        "lr = cos(v845)",
    ]


def test_a_write_to_state_that_no_later_step_reads_is_dead() -> None:
    assert live(written("update = g * lr", "m = cosh(update)")).lines == (0,)


def test_a_write_to_state_is_live_if_the_update_of_the_next_step_reads_it() -> None:
    assert live(written("update = m * lr", "m = sign(g)")).lines == (0, 1)


def test_state_that_only_feeds_itself_is_dead() -> None:
    program = written("update = g * lr", "m = m + g", "v = m * v")
    assert live(program) == ((0,), ())


def test_state_that_reaches_the_update_through_another_slot_is_live() -> None:
    program = written("update = m * lr", "m = m + v", "v = sign(g)")
    assert live(program) == ((0, 1, 2), ("m", "v"))


def test_everything_in_a_sound_builtin_is_live() -> None:
    for name in set(BUILTINS) - {"lion_raw"}:
        assert live(builtin(name)).lines == tuple(range(len(builtin(name).statements)))


def test_no_two_builtins_share_a_hash() -> None:
    assert len({functional_hash(builtin(name)) for name in BUILTINS}) == len(BUILTINS)
    assert len({structure_hash(builtin(name)) for name in BUILTINS}) == len(BUILTINS)


@given(programs)
def test_dropping_what_is_dead_changes_neither_hash_nor_a_single_weight(program: Program) -> None:
    reduced = live_part(program)
    assert functional_hash(reduced) == functional_hash(program)
    np.testing.assert_array_equal(path(reduced, 6), path(program, 6))


def renamed(program: Program, seed: int) -> Program:
    """Every statement writes a variable of its own with a name drawn at random."""
    shuffled = random.Random(seed)
    names: dict[str, str] = {}
    statements = []
    for statement in program.statements:
        arguments = tuple(names.get(a, a) if isinstance(a, str) else a for a in statement.arguments)
        names[statement.target] = f"t{shuffled.randrange(10**9)}"
        statements.append(Statement(names[statement.target], statement.primitive, arguments))
    for output in program.outputs:  # the outputs keep their names: write each once more, at the end
        if output in names:
            statements = [
                s._replace(
                    target=f"{output}_final" if s.target == names[output] else s.target,
                    arguments=tuple(f"{output}_final" if a == names[output] else a for a in s.arguments),
                )
                for s in statements
            ]
    finals = {f"{output}_final": output for output in program.outputs}
    last = {finals[s.target]: i for i, s in enumerate(statements) if s.target in finals}
    for output, line in last.items():
        if any(output in s.arguments for s in statements[line + 1 :]) and output in program.slots:
            return program  # the old value of the slot is read later; the name cannot be given away
        statements = [
            s._replace(
                target=output if i == line else s.target,
                arguments=tuple(output if a == f"{output}_final" else a for a in s.arguments),
            )
            for i, s in enumerate(statements)
        ]
    return program._replace(statements=tuple(statements))


@given(programs, st.integers(0, 99))
def test_the_hash_does_not_see_names(program: Program, seed: int) -> None:
    assert functional_hash(renamed(live_part(program), seed)) == functional_hash(program)


@given(programs)
def test_the_hash_does_not_see_the_order_of_commutative_arguments(program: Program) -> None:
    swapped = program._replace(
        statements=tuple(
            s._replace(arguments=s.arguments[::-1]) if Property.COMMUTATIVE in REGISTRY[s.primitive].properties else s
            for s in program.statements
        )
    )
    assert functional_hash(swapped) == functional_hash(program)


def test_the_hash_sees_the_order_of_arguments_that_do_not_commute() -> None:
    assert functional_hash(written("update = g - w")) != functional_hash(written("update = w - g"))
    assert functional_hash(written("update = g / w")) != functional_hash(written("update = w / g"))


def test_the_hash_does_not_see_the_order_of_independent_statements() -> None:
    forward = written("a = sign(g)", "b = tanh(w)", "update = a - b")
    backward = written("b = tanh(w)", "a = sign(g)", "update = a - b")
    assert functional_hash(forward) == functional_hash(backward)


def test_the_hash_does_not_see_repeated_expressions_or_which_slot_does_what() -> None:
    once = written("a = sign(g)", "update = a * a")
    twice = written("a = sign(g)", "b = sign(g)", "update = b * a")
    assert functional_hash(once) == functional_hash(twice)
    m = written("m = interp(g, m, 0.9)", "update = m * lr")
    v = written("v = interp(g, v, 0.9)", "update = v * lr")
    assert functional_hash(m) == functional_hash(v)
    crossed = written("m = interp(g, m, 0.9)", "v = interp(m, v, 0.5)", "update = m - v")
    other = written("v = interp(g, v, 0.9)", "m = interp(v, m, 0.5)", "update = v - m")
    assert functional_hash(crossed) == functional_hash(other)


def test_two_slots_that_always_hold_the_same_are_one() -> None:
    doubled = written("m = interp(g, m, 0.9)", "v = interp(g, v, 0.9)", "update = m * v")
    single = written("m = interp(g, m, 0.9)", "update = m * m")
    assert functional_hash(doubled) == functional_hash(single)


def test_the_hash_tells_slots_apart_that_differ_only_later() -> None:
    shared = written("update = m * v", "m = sign(g)", "v = sign(g)")
    delayed = written("update = m * v", "v = tanh(m)", "m = sign(g)")
    assert functional_hash(shared) != functional_hash(delayed)


@pytest.mark.parametrize("function", ["/", "*"])
def test_the_hash_sees_which_slot_a_slot_reads(function: str) -> None:
    own = written(f"update = m {function} v", "v = interp(g, v, 0.99)", "m = interp(g, m, 0.9)")
    other = written(f"update = m {function} v", "v = interp(g, m, 0.99)", "m = interp(g, m, 0.9)")
    assert not np.allclose(path(own, 6), path(other, 6), equal_nan=True)
    assert functional_hash(own) != functional_hash(other)
    assert structure_hash(own) != structure_hash(other)


@pytest.mark.parametrize("change", ["update = g * 0.25", "update = w * 0.5", "update = g - 0.5", "update = m * 0.5"])
def test_the_hash_sees_constants_inputs_and_functions(change: str) -> None:
    assert functional_hash(written(change)) != functional_hash(written("update = g * 0.5"))


def test_the_structure_hash_does_not_see_constants_and_nothing_else_less() -> None:
    assert structure_hash(written("update = g * 0.25")) == structure_hash(written("update = g * 0.5"))
    assert structure_hash(written("update = g * 0.25")) != structure_hash(written("update = w * 0.25"))


@given(programs, st.integers(0, 10**6))
def test_a_mutation_that_leaves_the_hash_leaves_the_weights(program: Program, seed: int) -> None:
    child = MUTATOR.child(program, Draws(seed)).program
    if functional_hash(child) == functional_hash(program):
        np.testing.assert_allclose(path(child, 6), path(program, 6), rtol=1e-5)
    else:
        assert live_part(child) != live_part(program)


def many_slots(slots: list[str], constants: list[float], order: list[int]) -> Program:
    """A program whose slots are averages with constants of their own, summed; in one of several orders."""
    lines = [f"{slots[i]} = interp(g, {slots[i]}, {constants[i]})" for i in order]
    lines += ["update = g * lr", *(f"update = update + {slots[i]}" for i in range(len(slots)))]
    head = f"def train(w, g, {', '.join(slots)}, lr):\n    "
    return parse(head + "\n    ".join([*lines, f"return update, {', '.join(slots)}\n"]))


@pytest.mark.parametrize("count", [4, 8, 40])
def test_the_structure_hash_of_many_slots_ignores_their_names_and_constants(count: int) -> None:
    names = [f"s{i}" for i in range(count)]
    constants = [0.5 + 0.01 * i for i in range(count)]
    found = structure_hash(many_slots(names, constants, list(range(count))))
    shuffled = many_slots([f"t{count - i}" for i in range(count)], constants, list(reversed(range(count))))
    assert structure_hash(shuffled) == found
    other = [constant + 0.003 for constant in constants]
    assert structure_hash(many_slots(names, other, list(range(count)))) == found
    assert structure_hash(many_slots(names[:-1], constants[:-1], list(range(count - 1)))) != found
