"""Names of constants: every constant of an exported program is an argument, named after its role.

The role follows from the data flow. The weight of an `interp` or a factor on a state slot is `beta1`, `beta2`, … in the
order of statements. A factor that only scales the weights is `weight_decay`; a factor on the learning rate is
`learning_rate`; every other constant is `c1`, `c2`, …. Two known instances: in Lion the names are `beta1`,
`beta2`, `weight_decay`, `learning_rate`; in the raw program of Chen et al. (2023) `wd = lr * 0.46` followed by
`wd = wd * w` makes 0.46 the weight decay.

Hyperparameters that recognition has found take precedence: a constant with the value of one gets its name.
"""

import math
import re
from collections.abc import Collection, Mapping

from primitives.dataflow import Source, flow
from primitives.identifiers import unused
from primitives.program import LEARNING_RATE, WEIGHTS, Program

RATE, DECAY, BETA = "learning_rate", "weight_decay", "beta"
_SPELLINGS = {"rate": RATE, "decay": DECAY}  # short names that recognition uses
_CLOSE = 1e-3  # relative; a hyperparameter of recognition is the solution of equations, and constants may be rounded

Place = tuple[int, int]  # statement and argument of a constant


def constant_names(
    program: Program, reserved: Collection[str], hyperparameters: Mapping[str, float] | None = None
) -> dict[Place, str]:
    """Name every constant of a program of live statements.

    Args:
        program: a valid program without dead statements.
        reserved: names that must not be given.
        hyperparameters: names and values from recognition, such as `{"beta1": 0.9, "decay": 0.1}`.

    Returns:
        A unique name for each constant, by the index of its statement and of its argument.

    >>> from primitives import builtin
    >>> sorted(constant_names(builtin("lion"), ()).values())
    ['beta1', 'beta2', 'learning_rate', 'weight_decay']
    """
    known = {_identifier(_SPELLINGS.get(name, name)): value for name, value in (hyperparameters or {}).items()}
    names = _matched(program, known)
    taken = set(reserved) | set(names.values())
    betas = 0
    for number, (place, role) in enumerate(_roles(program).items(), start=1):
        betas += role == BETA
        wanted = f"{BETA}{betas}" if role == BETA else role or f"c{number}"
        if place not in names:
            # A role that recognition has given to another value would mislead.
            names[place] = unused(f"c{number}" if wanted in known else wanted, taken)
            taken.add(names[place])
    return {place: names[place] for place in _roles(program)}


def _identifier(name: str) -> str:
    found = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")
    return found if found[:1].isalpha() else f"c_{found}"


def _matched(program: Program, known: Mapping[str, float]) -> dict[Place, str]:
    """Constants that have the value of a known hyperparameter, and a role that allows its name."""
    roles = _roles(program)
    found: dict[Place, str] = {}
    for name, value in known.items():
        kind = name.rstrip("0123456789") if name.startswith(BETA) else name
        fitting = [
            (line, place)
            for line, place, constant in program.constants()
            if (line, place) not in found
            and math.isclose(constant, value, rel_tol=_CLOSE)
            and roles[line, place] in ("", kind)
        ]
        fitting.sort(key=lambda place: roles[place] != kind)
        found |= dict.fromkeys(fitting[:1], name)
    return found


def _roles(program: Program) -> dict[Place, str]:
    """Role of every constant: `BETA`, `RATE`, `DECAY`, or the empty string."""
    scales = _Scales(program)
    return {(line, place): scales.role(line, place) for line, place, _ in program.constants()}


class _Scales:
    """Analysis of values that are a constant times the weights or the learning rate."""

    def __init__(self, program: Program) -> None:
        self._program, self._graph = program, flow(program)
        self._of: dict[Source, str | None] = {
            name: name if name in (WEIGHTS, LEARNING_RATE) else None for name in program.inputs
        }
        self._users: dict[int, list[int]] = {}
        for line, sources in enumerate(self._graph.arguments):
            self._of[line] = self._scaled(line, sources)
            for source in sources:
                if isinstance(source, int):
                    self._users.setdefault(source, []).append(line)
        self._returned = set(self._graph.outputs.values())
        self._decays = self._only_on_weights()

    def role(self, line: int, place: int) -> str:
        primitive, sources = self._program.statements[line].primitive, self._graph.arguments[line]
        if primitive == "interp" and place == 2:
            return BETA
        if primitive != "multiply":
            return ""
        other = sources[1 - place]
        if isinstance(other, float):
            return ""
        base = self._of[other]
        if base == WEIGHTS or (base == LEARNING_RATE and self._decays[line]):
            return DECAY
        if base == LEARNING_RATE:
            return RATE
        return BETA if other in self._program.slots else ""

    def _scaled(self, line: int, sources: tuple[Source, ...]) -> str | None:
        if self._program.statements[line].primitive != "multiply":
            return None
        bases = [self._of[source] for source in sources if not isinstance(source, float)]
        if len(bases) == 1:
            return bases[0]  # times a constant
        return WEIGHTS if set(bases) == {LEARNING_RATE, WEIGHTS} else None

    def _only_on_weights(self) -> dict[int, bool]:
        """For each statement whether its value reaches the update as a factor of the weights and nowhere else."""
        found: dict[int, bool] = {}
        for line in reversed(range(len(self._program.statements))):
            users = self._users.get(line, [])
            found[line] = (
                bool(users) and line not in self._returned and all(self._onto(line, user, found) for user in users)
            )
        return found

    def _onto(self, line: int, user: int, found: Mapping[int, bool]) -> bool:
        """Whether a statement multiplies the value of `line` with the weights, or scales it for that purpose."""
        others = [source for source in self._graph.arguments[user] if source != line or isinstance(source, float)]
        if self._program.statements[user].primitive != "multiply" or len(others) != 1:
            return False
        base = "" if isinstance(others[0], float) else self._of[others[0]]
        return found[user] if base in ("", LEARNING_RATE) else base == WEIGHTS
