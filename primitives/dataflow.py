"""Where values come from, which of them matter, and when two programs are the same function.

*Liveness* is a fixpoint over the state: the update is needed; a slot is needed once a needed statement reads it, and
then so is the statement that writes it. The analysis of Chen et al. (2023) looks at one step only, and keeps a
statement such as `m = cosh(update)` although nothing ever reads that `m`.

*The functional hash* gives every live value a digest of how it is computed, so that names, the order of statements
and the order of commutative arguments leave no trace. State slots are told apart by colour refinement: all start
alike (all are zero at first), and each round gives a slot the digest of its next value under the colours of the round
before, until no class splits any more. Slots that end with one colour hold equal values at every step, so that slots
may be swapped or doubled without a change of hash.
"""

from functools import lru_cache
from hashlib import blake2b
from itertools import permutations
from struct import pack
from typing import NamedTuple

from primitives.program import UPDATE, Program
from primitives.registry import REGISTRY, Property

Source = int | str | float  # a statement by its index, an input by its name, a constant


class Flow(NamedTuple):
    """The program as a graph: for each statement the sources of its arguments, and the source of each output."""

    arguments: tuple[tuple[Source, ...], ...]
    outputs: dict[str, Source]


def flow(program: Program) -> Flow:
    """Resolve every variable of a valid program to the statement or input that it stands for."""
    where: dict[str, Source] = {name: name for name in program.inputs}
    arguments: list[tuple[Source, ...]] = []
    for line, (target, _, names) in enumerate(program.statements):
        arguments.append(tuple(where[name] if isinstance(name, str) else name for name in names))
        where[target] = line
    return Flow(tuple(arguments), {name: where[name] for name in program.outputs})


class Live(NamedTuple):
    """What the updates of all steps depend on: statements by index, in order, and state slots."""

    lines: tuple[int, ...]
    slots: tuple[str, ...]


@lru_cache(maxsize=4096)
def live(program: Program) -> Live:
    """Find the live statements and state slots of a valid program."""
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
    """The program without the statements that no update depends on."""
    return program.keep(live(program).lines)


def functional_hash(program: Program) -> str:
    """Digest of the live part of a valid program, 32 hexadecimal digits.

    Equal for programs that differ in names, in the order of statements or of commutative arguments, in redundant
    statements, in repeated sub-expressions, or in which state slot does what.
    """
    graph = flow(program)
    colours = _colours(program, graph)
    value = _value_digests(program, graph, colours)
    # How each class of slots passes from one step to the next belongs to the digest: without it, two programs would
    # look alike whose slots read different slots.
    passing = {_join(colour, value(graph.outputs[slot])) for slot, colour in colours.items()}
    return _join(b"program", value(graph.outputs[UPDATE]), *sorted(passing)).hex()


def structure_hash(program: Program) -> str:
    """The same with all constants alike: equal for programs that differ in constants only.

    Classes of slots are those of the exact program, and are labelled in every possible way, of which the least digest
    counts; there are as many ways as permutations of the classes, which are two or three.
    """
    graph = flow(program)
    exact = _colours(program, graph)
    classes = sorted(set(exact.values()))
    labels = [b"slot %d" % number for number in range(len(classes))]
    return min(_labelled(program, graph, exact, dict(zip(classes, way, strict=True))) for way in permutations(labels))


def _labelled(program: Program, graph: Flow, exact: dict[str, bytes], labels: dict[bytes, bytes]) -> str:
    """Digest with all constants alike, where each class of slots has a label."""
    colours = {slot: labels[colour] for slot, colour in exact.items()}
    value = _value_digests(program, graph, colours, structure_only=True)
    passing = {_join(colour, value(graph.outputs[slot])) for slot, colour in colours.items()}
    return _join(b"structure", value(graph.outputs[UPDATE]), *sorted(passing)).hex()


def _colours(program: Program, graph: Flow) -> dict[str, bytes]:
    """Stable colours of the live slots: of one colour are those that hold equal values at every step."""
    colours = dict.fromkeys(live(program).slots, b"slot")
    while True:
        value = _value_digests(program, graph, colours)
        refined = {slot: _join(colour, value(graph.outputs[slot])) for slot, colour in colours.items()}
        if len(set(refined.values())) == len(set(colours.values())):
            return colours
        colours = refined


class _value_digests:  # noqa: N801 - a function with a memory
    """Digest of any source, given colours for the state slots."""

    def __init__(
        self,
        program: Program,
        graph: Flow,
        colours: dict[str, bytes],
        structure_only: bool = False,
    ) -> None:
        self._colours = colours
        self._structure_only = structure_only
        self._lines: dict[int, bytes] = {}
        for line in live(program).lines:
            name, commutative = _row(program.statements[line].primitive)
            inner = [self(source) for source in graph.arguments[line]]
            self._lines[line] = _join(name, *(sorted(inner) if commutative else inner))

    def __call__(self, source: Source) -> bytes:
        if isinstance(source, int):
            return self._lines[source]
        if isinstance(source, float):
            return b"constant" if self._structure_only else b"constant" + pack("<f", source)
        return self._colours.get(source) or b"input " + source.encode()


@lru_cache(maxsize=1024)
def _row(name: str) -> tuple[bytes, bool]:
    return name.encode(), Property.COMMUTATIVE in REGISTRY[name].properties


def _join(*parts: bytes) -> bytes:
    """Digest of a sequence; every part is preceded by its length, so that no two sequences read alike."""
    return blake2b(b"".join(bytes([len(part)]) + part for part in parts), digest_size=16).digest()
