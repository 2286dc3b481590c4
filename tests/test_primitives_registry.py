"""Adding a primitive is one call; what cannot be one is refused."""

import jax.numpy as jnp
import numpy as np
import pytest

from primitives import REGISTRY, Primitive, ProgramError, UserError, parse, to_text
from primitives.interpreter import encode, interpreted, run_steps
from primitives.kinds import ANY
from primitives.registry import Registry, describe
from proxy_tasks.task import Task
from proxy_tasks.training import Trainer
from tests.programs import SIZES, probe, xla_path


def test_a_new_primitive_is_parsed_printed_and_run_through_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = Registry()
    for row in REGISTRY:
        fresh.add(row)
    fresh.add(Primitive("softsign", lambda x: x / (1 + jnp.abs(x)), (ANY,), formula="x / (1 + |x|)"))
    for module in ("text", "checking", "dataflow", "interpreter"):
        monkeypatch.setattr(f"primitives.{module}.REGISTRY", fresh)
    program = parse("def train(w, g, m, v, lr):\n    update = softsign(g)\n    return update, m, v\n")
    assert "softsign(g)" in to_text(program)
    rule = interpreted(encode(program), SIZES)
    found = np.asarray(run_steps(rule, *probe(5)))
    np.testing.assert_allclose(found, xla_path(program, 5), rtol=1e-6)
    assert np.all(np.abs(np.diff(found, axis=0)) < 1)


@pytest.mark.parametrize("taken", ["sign", "+", "clip_by_global_norm"])
def test_a_spelling_that_is_taken_is_refused(taken: str) -> None:
    with pytest.raises(UserError, match="registered already"):
        REGISTRY.add(Primitive("unheard_of", jnp.sign, (ANY,), aliases=(taken,)))


@pytest.mark.parametrize(("name", "arity"), [("not a name", 1), ("too_many", 4)])
def test_a_row_that_makes_no_sense_is_refused(name: str, arity: int) -> None:
    with pytest.raises(UserError, match=r"identifier|the largest number is 3"):
        REGISTRY.add(Primitive(name, jnp.sign, (ANY,) * arity))


@pytest.mark.parametrize(("symbol", "arity"), [("%", 2), ("-", 1)])
def test_an_infix_sign_that_the_parser_would_not_read_is_refused(symbol: str, arity: int) -> None:
    with pytest.raises(UserError, match=r"must be one of"):
        Registry().add(Primitive("unheard_of", jnp.sign, (ANY,) * arity, symbol=symbol))


@pytest.mark.usefixtures("own_registry")
def test_a_primitive_that_comes_after_a_task_was_compiled_is_run_all_the_same() -> None:
    task = Task("later", "digit classification", "", batch=4, steps=2, settings={"hidden": (4,)})
    trainer = Trainer(task, [0])
    trainer.losses(parse("def train(w, g, m, v, lr):\n    update = g * lr\n    return update, m, v\n"))
    REGISTRY.add(Primitive("doubled_for_a_test", lambda x: 2 * x, (ANY,)))
    both = [
        trainer.losses(parse(f"def train(w, g, m, v, lr):\n    update = {call}\n    return update, m, v\n"))
        for call in ("doubled_for_a_test(g)", "g * 2.0")
    ]
    np.testing.assert_allclose(both[0], both[1], rtol=1e-6)


def test_an_unknown_function_comes_with_the_nearest_known_one() -> None:
    with pytest.raises(ProgramError, match="unknown function `intrep`; did you mean `interp`"):
        REGISTRY.find("intrep")


def test_a_row_is_described_with_its_signature_and_source() -> None:
    row = describe(REGISTRY["interp"])
    assert row["signature"] == "(any, any, scalar) -> widest"
    assert "Chen" in row["source"]
