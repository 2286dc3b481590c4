"""The equations render, and say what the program does."""

import pytest
from hypothesis import given, settings
from matplotlib.mathtext import MathTextParser

from primitives import BUILTINS, PAPER, REGISTRY, Program, Statement, builtin, check, parse
from primitives.export import export
from primitives.kinds import ONLY_SCALAR
from tests.programs import programs

PARSER = MathTextParser("path")


def rows(program: Program) -> list[str]:
    """Equations of an export, rendered one by one."""
    lines = export(program, "latex").splitlines()
    found = lines[lines.index(r"\begin{align}") + 1 : -1]
    assert lines[-1] == r"\end{align}"
    equations = [line.strip().removesuffix(r"\\").replace("&", "").strip() for line in found]
    for equation in equations:
        PARSER.parse(f"${equation}$")
    return equations


@pytest.mark.parametrize("name", BUILTINS)
def test_a_builtin_renders(name: str) -> None:
    assert rows(builtin(name))[-1].startswith("w_t = w_{t-1} - ")


@pytest.mark.parametrize("name", PAPER)
def test_every_function_renders(name: str) -> None:
    arguments = tuple("lr" if accepted == ONLY_SCALAR else "g" for accepted in REGISTRY[name].accepts)
    result = Statement("x", name, arguments)
    statements = (result, Statement("y", "multiply", ("x", "lr")), Statement("update", "add", ("y", "w")))
    program = Program(statements)
    assert check(program) is None
    assert rows(program)


@settings(max_examples=40)
@given(programs)
def test_any_program_renders(program: Program) -> None:
    assert rows(program)


def test_sums_are_in_brackets_where_they_have_to_be() -> None:
    lines = ("a = w + g", "b = a * lr", "c = b - a", "d = square(a)", "e = c / d", "update = -e")
    program = parse("\n    ".join(["def train(w, g, m, v, lr):", *lines, "return update, m, v\n"]))
    assert rows(program) == [
        r"x_{1} = w_{t-1} + g_t",
        r"w_t = w_{t-1} - \left(-\frac{x_{1} \, s_t - x_{1}}{x_{1}^2 + \epsilon}\right)",
    ]


def test_lion_is_what_the_paper_prints() -> None:
    direction = r"\mathrm{sign}\left((1 - \beta_{1}) \, g_t + \beta_{1} \, m_{t-1}\right)"
    assert rows(builtin("lion")) == [
        r"m_t = (1 - \beta_{2}) \, g_t + \beta_{2} \, m_{t-1}",
        rf"w_t = w_{{t-1}} - \left({direction} + \lambda \, w_{{t-1}}\right) \, \eta \, s_t",
    ]
