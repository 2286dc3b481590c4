"""The structure of a program: programs that differ in the values of constants alone have the same structure."""

from primitives import UPDATE, Program, Source, flow, functional_hash, live_part

_FIRST, _STEP = 0.3137, 0.0173  # the n-th constant is replaced by _FIRST + n · _STEP


def structure_of(program: Program) -> str:
    """Digest of the structure of a valid program.

    Constants are replaced by distinct values, in the order in which a walk from the outputs finds them, and the result
    is hashed. Two constants stay distinct: `interp(g, m, 0.9)` and `interp(g, m, 0.99)` in one program are not merged,
    unlike in `primitives.structure_hash`, so the sign of a momentum and Lion are different structures. The digest
    depends on the order of commutative arguments, but not on the order of statements or on variable names.
    """
    bare = live_part(program)
    graph = flow(bare)
    seen: dict[int, None] = {}

    def visit(source: Source) -> None:
        if isinstance(source, int) and source not in seen:
            seen[source] = None
            for argument in graph.arguments[source]:
                visit(argument)

    for name in (UPDATE, *bare.slots):
        visit(graph.outputs[name])
    ranks = {line: rank for rank, line in enumerate(seen)}
    places = [(line, place) for line, place, _ in bare.constants()]
    order = {spot: number for number, spot in enumerate(sorted(places, key=lambda spot: (ranks[spot[0]], spot[1])))}
    return functional_hash(bare.with_constants([_FIRST + _STEP * order[spot] for spot in places]))
