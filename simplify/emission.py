"""From a graph back to a program: n-ary nodes become statements, shared ones once, in an order that keeps the state.

A slot is assigned as soon as nothing reads its old value any more; where the program wants an old value to the very
end, or two outputs are equal, a copy (`x * 1`) is made, for the language has no plain assignment.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from primitives.kinds import ONLY_TREE, Kind
from primitives.program import GRADIENT, LEARNING_RATE, UPDATE, WEIGHTS, Argument, Program, Statement, float32
from primitives.registry import REGISTRY
from simplify.terms import INVERSE, NARY, Graph

Operand = int | str | float  # a statement by number, an input, a constant


class Emission:
    """Statements for the roots of a graph.

    Args:
        graph: where the roots are.
        roots: the update and the next value of each live slot, by name.
    """

    def __init__(self, graph: Graph, roots: Mapping[str, int]) -> None:
        self._graph = graph
        self._statements: list[tuple[str, tuple[Operand, ...]]] = []
        self._numbers: dict[tuple[str, tuple[Operand, ...]], int] = {}
        self._values: dict[int, Operand] = {}
        self._taken: set[int] = set()  # statements that are outputs
        order = graph.order(roots.values())
        self._wholes = {
            function: [
                (node, Counter(graph.nodes[node].arguments)) for node in order if graph.nodes[node].function == function
            ]
            for function in NARY
        }
        for node in order:
            if graph.nodes[node].function != INVERSE:
                self._values[node] = self._lowered(node)
        self._outputs = {name: self._output(node, name) for name, node in roots.items()}

    def _output(self, node: int, name: str) -> Operand:
        """The statement of an output, which no other output has."""
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
        key = (function, tuple(operands))
        if fresh or key not in self._numbers:
            self._numbers[key] = len(self._statements)
            self._statements.append(key)
        return self._numbers[key]

    def _as_tree(self, node: int, value: Operand) -> Operand:
        """A value shaped like the weights, made from a scalar or leaf where it is one."""
        if self._graph.kind(node) is Kind.TREE:
            return value
        zero = self._add("multiply", (GRADIENT, 0.0))
        return zero if value == 0 and isinstance(value, float) else self._add("add", (zero, value))

    def _value(self, node: int) -> Operand:
        if node not in self._values:  # a guarded inverse that stands alone
            self._values[node] = self._add("divide", (1.0, self._value(self._graph.nodes[node].arguments[0])))
        return self._values[node]

    def _lowered(self, node: int) -> Operand:
        function, arguments, leaf = self._graph.nodes[node]
        if leaf is not None:
            return leaf
        if function == "add":
            return self._sum(node)
        if function == "multiply":
            return self._product(arguments, node)
        operands = [
            self._as_tree(argument, self._value(argument)) if accepted == ONLY_TREE else self._value(argument)
            for argument, accepted in zip(arguments, REGISTRY[function].accepts, strict=True)
        ]
        return self._add(function, operands)

    def _shared(self, function: str, node: int, operands: Sequence[int]) -> tuple[list[int], Counter[int]]:
        """Nodes that are needed anyway and are part of a sum or product, the largest first, and what is left of it."""
        left, parts = Counter(operands), []
        for other, content in sorted(self._wholes[function], key=lambda pair: -pair[1].total()):
            if other != node and other in self._values and content < left:
                left -= content
                parts.append(other)
        return parts, left

    def _sum(self, node: int) -> Operand:
        parts, left = self._shared("add", node, self._graph.nodes[node].arguments)
        upper: list[Operand] = [self._value(part) for part in parts]
        lower: list[Operand] = []
        constant = 0.0
        for operand in left.elements():
            coefficient, factors = self._coefficient(operand)
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

    def _coefficient(self, node: int) -> tuple[float, tuple[int, ...]]:
        """The constant in a product, and its other factors."""
        value = self._graph.value(node)
        if value is not None:
            return value, ()
        function, arguments, _ = self._graph.nodes[node]
        if function != "multiply":
            return 1.0, (node,)
        value = self._graph.value(arguments[0])
        return (1.0, arguments) if value is None else (value, arguments[1:])

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
        return _Schedule(self._statements, self._needed(), self._outputs, slots).program()


class _Schedule:
    """An order and names for statements."""

    def __init__(
        self,
        statements: list[tuple[str, tuple[Operand, ...]]],
        needed: set[int],
        outputs: Mapping[str, Operand],
        slots: tuple[str, ...],
    ) -> None:
        self._statements = dict(enumerate(statements))
        self._open = sorted(needed)
        self._slots = slots
        self._owner = {value: name for name, value in outputs.items() if isinstance(value, int)}
        self._taken = {WEIGHTS, GRADIENT, LEARNING_RATE, UPDATE, *slots}
        self._names: dict[int, str] = {}
        self._uses = Counter(
            operand for number in needed for operand in set(statements[number][1]) if isinstance(operand, int)
        )
        self._chain(outputs[UPDATE])

    def _chain(self, value: Operand) -> None:
        """What leads to the update and nowhere else is called `update` already."""
        while isinstance(value, int):
            self._names[value] = UPDATE
            inner = [o for o in self._statements[value][1] if isinstance(o, int)]
            value = next((o for o in inner if self._uses[o] == 1 and o not in self._owner and not self._hint(o)), "")

    def program(self) -> Program:
        lines: list[Statement] = []
        copies: list[tuple[int, str]] = []
        done: set[int] = set()
        while self._open:
            ready = [n for n in self._open if all(o in done for o in self._statements[n][1] if isinstance(o, int))]
            number = next((n for n in ready if not self._blocked(n)), None)
            if number is None:  # an old value is wanted once more: the new one waits under another name
                number = ready[0]
                copies.append((number, self._owner.pop(number)))
            self._open.remove(number)
            done.add(number)
            function, operands = self._statements[number]
            arguments = tuple(self._argument(operand) for operand in operands)
            lines.append(Statement(self._name(number), function, arguments))
        lines += [Statement(name, "multiply", (self._names[number], 1.0)) for number, name in copies]
        return Program(tuple(lines), self._slots)

    def _blocked(self, number: int) -> bool:
        slot = self._owner.get(number, UPDATE)
        return slot != UPDATE and any(slot in self._statements[n][1] for n in self._open if n != number)

    def _argument(self, operand: Operand) -> Argument:
        if isinstance(operand, int):
            return self._names[operand]
        return float32(operand) if isinstance(operand, float) else operand

    def _name(self, number: int) -> str:
        if number in self._owner:
            self._names[number] = self._owner[number]
        elif number not in self._names:
            hint = self._hint(number)
            names = (
                [hint] if hint and hint not in self._taken else [f"x{n}" for n in range(1, len(self._statements) + 2)]
            )
            self._names[number] = next(name for name in names if name not in self._taken)
            self._taken.add(self._names[number])
        return self._names[number]

    def _hint(self, number: int) -> str:
        """What products of an input with a constant are called."""
        function, operands = self._statements[number]
        if function == "multiply" and isinstance(operands[-1], float):
            return {LEARNING_RATE: "rate", WEIGHTS: "decay"}.get(str(operands[0]), "")
        return "g2" if (function, operands) == ("square", (GRADIENT,)) else ""
