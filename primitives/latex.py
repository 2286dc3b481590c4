"""LaTeX: the equations of one step of a program.

A value that is used once is written at the place where it is used. A value that is used several times, or has a long
formula, has a separate equation. Constants appear as symbols: `beta1` as β₁, `learning_rate` as η, `weight_decay`
as λ. A state slot keeps its name if that is a letter, and is written upright otherwise.
"""

import re
from collections import Counter
from collections.abc import Mapping

from primitives.dataflow import Source, flow, live
from primitives.hyperparameters import Place
from primitives.program import GRADIENT, LEARNING_RATE, UPDATE, WEIGHTS, Program
from primitives.registry import REGISTRY
from primitives.text import constant_text

_LONG = 100  # largest number of characters of a formula that is written inside another
_LOOSE, _TIGHT, _CALL, _ATOM = 1, 2, 3, 4  # binding strength: a sum, a product, a fraction or function, a symbol
_FIRMNESS = {
    **dict.fromkeys(("add", "subtract", "interp", "negative"), _LOOSE),
    **dict.fromkeys(("multiply", "exp2", "exp10", "power", "square", "cube", "log", "log2", "log10"), _TIGHT),
    **dict.fromkeys(("abs", "norm", "global_norm", "dot"), _ATOM),  # their notation has brackets of its own
}
# Least binding strength of an argument without brackets, for functions whose notation has no brackets.
_WANTED = {
    "add": (_LOOSE, _LOOSE),
    "subtract": (_LOOSE, _TIGHT),
    "multiply": (_TIGHT, _TIGHT),
    "negative": (_TIGHT,),
    "interp": (_TIGHT, _TIGHT, _TIGHT),
    "square": (_ATOM,),
    "cube": (_ATOM,),
    "power": (_ATOM, _LOOSE),
}
_LETTERS = (("beta", r"\beta"), ("learning_rate", r"\eta"), ("weight_decay", r"\lambda"), ("c", "c"))
_USED = frozenset("wgscx")  # letters of weights, gradient, schedule, constants and equations of their own


def equations(program: Program, names: Mapping[Place, str]) -> list[str]:
    """Write a program of live statements as rows of an `align` environment.

    Args:
        program: a valid program without dead statements.
        names: names of its constants, by statement and argument.

    Returns:
        Rows without line ends; the last one gives the new weights.
    """
    return _Writer(program, symbols(names)).rows()


def symbols(names: Mapping[Place, str]) -> dict[Place, str]:
    """Symbols of constants, all different where the names are."""
    found: dict[Place, str] = {}
    for place, name in names.items():
        written = symbol(name)
        found[place] = _upright(name) if written in found.values() else written
    return found


def symbol(name: str) -> str:
    r"""Write the name of a hyperparameter in LaTeX.

    >>> symbol("beta1"), symbol("weight_decay"), symbol("c3")
    ('\\beta_{1}', '\\lambda', 'c_{3}')
    """
    for word, letter in _LETTERS:
        if name == word:
            return letter
        number = name.removeprefix(word).strip("_")
        if name.startswith(word) and number.isascii() and number.isdecimal():
            return f"{letter}_{{{number}}}"
    return _upright(name)


def latex_number(value: float) -> str:
    r"""Write a constant with the fewest digits that read back to the same float32.

    >>> latex_number(0.8999999761581421), latex_number(2.171761734643951e-05)
    ('0.9', '2.1717617 \\times 10^{-5}')
    """
    digits, _, power = constant_text(value).partition("e")
    if not power:
        return digits.removesuffix(".0")
    factor = "" if float(digits) == 1 else rf"{digits.removesuffix('.0')} \times "
    return f"{factor}10^{{{int(power)}}}"


class _Writer:
    """The equations of one program."""

    def __init__(self, program: Program, constants: Mapping[Place, str]) -> None:
        self._program, self._constants = program, constants
        self._graph = flow(program)
        self._lines, self._slots = live(program)
        sources = [source for line in self._lines for source in self._graph.arguments[line]]
        self._uses = Counter(source for source in sources if isinstance(source, int))
        self._letters = _slot_letters(self._slots)
        self._symbols: dict[Source, str] = {WEIGHTS: "w_{t-1}", GRADIENT: "g_t", LEARNING_RATE: "s_t"}
        self._symbols |= {slot: f"{letter}_{{t-1}}" for slot, letter in self._letters.items()}
        self._owners = {self._graph.outputs[name]: name for name in (UPDATE, *self._slots)}
        self._rows: list[str] = []
        self._written: dict[Source, tuple[str, int]] = {}

    def rows(self) -> list[str]:
        """All equations, in the order of the statements."""
        new = 0
        for line in self._lines:
            formula, firmness = self._formula(line)
            owner = self._owners.get(line)
            if owner in self._slots or (owner is None and (self._uses[line] > 1 or len(formula) > _LONG)):
                new += owner is None
                self._symbols[line] = f"{self._letters[owner]}_t" if owner else f"x_{{{new}}}"
                self._rows.append(f"{self._symbols[line]} &= {formula}")
            else:
                self._written[line] = (formula, firmness)
        for slot in self._slots:  # a slot whose next value has another name already
            source = self._graph.outputs[slot]
            if self._owners[source] != slot:
                self._rows.append(f"{self._letters[slot]}_t &= {self._operand(source, 0, None)[0]}")
        update = self._operand(self._graph.outputs[UPDATE], 0, None)
        formula = update[0] if update[1] > _LOOSE else rf"\left({update[0]}\right)"
        self._rows.append(f"w_t &= w_{{t-1}} - {formula}")
        return self._rows

    def _formula(self, line: int) -> tuple[str, int]:
        name = self._program.statements[line].primitive
        row = REGISTRY[name]
        parts = []
        for place, source in enumerate(self._graph.arguments[line]):
            text, firmness = self._operand(source, line, place)
            wanted = _WANTED.get(name, (_LOOSE,) * row.arity)[place]
            parts.append(text if firmness >= wanted else rf"\left({text}\right)")
        if name == "multiply" and isinstance(self._graph.arguments[line][1], float):
            parts.reverse()  # constants come first
        if not row.latex:
            return rf"{_upright(name)}\left({', '.join(parts)}\right)", _CALL
        return row.latex.format(*parts), _FIRMNESS.get(name, _CALL)

    def _operand(self, source: Source, line: int, place: int | None) -> tuple[str, int]:
        if isinstance(source, float):
            return self._constants[line, place or 0], _ATOM
        if source in self._symbols:
            return self._symbols[source], _ATOM
        return self._written[source]


def _slot_letters(slots: tuple[str, ...]) -> dict[str, str]:
    """Names of state slots in LaTeX, all different."""
    letters = {}
    for number, slot in enumerate(slots, start=1):
        if re.fullmatch("[a-zA-Z]", slot):
            letters[slot] = rf"\hat{{{slot}}}" if slot in _USED else slot
        else:
            letters[slot] = _upright(slot) if slot.isascii() and len(slot) > 1 else rf"\mathrm{{slot\ {number}}}"
    return letters


def _upright(name: str) -> str:
    r"""An identifier in upright letters; LaTeX reads a bare `_` as a subscript.

    >>> _upright("my_slot")
    '\\mathrm{my\\_slot}'
    """
    letters = (letter if letter.isascii() else rf"u{ord(letter):x}" for letter in name)
    return rf"\mathrm{{{''.join(letters)}}}".replace("_", r"\_")
