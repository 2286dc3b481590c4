"""Tangles: built-ins with statements inserted that change nothing: redundant, inverse to each other, or harmless."""

import random

from primitives import BUILTINS, PAPER, REGISTRY, Kind, Program, Statement, builtin, check, parse
from primitives.checking import kinds_before
from primitives.program import Argument, float32

PLAIN = [name for name in BUILTINS if name != "lion_raw"]
_INVERSES = (("cube", "cbrt"), ("cbrt", "cube"), ("arcsinh", "sinh"), ("arctan", "tan"), ("negative", "negative"))
_CONSTANTS = (0.5, 2.0, 3.0, -1.5, 0.3, 7.0)


def tangle(name: str, seed: int) -> Program:
    """A built-in with 5 to 25 statements inserted."""
    draws = random.Random(f"{name} {seed}")
    program = builtin(name)
    target = len(program.statements) + draws.randint(5, 25)
    while len(program.statements) < target:
        draft = draws.choice((_redundant, _inverse, _inverse, _shifted, _harmless, _harmless))(program, draws)
        if draft is not None and check(draft) is None:
            program = draft
    return program


def _spliced(program: Program, place: int, *new: Statement) -> Program:
    return program._replace(statements=(*program.statements[:place], *new, *program.statements[place:]))


def _somewhere(program: Program, draws: random.Random, kinds: tuple[Kind, ...] = (Kind.TREE,)) -> tuple[int, str]:
    """A place, and a variable that is defined there."""
    place = draws.randint(0, len(program.statements))
    defined = kinds_before(program, place)
    return place, draws.choice([name for name, kind in defined.items() if kind in kinds])


def _redundant(program: Program, draws: random.Random) -> Program:
    """A statement whose value nobody reads."""
    place = draws.randint(0, len(program.statements))
    row = REGISTRY[draws.choice(PAPER)]
    defined = kinds_before(program, place)
    arguments: list[Argument] = []
    for accepted in row.accepts:
        arguments.append(draws.choice([name for name, kind in defined.items() if kind in accepted]))
    return _spliced(program, place, Statement(f"unused{len(program.statements)}", row.name, tuple(arguments)))


def _inverse(program: Program, draws: random.Random) -> Program:
    """A function and its inverse."""
    place, name = _somewhere(program, draws)
    first, second = draws.choice(_INVERSES)
    return _spliced(program, place, Statement(name, first, (name,)), Statement(name, second, (name,)))


def _shifted(program: Program, draws: random.Random) -> Program:
    """Something added and taken away, or multiplied and divided out, with other statements between where that goes."""
    place, name = _somewhere(program, draws)
    value = draws.choice(_CONSTANTS)
    if draws.random() < 0.5:
        there, back = Statement(name, "add", (name, value)), Statement(name, "subtract", (name, value))
    else:
        there = Statement(name, "multiply", (name, value))
        back = Statement(name, "multiply", (name, float32(1 / value)))
    between = 0
    for statement in program.statements[place:]:
        if name in (statement.target, *statement.arguments) or draws.random() < 0.5:
            break
        between += 1
    return _spliced(_spliced(program, place + between, back), place, there)


def _harmless(program: Program, draws: random.Random) -> Program:
    """A statement that gives back what it is given, or another name for it."""
    place, name = _somewhere(program, draws)
    other = _somewhere(program, draws)[1]
    zero = f"zero{len(program.statements)}"
    ways: tuple[tuple[Statement, ...], ...] = (
        (Statement(name, "add", (name, 0.0)),),
        (Statement(name, "multiply", (1.0, name)),),
        (Statement(name, "interp", (name, name, draws.choice(_CONSTANTS))),),
        (Statement(name, "max", (name, name)),),
        (Statement(name, "power", (name, 1.0)),),
        (Statement(zero, "subtract", (other, other)), Statement(name, "add", (name, zero))),
        (Statement(zero, "abs", (name,)), Statement(zero, "abs", (zero,)), Statement(name, "min", (name, zero))),
    )
    return _spliced(program, place, *draws.choice(ways))


SIGNED = ("signum", "lion")
_KEEPS_SIGN: tuple[tuple[str, ...], ...] = (  # of x, with y another value
    ("x = cube(x)",),
    ("t = x * x", "x = x * t"),
    ("x = tanh(x)",),
    ("x = arctan(x)",),
    ("x = arcsinh(x)",),
    ("x = cbrt(x)",),
    ("x = expm1(x)",),
    ("t = cosh(y)", "x = x * t"),
    ("t = square(y)", "t = t + 1.0", "x = x / t"),
    ("t = abs(y)", "t = t + 0.5", "x = t * x"),
    ("t = arctan(y)", "t = t + 2.0", "x = x * t"),
    ("t = cube(x)", "x = x + t"),
    ("t = tanh(x)", "x = interp(x, t, 0.3)"),
    ("t = arcsinh(x)", "x = max(x, t)"),
    ("t = abs(x)", "x = x * t"),
    ("x = clip(x, 2.0)",),
    ("x = sign(x)",),
    ("t = cos(y)", "t = t - 3.0", "x = x * t", "x = x * -0.5"),
    ("x = power(x, 5.0)",),
    ("x = negative(x)", "t = tanh(y)", "t = t - 1.5", "x = x * t"),
)


def sign_tangle(name: str, seed: int) -> Program:
    """A built-in with two to four things done to the argument of its sign that leave that sign as it is."""
    draws = random.Random(f"sign {name} {seed}")
    program = builtin(name)
    for number in range(draws.randint(2, 4)):
        place = next(line for line, statement in enumerate(program.statements) if statement.primitive == "sign")
        (argument,) = program.statements[place].arguments
        names = {"x": f"x{number}", "t": f"t{number}", "y": draws.choice(("w", "g"))}
        lines = [Statement(f"x{number}", "multiply", (argument, 1.0))]
        for text in draws.choice(_KEEPS_SIGN):
            body = f"def train(w, g, x, t, y, lr):\n    {text}\n    update = x * 1.0\n    return update, x, t, y"
            line = parse(body).statements[0]
            lines.append(
                Statement(names[line.target], line.primitive, tuple(names.get(str(a), a) for a in line.arguments))
            )
        lines.append(Statement(program.statements[place].target, "sign", (f"x{number}",)))
        statements = (*program.statements[:place], *lines, *program.statements[place + 1 :])
        program = program._replace(statements=statements)
    return program
