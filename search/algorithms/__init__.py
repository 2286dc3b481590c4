"""Search algorithms, which propose programs, and the mutations that they share.

The public names of this subpackage:

- Algorithms: `algorithms` (names and descriptions), `build_engine` (an engine with the algorithm of a config),
  `structure_search` (the algorithm named `STRUCTURES`, which needs no engine) with `structure_nursery`, the part that
  helper processes (`Helpers`) can do; `register_algorithm`. `TUNE_CONSTANTS` is the name of an algorithm whose
  candidates depend on their total number.
- Mutations: `MUTATIONS` (the table), `mutations` (names and descriptions), `Mutator`, `register_mutation`.
- Checks of a config: `check_algorithm`, `check_names`, `with_registered_rates`.
- `structure_of`: digest of a program without the values of its constants.
"""

from search.algorithms.factory import (
    STRUCTURES,
    TUNE_CONSTANTS,
    algorithms,
    build_engine,
    check_algorithm,
    check_names,
    register_algorithm,
    structure_nursery,
    structure_search,
    with_registered_rates,
)
from search.algorithms.mutation import MUTATIONS, Mutator, mutations, register_mutation
from search.algorithms.structures.identity import structure_of
from search.algorithms.structures.offspring import Helpers

__all__ = [
    "MUTATIONS",
    "STRUCTURES",
    "TUNE_CONSTANTS",
    "Helpers",
    "Mutator",
    "algorithms",
    "build_engine",
    "check_algorithm",
    "check_names",
    "mutations",
    "register_algorithm",
    "register_mutation",
    "structure_nursery",
    "structure_of",
    "structure_search",
    "with_registered_rates",
]
