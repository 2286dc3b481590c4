"""Recognition: the published optimizer that a program is, with its hyperparameters.

A program is recognised if it passes three tests:

1. Its canonical form has the structure of a family (`simplify.families`).
2. Hyperparameters exist that give the family the constants of the program, all of them within rounding.
3. The optimizer with these hyperparameters and the program give the same updates on probes.

A program that fails may pass after the removal of a part that transforms the gradient, the learning rate, or the
weights in the decay. It then resembles the optimizer, and the part is the `remainder`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import permutations

import numpy as np

from primitives import Program, live
from simplify.exact import simplify
from simplify.expansion import Form, canonical_form
from simplify.families import RANGES, Family, families
from simplify.probes import GUARDED, agree
from simplify.remainders import remainders
from simplify.work import SEARCH, THOROUGH, Exhausted

_PLACES = {"beta1": 0.7, "beta2": 0.95, "decay": 0.3, "rate": 0.02}  # start of the fit; any generic values
_ROUNDS, _PATIENCE = 25, 4  # largest number of iterations of a fit, and of iterations without progress
_SETTINGS = 6  # random hyperparameters of a family, which show the signs of its constants
_CLOSE = 1e-4  # relative; constants are float32, and 1 - beta has the absolute error of beta
_NUDGE = 1e-6  # step of the finite differences
_SLOTS = 2  # the largest number of state slots of a family
_SAME = {
    "subtract",
    "divide",
    "negative",
    "square",
    "cube",
    "abs",
    "reciprocal",
}  # what a sum or product may be written as


@dataclass(frozen=True)
class Recognised:
    """A published optimizer that a program is, or resembles.

    Attributes:
        name: name of the optimizer.
        constants: its hyperparameters by name.
        remainder: formulas of the parts in which the program differs; empty for a recognition.
        evidence: one line on the tests that the program passed.
    """

    name: str
    constants: Mapping[str, float]
    remainder: tuple[str, ...] = ()
    evidence: str = ""

    def __str__(self) -> str:
        constants = ", ".join(f"{name} {value:.4g}" for name, value in self.constants.items())
        rest = f"; left over: {'; '.join(self.remainder)}" if self.remainder else ""
        return f"{self.name} ({constants}){rest}"


@lru_cache(maxsize=4096)
def recognise(program: Program, budget: int = THOROUGH) -> Recognised | None:
    """Find the published optimizer that a program is.

    Args:
        program: a valid program.
        budget: units of work for its simplification (`simplify.work`); a program that needs more may not be recognised.

    Returns:
        The optimizer; `None` if the program is no known optimizer.

    >>> from primitives import builtin
    >>> str(recognise(builtin("adamw")))
    'adamw (beta1 0.9, beta2 0.999, decay 0.01, rate 0.1)'
    """
    return _recognise(simplify(program, budget).program)


@lru_cache(maxsize=4096)
def resembles(program: Program) -> Recognised | None:
    """Find the published optimizer that a program is, or differs from by a remainder.

    Args:
        program: a valid program.

    Returns:
        The optimizer with its `remainder`, which is empty for a recognised program; `None` if there is none.

    >>> from primitives import builtin
    >>> resembles(builtin("lion_raw")).remainder
    ('arcsin(clip(g, lr)) in place of g',)
    """
    found = recognise(program)
    if found is not None:
        return found
    for remainder, rest in remainders(simplify(program).program):
        found = _recognise(rest)
        if found is not None:
            evidence = f"with g, lr or w in place of what is left over: {found.evidence}"
            return Recognised(found.name, found.constants, (remainder,), evidence)
    return None


def hyperparameters(program: Program) -> dict[str, float]:
    """Hyperparameters by name of the published optimizer that a program is or resembles, for its export.

    Args:
        program: a valid program.

    Returns:
        Names and values; empty if there is no such optimizer.

    >>> from primitives import builtin
    >>> hyperparameters(builtin("rmsprop")).keys()
    dict_keys(['beta2', 'rate'])
    """
    found = resembles(program)
    return dict(found.constants) if found else {}


def _recognise(simple: Program) -> Recognised | None:
    slots = live(simple).slots
    if len(slots) > _SLOTS or not _may_be_known(simple):
        return None
    names = ("m", "v")[: len(slots)]
    try:
        given = [
            canonical_form(
                simple.renamed(dict(zip(slots, way, strict=True)))._replace(
                    slots=(*names, *simple.slots[len(names) :])
                ),
                SEARCH,
            )
            for way in permutations(names)
        ]
    except Exhausted:
        return None  # known optimizers take a tenth of this work
    candidates = [
        (number, family, form)
        for form in given
        for number, family in _by_structure(len(form.structure)).get(form.structure, ())
    ]
    for _, family, form in sorted(candidates, key=lambda candidate: candidate[0]):
        values = _solved(family, form)
        if values is not None and agree(simple, family.program(values), tolerance=GUARDED):
            evidence = (
                f"the canonical form is that of {family.name}, its {len(form.constants)} constants agree with these "
                f"hyperparameters, and so do the updates on probes"
            )
            return Recognised(family.name, family.hyperparameters(values), (), evidence)
    return None


def _may_be_known(simple: Program) -> bool:
    """Whether a simplified program is short enough to be a known optimizer, and uses only functions of these."""
    longest, functions = _bounds()
    return 0 < len(simple.statements) <= longest and all(line.primitive in functions for line in simple.statements)


@cache
def _bounds() -> tuple[int, frozenset[str]]:
    """Number of statements of the longest family, and the functions that the families use in any notation."""
    programs = [_place(family) for family in families()]
    functions = {statement.primitive for program in programs for statement in program.statements}
    return max(len(program.statements) for program in programs), frozenset(functions | _SAME)


@cache
def _by_structure(length: int) -> dict[tuple[bytes, ...], list[tuple[int, Family]]]:
    """Numbered families by the structure of their canonical form (`Form.structure`).

    Only families whose structures have the given length are computed, to save time.
    """
    table: dict[tuple[bytes, ...], list[tuple[int, Family]]] = {}
    for number, family in enumerate(families()):
        if len(live(_place(family)).slots) == length - 2:  # beside the slots: their names, and the update
            table.setdefault(_generic(family).structure, []).append((number, family))
    return table


def _place(family: Family) -> Program:
    """A family with the hyperparameters from which the fit starts."""
    return family.program({name: _PLACES[name] for name in family.unknowns})


@cache
def _generic(family: Family) -> Form:
    return canonical_form(_place(family))


def _solved(family: Family, form: Form) -> dict[str, float] | None:
    """Hyperparameters with which a family has the constants of a form, by Gauss-Newton in unbounded coordinates."""
    target = np.array(form.constants)
    if np.any(_signs(family) * target < 0):
        return None
    point = np.array([_coordinate(name, _PLACES[name]) for name in family.unknowns])
    reached: list[float] = []
    for _ in range(_ROUNDS):
        here = _residual(family, point, target)
        if here is None or not len(point):
            break
        reached.append(float(np.max(np.abs(here), initial=0.0)))
        if reached[-1] < _CLOSE / 1000 or (len(reached) > _PATIENCE and reached[-1] > 0.99 * reached[-1 - _PATIENCE]):
            break
        columns = [_residual(family, point + _NUDGE * unit, target) for unit in np.eye(len(point))]
        if any(column is None for column in columns):
            return None
        slope = np.stack([(column - here) / _NUDGE for column in columns if column is not None], axis=1)
        step = np.linalg.lstsq(slope, -here, rcond=None)[0]
        point = point + np.clip(step, -2.0, 2.0)
    here = _residual(family, point, target)
    if here is None or np.max(np.abs(here), initial=0.0) > _CLOSE:
        return None
    return _values(family, point)


@cache
def _signs(family: Family) -> np.ndarray:
    """Sign of each constant in the form of a family; 0 where it depends on the hyperparameters."""
    generator = np.random.default_rng(0)
    settings = [_values(family, generator.normal(size=len(family.unknowns)) * 2.0) for _ in range(_SETTINGS)]
    forms = [_generic(family), *(canonical_form(family.program(setting)) for setting in settings)]
    alike = [np.sign(form.constants) for form in forms if form.structure == forms[0].structure]
    return np.where(np.all(np.stack(alike) == alike[0], axis=0), alike[0], 0.0)


def _residual(family: Family, point: np.ndarray, target: np.ndarray) -> np.ndarray | None:
    """Relative differences of the constants; `None` if the structure differs, as it does at special values."""
    form = canonical_form(family.program(_values(family, point)))
    if form.structure != _generic(family).structure or len(form.constants) != len(target):
        return None
    found = np.array(form.constants)
    size = np.where(target == 0, 1.0, np.abs(target))
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        relative: np.ndarray = np.where(found * target > 0, np.log(np.abs(found) / size), (found - target) / size)
    return relative


def _coordinate(name: str, value: float) -> float:
    _, high = RANGES[name]
    return float(np.log(value) - np.log1p(-value)) if high == 1 else float(np.log(value))


def _values(family: Family, point: np.ndarray) -> dict[str, float]:
    values = {}
    for name, place in zip(family.unknowns, np.clip(point, -16, 16), strict=True):
        values[name] = float(1 / (1 + np.exp(-place)) if RANGES[name][1] == 1 else np.exp(place))
    return values
