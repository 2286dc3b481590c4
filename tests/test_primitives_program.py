"""A program shows itself as text, as equations and as a graph, and is taken along as an optimizer."""

from pathlib import Path
from xml.etree import ElementTree

import jax.numpy as jnp
import matplotlib as mpl
import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings

from primitives import BUILTINS, Program, Statement, UserError, builtin, export, live, parse, to_text
from primitives.drawing import draw, graph_of
from search.record import whole_file
from tests.programs import programs


@given(programs)
def test_a_program_shows_its_text_and_stays_a_value(program: Program) -> None:
    assert f"{program}\n" == f"{program!r}\n" == to_text(program)
    again = parse(str(program))
    assert again == program == tuple(program)
    assert hash(again) == hash(program) == hash(tuple(program))


def test_what_is_no_valid_program_shows_itself_all_the_same() -> None:
    unknown = Program((Statement("update", "unheard_of", ("g",)),))
    assert "unheard_of" in repr(unknown)
    undefined = Program((Statement("update", "add", ("q", "g")),))
    for program in (unknown, undefined, Program(()), Program((Statement("<img onerror=x>", "sign", ("g",)),))):
        shown = program._repr_html_()
        assert shown.startswith("<pre>")
        assert "<img" not in shown


@pytest.mark.parametrize("name", BUILTINS)
def test_a_notebook_shows_text_and_equations(name: str) -> None:
    shown = builtin(name)._repr_html_()
    tree = ElementTree.fromstring(f"<body>{shown}</body>")
    text, formula = tree[0].text or "", tree[1].text or ""
    assert text == str(builtin(name))
    assert formula.startswith(r"$$\begin{aligned}")
    assert "w_t &= w_{t-1} - " in formula


def test_latex_of_a_program_is_its_export() -> None:
    assert builtin("lion").latex() == export(builtin("lion"), "latex")
    named = builtin("rmsprop").latex(hyperparameters={"beta2": 0.9})
    assert r"\beta_{2} = 0.9" in named


@settings(max_examples=40)
@given(programs)
def test_the_graph_holds_the_live_part_and_has_cycles_through_the_state_alone(program: Program) -> None:
    graph = program.graph()
    lines, slots = live(program)
    assert {node for node in graph if isinstance(node, int)} == set(lines)
    carried = [(source, target) for source, target, state in graph.edges(data="state") if state]
    assert sorted(target for _, target in carried) == sorted(slots)
    assert all(nx.has_path(graph, node, "update") for node in graph)
    graph.remove_edges_from(carried)
    assert nx.is_directed_acyclic_graph(graph)
    assert nx.is_directed_acyclic_graph(graph_of(program))


def test_nodes_and_edges_say_what_they_are() -> None:
    lines = ("x = g * 1.0", "y = x * x", "update = y * lr")
    graph = parse("\n    ".join(["def train(w, g, lr):", *lines, "return update\n"])).graph()
    assert graph.nodes[0] == {"kind": "statement", "primitive": "multiply", "text": lines[0], "constants": {1: 1.0}}
    assert graph.edges[0, 1] == {"arguments": (0, 1), "state": False}
    assert graph.nodes["g"] == {"kind": "input"}
    assert graph.nodes["update"] == {"kind": "output"}
    assert set(graph) == {"g", "lr", "update", 0, 1, 2}


def test_a_program_is_taken_along_as_an_optimizer() -> None:
    transform = builtin("signum").to_optax(learning_rate=0.5)
    np.testing.assert_array_equal(transform.update(jnp.ones(2), transform.init(jnp.ones(2)))[0], [-0.5, -0.5])
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.grad = torch.ones(2)
    builtin("signum").to_torch([parameter], lr=0.5).step()
    assert parameter.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("values", [[], [0.9, 0.99, 0.1], [0.9, 0.99, 0.1, 1e-4, 1.0]])
def test_constants_are_replaced_by_as_many_values(values: list[float]) -> None:
    with pytest.raises(UserError, match=f"a program with 4 constants needs 4 values, not {len(values)}"):
        builtin("lion").with_constants(values)


@pytest.mark.parametrize("ending", [".svg", ".png", ".pdf"])
def test_a_drawing_is_a_new_file_and_its_title_is_text(tmp_path: Path, ending: str) -> None:
    other = tmp_path / "other"
    other.write_text("kept")
    path = tmp_path / f"lion{ending}"
    path.symlink_to(other)
    with mpl.rc_context({"svg.fonttype": "none"}), whole_file(path) as part:
        draw({"$\\undefined$\x1b[31m": builtin("lion")}, part)
    assert other.read_text() == "kept"
    assert not path.is_symlink()
    assert {file.name for file in tmp_path.iterdir()} == {"other", path.name}
    if ending == ".svg":
        assert r"$\undefined$\x1b[31m" in path.read_text()
    with pytest.raises(OSError, match="No such file"):
        draw({"": builtin("lion")}, tmp_path / "none" / f"x{ending}")
