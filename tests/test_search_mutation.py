"""Children are always valid; each mutation can produce all that it should and nothing else."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from primitives import (
    BUILTINS,
    PAPER,
    REGISTRY,
    Kind,
    Program,
    Statement,
    UserError,
    builtin,
    check,
    parse,
    structure_hash,
    to_text,
)
from primitives.checking import input_kinds, is_valid
from search.algorithms import STRUCTURES, mutation
from search.algorithms.factory import ALGORITHMS
from search.algorithms.mutation import MUTATIONS, Mutator
from search.engine.randomness import Draws
from search.settings import Mutations, names
from tests.programs import programs

ROWS = [REGISTRY[name] for name in PAPER]
DRAWS = 6000


def text(*lines: str) -> Program:
    return parse("\n    ".join(["def train(w, g, m, v, lr):", *lines, "return update, m, v"]))


def drafts(mutate: Callable[..., Program | None], parent: Program, count: int = DRAWS) -> list[Program]:
    """What a mutation makes of one parent over many draws."""
    found = [mutate(parent, ROWS, Draws(number)) for number in range(count)]
    return [draft for draft in found if draft is not None]


def test_the_config_has_a_rate_for_each_built_in_mutation_and_knows_each_algorithm() -> None:
    assert [*Mutations.model_fields] == [*MUTATIONS]
    assert {*ALGORITHMS, STRUCTURES} == names.ALGORITHMS


@given(programs, st.integers(0, 10**6))
def test_a_child_is_valid_and_differs_from_its_parent(parent: Program, seed: int) -> None:
    child = Mutator(ROWS, Mutations().model_dump()).child(parent, Draws(seed))
    assert check(child.program) is None
    assert child.program != parent
    assert parse(to_text(child.program)) == child.program
    assert child.mutation in MUTATIONS


@pytest.mark.parametrize("name", BUILTINS)
def test_a_draft_is_valid_where_no_problem_can_be_named(name: str) -> None:
    found = [draft for mutate in MUTATIONS.values() for draft in drafts(mutate, builtin(name), 100)]
    assert [is_valid(draft) for draft in found] == [check(draft) is None for draft in found]
    assert {is_valid(draft) for draft in found} == {True, False}


def test_equal_draws_give_equal_children() -> None:
    mutator = Mutator(ROWS, Mutations().model_dump())
    parent = builtin("adamw")
    assert [mutator.child(parent, Draws(n)) for n in range(50)] == [mutator.child(parent, Draws(n)) for n in range(50)]


def test_a_mutation_with_rate_zero_never_happens_and_every_other_does() -> None:
    rates = Mutations(wrap=0.0, replace=0.0).model_dump()
    seen = {Mutator(ROWS, rates).child(builtin("adamw"), Draws(n)).mutation for n in range(500)}
    assert seen == {"insert", "delete", "modify", "scale"}


def test_insert_adds_one_statement_and_leaves_the_others_in_order() -> None:
    parent = builtin("lion")
    for draft in drafts(mutation.insert, parent, 500):
        assert len(draft.statements) == len(parent.statements) + 1
        place = next(
            i for i, s in enumerate((*draft.statements, None)) if (*parent.statements, None)[i : i + 1] != (s,)
        )
        assert draft.statements[:place] + draft.statements[place + 1 :] == parent.statements


def test_insert_reaches_every_function_place_target_and_variable() -> None:
    parent = text("t = sign(g)", "update = t * lr")
    inserted = []
    for draft in drafts(mutation.insert, parent):
        place = next(i for i in range(3) if draft.statements[:i] + draft.statements[i + 1 :] == parent.statements)
        inserted.append((place, draft.statements[place]))
    assert {statement.primitive for _, statement in inserted} == set(PAPER)
    assert {place for place, _ in inserted} == {0, 1, 2}
    assert {statement.target for _, statement in inserted} == {"w", "g", "m", "v", "lr", "t", "update", "x1"}
    before = [a for place, s in inserted if place == 0 for a in s.arguments if isinstance(a, str)]
    assert set(before) == {"w", "g", "m", "v", "lr"}
    after = [a for place, s in inserted if place == 2 for a in s.arguments if isinstance(a, str)]
    assert set(after) == {"w", "g", "m", "v", "lr", "t", "update"}


def test_insert_puts_scalars_where_only_scalars_fit_and_trees_where_only_trees_do() -> None:
    parent = text("n = norm(g)", "update = g * n")
    kinds = input_kinds(parent) | {"n": Kind.LEAF, "update": Kind.TREE}
    for draft in drafts(mutation.insert, parent, 2000):
        for statement in set(draft.statements) - set(parent.statements):
            for argument, accepted in zip(statement.arguments, REGISTRY[statement.primitive].accepts, strict=True):
                assert (kinds[argument] if isinstance(argument, str) else Kind.SCALAR) in accepted


def test_interp_is_inserted_with_all_kinds_of_averages() -> None:
    found = [s for d in drafts(mutation.insert, builtin("sgd")) for s in d.statements if s.primitive == "interp"]
    assert {"m", "v", "g", "w"} <= {argument for statement in found for argument in statement.arguments[:2]}
    assert any(isinstance(statement.arguments[2], float) for statement in found)


def test_delete_removes_any_one_statement_and_does_nothing_else() -> None:
    parent = builtin("lion")
    expected = {parent._replace(statements=parent.statements[:i] + parent.statements[i + 1 :]) for i in range(7)}
    assert set(drafts(mutation.delete, parent, 300)) == expected


def test_modify_changes_one_argument_and_neither_function_nor_target() -> None:
    parent = builtin("adamw")
    changed = set()
    for draft in drafts(mutation.modify, parent):
        pairs = [(i, a, b) for i, (a, b) in enumerate(zip(parent.statements, draft.statements, strict=True)) if a != b]
        assert len(pairs) <= 1
        for line, old, new in pairs:
            assert (old.target, old.primitive) == (new.target, new.primitive)
            places = [p for p, (a, b) in enumerate(zip(old.arguments, new.arguments, strict=True)) if a != b]
            assert len(places) == 1
            changed.add((line, places[0]))
    assert changed == {(i, p) for i, s in enumerate(parent.statements) for p in range(len(s.arguments))}


def test_modify_reaches_every_variable_new_constants_and_scaled_ones() -> None:
    parent = text("update = g * 0.5")
    arguments = [draft.statements[0].arguments for draft in drafts(mutation.modify, parent)]
    assert {a for a, b in arguments if b == 0.5 and isinstance(a, str)} == {"w", "g", "m", "v", "lr"}
    assert any(isinstance(a, float) and a < 0 for a, _ in arguments)
    constants = [b for _, b in arguments if isinstance(b, float)]
    assert any(b < 0 for b in constants)  # from N(0, 1)
    assert sum(b > 0 for b in constants) > 2 * sum(b < 0 for b in constants)  # half are the old one times 2^a


def test_replace_swaps_the_function_for_every_other_with_the_same_arguments() -> None:
    found = {draft.statements[0].primitive for draft in drafts(mutation.replace, text("update = g * w"))}
    assert found == {"add", "subtract", "divide", "max", "min", "power"}
    unary = {draft.statements[0].primitive for draft in drafts(mutation.replace, text("update = tanh(g)"))}
    assert unary == {row.name for row in ROWS if row.arity == 1 and Kind.SCALAR in row.accepts[0]} - {"tanh"}


def test_wrap_puts_a_function_of_one_argument_after_a_statement() -> None:
    parent = text("t = sign(g)", "update = t * w")
    found = drafts(mutation.wrap, parent)
    added = {s for draft in found for s in draft.statements if s not in parent.statements}
    assert {s.primitive for s in added} == {row.name for row in ROWS if row.arity == 1}
    assert {(s.target, s.arguments) for s in added} == {("t", ("t",)), ("update", ("update",))}
    assert all(draft.statements[-1].target == "update" for draft in found)


def test_scale_moves_one_constant_up_or_down_and_keeps_its_sign() -> None:
    parent = text("m = interp(g, m, 0.9)", "update = m * -3.0")
    averages, others = [], []
    for draft in drafts(mutation.scale, parent, 1000):
        (_, _, a), (_, _, b) = draft.constants()
        assert (a == parent.statements[0].arguments[2]) != (b == -3.0)
        averages.append(a)
        others.append(b)
    assert any(0.95 < a < 1 for a in averages)
    assert any(a < 0.6 for a in averages)
    assert any(a > 1.2 for a in averages)
    assert all(b < 0 for b in others)
    assert min(others) < -6
    assert max(others) > -1.5


def test_tune_moves_most_live_constants_a_little_and_nothing_else() -> None:
    parent = text("m = interp(g, m, 0.9)", "x = m * -0.5", "dead = w * 0.3", "update = x * 0.0", "update = x + update")
    moved = [0, 0, 0, 0]
    for number in range(300):
        child = MUTATIONS["tune"](parent, ROWS, Draws(number))
        assert child is not None
        assert structure_hash(child) == structure_hash(parent)
        pairs = zip(parent.constants(), child.constants(), strict=True)
        for place, ((*_, old), (*_, new)) in enumerate(pairs):
            moved[place] += old != new
            assert new * old >= 0
            assert abs(new) < 1 or abs(old) >= 0.5
    average, scale, dead, zero = (count / 300 for count in moved)
    assert (dead, zero) == (0, 0)
    assert 0.5 < average < 0.7
    assert 0.5 < scale < 0.7


@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_a_mutation_copes_with_a_program_that_has_little(name: str) -> None:
    for parent in (Program(()), Program((Statement("update", "get_pi", ()),)), text("update = g * w")):
        for number in range(100):
            draft = MUTATIONS[name](parent, ROWS, Draws(number))
            assert draft is None or isinstance(draft, Program)


def test_the_names_of_mutations_are_those_of_the_config() -> None:
    assert set(MUTATIONS) == set(Mutations.model_fields)


def test_a_program_that_the_allowed_mutations_cannot_change_is_named_and_does_not_hang() -> None:
    only_scale = Mutations(insert=0, delete=0, modify=0, replace=0, wrap=0).model_dump()
    with pytest.raises(UserError, match="none of 10,000 drafts is valid"):
        Mutator(ROWS, only_scale).child(text("update = g * w"), Draws(0))


def test_every_builtin_can_be_a_parent() -> None:
    mutator = Mutator(ROWS, Mutations().model_dump())
    for name in BUILTINS:
        assert check(mutator.child(builtin(name), Draws(1)).program) is None
