"""Names and texts from outside cannot break an export, or make it run anything but the program."""

import ast
import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from primitives import Program, ProgramError, Statement, builtin, parse
from primitives.escaping import LONGEST, escaped, printable
from primitives.export import TARGETS, export
from primitives.exported_code import Code
from primitives.identifiers import is_name, taken_names, vocabulary
from primitives.vetting import vet
from tests.exports import numpy_path, optax_path
from tests.programs import path

CODE = [to for to in TARGETS if to != "latex"]
HOSTILE = [
    *(
        "count",
        "index",
        "_m",
        "_wide",
        "x_",
        "x",
        "_",
        "__",
        "optax",
        "jnp",
        "np",
        "map",
        "zip",
        "tuple",
        "init",
        "sum",
    ),
    *(
        "state",
        "beta1",
        "c1",
        "learning_rate",
        "schedule",
        "torch",
        "self",
        "match",
        "type",
        "_clip",
        "_program",
        "list",
    ),
    *(
        "params",
        "updates",
        "leaves",
        "Tensor",
        "Any",
        "lr_",
        "update_",
        "g_",
        "print",
        "ß",
        "ﬁ",
        "é",
        "__debug__",
        "count_",
    ),
]
names = st.one_of(st.sampled_from(HOSTILE), st.sampled_from(sorted(taken_names() | vocabulary())))
free = names.filter(lambda name: is_name(name) and name not in ("w", "g", "lr"))
texts = st.one_of(
    st.text(),
    st.lists(st.sampled_from(['"""', '"', "'", "\\", "\n", "\r", "\x0c", "\u2028", "\x1b[31m", "\u202e", "N{x}", "x",
                              ";import os", "{{ 1 }}", "{% raw %}", "%", "\\input", "^^M", "\udc80", "\0", "#"]))
    .map("".join),
)  # fmt: skip


def program(slots: tuple[str, str], temporary: str, scalar: str, whole: bool) -> Program:
    """A program with two state slots, a temporary, and a scalar."""
    first, second = slots
    lines = (
        f"{first} = interp(g, {first}, 0.9)",
        f"{temporary} = square({first})",
        f"{second} = interp({temporary}, {second}, 0.5)",
        f"{scalar} = {'dot(w, g)' if whole else 'lr * 2.0'}",
        f"{scalar} = sin({scalar})",
        f"update = {second} * {scalar}",
        "update = update * 0.1",
        "update = update * lr",
    )
    head = f"def train(w, g, {first}, {second}, lr):\n    "
    return parse(head + "\n    ".join([*lines, f"return update, {first}, {second}\n"]))


