"""The equations render, and say what the program does."""

import pytest
from hypothesis import given, settings
from matplotlib.mathtext import MathTextParser

from primitives import BUILTINS, PAPER, REGISTRY, Program, builtin, parse
from primitives.export import export
from search.report.formula import formula
from tests.programs import calling, programs, train

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
    assert rows(calling(name))


@settings(max_examples=40)
@given(programs)
def test_any_program_renders(program: Program) -> None:
    assert rows(program)


def test_sums_are_in_brackets_where_they_have_to_be() -> None:
    lines = ("a = w + g", "b = a * lr", "c = b - a", "d = square(a)", "e = c / d", "update = -e")
    program = parse("\n    ".join(["def train(w, g, m, v, lr):", *lines, "return update, m, v\n"]))
    assert rows(program) == [
        r"x_{1} = w_{t-1} + g_t",
        r"w_t = w_{t-1} - \left(-\frac{x_{1} \, \mathrm{peak} \, s_t - x_{1}}{x_{1}^2 + \epsilon}\right)",
    ]


def factor(*lines: str) -> str:
    """The formula of `a`, as a factor beside the weights."""
    (row,) = rows(train(*lines, "update = a * w"))
    return row.removeprefix("w_t = w_{t-1} - ").removesuffix(r" \, w_{t-1}")


@pytest.mark.parametrize("name", [name for name in PAPER if REGISTRY[name].arity == 1])
def test_the_power_of_a_function_has_brackets_unless_the_function_has_them(name: str) -> None:
    inner = factor(f"a = {name}(g)")
    has_own = inner.startswith((r"\left(", r"\left|", r"\left\Vert"))
    base = inner if has_own else rf"\left({inner}\right)"
    assert factor(f"a = {name}(g)", "a = square(a)") == f"{base}^2"
    assert factor(f"a = {name}(g)", "a = cube(a)") == f"{base}^3"
    assert factor(f"a = {name}(g)", "a = power(a, 2.5)") == f"{base}^{{c_{{1}}}}"


@pytest.mark.parametrize("lines", [("a = g / w",), ("a = max(g, w)",), ("a = clip(g, lr)",), ("a = g * w",)])
def test_the_power_of_a_fraction_or_product_has_brackets(lines: tuple[str, ...]) -> None:
    program = train(*lines, "update = square(a)")
    assert rf"\left({factor(*lines).removesuffix(' ')}\right)^2" in rows(program)[-1]
    found = formula(program, {})
    assert found is not None
    assert all("<msup><mfrac>" not in equation for equation in found.equations)


def test_a_constant_that_equals_the_index_of_a_statement_is_no_use_of_it() -> None:
    program = train("a = sin(g)", "b = max(a, 0.0)", "update = b * lr")
    assert rows(program) == [r"w_t = w_{t-1} - \max\left(\sin\left(g_t\right), c_{1}\right) \, \mathrm{peak} \, s_t"]


def test_values_of_the_constants_stand_in_the_text() -> None:
    (opening,) = (line for line in export(builtin("lion"), "latex").splitlines() if line.startswith("Step"))
    for value in (r"$\beta_{1} = 0.9$", r"$\beta_{2} = 0.99$", r"$\lambda = 0.1$", r"$\eta = 10^{-4}$"):
        assert value in opening
    for symbol in opening.split("$")[1::2]:
        PARSER.parse(f"${symbol}$")


@pytest.mark.parametrize(
    ("slots", "written"),
    [
        ("my_slot, b", [r"\mathrm{my\_slot}", "b"]),
        ("s, x", [r"\hat{s}", r"\hat{x}"]),  # letters that stand for something else
        ("ä, größe", [r"\mathrm{slot\ 1}", r"\mathrm{slot\ 2}"]),
    ],
)
def test_names_of_slots_are_letters_of_their_own_in_latex(slots: str, written: list[str]) -> None:
    first, second = slots.split(", ")
    lines = (f"{first} = interp(g, {first}, 0.9)", f"{second} = interp({first}, {second}, 0.5)")
    found = rows(train(*lines, f"update = {second} * lr", slots=slots))
    assert [equation.partition("_t =")[0] for equation in found[:2]] == written


def test_names_of_constants_are_symbols_of_their_own_in_latex() -> None:
    program = train("a = max(g, 0.25)", "b = min(a, 0.5)", "update = b * lr")
    text = export(program, "latex", hyperparameters={"my_bound": 0.25, "beta_1": 0.5})
    assert r"$\mathrm{my\_bound} = 0.25$ and $\beta_{1} = 0.5$" in text


def test_lion_is_what_the_paper_prints() -> None:
    direction = r"\mathrm{sign}\left((1 - \beta_{1}) \, g_t + \beta_{1} \, m_{t-1}\right)"
    assert rows(builtin("lion")) == [
        r"m_t = (1 - \beta_{2}) \, g_t + \beta_{2} \, m_{t-1}",
        rf"w_t = w_{{t-1}} - \left({direction} + \lambda \, w_{{t-1}}\right) \, \eta \, s_t",
    ]
