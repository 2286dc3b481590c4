"""Built-in programs: optimizers of the literature, written in the language.

The language has no bias correction, and the epsilon is the one inside `/` (1e-8), as in the programs of Chen et al.
(2023). Constants have their customary values. The peak of the learning rate `lr` is 0.01 (`PEAK`) on the smallest
tasks, and a program multiplies `lr` by a constant: Adam's customary rate of 0.001 is `lr * 0.1` here. `lion_raw` is the
program as printed, except for this constant, which is a hundred times as large.
"""

from functools import cache
from pathlib import Path

from primitives.errors import ProgramError, UserError, nearest
from primitives.escaping import printable
from primitives.program import Program
from primitives.text import parse

_LARGEST = 1_000_000  # bytes of a program file

_SOURCES = {
    "sgd": "Robbins and Monro (1951)",
    "momentum": "Polyak (1964)",
    "adagrad": "Duchi, Hazan and Singer (2011)",
    "rmsprop": "Tieleman and Hinton (2012), lecture 6.5",
    "adam": "Kingma and Ba (2015), Algorithm 1 without bias correction",
    "adamw": "Loshchilov and Hutter (2019); the starting program of Chen et al. (2023)",
    "adabelief": "Zhuang et al. (2020), Algorithm 2 without bias correction",
    "signum": "Bernstein et al. (2018), signSGD with momentum",
    "lion": "Chen et al. (2023), Algorithm 2",
    "lion_raw": "Chen et al. (2023), appendix: the discovered program as it was found",
}

_BODIES = {
    "sgd": """
        lr = lr * 10.0
        update = g * lr
    """,
    "momentum": """
        m = m * 0.9
        m = m + g
        lr = lr * 10.0
        update = m * lr
    """,
    "adagrad": """
        g2 = square(g)
        v = v + g2
        s = sqrt(v)
        update = g / s
        lr = lr * 5.0
        update = update * lr
    """,
    "rmsprop": """
        g2 = square(g)
        v = interp(g2, v, 0.9)
        s = sqrt(v)
        update = g / s
        lr = lr * 0.1
        update = update * lr
    """,
    "adam": """
        g2 = square(g)
        m = interp(g, m, 0.9)
        v = interp(g2, v, 0.999)
        s = sqrt(v)
        update = m / s
        lr = lr * 0.1
        update = update * lr
    """,
    "adamw": """
        g2 = square(g)
        m = interp(g, m, 0.9)
        v = interp(g2, v, 0.999)
        s = sqrt(v)
        update = m / s
        wd = w * 0.01
        update = update + wd
        lr = lr * 0.1
        update = update * lr
    """,
    "adabelief": """
        m = interp(g, m, 0.9)
        d = g - m
        d2 = square(d)
        v = interp(d2, v, 0.999)
        s = sqrt(v)
        update = m / s
        lr = lr * 0.1
        update = update * lr
    """,
    "signum": """
        m = interp(g, m, 0.9)
        update = sign(m)
        lr = lr * 0.01
        update = update * lr
    """,
    "lion": """
        update = interp(g, m, 0.9)
        update = sign(update)
        m = interp(g, m, 0.99)
        wd = w * 0.1
        update = update + wd
        lr = lr * 0.01
        update = update * lr
    """,
    "lion_raw": """
        g = clip(g, lr)
        m = clip(m, lr)
        v845 = sqrt(0.6270633339881897)
        v968 = sign(v)
        v968 = v - v
        g = arcsin(g)
        m = interp(g, v, 0.8999999761581421)
        v1 = m * m
        v = interp(g, m, 1.109133005142212)
        v845 = tanh(v845)
        lr = lr * 0.02171761734643951
        update = m * lr
        v1 = sqrt(v1)
        update = update / v1
        wd = lr * 0.4601978361606598
        v1 = square(v1)
        wd = wd * w
        m = cosh(update)
        lr = tan(1.4572199583053589)
        update = update + wd
        lr = cos(v845)
    """,
}

BUILTINS: tuple[str, ...] = tuple(_BODIES)


@cache
def builtin(name: str) -> Program:
    """Get a built-in program.

    Args:
        name: one of `BUILTINS`.

    Raises:
        UserError: an unknown name; the message proposes the nearest known one.

    Example:
        >>> builtin("sgd").statements[-1]
        Statement(target='update', primitive='multiply', arguments=('g', 'lr'))
    """
    if name not in _BODIES:
        raise UserError(f"unknown program `{printable(name)}`{nearest(name, BUILTINS)}")
    lines = [f"    {line.strip()}" for line in _BODIES[name].strip().splitlines()]
    return parse("\n".join(["def train(w, g, m, v, lr):", *lines, "    return update, m, v"]))


def source_of(name: str) -> str:
    """Publication that describes the built-in program `name`."""
    return _SOURCES[name]


def load_program(name: str) -> Program:
    """Load a built-in program by name, or a program file by path.

    Args:
        name: one of `BUILTINS`, or the path of a text file in UTF-8. A built-in takes precedence over a file.

    Raises:
        UserError: neither a built-in nor a regular file, a file that is too large or cannot be read, or a file that
            does not hold a program.
    """
    if name in BUILTINS:
        return builtin(name)
    shown, path = printable(name), Path(name)
    try:
        if not path.exists():
            raise UserError(f"`{shown}` is neither a file nor a built-in program{nearest(name, BUILTINS)}")
        if not path.is_file():
            raise UserError(f"program file `{shown}` cannot be read: it is not a regular file")
        if path.stat().st_size > _LARGEST:
            raise UserError(f"program file `{shown}` has {path.stat().st_size} bytes; the limit is {_LARGEST}")
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"program file `{shown}` cannot be read as text: {error}") from None
    except ProgramError as error:
        raise ProgramError(f"{shown}: {error}") from None
