"""Ablation: removal of the parts of a program that make no difference in training.

Exact rules cannot remove a part with a small effect, such as a clip that is rarely active. An ablation removes a part,
trains the remaining program on the same seeds, and is kept if the two programs cannot be distinguished.

`yardstick` has the rule of this comparison. Where the updates of the two programs agree on probes with the learning
rates of the task, one comparison at these rates is enough: `tanh(lr)` is `lr` for every rate that the task has, and
differs from it at 64 times the rate.

The order is greedy: changes that save most statements and slots are tried first. The first change that passes is kept,
and the next round starts from the new program.

Reduction is a generator that yields the trainings that it needs; its caller decides where they run.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from primitives import PEAK, UPDATE, Program, ProgramError, check, constant_text, float32, functional_hash, live
from simplify.emission import Emission
from simplify.exact import Simplified, simplify
from simplify.notation import text
from simplify.rules import SHORT, rule_set
from simplify.steps import SCORED, Step
from simplify.terms import NARY, Graph, read
from simplify.work import SEARCH, THOROUGH, Exhausted
from simplify.yardstick import Score, Waiting, Yardstick, alike

_DIGITS = 0.02  # largest relative change of a constant by rounding
_DISTANCE = 0.15  # the same for 1 − β, where β is the decay of an average


def reduce(
    program: Program,
    score: Score,
    tune: Callable[[Program], Waiting[Program]] | None = None,
    report: Callable[[str], None] = lambda what: None,
    width: int = 1,
    peak: float = PEAK,
) -> Waiting[Simplified]:
    """Simplify a valid program exactly, remove the parts that make no difference, and round its constants.

    Args:
        program: the original.
        score: `programs -> log losses` of each program, shape `(seeds,)`, always on the same seeds.
        tune: `program -> program` with tuned constants, which are kept if they score no worse.
        report: called with a line of text at the start of each phase.
        width: number of ablations that are scored at once; affects the time, not the result.
        peak: largest learning rate of the task.

    Returns:
        The reduced program, with the steps of its derivation. It is complete if the exact simplification at the
        beginning and at the end is.

    Raises:
        UserError: the original diverges on the task, or there are fewer than two seeds.
    """
    report("simplifying exactly")
    exact = simplify(program)
    yardstick = yield from Yardstick.of(program, score)
    best, steps, slots = exact.program, list(exact.steps), exact.slots
    seen = {functional_hash(best)}
    while kept := (yield from _first_kept(best, _drafts(best, seen), yardstick, report, width, peak)):
        draft, note = kept
        steps += [Step(draft.what, draft.before, draft.after, SCORED, note), *draft.found.steps]
        best, slots = draft.program, _composed(slots, draft.found.slots)
    final = simplify(best)  # the drafts were simplified with less work
    if final.program != best:
        steps += final.steps
        best, slots = final.program, _composed(slots, final.slots)
    if tune is not None:
        report("tuning the constants")
        tuned = yield from tune(best)
        before, after = yield from score([best, tuned])
        gain = float(np.mean(before) - np.mean(after))
        if tuned != best and gain >= 0:  # scored on seeds that the tuning did not use
            note = f"log loss {-gain:+.4f}"
            steps.append(Step("constants tuned", _constants(best), _constants(tuned), SCORED, note))
            best, yardstick = tuned, (yield from Yardstick.of(tuned, score, (1.0,)))
    report("rounding the constants")
    rounded = yield from _rounded(best, yardstick)
    if rounded != best:
        (verdict,) = yield from yardstick.judge([rounded], (min(yardstick.scales),))
        steps.append(Step("constants rounded", _constants(best), _constants(rounded), SCORED, str(verdict)))
    return Simplified(rounded, tuple(steps), slots, exact.complete and final.complete)


def _composed(slots: Mapping[str, str], later: Mapping[str, str]) -> dict[str, str]:
    """New names of slots after two renamings, without slots that do not exist any more."""
    return {old: later[new] for old, new in slots.items() if new in later}


@dataclass(frozen=True)
class _Draft:
    """An ablation, and the shorter program to which it leads."""

    what: str
    before: str
    after: str
    found: Simplified

    @property
    def program(self) -> Program:
        return self.found.program


def _first_kept(
    best: Program, drafts: list[_Draft], yardstick: Yardstick, report: Callable[[str], None], width: int, peak: float
) -> Waiting[tuple[_Draft, str] | None]:
    """The first draft that cannot be distinguished from the original, with a note; drafts of equal updates first."""
    same = [draft for draft in drafts if 1.0 in yardstick.scales and alike(best, draft.program, peak)]
    others = [draft for draft in drafts if draft not in same]
    for group, scales, why in ((same, (1.0,), f"; the updates agree at rates up to {peak:g}"), (others, (), "")):
        for start in range(0, len(group), width):
            together = group[start : start + width]
            report(f"{len(best.statements)} statements: without {together[0].before}")
            judged = yield from yardstick.judge([draft.program for draft in together], scales)
            for draft, verdict in zip(together, judged, strict=True):
                if verdict.kept:
                    return draft, f"{verdict}{why}"
    return None


def _length(program: Program) -> int:
    lines, slots = live(program)
    return len(lines) + len(slots)


def _drafts(program: Program, seen: set[str]) -> list[_Draft]:
    """Programs with one part dropped, shortest first; programs that compute the same occur once over all calls.

    Each ablation has its own budget of work; one that exceeds it is left out.
    """
    graph = Graph(rule_set(SHORT))
    drafts = []
    try:
        roots = read(program, graph)
        changes = list(_changes(graph, roots))
    except Exhausted:
        return []
    for what, node, make in changes:
        graph.work.left = THOROUGH
        try:
            new = make()
            changed = dict(zip(roots, graph.rebuilt(list(roots.values()), graph, {node: new}), strict=True))
            draft = Emission(graph, changed).program(program.slots)
        except (Exhausted, ProgramError):  # a product of constants may leave the range of float32
            continue
        if check(draft) is not None or not live(draft).lines:
            continue
        found = simplify(draft, SEARCH)
        digest = functional_hash(found.program)
        if _length(found.program) < _length(program) and digest not in seen:
            seen.add(digest)
            drafts.append(_Draft(what, text(graph, node), text(graph, new), found))
    return sorted(drafts, key=lambda draft: _length(draft.program))


def _changes(graph: Graph, roots: dict[str, int]) -> Iterator[tuple[str, int, Callable[[], int]]]:
    """Ablations of a program: each with the dropped part, and a function that makes its replacement."""
    slots = [name for name in roots if name != UPDATE]
    for slot in slots:
        for other in slots:
            if other != slot:
                yield "slot merged with another", graph.leaf(slot), partial(graph.leaf, other)
        yield "slot left out", graph.leaf(slot), partial(graph.leaf, 0.0)
    for node in graph.order(roots.values()):
        function, arguments, leaf = graph.nodes[node]
        if leaf is not None:
            continue
        if function in NARY:
            for place in range(len(arguments)):
                rest = arguments[:place] + arguments[place + 1 :]
                yield "operand left out", node, partial(graph.make, function, rest)
        for argument in dict.fromkeys(arguments):
            yield "replaced by an argument", node, partial(int, argument)
        for constant in (0.0, 1.0):
            yield "replaced by a constant", node, partial(graph.leaf, constant)


def _constants(program: Program) -> str:
    return ", ".join(constant_text(value) for *_, value in program.constants())


def _rounded(program: Program, yardstick: Yardstick) -> Waiting[Program]:
    """Round the constants, one after the other, to the fewest digits that stay within the noise."""
    values = [value for *_, value in program.constants()]
    scale = (min(yardstick.scales),)  # one is enough: changing a rate by a per cent is itself a change of scale
    for place, value in enumerate(values):
        for short in _shorter(value):
            draft = [*values[:place], short, *values[place + 1 :]]
            (verdict,) = yield from yardstick.judge([program.with_constants(draft)], scale)
            if verdict.kept:
                values = draft
                break
    return program.with_constants(values)


def _shorter(value: float) -> Iterator[float]:
    """A constant rounded to 1, 2, … digits, until nothing is rounded off."""
    for digits in range(1, 8):
        short = float32(float(f"{value:.{digits}g}"))
        if short == value:
            return
        near = abs(short - value) <= _DIGITS * abs(value)
        if 0.5 < abs(value) < 1:  # the decay of an average
            near &= abs(short) < 1 and abs(abs(short) - abs(value)) <= _DISTANCE * (1 - abs(value))
        if near:
            yield short
