"""Data flow of programs: sources of values, liveness, and digests of what a program computes.

*Liveness* is a fixpoint over the state. The update is live. A slot is live if a live statement reads it, and then the
statement that writes it is live. The analysis of Chen et al. (2023) covers one step only, and keeps a statement such
as `m = cosh(update)` although no statement reads that `m` in the next step.

*The functional hash* is built from a digest of how each live value is computed, which does not depend on names, on the
order of statements or on the order of commutative arguments. Colour refinement distinguishes state slots: all start
with one colour (all are zero at first), and each round gives a slot the digest of its next value under the colours of
the round before, until no class splits any more. Slots that end with one colour hold equal values at every step, so
that swapping or duplicating slots does not change the hash.
"""

from functools import lru_cache
from hashlib import blake2b
from itertools import permutations
from struct import pack
from typing import NamedTuple

from primitives.program import UPDATE, Program
from primitives.registry import REGISTRY, Property

_CLASSES = 5  # of slots; they can be labelled in 120 ways

Source = int | str | float  # index of a statement, name of an input, or value of a constant


class Flow(NamedTuple):
    """Sources of the values of a program.

    Attributes:
        arguments: for each statement the sources of its arguments.
        outputs: for `update` and each state slot the source of the returned value.
    """

    arguments: tuple[tuple[Source, ...], ...]
    outputs: dict[str, Source]


@lru_cache(maxsize=4096)
def flow(program: Program) -> Flow:
    """Resolve every variable of a valid program to the statement that assigned it, or to an input."""
    where: dict[str, Source] = {name: name for name in program.inputs}
    arguments: list[tuple[Source, ...]] = []
    for line, (target, _, names) in enumerate(program.statements):
        arguments.append(tuple([where[name] if isinstance(name, str) else name for name in names]))
        where[target] = line
    return Flow(tuple(arguments), {name: where[name] for name in program.outputs})


class Live(NamedTuple):
    """The part of a program that its updates depend on, over all steps.

    Attributes:
        lines: indices of statements, in order.
        slots: state slots, in the order of the signature.
    """

    lines: tuple[int, ...]
    slots: tuple[str, ...]


@lru_cache(maxsize=4096)
def live(program: Program) -> Live:
    """Find the live statements and the live state slots of a valid program."""
    graph = flow(program)
    lines: set[int] = set()
    slots: set[str] = set()
    open_ends: list[Source] = [graph.outputs[UPDATE]]
    while open_ends:
        source = open_ends.pop()
        if isinstance(source, int):
            if source not in lines:
                lines.add(source)
                open_ends.extend(graph.arguments[source])
        elif isinstance(source, str) and source in graph.outputs and source not in slots:
            slots.add(source)
            open_ends.append(graph.outputs[source])
    return Live(tuple(sorted(lines)), tuple(slot for slot in program.slots if slot in slots))


def live_part(program: Program) -> Program:
    """The program without its dead statements."""
    return program.keep(live(program).lines)


def functional_hash(program: Program) -> str:
    """Digest of the live part of a valid program, 32 hexadecimal digits.

    Equal for programs that differ in names, in the order of statements or of commutative arguments, in redundant
    statements, in repeated sub-expressions, or in the roles of state slots.
    """
    return _hash(live_part(program), live(program).slots)


@lru_cache(maxsize=4096)  # many mutations change dead statements only
def _hash(program: Program, slots: tuple[str, ...]) -> str:
    return _Digests(program, slots).of_program(b"program").hex()


def structure_hash(program: Program) -> str:
    """Digest of the live part with all constants alike: equal for programs that differ in constants only.

    Classes of slots are those of the exact program. Up to `_CLASSES` of them are labelled in every possible way, and
    the least digest counts. More are labelled in the order in which the update reads them; where two arguments of a
    commutative function look alike without constants, the constants decide, so that there programs of one structure
    may get different digests.
    """
    bare, slots = live_part(program), live(program).slots
    digests = _Digests(bare, slots)
    exact = digests.colours
    classes = sorted(set(exact.values()))
    labels = [_token(f"slot {number}") for number in range(len(classes))]
    orders = permutations(classes) if len(classes) <= _CLASSES else [_order(bare, digests)]
    ways = (dict(zip(order, labels, strict=True)) for order in orders)
    colourings = ({slot: way[colour] for slot, colour in exact.items()} for way in ways)
    return min(_Digests(bare, slots, colours).of_program(b"structure").hex() for colours in colourings)


