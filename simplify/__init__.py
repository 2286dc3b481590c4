"""Simplification and recognition of programs.

The public names of this package; other packages use no others.

- `simplify`: a program that computes the same with fewer statements (`Simplified`, its `Step`s), and `canonical`, the
  form that equal programs share. `SEARCH` and `THOROUGH` bound the work.
- `recognise`: the published optimizer that a program is (`Recognised`), and `resembles`, the one that it nearly is.
  `hyperparameters` names the constants of an export after it.
- `reduce`: ablation, which drops the parts of a program that do not change its fitness beyond the noise.
"""

from simplify.exact import Simplified, canonical, simplify
from simplify.recognition import Recognised, hyperparameters, recognise, resembles
from simplify.reduction import reduce
from simplify.steps import Step
from simplify.work import SEARCH, THOROUGH

__all__ = [
    "SEARCH",
    "THOROUGH",
    "Recognised",
    "Simplified",
    "Step",
    "canonical",
    "hyperparameters",
    "recognise",
    "reduce",
    "resembles",
    "simplify",
]
