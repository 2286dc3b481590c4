"""From a graph back to a program: n-ary nodes become binary statements, and a shared node is one statement.

A slot is assigned once no later statement reads its old value. If an old value is an output, or two outputs are equal,
a copy (`x * 1`) is made, since the language has no plain assignment.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from primitives import GRADIENT, ONLY_TREE, REGISTRY, UPDATE, Kind, Program
from simplify.arrangement import Arrangement
from simplify.rule_kinds import term
from simplify.schedule import Operand, Written, scheduled
from simplify.terms import INVERSE, NARY, Graph, commutative


class Emission:
    """Statements for the roots of a graph.

    Args:
        graph: the graph of the roots.
        roots: nodes of the update and of the next value of each live slot, by name.
        arrangement: the order of nodes and the names of slots; by default those of the graph.
    """

    def __init__(self, graph: Graph, roots: Mapping[str, int], arrangement: Arrangement | None = None) -> None:
        self._graph = graph
        self._statements: list[Written] = []
        self._numbers: dict[object, int] = {}
        self._values: dict[int, Operand] = {}
        self._taken: set[int] = set()  # statements that are outputs
        order = graph.order(roots.values()) if arrangement is None else arrangement.order
        self._slots = {slot: slot for slot in roots if slot != UPDATE} if arrangement is None else arrangement.slots
        self._rank = {node: rank for rank, node in enumerate(order)}
        graph.work.spend(4 * len(order))
        self._wholes = self._find_wholes(order)
        for node in order:
            if not self._is_inverse(node) or self._is_inverse(graph.nodes[node].arguments[0]):
                self._value(node)
        names = {name: self._slots.get(name, name) for name in roots}
        self._outputs = {names[name]: self._output(node, names[name]) for name, node in roots.items()}

    def _find_wholes(self, order: Sequence[int]) -> dict[str, list[tuple[int, int, Counter[int]]]]:
        """Sums and products by function, the longest first, each with its number of operands and the operands."""
        nodes = self._graph.nodes
        found: dict[str, list[tuple[int, int, Counter[int]]]] = {function: [] for function in NARY}
        for node in order:
            function, arguments, _ = nodes[node]
            if function in NARY:
                found[function].append((node, len(arguments), Counter(arguments)))
        return {function: sorted(wholes, key=lambda whole: -whole[1]) for function, wholes in found.items()}

    def _is_inverse(self, node: int) -> bool:
        return self._graph.nodes[node].function == INVERSE

    def _output(self, node: int, name: str) -> Operand:
        """The statement of an output; each output has a statement of its own."""
        value = self._as_tree(node, self._value(node))
        if not isinstance(value, int) or value in self._taken:
            if value == name:
                return value  # a slot that keeps its value
            value = self._add("multiply", (value, 1.0), fresh=True)
        self._taken.add(value)
        return value

    @property
    def length(self) -> int:
        """Number of statements."""
        return len(self._needed())

    def _needed(self) -> set[int]:
        needed: set[int] = set()
        open_ends = list(self._outputs.values())
        while open_ends:
            value = open_ends.pop()
            if isinstance(value, int) and value not in needed:
                needed.add(value)
                open_ends.extend(self._statements[value][1])
        return needed

    def _add(self, function: str, operands: Sequence[Operand], fresh: bool = False) -> int:
        # Statement 0 and the constant 0.0 are different operands, although Python calls them equal.
        key = (function, *operands, *[isinstance(operand, float) for operand in operands])
        if fresh or key not in self._numbers:
            self._numbers[key] = len(self._statements)
            self._statements.append((function, tuple(operands)))
        return self._numbers[key]

    def _as_tree(self, node: int, value: Operand) -> Operand:
        """A value with the shape of the weights; a scalar or a value for each array is expanded."""
        if self._graph.kind(node) is Kind.TREE:
            return value
        zero = self._add("multiply", (GRADIENT, 0.0))
        coefficient, factors = term(self._graph, node)
        if coefficient < 0 and factors:
            return self._add("subtract", (zero, self._scaled(-coefficient, factors)))
        return zero if value == 0 and isinstance(value, float) else self._add("add", (zero, value))

    def _value(self, node: int) -> Operand:
        if node not in self._values:
            if self._is_inverse(node):  # a guarded inverse that stands alone
                divisor = self._value(self._graph.nodes[node].arguments[0])
                self._values[node] = self._add("divide", (1.0, divisor))
            else:
                self._values[node] = self._lowered(node)
        return self._values[node]

    def _lowered(self, node: int) -> Operand:
        function, arguments, leaf = self._graph.nodes[node]
        if leaf is not None:
            return self._slots.get(leaf, leaf) if isinstance(leaf, str) else leaf
        if function == "add":
            return self._sum(node)
        if function == "multiply":
            return self._product(arguments, node)
        if commutative(function):
            arguments = tuple(sorted(arguments, key=self._place))
        operands = [
            self._as_tree(argument, self._value(argument)) if accepted == ONLY_TREE else self._value(argument)
            for argument, accepted in zip(arguments, REGISTRY[function].accepts, strict=True)
        ]
        return self._add(function, operands)

    def _shared(self, function: str, node: int, operands: Sequence[int]) -> tuple[list[int], Counter[int]]:
        """Other nodes of the program that are part of a sum or product, the largest first; the remaining operands."""
        left, parts = Counter(sorted(operands, key=self._place)), []
        length = len(operands)
        self._graph.work.spend(len(self._wholes[function]) // 4)
        for other, size, content in self._wholes[function]:
            if size <= length and other != node and other in self._values and content <= left:
                left -= content
                length -= size
                parts.append(other)
        return parts, left

    def _place(self, node: int) -> int:
        return self._rank.get(node, -1)

    def _sum(self, node: int) -> Operand:
        parts, left = self._shared("add", node, self._graph.nodes[node].arguments)
        upper: list[Operand] = [self._value(part) for part in parts]
        lower: list[Operand] = []
        constant = 0.0
        for operand in left.elements():
            coefficient, factors = term(self._graph, operand)
            if not factors:
                constant = coefficient
            elif coefficient < 0:
                lower.append(self._scaled(-coefficient, factors))
            else:
                upper.append(self._value(operand))
        if constant > 0 or (constant and not upper):
            upper.append(constant)
        elif constant:
            lower.append(-constant)
        if not upper:
            first, *lower = lower
            upper = [self._add("negative", (first,))]
        total, *others = upper
        for other in others:
            total = self._add("add", (total, other))
        for other in lower:
            total = self._add("subtract", (total, other))
        return total

    def _scaled(self, coefficient: float, factors: tuple[int, ...]) -> Operand:
        constant = () if coefficient == 1 else (self._graph.leaf(coefficient),)
        if constant and constant[0] not in self._values:
            self._values[constant[0]] = coefficient
        return self._product((*constant, *factors), None)

    def _product(self, operands: Sequence[int], node: int | None) -> Operand:
        graph = self._graph
        if len(operands) == 1:
            return self._value(operands[0])
        parts, left = self._shared("multiply", -1 if node is None else node, operands)
        coefficient = 1.0
        scalars: list[Operand] = []
        others: list[tuple[int, Operand]] = []
        powers: dict[int, list[Operand]] = {}
        divisors: list[Operand] = []
        for part in parts:
            others.append((graph.kind(part), self._value(part)))
        for operand, times in left.items():
            value = graph.value(operand)
            if value is not None:
                coefficient *= value
            elif graph.nodes[operand].function == INVERSE:
                divisors += [self._value(graph.nodes[operand].arguments[0])] * times
            elif times == 1:
                others.append((graph.kind(operand), self._value(operand)))
            else:
                powers.setdefault(times, []).append(self._value(operand))
        for times, bases in powers.items():
            others.append((Kind.TREE, self._power(self._chain(bases), times)))
        scalars = [value for kind, value in others if kind is Kind.SCALAR]
        trees = [value for kind, value in others if kind is not Kind.SCALAR]
        if coefficient == -1 and not scalars and (trees or divisors):
            return self._add("negative", (self._divided(self._chain(trees) if trees else 1.0, divisors),))
        if coefficient != 1:
            scalars.append(coefficient)
        if not trees:
            return self._divided(self._chain(scalars) if scalars else 1.0, divisors)
        quotient = self._divided(self._chain(trees), divisors)
        return self._add("multiply", (quotient, self._chain(scalars))) if scalars else quotient

    def _chain(self, values: Sequence[Operand]) -> Operand:
        product = values[0]
        for value in values[1:]:
            product = self._add("multiply", (product, value))
        return product

    def _divided(self, value: Operand, divisors: Sequence[Operand]) -> Operand:
        for divisor in divisors:
            value = self._add("divide", (value, divisor))
        return value

    def _power(self, base: Operand, times: int) -> Operand:
        if times in (2, 3):
            return self._add("square" if times == 2 else "cube", (base,))
        half = self._power(self._power(base, times // 2), 2) if times > 3 else base
        return self._add("multiply", (half, base)) if times % 2 else half

    def program(self, slots: tuple[str, ...]) -> Program:
        """The program, with its live slots among the given ones."""
        return scheduled(self._statements, self._needed(), self._outputs, slots)
