"""The body of exported code: the live part of a program as assignments in the spelling of an array library.

One function of the exported module contains all assignments. Its arguments are the inputs that the program reads and
its constants, and it processes one parameter array at a time. If the program reduces over all weights (`dot`, `clip`,
…), every assignment processes the list of all arrays instead. Variables keep their names, except for names that the
function uses itself.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from primitives.checking import input_kinds, result_kind
from primitives.dataflow import flow, live, live_part
from primitives.errors import UserError
from primitives.hyperparameters import RATE, Place, constant_names
from primitives.identifiers import MODULES, code_words, taken_names, unused, with_free_names
from primitives.kinds import Kind
from primitives.paper import PAPER
from primitives.peak import relative_to_peak
from primitives.program import GRADIENT, LEARNING_RATE, PEAK, UPDATE, WEIGHTS, Program, Statement
from primitives.registry import REGISTRY, Primitive
from primitives.text import constant_text

_HELPERS = {"cosine_sim": ("dot", "global_norm"), "clip": ("global_norm",)}  # functions that helpers call


@dataclass(frozen=True)
class Constant:
    """A constant of a program as an argument of the exported code.

    Attributes:
        name: name of the argument.
        value: default of the argument, as text.
    """

    name: str
    value: str


class Code:
    """The live part of a program as a function of a schedule whose peak is 1, ready for a template.

    Args:
        program: a valid program.
        to: the target, `optax`, `python`, `torch` or `latex`.
        hyperparameters: names and values from recognition.

    Attributes:
        program: the exported program, with the variable names of the exported code.
        slots: live state slots.
        constants: constants as arguments.
        names: names of the constants, by statement and argument.

    Raises:
        UserError: the program calls a primitive without `code`, or the name of a variable is no identifier.
    """

    def __init__(self, program: Program, to: str, hyperparameters: Mapping[str, float] | None = None) -> None:
        self._to = to
        if to != "latex":
            _check_code(REGISTRY[statement.primitive] for statement in live_part(program).statements)
        bare = with_free_names(_inlined(live_part(program)))
        self.program = relative_to_peak(bare)
        self._rows = {s.primitive: REGISTRY[s.primitive] for s in self.program.statements}
        self.slots = live(self.program).slots
        self.names = self._constant_names(bare, hyperparameters or {})
        self.rate: str | None = None  # default of the rate that stands in the place of the schedule
        if to == "torch":
            self._absorb_rate()
        self.constants = [
            Constant(self.names[line, place], constant_text(value)) for line, place, value in self.program.constants()
        ]

    def _constant_names(self, bare: Program, hyperparameters: Mapping[str, float]) -> dict[Place, str]:
        """Names of the constants; `peak` is a factor on `lr` that is added if no constant can absorb it."""
        added = len(self.program.statements) - len(bare.statements)
        variables = {s.target for s in bare.statements} | {*bare.inputs, UPDATE}
        taken = variables | taken_names() | {"peak"}
        if not added:
            return constant_names(self.program, taken, _relative(hyperparameters))
        names = {
            (line + added, place): name for (line, place), name in constant_names(bare, taken, hyperparameters).items()
        }
        return {(0, 1): unused("peak", variables | {*names.values()})} | names

    @cached_property
    def helpers(self) -> list[str]:
        """Helper functions that the exported module defines."""
        called = [name for name, row in self._rows.items() if row.code.startswith(f"_{name}(")]
        return sorted({*called, *(inner for name in called for inner in _HELPERS.get(name, ()))})

    @property
    def whole(self) -> bool:
        """Whether the assignments run over lists of arrays."""
        return bool(self.helpers)

    @cached_property
    def read(self) -> frozenset[str]:
        """Inputs that the program reads."""
        sources = {source for sources in flow(self.program).arguments for source in sources}
        outputs = set(flow(self.program).outputs.values())
        return frozenset(name for name in self.program.inputs if name in sources | outputs)

    @property
    def arrays(self) -> list[str]:
        """Inputs of one number for each weight: the weights and the gradient if they are read, and the live slots."""
        return [name for name in (WEIGHTS, GRADIENT) if name in self.read] + list(self.slots)

    @property
    def scalars(self) -> list[str]:
        """Arguments of one number: the learning rate if it is read, and the constants."""
        return [LEARNING_RATE] * (LEARNING_RATE in self.read) + [constant.name for constant in self.constants]

    @property
    def words(self) -> frozenset[str]:
        """Every identifier that the program and the rows of its functions bring into the code."""
        variables = {s.target for s in self.program.statements} | set(self.program.inputs) | {UPDATE}
        rows = frozenset[str]().union(*(names | others for names, others in map(code_words, self._rows.values())))
        return rows | variables | set(self.names.values())

    @property
    def rows(self) -> tuple[Primitive, ...]:
        """Rows of the functions that are called."""
        return tuple(self._rows.values())

    @property
    def foreign(self) -> list[str]:
        """Functions that a user has added to the language."""
        return [name for name, row in self._rows.items() if name not in PAPER]

    def lines(self) -> Iterator[str]:
        """One assignment for each statement."""
        kinds = input_kinds(self.program)
        for line, statement in enumerate(self.program.statements):
            row = REGISTRY[statement.primitive]
            module = MODULES[self._to]
            spelling = (row.torch if self._to == "torch" else "") or row.code.replace("xp.", f"{module}.")
            arguments = [
                a if isinstance(a, str) else self.names[line, place] for place, a in enumerate(statement.arguments)
            ]
            call = spelling.format(*arguments)
            over = self._lists(statement, arguments, kinds) if self.whole else []
            yield f"{statement.target} = {_over(call, over)}"
            kinds[statement.target] = result_kind(statement, kinds) or Kind.SCALAR

    def _lists(self, statement: Statement, arguments: list[str], kinds: Mapping[str, Kind]) -> list[str]:
        """Arguments that are lists; in PyTorch also scalars, since every parameter group has its own values."""
        row = REGISTRY[statement.primitive]
        if row.code.startswith(f"_{row.name}("):
            return []  # a helper takes complete lists
        given = zip(statement.arguments, arguments, strict=True)
        return [
            name
            for argument, name in given
            if self._to == "torch" or (isinstance(argument, str) and kinds[argument] is not Kind.SCALAR)
        ]

    def _absorb_rate(self) -> None:
        """Use PyTorch's `lr` for the product `lr * learning_rate`, if the program reads `lr` only in this product.

        Otherwise `lr` remains a factor, 1 by default, beside the argument `learning_rate`.
        """
        arguments = flow(self.program).arguments
        readers = [line for line, sources in enumerate(arguments) if LEARNING_RATE in sources]
        targets = [line for line, statement in enumerate(self.program.statements) if statement.target == LEARNING_RATE]
        if len(readers) != 1 or not set(targets) <= set(readers):
            return
        (line,) = readers
        place = next((place for place in (0, 1) if self.names.get((line, place)) == RATE), None)
        if place is None:
            return
        value = self.program.statements[line].arguments[place]
        assert isinstance(value, float)
        statements = [
            statement._replace(
                arguments=tuple(
                    LEARNING_RATE if isinstance(source, int) and source == line else argument
                    for argument, source in zip(statement.arguments, sources, strict=True)
                )
            )
            for statement, sources in zip(self.program.statements, arguments, strict=True)
        ]
        self.rate = constant_text(value)
        self.names = {(at - (at > line), where): name for (at, where), name in self.names.items() if at != line}
        self.program = self.program._replace(statements=tuple(statements[:line] + statements[line + 1 :]))


def _over(call: str, lists: list[str]) -> str:
    """A call for each element of some lists."""
    names = list(dict.fromkeys(lists))
    if not names:
        return call
    if len(names) == 1:
        return f"[{call} for {names[0]} in {names[0]}]"
    return f"[{call} for {', '.join(names)} in zip({', '.join(names)}, strict=True)]"


def _relative(hyperparameters: Mapping[str, float]) -> dict[str, float]:
    """Hyperparameters from recognition, with the learning rate of exported code."""
    return {name: value * PEAK if name in ("rate", RATE) else value for name, value in hyperparameters.items()}


def _check_code(rows: Iterable[Primitive]) -> None:
    for row in rows:
        if row.arity and not row.code:
            raise UserError(f"`{row.name}` has no `code` in its row of the registry, so it cannot be exported")


def _inlined(program: Program) -> Program:
    """The program with functions of no arguments as constants."""
    values: dict[str, float] = {}
    statements = []
    for target, primitive, arguments in program.statements:
        row = REGISTRY[primitive]
        inlined = tuple(values.get(a, a) if isinstance(a, str) else a for a in arguments)
        values.pop(target, None)
        if row.arity == 0:
            values[target] = float(row.call([], ()))
        else:
            statements.append(Statement(target, primitive, inlined))
    return program._replace(statements=tuple(statements))
