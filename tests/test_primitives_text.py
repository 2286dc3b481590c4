"""Text form: parse and print are inverse, a file is data, and every error names its line and what was expected."""

from pathlib import Path

import pytest
from hypothesis import given

from primitives import BUILTINS, Program, ProgramError, UserError, builtin, parse, to_text
from primitives.builtins import load_program
from tests.programs import programs

HEAD, END = "def train(w, g, m, v, lr):\n", "    return update, m, v\n"


@given(programs)
def test_parse_is_the_inverse_of_print(program: Program) -> None:
    text = to_text(program)
    assert parse(text) == program
    assert to_text(parse(text)) == text


@pytest.mark.parametrize("name", BUILTINS)
def test_every_builtin_prints_and_parses_back(name: str) -> None:
    assert parse(to_text(builtin(name))) == builtin(name)


def test_comments_docstrings_and_odd_spacing_are_accepted() -> None:
    text = '"""A file."""\n# note\n' + HEAD + '    """What it does."""\n    update=g   *  -2 # twice\n\n\n' + END
    assert to_text(parse(text)) == HEAD + "    update = g * -2.0\n" + END


def test_constants_are_float32_and_print_with_the_fewest_digits() -> None:
    program = parse(HEAD + "    update = g * 0.8999999761581421\n" + END)
    assert program.statements[0].arguments[1] == 0.8999999761581421
    assert "g * 0.9\n" in to_text(program)


def test_a_long_word_in_a_comment_is_no_name() -> None:
    assert parse(f"# {'x' * 500}\n" + to_text(builtin("lion"))) == builtin("lion")


def test_the_smallest_float32_is_a_constant() -> None:
    program = parse(HEAD + "    update = g * 1e-45\n" + END)
    assert program.statements[0].arguments[1] == 2.0**-149
    assert parse(to_text(program)) == program


def test_a_byte_order_mark_is_no_part_of_a_program(tmp_path: Path) -> None:
    text = to_text(builtin("lion"))
    assert parse("\ufeff" + text) == builtin("lion")
    file = tmp_path / "windows.py"
    file.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert load_program(str(file)) == builtin("lion")


def test_minus_zero_is_zero() -> None:
    program = parse(HEAD + "    update = g * -0.0\n" + END)
    assert to_text(program) == HEAD + "    update = g * 0.0\n" + END


def test_the_number_of_state_slots_is_free() -> None:
    program = parse(
        "def train(w, g, m, a, b, lr):\n    m = interp(g, m, 0.9)\n    update = m * lr\n    return update, m, a, b\n"
    )
    assert program.slots == ("m", "a", "b")
    assert parse("def train(w, g, lr):\n    update = g * lr\n    return update\n").slots == ()


