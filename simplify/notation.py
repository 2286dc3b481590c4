"""Nodes of a graph as formulas, for derivations."""

from simplify.terms import INVERSE, Graph

_LENGTH = 120  # characters; a longer formula is cut
_DEPTH = 4  # nested functions; deeper ones are shown as `…`
_OPERANDS = 8  # operands of a sum or product; further ones are shown as `…`


def text(graph: Graph, node: int) -> str:
    """A node as a formula, abbreviated if it is long.

    >>> graph = Graph()
    >>> text(graph, graph.make("tanh", [graph.make("divide", [graph.leaf("g"), graph.leaf("w")])]))
    'tanh(g / w)'
    """
    written = _text(graph, node, 0, _DEPTH)
    return written if len(written) <= _LENGTH else f"{written[: _LENGTH - 3]}…"


def _text(graph: Graph, node: int, binding: int, depth: int) -> str:
    function, arguments, leaf = graph.nodes[node]
    if leaf is not None:
        return leaf if isinstance(leaf, str) else f"{leaf:.6g}"
    if depth == 0:
        return "…"
    if function == "add":
        terms = [_text(graph, a, 1, depth - 1) for a in arguments[:_OPERANDS]] + ["…"] * (len(arguments) > _OPERANDS)
        written, own = " + ".join(terms).replace("+ -", "- "), 1
    elif function == "multiply":
        written, own = _product(graph, arguments, depth), 2
    elif function == INVERSE:
        written, own = f"1 / {_text(graph, arguments[0], 3, depth - 1)}", 2
    else:
        return f"{function}({', '.join(_text(graph, a, 0, depth - 1) for a in arguments)})"
    return f"({written})" if own <= binding - (function == "multiply" and binding == 2) else written


def _product(graph: Graph, arguments: tuple[int, ...], depth: int) -> str:
    functions = [graph.nodes[argument].function for argument in arguments]
    depth -= "multiply" in functions  # a product that is too long to be flat
    pairs = list(zip(arguments, functions, strict=True))[:_OPERANDS]
    upper = [_text(graph, argument, 2, depth) for argument, function in pairs if function != INVERSE]
    lower = [
        f" / {_text(graph, graph.nodes[argument].arguments[0], 3, depth - 1)}"
        for argument, function in pairs
        if function == INVERSE
    ]
    more = " * …" * (len(arguments) > _OPERANDS)
    return (" * ".join(upper) or "1") + "".join(lower) + more
