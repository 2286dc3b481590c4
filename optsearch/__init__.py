"""The public Python API of optsearch: run searches, inspect and export their results, register extensions.

    import optsearch

    run = optsearch.search("adamw", tasks=["digits"], children=200, seed=1)
    print(run.best)
    tx = run.best.to_optax()

The API installs no signal handlers, prints nothing, and does not change settings of JAX or Ray. Mistakes of the caller
raise `UserError`, a `ValueError` with a message of one line.
"""

from optsearch._candidates import Candidates
from optsearch._compare import compare
from optsearch._extend import algorithm, export_target, mutation, primitive, task
from optsearch._found import Found, Interval
from optsearch._programs import export, program, recognise, score, simplify, to_optax, to_torch
from optsearch._progress import Progress
from optsearch._run import Run
from optsearch._search import open_run, resume, search
from primitives import Program, UserError
from search.engine import HistoryEntry, Proposal
from search.settings import Config

open = open_run  # noqa: A001 - `optsearch.open(folder)` reads as what it does

__all__ = [
    "Candidates",
    "Config",
    "Found",
    "HistoryEntry",
    "Interval",
    "Program",
    "Progress",
    "Proposal",
    "Run",
    "UserError",
    "algorithm",
    "compare",
    "export",
    "export_target",
    "mutation",
    "open",
    "open_run",
    "primitive",
    "program",
    "recognise",
    "resume",
    "score",
    "search",
    "simplify",
    "task",
    "to_optax",
    "to_torch",
]