def _order(program: Program, exact: "_Digests") -> tuple[bytes, ...]:
    """Classes of slots in the order in which a depth-first walk from the update meets them."""
    rough = _without_constants(program, tuple(exact.colours))
    graph = flow(program)
    met: dict[bytes, None] = {}
    seen: set[Source] = set()
    open_ends: list[Source] = [graph.outputs[UPDATE]]
    while open_ends:
        source = open_ends.pop()
        if isinstance(source, float) or source in seen:
            continue
        seen.add(source)
        if source in exact.colours:
            met[exact.colours[str(source)]] = None
            open_ends.append(graph.outputs[str(source)])
        elif isinstance(source, int):
            arguments = list(graph.arguments[source])
            if _row(program.statements[source].primitive)[1]:
                arguments.sort(key=lambda argument: (rough.value(argument), exact.value(argument)))
            open_ends.extend(reversed(arguments))
    return tuple(met)


def _without_constants(program: Program, slots: tuple[str, ...]) -> "_Digests":
    """Digests with all constants alike, and with the stable colours of slots that follow from them."""
    colours = dict.fromkeys(slots, _token("slot"))
    while True:
        digests = _Digests(program, slots, colours)
        refined = digests.next_colours()
        if len(set(refined.values())) == len(set(colours.values())):
            return digests
        colours = refined


class _Digests:
    """Digests of how live values are computed, 16 bytes each, so that concatenations of them are unambiguous.

    Args:
        program: the live part of a valid program.
        slots: its live slots.
        labels: colours of the live slots; all constants then count as equal. By default constants count, and colours
            are refined until they are stable: slots of one colour hold equal values at every step.
    """

    def __init__(self, program: Program, slots: tuple[str, ...], labels: dict[str, bytes] | None = None) -> None:
        self._graph = graph = flow(program)
        self._constant = constant = _constant if labels is None else _some_constant
        self._values: dict[Source, bytes] = {name: _token(name) for name in program.inputs}
        self._calls = [
            (line, *_row(statement.primitive), [constant(s) if isinstance(s, float) else s for s in sources])
            for line, (statement, sources) in enumerate(zip(program.statements, graph.arguments, strict=True))
        ]
        self.colours = dict.fromkeys(slots, _token("slot")) if labels is None else labels
        self._evaluate()
        classes = 1
        while labels is None and classes < len(slots):
            refined = self.next_colours()
            if len(set(refined.values())) == classes:
                break
            self.colours, classes = refined, len(set(refined.values()))
            self._evaluate()

    def value(self, source: Source) -> bytes:
        """Digest of a value."""
        return self._constant(source) if isinstance(source, float) else self._values[source]

    def next_colours(self) -> dict[str, bytes]:
        """Colours of the slots after one more round of refinement."""
        outputs = self._graph.outputs
        return {slot: _join(colour, self._values[outputs[slot]]) for slot, colour in self.colours.items()}

    def of_program(self, kind: bytes) -> bytes:
        """Digest of the whole program."""
        outputs = self._graph.outputs
        # The digest includes how each class of slots depends on the state of the step before. Otherwise programs
        # whose slots read different slots would have equal digests.
        passing = {_join(colour, self._values[outputs[slot]]) for slot, colour in self.colours.items()}
        return _join(kind, self._values[outputs[UPDATE]], *sorted(passing))

    def _evaluate(self) -> None:
        """Compute the digest of every live statement under the current colours."""
        self._values.update(self.colours.items())
        for line, name, commutative, arguments in self._calls:
            inner = [source if isinstance(source, bytes) else self._values[source] for source in arguments]
            if commutative:
                inner.sort()
            self._values[line] = _join(name, *inner)


@lru_cache(maxsize=1024)
def _row(name: str) -> tuple[bytes, bool]:
    return _token(name), Property.COMMUTATIVE in REGISTRY[name].properties


@lru_cache(maxsize=1024)
def _token(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=16).digest()


def _constant(value: float) -> bytes:
    return b"constant    " + pack("<f", value)


def _some_constant(value: float) -> bytes:
    return b"constant of some"


@lru_cache(maxsize=65536)  # a child shares most of its values with its parent
def _join(*parts: bytes) -> bytes:
    return blake2b(b"".join(parts), digest_size=16).digest()