BAD = {
    "empty": ("", "empty"),
    "only a comment": ("# nothing\n", "empty"),
    "binary": ("\0\1\2", "line 1: source code string cannot contain null bytes"),
    "unknown function": (
        HEAD + "    update = intrep(g, m, 0.9)\n" + END,
        "line 2: unknown function `intrep`; did you mean `interp`",
    ),
    "a loop": (HEAD + "    for i in g:\n        pass\n" + END, "line 2: a loop"),
    "an attribute": (HEAD + "    update = g.T\n" + END, "line 2: an attribute"),
    "a method": (HEAD + "    update = g.sum()\n" + END, "line 2: an attribute"),
    "a lambda": (HEAD + "    update = (lambda: g)()\n" + END, "line 2: a lambda"),
    "an import": ("import os\n" + HEAD + "    update = g * lr\n" + END, "line 1: an import"),
    "an inner import": (HEAD + "    import os\n" + END, "line 2: an import"),
    "a conditional": (HEAD + "    update = g if lr else w\n" + END, "line 2: a conditional"),
    "undefined variable": (HEAD + "    update = g * rate\n" + END, "line 2: undefined variable `rate`"),
    "a call in a call": (HEAD + "    update = sign(sign(g))\n" + END, "line 2: a call inside a call"),
    "a bare variable": (HEAD + "    update = g\n" + END, "line 2: a bare variable"),
    "scalar update": (HEAD + "    update = lr * 2\n" + END, "line 3: `update` must be a tree"),
    "leaf state": (HEAD + "    update = g * lr\n    m = norm(g)\n" + END, "line 4: `m` must be a tree"),
    "no update": (HEAD + "    m = sign(g)\n" + END, "line 3: `update` is returned but never assigned"),
    "wrong arity": (HEAD + "    update = interp(g, m)\n" + END, "line 2: `interp` takes 3 arguments, got 2"),
    "wrong kind": (HEAD + "    update = interp(g, m, v)\n" + END, "line 2: `interp` requires a scalar here"),
    "reduced scalar": (HEAD + "    x = norm(lr)\n    update = g * x\n" + END, "line 2: `norm` requires a tree here"),
    "other return": (HEAD + "    update = g * lr\n    return update, v, m\n", "line 3: expected `return update, m, v`"),
    "no return": (HEAD + "    update = g * lr\n", "line 2: expected `return update, m, v` at the end"),
    "early return": (HEAD + END + "    update = g * lr\n" + END, "line 2: an early return"),
    "other arguments": ("def train(g, w):\n    update = g * w\n    return update\n", "line 1: expected the arguments"),
    "an argument twice": (
        "def train(w, g, w, lr):\n    update = w * lr\n    return update, w\n",
        "line 1: expected the arguments `w, g`, then the state slots, each once",
    ),
    "a negated variable": (HEAD + "    update = -m * lr\n" + END, "line 2: `-m` cannot be an argument; write `x = -m`"),
    "other name": ("def step(w, g, lr):\n    return update\n", "line 1: another function"),
    "two functions": (2 * (HEAD + "    update = g * lr\n" + END), "line 4: a second function"),
    "a decorator": ("@f\n" + HEAD + "    update = g * lr\n" + END, "decorators"),
    "power sign": (HEAD + "    update = g ** 2\n" + END, "write `power"),
    "keyword": (
        HEAD + "    update = interp(g, m, beta=0.9)\n" + END,
        "line 2: `interp` takes its arguments by position, without `beta=`",
    ),
    "keywords of a mapping": (HEAD + "    update = interp(g, m, **w)\n" + END, r"by position, without `\*\*`"),
    "a tiny constant": (HEAD + "    update = g * 1e-50\n" + END, "line 2: constant 1e-50 would become 0 as a float32"),
    "a tiny negative constant": (HEAD + "    update = g * -1e-46\n" + END, "line 2: constant 1e-46 would become 0"),
    "unpacking": (HEAD + "    update, m = g, m\n" + END, "line 2: expected one variable"),
    "huge constant": (HEAD + "    update = g * 1e60\n" + END, "line 2: constant 1e\\+60 does not fit"),
    "endless integer": (HEAD + f"    update = g * {10**400}\n" + END, "line 2: a constant does not fit"),
    "too many slots": (
        f"def train(w, g, {', '.join(f's{i}' for i in range(101))}, lr):\n    update = g * lr\n    return update\n",
        "line 1: a program has 101 state slots; the limit is 100",
    ),
    "a long name": (HEAD + f"    {'x' * 201} = g * lr\n" + END, "line 2: a name has 201 characters; the limit is 200"),
    "long names alike": (
        HEAD + f"    {'a' * 40_000} = g * lr\n    update = {'a' * 40_000}b * lr\n" + END,
        "line 2: a name has 40000 characters",
    ),
    "a truth value": (HEAD + "    update = g * True\n" + END, "line 2: a bare constant cannot be an argument"),
    "a string": (HEAD + "    update = g * 'x'\n" + END, "line 2: a bare constant cannot be an argument"),
    "broken syntax": (HEAD + "    update = (g *\n" + END, "line"),
    "deep nesting": (HEAD + "    update = " + "(" * 9000 + "g" + ")" * 9000 + "\n" + END, "program|line"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD.keys())
def test_what_is_not_a_program_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ProgramError, match=message) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_parsing_never_executes(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    for body in (f"    update = open({str(trap)!r}, 'w')\n", f"    update = __import__('os').mkdir({str(trap)!r})\n"):
        with pytest.raises(ProgramError):
            parse(HEAD + body + END)
    assert not trap.exists()


def test_a_program_is_loaded_from_a_file_or_by_name(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(to_text(builtin("lion")))
    assert load_program(str(file)) == load_program("lion") == builtin("lion")


def test_what_is_neither_file_nor_builtin_comes_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean `lion`"):
        load_program("lyon")
    binary = tmp_path / "binary.py"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read as text"):
        load_program(str(binary))
    with pytest.raises(UserError, match="cannot be read"):
        load_program(str(tmp_path))
