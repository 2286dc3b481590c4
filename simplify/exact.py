"""Exact simplification: the shortest program that the rules lead to, with every step that led there.

Each pass reads the program as a graph, twice: as it stands, and with everything multiplied out, which undoes whatever
order its author had in mind. From both the rules look for something shorter until none applies, and the shorter result is
written back as statements. Passes are repeated until nothing changes, so that simplifying twice is simplifying once; a
pass that would make a program longer is not made. The result is run beside the original on probes, and rules that are
not exact without reservation are given up where that shows a difference.

State: slots that stay zero are constants, and slots that always hold equal values are one. Both are fixpoints: all slots
are assumed to be so, and the assumption is dropped for those whose next value contradicts it. Likewise for slots that
are never negative.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from primitives.checking import check
from primitives.dataflow import live, live_part
from primitives.program import UPDATE, Argument, Program, Statement
from primitives.text import statement_text, to_text
from simplify.emission import Emission
from simplify.probes import GUARDED, TOLERANCE, agree
from simplify.rules import Exactness, Rule, Use, by_root
from simplify.signs import nonnegative
from simplify.terms import Firing, Graph, read

_PASSES = 20
_CLIMBS = 400  # steps of one pass; programs of a hundred statements take a few dozen
_NODES = 6000  # a graph that would grow beyond this is not multiplied out any further
_SHORT = (Use.ALWAYS, Use.CONTRACTING)
_RESERVATIONS = (tuple(Exactness), (Exactness.EXACT, Exactness.GUARD), (Exactness.EXACT,))


@dataclass(frozen=True)
class Step:
    """One step of a derivation.

    Attributes:
        rule: what was done, in ordinary notation or words.
        before: the formula or statement that it was done to.
        after: what it became; empty for what was dropped.
        exactness: what the step may change: a member of `Exactness`, or `scored`.
        note: further figures, such as the change of the score.
    """

    rule: str
    before: str
    after: str
    exactness: str
    note: str = ""


@dataclass(frozen=True)
class Simplified:
    """Result of simplification.

    Attributes:
        program: equal to the original but shorter, its live slots named first.
        steps: how it came about.
        slots: for each slot of the original whose values the result still holds, what it is called there.
    """

    program: Program
    steps: tuple[Step, ...]
    slots: Mapping[str, str]


def simplify(program: Program) -> Simplified:
    """Simplify a valid program exactly.

    >>> from primitives import builtin, to_text
    >>> print(to_text(simplify(builtin("lion_raw")).program))
    def train(w, g, m, v, lr):
        x1 = clip(g, lr)
        x2 = arcsin(x1)
        update = interp(x2, m, 0.9)
        m = interp(x2, m, 0.99821967)
        update = sign(update)
        decay = w * 0.46019784
        update = decay + update
        rate = lr * 0.00021717617
        update = update * rate
        return update, m, v
    <BLANKLINE>
    """
    dead = _dead_steps(program)
    bare = live_part(program)
    for exactness in _RESERVATIONS:
        found = _to_the_end(bare, exactness)
        guarded = any(step.exactness == Exactness.GUARD for step in found.steps)
        if agree(bare, found.program, found.slots, GUARDED if guarded else TOLERANCE):
            return Simplified(found.program, (*dead, *found.steps), found.slots)
    return Simplified(bare, dead, {slot: slot for slot in live(bare).slots})


def _dead_steps(program: Program) -> tuple[Step, ...]:
    lines = live(program).lines
    return tuple(
        Step("no update depends on it", statement_text(statement), "", Exactness.EXACT)
        for line, statement in enumerate(program.statements)
        if line not in lines
    )


def _to_the_end(program: Program, exactness: tuple[Exactness, ...]) -> Simplified:
    """Passes until one changes nothing, or leads back to where one was: then the first of the circle in order."""
    seen = [Simplified(program, (), {slot: slot for slot in live(program).slots})]
    while len(seen) <= _PASSES:
        last = seen[-1]
        found = _pass(last.program, exactness)
        programs = [one.program for one in seen]
        if found.program in programs:
            return min(seen[programs.index(found.program) :], key=lambda one: to_text(one.program))
        slots = {old: found.slots[name] for old, name in last.slots.items() if name in found.slots}
        seen.append(Simplified(found.program, (*last.steps, *found.steps), slots))
    return seen[-1]


def _pass(program: Program, exactness: tuple[Exactness, ...]) -> Simplified:
    """The shorter of two ways of simplifying, with the live slots named first; the program if both are longer."""
    memory = _Memory(program, exactness)
    found = min((_way(memory, exactness, out) for out in (False, True)), key=lambda way: way[0].length)
    draft = found[0].program(program.slots)
    if check(draft) is not None or len(draft.statements) > len(live(program).lines):
        return Simplified(program, (), {slot: slot for slot in live(program).slots})
    names = dict(zip(live(draft).slots, draft.slots, strict=False))
    kept = {slot: names[kept] for slot, kept in memory.kept.items() if kept in names}
    return Simplified(_renamed(draft, names), (*memory.steps, *found[1]), kept)


def _way(memory: "_Memory", exactness: tuple[Exactness, ...], multiplied_out: bool) -> tuple[Emission, list[Step]]:
    """Read a program as it stands or multiplied out, and shorten it."""
    graph = Graph(by_root(_SHORT, exactness), memory.nonnegative)
    if multiplied_out:
        source = Expanding(exactness, memory.nonnegative)
        before, after = memory.roots(graph), memory.roots(source)
        numbers = source.rebuilt(list(after.values()), graph, {})
        pairs = zip(before, before.values(), numbers, strict=True)
        steps = [
            Step("multiplied out, like terms collected", graph.text(old), graph.text(new), Exactness.EXACT)
            for _, old, new in pairs
            if old != new
        ]
        graph.log.clear()
        roots = dict(zip(after, numbers, strict=True))
    else:
        roots, steps = memory.roots(graph), []
    roots, firings = _climb(graph, _live(graph, roots), exactness)
    fired = dict.fromkeys((firing.rule, firing.before, firing.after) for firing in firings)
    steps += [Step(rule.law, before, after, rule.exactness) for rule, before, after in fired]
    return Emission(graph, roots), steps


def _climb(
    graph: Graph, roots: dict[str, int], exactness: tuple[Exactness, ...]
) -> tuple[dict[str, int], list[Firing]]:
    """Apply rules that do not always pay wherever they do."""
    rules = by_root((Use.GAINFUL, Use.PULLING), exactness)
    firings = list(graph.log)
    length = Emission(graph, roots).length
    for _ in range(_CLIMBS):
        for rule, node, new, start in _chances(graph, rules, roots):
            changed = dict(zip(roots, graph.rebuilt(list(roots.values()), graph, {node: new}), strict=True))
            gain = length - Emission(graph, changed).length
            if changed != roots and (gain > 0 or (gain == 0 and rule.use is Use.PULLING)):
                firings += [Firing(rule, graph.text(node), graph.text(new)), *graph.log[start:]]
                roots, length = changed, length - gain
                break
        else:
            break
    return roots, firings


def _chances(
    graph: Graph, rules: Mapping[str, Sequence[Rule]], roots: Mapping[str, int]
) -> Iterator[tuple[Rule, int, int, int]]:
    """Every way in which a rule applies: the rule, the node, its result, and where the log stood before."""
    for node in graph.order(roots.values()):
        for rule in rules.get(graph.nodes[node].function, ()):
            start = len(graph.log)
            for new in rule.results(graph, node):
                yield rule, node, new, start
                start = len(graph.log)


def _live(graph: Graph, roots: dict[str, int]) -> dict[str, int]:
    """The update and the slots that it still depends on."""
    wanted = [UPDATE]
    for name in wanted:
        leaves = {graph.nodes[node].leaf for node in graph.order([roots[name]])}
        wanted += [slot for slot in roots if slot in leaves and slot not in wanted]
    return {name: node for name, node in roots.items() if name in wanted}


class Expanding(Graph):
    """A graph in which everything is multiplied out, until it has become too large."""

    def __init__(self, exactness: tuple[Exactness, ...], nonnegative: frozenset[str], *extra: Use) -> None:
        super().__init__(by_root((Use.ALWAYS, Use.EXPANDING, *extra), exactness), nonnegative)
        self._without = by_root((Use.ALWAYS, *extra), exactness)

    def make(self, function: str, arguments: Iterable[int]) -> int:
        """The node of a function of nodes, or of whatever the rules make of it."""
        if len(self.nodes) > _NODES:
            self._rules = self._without
        return super().make(function, arguments)


class _Memory:
    """What is known of the state slots of a program."""

    def __init__(self, program: Program, exactness: tuple[Exactness, ...]) -> None:
        self._program = program
        self._rules = by_root(_SHORT, exactness)
        slots = live(program).slots
        self.nonnegative: frozenset[str] = frozenset()
        self._stands: dict[str, str | float] = dict.fromkeys(slots, 0.0)  # all stay zero, one assumes
        self._settle(lambda graph, roots: {s: 0.0 for s in self._zeros() if graph.value(roots[s]) == 0})
        zeros = self._zeros()
        first = next((slot for slot in slots if slot not in zeros), "")
        self._stands |= {slot: first for slot in slots if slot not in zeros}  # all others are equal, one assumes
        self._settle(lambda _, roots: self._split(roots) | dict.fromkeys(zeros, 0.0))
        self.kept = {slot: stands for slot, stands in self._stands.items() if isinstance(stands, str)}
        self.nonnegative = frozenset(self.kept.values())
        while True:
            graph = Graph(self._rules, self.nonnegative)
            roots = self.roots(graph)
            still = frozenset(slot for slot in self.nonnegative if nonnegative(graph, roots[slot]))
            if still == self.nonnegative:
                break
            self.nonnegative = still
        self.steps = [
            Step("state that stays zero" if stands == 0 else "state that only renames state", slot, str(stands), "exact")
            for slot, stands in self._stands.items()
            if stands != slot
        ]

    def _zeros(self) -> list[str]:
        return [slot for slot, stands in self._stands.items() if stands == 0.0]

    def _settle(self, weaker: Callable[[Graph, dict[str, int]], dict[str, str | float]]) -> None:
        """Weaken an assumption until the next values bear it out."""
        while True:
            graph = Graph(self._rules)
            kept = weaker(graph, self._all(graph))
            if kept == self._stands:
                return
            self._stands = kept

    def _split(self, roots: dict[str, int]) -> dict[str, str | float]:
        """Slots whose next values differ stand for themselves, or for the first of those that they still equal."""
        first: dict[tuple[str | float, int], str] = {}
        slots = [slot for slot, stands in self._stands.items() if stands != 0.0]
        return {slot: first.setdefault((self._stands[slot], roots[slot]), slot) for slot in slots}

    def _all(self, graph: Graph) -> dict[str, int]:
        return read(self._program, graph, {slot: graph.leaf(stands) for slot, stands in self._stands.items()})

    def roots(self, graph: Graph) -> dict[str, int]:
        """The update, and the next values of the slots that are needed."""
        return {name: node for name, node in self._all(graph).items() if self._stands.get(name, name) == name}


def _renamed(program: Program, names: Mapping[str, str]) -> Program:
    """The program with some variables under other names."""

    def new(name: Argument) -> Argument:
        return names.get(name, name) if isinstance(name, str) else name

    statements = (Statement(str(new(t)), f, tuple(map(new, arguments))) for t, f, arguments in program.statements)
    return program._replace(statements=tuple(statements))
