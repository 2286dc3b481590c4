"""What is known of the sign of a node, from its functions alone; the learning rate is taken to be positive."""

from primitives.program import LEARNING_RATE
from primitives.registry import REGISTRY, Property
from simplify.terms import INVERSE, Graph

_NONNEGATIVE = {"abs", "sqrt", "norm", "global_norm", "arccos", "arccosh"}  # whatever the argument
_POSITIVE = {"exp", "exp2", "exp10", "cosh"}
_AS_ARGUMENTS = {"add", "multiply", "interp", "clip", "reciprocal", INVERSE, "power", "min"}


def nonnegative(graph: Graph, node: int) -> bool:
    """Whether a node is never negative."""
    return _known(graph, node, strictly=False)


def positive(graph: Graph, node: int) -> bool:
    """Whether a node is always positive."""
    return _known(graph, node, strictly=True)


def _known(graph: Graph, node: int, strictly: bool) -> bool:
    """Answers are remembered with the graph."""
    key = (node, strictly)
    if key not in graph.signs:
        graph.signs[key] = _find(graph, node, strictly)
    return graph.signs[key]


def _find(graph: Graph, node: int, strictly: bool) -> bool:
    function, arguments, leaf = graph.nodes[node]
    if isinstance(leaf, float):
        return leaf > 0 if strictly else leaf >= 0
    if isinstance(leaf, str):
        return leaf == LEARNING_RATE or (not strictly and leaf in graph.nonnegative)
    if function in _POSITIVE or (function in _NONNEGATIVE and not strictly):
        return True
    each = [_known(graph, argument, strictly) for argument in arguments]
    if function == "add":
        return all(_known(graph, argument, False) for argument in arguments) and (any(each) or not strictly)
    if function == "multiply":
        if not strictly:  # even powers are not negative
            odd = [a for a in set(arguments) if arguments.count(a) % 2]
            return all(_known(graph, argument, False) for argument in odd)
        return all(each)
    if function == "max":
        return any(each)
    if function == "interp":
        share = graph.value(arguments[2])
        return (
            share is not None
            and 0 <= share <= 1
            and all(_known(graph, a, False) for a in arguments[:2])
            and (not strictly or (0 < share < 1 and any(each[:2])))
        )
    if function == INVERSE:  # 1 / (x + 1e-8) is positive where x is not negative
        return _known(graph, arguments[0], False)
    if function == "power":
        return each[0]
    if function == "dot":
        return not strictly and arguments[0] == arguments[1]
    if function in ("min", "clip", "reciprocal"):
        return all(each)
    row = REGISTRY[function]
    return row.arity == 1 and {Property.ODD, Property.INCREASING} <= row.properties and each[0]
