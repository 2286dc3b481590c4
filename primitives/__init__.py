"""What can a program say? The language: functions, programs, text form, abstract execution, interpreter."""

from primitives import paper as paper  # its rows are part of the language from the start
from primitives.builtins import BUILTINS, builtin
from primitives.checking import check
from primitives.dataflow import functional_hash, live, live_part, structure_hash
from primitives.errors import ProgramError, UserError
from primitives.kinds import Kind
from primitives.paper import PAPER
from primitives.program import Program, Statement
from primitives.registry import REGISTRY, Primitive, Property, register
from primitives.text import parse, to_text

__all__ = [
    "BUILTINS",
    "PAPER",
    "REGISTRY",
    "Kind",
    "Primitive",
    "Program",
    "ProgramError",
    "Property",
    "Statement",
    "UserError",
    "builtin",
    "check",
    "functional_hash",
    "live",
    "live_part",
    "parse",
    "register",
    "structure_hash",
    "to_text",
]
