"""When two programs are one structure: equal but for the values of their constants."""

from primitives import UPDATE, Program, Source, flow, functional_hash, live_part

_FIRST, _STEP = 0.3137, 0.0173  # constants that stand for the first, the second, …; no two alike


def structure_of(program: Program) -> str:
    """Digest of a valid program in which its constants have distinct values, numbered on the way from the outputs.

    Two constants stay two: `interp(g, m, 0.9)` and `interp(g, m, 0.99)` in one program are not merged, as they would
    be if all constants were alike (`primitives.dataflow.structure_hash`), so that the sign of a momentum and Lion are
    different structures. Statement order and variable names do not matter; the order of commutative arguments does.
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
