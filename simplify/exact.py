"""Exact simplification: the shortest program that the rules reach, with every step.

1. The program is rewritten in a canonical order and with canonical names.
2. A pass reads the program as two graphs: as written, and multiplied out. On each graph, rules are applied until no
   rule makes it shorter. The shorter result is written back as statements, unless it is longer than before.
3. Passes are repeated until a pass changes nothing, so simplification is idempotent.
4. The result and the original run on probes. If they differ, simplification is repeated without the least exact kind of
   rules (`Exactness`).

Work is counted in units. Beyond a limit, the result is that of the last complete pass, which equals the original but
may not be the shortest program; `Simplified.complete` is then false.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from primitives import Program, ProgramError, check, live, live_part, statement_text, to_text
from simplify.arrangement import Literal, arranged
from simplify.emission import Emission
from simplify.memory import Memory
from simplify.probes import GUARDED, SMALL, TOLERANCE, agree
from simplify.rule import Exactness
from simplify.shortening import shortened
from simplify.steps import Step
from simplify.terms import read
from simplify.work import SEARCH, THOROUGH, Exhausted, Work

_PASSES = 20
_ARRANGEMENTS = 2  # the first may write `x * x` as `square(x)`, which changes the order in the second
_RESERVATIONS = (
    tuple(Exactness),
    (Exactness.EXACT, Exactness.GUARD, Exactness.FINITE),
    (Exactness.EXACT, Exactness.GUARD),
    (Exactness.EXACT,),
)
RENAMED = "state under its canonical name"
_PROBING = 8  # units of work for running one statement on the probes


@dataclass(frozen=True)
class Simplified:
    """Result of simplification.

    Attributes:
        program: the simplified program, equal to the original; live slots come first.
        steps: the steps of the derivation.
        slots: new names of the original's slots that still exist in the result, by old name.
        complete: false if the limit of work was reached, so that a shorter program may exist.
    """

    program: Program
    steps: tuple[Step, ...]
    slots: Mapping[str, str]
    complete: bool = True


def canonical(program: Program, budget: int = SEARCH) -> Program:
    """Compute the canonical form of a program, with which a search finds duplicates and measures length.

    Programs that differ in names, in statement order, in dead statements or by the exact rules have the same form. The
    function is idempotent, unless the budget was reached.

    Args:
        program: a valid program.
        budget: largest number of units of work (`simplify.work`).

    Returns:
        The canonical form.

    >>> from primitives import builtin, to_text
    >>> print(to_text(canonical(builtin("signum"))))
    def train(w, g, m, v, lr):
        m = interp(g, m, 0.9)
        update = sign(m)
        rate = lr * 0.01
        update = update * rate
        return update, m, v
    <BLANKLINE>
    """
    return simplify(program, budget).program


@lru_cache(maxsize=1024)
def simplify(program: Program, budget: int = THOROUGH) -> Simplified:
    """Simplify a valid program exactly.

    Args:
        program: a valid program.
        budget: largest number of units of work (`simplify.work`).

    Returns:
        The simplified program, with the steps of its derivation.

    >>> from primitives import builtin, to_text
    >>> print(to_text(simplify(builtin("lion_raw")).program))
    def train(w, g, m, v, lr):
        x1 = clip(g, lr)
        x2 = arcsin(x1)
        update = interp(x2, m, 0.9)
        update = sign(update)
        decay = w * 0.46019784
        update = update + decay
        rate = lr * 0.021717617
        update = update * rate
        m = interp(x2, m, 0.99821967)
        return update, m, v
    <BLANKLINE>
    """
    dead = _dead_steps(program)
    bare, work = live_part(program), Work(budget)
    for exactness in _RESERVATIONS:
        found = _to_the_end(bare, exactness, work)
        if all(step.rule == RENAMED for step in found.steps):  # no rule was applied
            break
        if _same(bare, found):
            break
    else:
        found = replace(_to_the_end(bare, (), Work(budget)), complete=found.complete)
    limit = () if found.complete else (Step("stopped at the limit of work", f"{budget} units", "", Exactness.EXACT),)
    return Simplified(found.program, (*dead, *found.steps, *limit), found.slots, found.complete)


def _same(program: Program, found: Simplified) -> bool:
    """Whether the result agrees with the program on probes, also on small inputs, where the guard in `/` matters."""
    made = {step.exactness for step in found.steps}
    tolerance = GUARDED if made & {Exactness.GUARD, Exactness.SHIFTED} else TOLERANCE
    if not agree(program, found.program, found.slots, tolerance):
        return False
    return Exactness.SHIFTED not in made or agree(program, found.program, found.slots, GUARDED, conditions=SMALL)


def _dead_steps(program: Program) -> tuple[Step, ...]:
    lines = set(live(program).lines)
    return tuple(
        Step("no update depends on it", statement_text(statement), "", Exactness.EXACT)
        for line, statement in enumerate(program.statements)
        if line not in lines
    )


def _to_the_end(program: Program, exactness: tuple[Exactness, ...], work: Work) -> Simplified:
    """Passes until one changes nothing; if they run in a cycle, the smallest program of the cycle by a fixed order."""
    seen = [Simplified(program, (), {slot: slot for slot in live(program).slots})]
    try:
        work.spend(_PROBING * len(program.statements))
        seen.append(_arranged(program, work))
        while exactness and len(seen) <= _PASSES:
            last = seen[-1]
            found = _pass(last, exactness, work)
            if not found.complete:
                return found
            programs = [one.program for one in seen[1:]]
            if found.program in programs:
                circle = seen[1 + programs.index(found.program) :]
                return min(circle, key=lambda one: to_text(one.program))
            seen.append(found)
    except Exhausted:
        return replace(seen[-1], complete=False)
    return seen[-1]


def _arranged(program: Program, work: Work) -> Simplified:
    """The live statements in canonical order, with canonical names of slots."""
    slots = {slot: slot for slot in live(program).slots}
    for _ in range(_ARRANGEMENTS):
        graph = Literal(work=work)
        roots = read(program, graph)
        arrangement = arranged(graph, roots, program.slots)
        program = Emission(graph, roots, arrangement).program(program.slots)
        slots = {old: arrangement.slots[new] for old, new in slots.items()}
    steps = tuple(Step(RENAMED, old, new, Exactness.EXACT) for old, new in slots.items() if old != new)
    return Simplified(program, steps, slots)


def _pass(given: Simplified, exactness: tuple[Exactness, ...], work: Work) -> Simplified:
    """The shorter result of two ways of simplifying; the program itself if both are longer."""
    program = given.program
    memory = Memory(program, exactness, work)
    way = shortened(memory, exactness, work)
    arrangement = arranged(way.graph, way.roots, program.slots)
    draft = _written(Emission(way.graph, way.roots, arrangement), program.slots)
    if draft is None or len(draft.statements) > len(program.statements):
        return replace(given, complete=way.complete)
    names = {slot: arrangement.slots.get(kept) for slot, kept in memory.kept.items()}
    slots = {old: new for old, name in given.slots.items() if (new := names.get(name)) is not None}
    return Simplified(draft, (*given.steps, *memory.steps, *way.steps), slots, way.complete)


def _written(emission: Emission, slots: tuple[str, ...]) -> Program | None:
    """The program; `None` if it is not valid, since products of constants may leave the range of float32."""
    try:
        draft = emission.program(slots)
    except ProgramError:
        return None
    return draft if check(draft) is None else None
