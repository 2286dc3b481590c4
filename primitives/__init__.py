"""The language of programs: its functions, text form, analysis, execution and export.

The public names of this package; other packages use no others, except `primitives.drawing`, which imports matplotlib.

- Programs: `Program`, `Statement`, `Argument`, `float32`; the names of inputs and outputs (`WEIGHTS`, `GRADIENT`,
  `LEARNING_RATE`, `UPDATE`) and the schedule's `PEAK`.
- Functions: `REGISTRY`, `Registry`, `Primitive`, `Property`, `register`, `by_names`, `describe`, `described`; those of
  the paper (`PAPER`, `EPSILON`); kinds of values (`Kind`, `ANY`, `ONLY_TREE`, `ONLY_SCALAR`).
- Text: `parse`, `to_text`, `statement_text`, `constant_text`; `escaped`, `printable` and `visible` for foreign text.
- Built-in programs and files: `BUILTINS`, `builtin`, `load_program`, `source_of`.
- Validity: `check`, `is_valid`, `input_kinds`, `kinds_before`.
- Data flow: `flow`, `Flow`, `Source`, `live`, `Live`, `live_part`; digests: `functional_hash`, `structure_hash`, and
  `signature`, `signatures` (behaviour on probes).
- Execution: `compiled`, `interpreted`, `UpdateRule`, `encode`, `Encoded`, `size_class`, `run_steps`; batches:
  `batched`, `stacked`, `kernel_faults`.
- Export: `export`, `to_optax`, `to_torch`, `TARGETS`, `export_targets`, `register_target`, `origin_of`; names of
  constants by role: `constant_names`, `DECAY`.
- Errors: `UserError`, `ProgramError`, `nearest`.
"""

from primitives.batches import batched, kernel_faults, stacked
from primitives.builtins import BUILTINS, builtin, load_program, source_of
from primitives.checking import check, input_kinds, is_valid, kinds_before
from primitives.dataflow import Flow, Live, Source, flow, functional_hash, live, live_part, structure_hash
from primitives.errors import ProgramError, UserError, nearest
from primitives.escaping import escaped, printable, visible
from primitives.export import TARGETS, export, export_targets, origin_of, register_target, to_optax, to_torch
from primitives.hyperparameters import DECAY, constant_names
from primitives.interpreter import Encoded, UpdateRule, compiled, encode, interpreted, run_steps, size_class
from primitives.kinds import ANY, ONLY_SCALAR, ONLY_TREE, Kind
from primitives.paper import EPSILON, PAPER
from primitives.probe import signature, signatures
from primitives.program import (
    GRADIENT,
    LEARNING_RATE,
    PEAK,
    UPDATE,
    WEIGHTS,
    Argument,
    Program,
    Statement,
    float32,
)
from primitives.registry import REGISTRY, Primitive, Property, Registry, by_names, describe, described, register
from primitives.text import constant_text, parse, statement_text, to_text

__all__ = [
    "ANY",
    "BUILTINS",
    "DECAY",
    "EPSILON",
    "GRADIENT",
    "LEARNING_RATE",
    "ONLY_SCALAR",
    "ONLY_TREE",
    "PAPER",
    "PEAK",
    "REGISTRY",
    "TARGETS",
    "UPDATE",
    "WEIGHTS",
    "Argument",
    "Encoded",
    "Flow",
    "Kind",
    "Live",
    "Primitive",
    "Program",
    "ProgramError",
    "Property",
    "Registry",
    "Source",
    "Statement",
    "UpdateRule",
    "UserError",
    "batched",
    "builtin",
    "by_names",
    "check",
    "compiled",
    "constant_names",
    "constant_text",
    "describe",
    "described",
    "encode",
    "escaped",
    "export",
    "export_targets",
    "float32",
    "flow",
    "functional_hash",
    "input_kinds",
    "interpreted",
    "is_valid",
    "kernel_faults",
    "kinds_before",
    "live",
    "live_part",
    "load_program",
    "nearest",
    "origin_of",
    "parse",
    "printable",
    "register",
    "register_target",
    "run_steps",
    "signature",
    "signatures",
    "size_class",
    "source_of",
    "stacked",
    "statement_text",
    "structure_hash",
    "to_optax",
    "to_text",
    "to_torch",
    "visible",
]
