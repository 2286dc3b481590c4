"""An order and names for statements, so that state is not overwritten while its old value is wanted."""

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence

from primitives import GRADIENT, LEARNING_RATE, UPDATE, WEIGHTS, Argument, Program, Statement, float32

Operand = int | str | float  # a statement by number, an input, a constant
Written = tuple[str, tuple[Operand, ...]]  # a statement: its function and operands


def scheduled(
    statements: Sequence[Written], needed: set[int], outputs: Mapping[str, Operand], slots: tuple[str, ...]
) -> Program:
    """A program of the needed statements, as early as they were written and the state allows.

    Args:
        statements: each before those that use it.
        needed: numbers of those that matter.
        outputs: the update and the next values of slots.
        slots: of the signature.
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
        self._missing: dict[int, int] = {}  # operands of a statement that are still to come
        self._readers: Counter[str] = Counter()  # statements still to come that read an input
        for number, (_, operands) in self._statements.items():
            inner = {operand for operand in operands if isinstance(operand, int)}
            self._missing[number] = len(inner)
            for operand in inner:
                self._users[operand].append(number)
            self._readers.update({operand for operand in operands if isinstance(operand, str)})
        self._chain(outputs[UPDATE])

    def _chain(self, value: Operand) -> None:
        """What leads to the update and nowhere else is called `update` already."""
        while isinstance(value, int):
            self._names[value] = UPDATE
            inner = [o for o in self._statements[value][1] if isinstance(o, int)]
            free = (o for o in inner if len(self._users[o]) == 1 and o not in self._owner and not self._hint(o))
            value = next(free, "")

    def program(self) -> Program:
        """Statement after statement, always the first whose operands are there and whose slot is read no more."""
        lines: list[Statement] = []
        copies: list[tuple[int, str]] = []
        ready = [number for number, missing in self._missing.items() if not missing]
        heapq.heapify(ready)
        waiting: dict[str, int] = {}  # for an old value of a slot to be read
        while ready or waiting:
            if ready:
                number = heapq.heappop(ready)
                if self._blocked(number):
                    waiting[self._owner[number]] = number
                    continue
            else:  # an old value is wanted once more: the new one waits under another name
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
        """What products of an input with a constant are called."""
        function, operands = self._statements[number]
        if function == "multiply" and isinstance(operands[-1], float):
            return {LEARNING_RATE: "rate", WEIGHTS: "decay"}.get(str(operands[0]), "")
        return "g2" if (function, operands) == ("square", (GRADIENT,)) else ""
