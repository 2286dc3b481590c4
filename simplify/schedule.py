"""Order and names of statements such that no slot is overwritten before its old value has been read."""

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence

from primitives import GRADIENT, LEARNING_RATE, UPDATE, WEIGHTS, Argument, Program, Statement, float32

Operand = int | str | float  # number of a statement, name of an input, or a constant
Written = tuple[str, tuple[Operand, ...]]  # a statement: its function and operands


def scheduled(
    statements: Sequence[Written], needed: set[int], outputs: Mapping[str, Operand], slots: tuple[str, ...]
) -> Program:
    """Order statements into a program: in the given order, as far as the state allows.

    Args:
        statements: each before those that use it.
        needed: numbers of the statements that the program keeps.
        outputs: operands of the update and of the next values of slots, by name.
        slots: names of the state slots in the signature.
    """
    return _Schedule(statements, needed, outputs, slots).program()


class _Schedule:
    def __init__(
        self, statements: Sequence[Written], needed: set[int], outputs: Mapping[str, Operand], slots: tuple[str, ...]
    ) -> None:
        self._statements = {number: statements[number] for number in needed}
        self._slots = slots
        self._owner = {value: name for name, value in outputs.items() if isinstance(value, int)}
        self._taken = {WEIGHTS, GRADIENT, LEARNING_RATE, UPDATE, *slots}
        self._names: dict[int, str] = {}
        self._fresh = 0
        self._users: dict[int, list[int]] = {number: [] for number in needed}
        self._missing: dict[int, int] = {}  # number of operands of a statement that are not placed yet
        self._readers: Counter[str] = Counter()  # number of unplaced statements that read an input
        for number, (_, operands) in self._statements.items():
            inner = {operand for operand in operands if isinstance(operand, int)}
            self._missing[number] = len(inner)
            for operand in inner:
                self._users[operand].append(number)
            self._readers.update({operand for operand in operands if isinstance(operand, str)})
        self._chain(outputs[UPDATE])

    def _chain(self, value: Operand) -> None:
        """Statements that lead to the update alone, which are named `update` too."""
        while isinstance(value, int):
            self._names[value] = UPDATE
            inner = [o for o in self._statements[value][1] if isinstance(o, int)]
            free = (o for o in inner if len(self._users[o]) == 1 and o not in self._owner and not self._hint(o))
            value = next(free, "")

    def program(self) -> Program:
        """Place statements one by one: the first whose operands are placed and whose slot is not read later."""
        lines: list[Statement] = []
        copies: list[tuple[int, str]] = []
        ready = [number for number, missing in self._missing.items() if not missing]
        heapq.heapify(ready)
        waiting: dict[str, int] = {}  # new values of slots whose old values are still read
        while ready or waiting:
            if ready:
                number = heapq.heappop(ready)
                if self._blocked(number):
                    waiting[self._owner[number]] = number
                    continue
            else:  # the old value is still read: the new one gets another name for now
                number = min(waiting.values())
                del waiting[self._owner[number]]
                copies.append((number, self._owner.pop(number)))
            lines.append(self._line(number))
            for user in self._users[number]:
                self._missing[user] -= 1
                if not self._missing[user]:
                    heapq.heappush(ready, user)
            for slot in [slot for slot, number in waiting.items() if not self._blocked(number)]:
                heapq.heappush(ready, waiting.pop(slot))
        lines += [Statement(name, "multiply", (self._names[number], 1.0)) for number, name in copies]
        return Program(tuple(lines), self._slots)

    def _blocked(self, number: int) -> bool:
        slot = self._owner.get(number, UPDATE)
        return slot != UPDATE and self._readers[slot] > (slot in self._statements[number][1])

    def _line(self, number: int) -> Statement:
        function, operands = self._statements[number]
        self._readers.subtract({operand for operand in operands if isinstance(operand, str)})
        arguments = tuple(self._argument(operand) for operand in operands)
        return Statement(self._name(number), function, arguments)

    def _argument(self, operand: Operand) -> Argument:
        if isinstance(operand, int):
            return self._names[operand]
        return float32(operand) if isinstance(operand, float) else operand

    def _name(self, number: int) -> str:
        if number in self._owner:
            self._names[number] = self._owner[number]
        elif number not in self._names:
            name = self._hint(number)
            while not name or name in self._taken:
                self._fresh += 1
                name = f"x{self._fresh}"
            self._names[number] = name
            self._taken.add(name)
        return self._names[number]

    def _hint(self, number: int) -> str:
        """Name for a common product: `rate` for lr · c, `decay` for w · c, `g2` for g²; empty for any other."""
        function, operands = self._statements[number]
        if function == "multiply" and isinstance(operands[-1], float):
            return {LEARNING_RATE: "rate", WEIGHTS: "decay"}.get(str(operands[0]), "")
        return "g2" if (function, operands) == ("square", (GRADIENT,)) else ""
