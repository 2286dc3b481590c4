"""Operators of the algorithm `structures`, its prior, and what makes two programs one structure."""

import numpy as np
import pytest

from primitives import PAPER, builtin, to_text
from primitives.checking import is_valid
from primitives.dataflow import live, live_part
from primitives.registry import by_names
from search.algorithms.edits import bypassed
from search.algorithms.structures.breeding import Breeder
from search.algorithms.structures.corpus import corpus
from search.algorithms.structures.expressions import with_state
from search.algorithms.structures.identity import structure_of
from search.algorithms.structures.operators import OPERATORS, Material, way
from search.algorithms.structures.prior import Prior
from search.algorithms.structures.pruning import deletions
from search.engine.randomness import Draws
from search.settings.structures import CORPUS
from simplify.exact import simplify
from tests.programs import train
from tests.structure_searches import TWO_BETAS

PROGRAMS = corpus(CORPUS)
PRIOR = Prior(by_names(list(PAPER)), PROGRAMS, 0.35)
MATERIAL = Material(PRIOR, (builtin("adam"), builtin("signum")), PROGRAMS)


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_makes_valid_children_of_every_published_optimizer(name: str) -> None:
    breeder = Breeder({name: 1.0}, 0.0)
    for parent in PROGRAMS:
        children = [breeder.child(parent, MATERIAL, Draws(3, number)) for number in range(40)]
        found = [child for child in children if child is not None]
        assert found
        assert all(is_valid(child.program) and child.operators == name for child in found)
        assert all(child.program == live_part(child.program) != parent for child in found)


def test_the_statement_that_writes_a_slot_comes_along_with_what_reads_it() -> None:
    sgd, momentum = builtin("sgd"), structure_of(simplify(builtin("momentum")).program)
    donors = Material(PRIOR, (), (builtin("momentum"),))

    def found(material: Material) -> list[str]:
        drafts = (OPERATORS["graft_on_way"](sgd, material, Draws(number)) for number in range(40))
        valid = {draft for draft in drafts if draft is not None and is_valid(draft)}
        return [structure_of(simplify(draft).program) for draft in valid]

    assert momentum in found(donors)
    assert momentum not in found(donors._replace(state=False))


def test_state_that_copied_state_reads_comes_along_too() -> None:
    donor = train("m = interp(g, m, 0.9)", "x = square(m)", "v = interp(x, v, 0.8)", "s = sqrt(v)", "update = g / s")
    child = with_state(train("s = sqrt(v)", "update = g / s"), builtin("sgd"), donor, {"v"})
    assert {"m", "v"} <= {statement.target for statement in child.statements}
    assert to_text(live_part(child)).count("interp(g, m, 0.9)") == 2  # in v, and in m for the next step
    unwritten = with_state(train("update = m * 1.0"), builtin("sgd"), builtin("sgd"), {"m"})
    assert unwritten == train("update = m * 1.0")


def test_homologous_crossover_puts_a_decay_before_the_rate_as_in_the_donor() -> None:
    parent = train("c = interp(g, m, 0.9)", "m = interp(g, m, 0.99)", "s = sign(c)", "update = s * lr")
    lion = structure_of(
        train("c = interp(g, m, 0.9)", "m = interp(g, m, 0.99)", "s = sign(c)", "d = w * 0.1", "s = s + d",
              "update = s * lr")
    )  # fmt: skip
    donors = Material(PRIOR, (), (live_part(builtin("adamw")),))

    def with_decay(homologous: float) -> list[str]:
        material = donors._replace(homologous=homologous)
        drafts = [OPERATORS["context"](parent, material, Draws(number)) for number in range(120)]
        return [structure_of(draft) for draft in drafts if draft and is_valid(draft) and "w" in to_text(draft)[30:]]

    assert set(with_decay(1.0)) == {lion}
    assert 0 < with_decay(0.0).count(lion) < len(with_decay(0.0))
    assert with_decay(1.0).count(lion) > with_decay(0.0).count(lion)


def test_the_way_leads_from_the_update_to_the_gradient_or_to_state() -> None:
    adamw = live_part(builtin("adamw"))
    for number in range(20):
        steps = way(adamw, Draws(number))
        assert steps[0][0] == len(adamw.statements) - 1
        line, place = steps[-1]
        assert adamw.statements[line].arguments[place] in ("g", "m", "v")
    assert way(train("update = w * 0.1"), Draws(0)) == []


def test_two_interpolations_with_different_constants_are_not_one_structure() -> None:
    assert structure_of(train(*TWO_BETAS)) != structure_of(train("m = interp(g, m, 0.9)", "update = sign(m)"))


def test_constants_names_and_order_of_statements_do_not_make_another_structure() -> None:
    swapped = train("a = interp(g, m, 0.3)", "m = interp(g, m, 0.6)", "b = sign(a)", "update = b * 1.0")
    reordered = train("m2 = interp(g, m, 0.1)", "one = sign(m2)", "m = interp(g, m, 0.8)", "update = one * 2.0")
    assert structure_of(swapped) == structure_of(reordered)


def test_the_prior_draws_every_function_and_frequent_ones_more_often() -> None:
    def counts(prior: Prior) -> dict[str, int]:
        drawn = [prior.function(Draws(number)) for number in range(8000)]
        return {row.name: drawn.count(row) for row in by_names(list(PAPER)) if row.accepts}

    mixed, uniform = counts(PRIOR), counts(Prior(by_names(list(PAPER)), PROGRAMS, 1.0))
    assert all(mixed.values())
    assert mixed["multiply"] > 4 * mixed["arctan"]
    assert max(uniform.values()) < 2 * min(uniform.values())


def test_constants_of_averages_are_drawn_around_those_of_the_corpus() -> None:
    kinds = {"g": next(iter(by_names(["sign"])[0].accepts[0]))}
    drawn = [PRIOR.argument(by_names(["interp"])[0], 2, kinds, Draws(number)) for number in range(300)]
    constants = [value for value in drawn if isinstance(value, float)]
    assert len(constants) > 200
    assert np.mean([0 < value < 1 for value in constants]) > 0.6


def test_readers_of_a_bypassed_statement_read_its_argument_until_either_is_assigned_again() -> None:
    parent = train("a = sqrt(g)", "b = a + g", "a = b * 2.0", "update = a + b")
    assert to_text(bypassed(parent, 0, "g")) == to_text(train("b = g + g", "a = b * 2.0", "update = a + b"))


def test_deletions_are_shorter_and_valid() -> None:
    adamw = builtin("adamw")
    drafts = list(deletions(adamw))
    assert len(drafts) >= 8
    assert all(is_valid(draft) and len(live(draft).lines) < len(live(adamw).lines) for draft in drafts)
