"""Recognise: is a program, up to its constants, an optimizer of the literature?

The live part of a program and that of each built-in are compared by their functional hash with all constants alike
(`structure_hash`), which does not see names, order, or commuted arguments. Two known instances: AdamW with any rate,
betas and decay is `adamw`, and `lion` with a decay of zero as a constant is still `lion`.
"""

from dataclasses import dataclass

from primitives.builtins import BUILTINS, builtin
from primitives.dataflow import live_part, structure_hash
from primitives.program import Program


@dataclass(frozen=True)
class Recognised:
    """Answer: the name of the optimizer, the constants of the program in order, and how it was established."""

    name: str
    constants: tuple[float, ...]
    evidence: str


def recognise(program: Program) -> Recognised | None:
    """Name the optimizer that a valid program is, up to constants; `None` if it is none of those known here."""
    structure = structure_hash(program)
    for name in BUILTINS:
        if structure_hash(builtin(name)) == structure:
            constants = tuple(value for *_, value in live_part(program).constants())
            return Recognised(name, constants, f"same data flow as `{name}` up to constants")
    return None
