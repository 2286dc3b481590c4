"""Formulas: the equations of a program as MathML, which browsers and screen readers read without a library."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from latex2mathml.converter import convert
from markupsafe import Markup

from primitives import Program, UserError, export

_ALIGN = re.compile(r"\\begin\{align\}(.*?)\\end\{align\}", re.DOTALL)
_VALUE = re.compile(r"\$([^$]*=[^$]*)\$")


class Formula(NamedTuple):
    """One step of a program as equations.

    Attributes:
        latex: rows of an `align` environment.
        equations: the rows as elements `math`.
        constants: values of the constants, such as β₁ = 0.9, as elements `math`.
    """

    latex: str
    equations: list[Markup]
    constants: list[Markup]


def formula(program: Program, hyperparameters: Mapping[str, float]) -> Formula | None:
    """The equations of a program, with constants as symbols; `None` where a function has no spelling in LaTeX.

    Args:
        program: a valid program.
        hyperparameters: names and values from recognition.
    """
    try:
        text = export(program, "latex", "found", hyperparameters=hyperparameters)
    except UserError:
        return None
    body = _ALIGN.search(text)
    if body is None:
        return None
    opening = text[: body.start()].splitlines()[-1]
    rows = [row.strip() for row in body[1].split(r"\\") if row.strip()]
    return Formula("\n".join(rows), [_mathml(row, "block") for row in rows], _values(opening))


def _values(opening: str) -> list[Markup]:
    return [_mathml(value, "inline") for value in _VALUE.findall(opening)]


def _mathml(latex: str, display: str) -> Markup:
    """One equation; its names come from `primitives.latex`, which writes letters only, and the converter escapes."""
    return Markup(convert(latex.replace("&", ""), display=display))