@settings(max_examples=20)
@given(st.lists(free, min_size=4, max_size=4, unique=True), free, st.booleans())
@example(["count", "_m", "_wide", "zip"], "optax", True)
@example(["x", "x_", "_wide", "jnp"], "jnp", False)
@example(["_", "__", "_count", "c1"], "tuple", True)
@example(["beta1", "_beta1", "learning_rate", "np"], "_", False)
def test_a_program_with_hostile_names_exported_does_what_the_interpreter_does(
    chosen: list[str], name: str, whole: bool
) -> None:
    try:
        found = program((chosen[0], chosen[1]), chosen[2], chosen[3], whole)
    except ProgramError:  # `update` as a slot, or as the scalar
        return
    for to in CODE:
        ast.parse(export(found, to, name))  # runs it, too
    for way in (optax_path, numpy_path):
        np.testing.assert_allclose(way(found, 3), path(found, 3), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("to", CODE)
def test_every_name_of_the_template_or_of_python_can_be_the_name_of_an_export(to: str) -> None:
    more = dir(builtins) if to == "python" else ()  # a step of the others takes longer
    for name in filter(is_name, {*HOSTILE, *more, "Scalar", "ScalarState", "_", "none", "tensor", "ŉ"}):
        export(builtin("lion"), to, name)


@settings(max_examples=30)
@given(texts)
@example('x""";import os;os.system("touch trap");""".py')
@example("best\\N{x}.py")
@example("a\nimport os")
@example('"""')
@example("\\")
def test_a_hostile_origin_stands_in_the_docstring_and_changes_nothing_else(origin: str) -> None:
    for to in ("python", "optax"):
        plain, found = (ast.parse(export(builtin("signum"), to, origin=text)) for text in ("a", origin))
        documented = ast.get_docstring(found, clean=False) or ""
        assert documented.startswith(printable(origin) or "A program of optsearch.")
        plain.body, found.body = plain.body[1:], found.body[1:]
        assert ast.dump(plain) == ast.dump(found)
    lines = export(builtin("signum"), "latex", origin=origin).splitlines()
    assert lines[1:] == export(builtin("signum"), "latex").splitlines()[1:]
    assert lines[0].startswith("% ")


@settings(max_examples=100)
@given(texts)
def test_escaped_text_is_one_line_that_python_reads_back(text: str) -> None:
    assert escaped(text).isprintable()
    assert ast.literal_eval(f'"""{escaped(text)}"""') == printable(text)
    assert ast.literal_eval(f'"{escaped(text)}"') == printable(text)
    assert len(printable(text)) <= 10 * (LONGEST + 1)
    escaped(text).encode()


def test_a_hostile_origin_runs_nothing(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    for hostile in (
        f'x""";open({str(trap)!r}, "w");""".py',
        f"a\nopen({str(trap)!r}, 'w')\n",
        "\\" + '"""' + f";open({str(trap)!r},'w')#",
    ):
        for to in CODE:
            exec(compile(export(builtin("lion"), to, origin=hostile), "export", "exec"), {"__name__": "export"})
    assert not trap.exists()


@pytest.mark.parametrize("variable", ["x; import os", "x\nimport os", "import", "a b", "", "ﬁ", "1"])
def test_a_variable_that_is_no_identifier_is_refused(variable: str) -> None:
    hostile = Program((Statement(variable, "sign", ("g",)), Statement("update", "multiply", (variable, "lr"))))
    for to in TARGETS:
        with pytest.raises(ProgramError, match="cannot be the name of a variable"):
            export(hostile, to)


FOREIGN = {
    "a call": ("    lr = lr * learning_rate", "    lr = eval(learning_rate)"),
    "an attribute": ("    lr = lr * learning_rate", "    lr = lr.tofile"),
    "a string": ("    lr = lr * learning_rate", "    lr = 'rm -rf'"),
    "an import": ("import numpy as np", "import numpy as np\nimport os"),
    "an import from": ("import numpy as np", "import numpy as np\nfrom os import np"),
    "a formatted string": ("    lr = lr * learning_rate", "    lr = f'{lr}'"),
    "a comment": ("    lr = lr * learning_rate", "    lr = lr  # foreign"),
}


@pytest.mark.parametrize(("old", "new"), FOREIGN.values(), ids=FOREIGN.keys())
def test_code_beside_literals_and_names_of_ours_is_refused(old: str, new: str) -> None:
    text = export(builtin("signum"), "python")
    assert old in text
    code: Any = Code(builtin("signum"), "python")
    vet(text, "python", "optimizer", {"optimizer", "Optimizer"}, code)
    with pytest.raises(ValueError, match="the export holds"):
        vet(text.replace(old, new), "python", "optimizer", {"optimizer", "Optimizer"}, code)


@pytest.mark.parametrize("line", [r"\input{secret} \\", "x_{1 &= 2", "a % b", "\x1b"])
def test_latex_that_is_no_equation_is_refused(line: str) -> None:
    text = export(builtin("signum"), "latex").replace(r"\begin{align}", "\\begin{align}\n" + line)
    with pytest.raises(ValueError, match="the export holds"):
        vet(text, "latex", "optimizer", (), Code(builtin("signum"), "latex"))
