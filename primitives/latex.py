"""LaTeX: the equations of one step, with what is used once written out where it is used."""

from collections import Counter
from collections.abc import Mapping

from primitives.dataflow import Source, flow, live
from primitives.program import GRADIENT, LEARNING_RATE, UPDATE, WEIGHTS, Program
from primitives.registry import REGISTRY

_LONG = 100  # characters of a formula that is still written out inside another
_LOOSE, _TIGHT, _ATOM = 1, 2, 3  # how firmly a formula holds together: a sum, a product, anything else
_FIRMNESS = {
    **dict.fromkeys(("add", "subtract", "interp", "negative"), _LOOSE),
    **dict.fromkeys(("multiply", "exp2", "exp10", "power", "square", "cube", "log", "log2", "log10"), _TIGHT),
}
# How firm an argument has to be to stand without brackets, where brackets are not part of the function.
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


def equations(program: Program, names: Mapping[tuple[int, int], str]) -> list[str]:
    """The equations of a program of live statements, as rows of an `align` environment.

    Args:
        program: what to write.
        names: names of its constants, by statement and argument.
    """
    return _Writer(program, names).rows()


def symbol(name: str) -> str:
    r"""A hyper-parameter in LaTeX.

    >>> symbol("beta1"), symbol("weight_decay"), symbol("c3")
    ('\\beta_{1}', '\\lambda', 'c_{3}')
    """
    for word, letter in (("beta", r"\beta"), ("learning_rate", r"\eta"), ("weight_decay", r"\lambda"), ("c", "c")):
        if name.startswith(word) and name[len(word) :].strip("_").isdecimal():
            return f"{letter}_{{{name[len(word) :].strip('_')}}}"
        if name == word:
            return letter
    return rf"\mathrm{{{name.replace('_', ' ')}}}"


class _Writer:
    def __init__(self, program: Program, names: Mapping[tuple[int, int], str]) -> None:
        self._program, self._names = program, names
        self._graph = flow(program)
        self._lines, self._slots = live(program)
        self._uses = Counter(source for line in self._lines for source in self._graph.arguments[line])
        self._symbols: dict[Source, str] = {WEIGHTS: "w_{t-1}", GRADIENT: "g_t", LEARNING_RATE: "s_t"}
        self._symbols |= {slot: f"{_letter(slot)}_{{t-1}}" for slot in self._slots}
        self._owners = {self._graph.outputs[name]: name for name in (UPDATE, *self._slots)}
        self._rows: list[str] = []
        self._written: dict[Source, tuple[str, int]] = {}

    def rows(self) -> list[str]:
        new = 0
        for line in self._lines:
            formula, firmness = self._formula(line)
            owner = self._owners.get(line)
            if owner in self._slots or (owner is None and (self._uses[line] > 1 or len(formula) > _LONG)):
                new += owner is None
                self._symbols[line] = f"{_letter(owner)}_t" if owner else f"x_{{{new}}}"
                self._rows.append(f"{self._symbols[line]} &= {formula}")
            else:
                self._written[line] = (formula, firmness)
        for slot in self._slots:  # a slot whose next value has another name already
            source = self._graph.outputs[slot]
            if self._owners[source] != slot:
                self._rows.append(f"{_letter(slot)}_t &= {self._operand(source, 0, None)[0]}")
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
        latex = (
            row.latex
            or rf"\mathrm{{{{{name.replace('_', ' ')}}}}}\left({', '.join(f'{{{i}}}' for i in range(row.arity))}\right)"
        )
        return latex.format(*parts), _FIRMNESS.get(name, _ATOM)

    def _operand(self, source: Source, line: int, place: int | None) -> tuple[str, int]:
        if isinstance(source, float):
            return symbol(self._names[line, place or 0]), _ATOM
        if source in self._symbols:
            return self._symbols[source], _ATOM
        return self._written[source]


def _letter(name: str | None) -> str:
    """A state slot in LaTeX."""
    return str(name) if name and len(name) == 1 else rf"\mathrm{{{name}}}"
