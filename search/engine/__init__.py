"""The engine: a pure state machine for the order of candidates, hurdles, duplicates and random numbers.

The public names of this subpackage:

- `Engine`: breeds candidates in order of number and takes their scores.
- States of a candidate: `Proposal` (of an `Algorithm`), `Candidate`, `Record`, `HistoryEntry`; `START` is the mutation
  of the starting program.
- `Hurdle`: the first-seed fitness that a candidate must reach.
- `Twins`: finds programs with equal signatures.
- `Draws`: random numbers keyed by seed, repeat and candidate.
"""

from search.engine.candidate import START, Algorithm, Candidate, HistoryEntry, Proposal, Record
from search.engine.duplicates import Twins
from search.engine.engine import Engine
from search.engine.hurdle import Hurdle
from search.engine.randomness import Draws

__all__ = [
    "START",
    "Algorithm",
    "Candidate",
    "Draws",
    "Engine",
    "HistoryEntry",
    "Hurdle",
    "Proposal",
    "Record",
    "Twins",
]
