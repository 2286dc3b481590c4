"""Monte-Carlo tree search over bounded update expressions with fixed operands, a comparator.

Bello et al. (2017, "Neural Optimizer Search with Reinforcement Learning", section 3) write an update as a small tree of
unary and binary functions over given operands: the gradient and its powers, two fixed moving averages, their signs,
and the updates of Adam and RMSprop. The state is never searched, which Chen et al. (2023) name as the limit of this
approach. Here the trees are drawn by Monte-Carlo tree search with upper confidence bounds (Kocsis and Szepesvári, 2006)
in place of a controller network, and include a learning rate and a decay.

A tree is a sequence of choices, depth first. Statistics are kept for each prefix of a sequence. The journal holds the
choices of each candidate as its mutation, so that a resumed search restores them.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from primitives import Argument, Program, Statement, float32
from search.engine import START, Draws, HistoryEntry, Proposal

_RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)  # factors on `lr`
_DECAYS = (0.0, 1e-3, 1e-2, 1e-1, 1.0)
_UNARY = ("negative", "exp", "log", "sqrt", "sign", "abs", "square", "tanh")
_BINARY = ("add", "subtract", "multiply", "divide")
_OPERANDS = ("g", "g2", "g3", "m", "v", "sign_g", "sign_m", "one", "two", "small_w", "adam", "rmsprop")
_STATE = (  # statements that update the state, the same for every tree
    Statement("m", "interp", ("g", "m", float32(0.9))),
    Statement("g2", "square", ("g",)),
    Statement("v", "interp", ("g2", "v", float32(0.999))),
)
_READY = {  # statements that compute an operand, where it is not one of the variables above
    "g3": (Statement("g3", "cube", ("g",)),),
    "sign_g": (Statement("sign_g", "sign", ("g",)),),
    "sign_m": (Statement("sign_m", "sign", ("m",)),),
    "small_w": (Statement("small_w", "multiply", ("w", float32(1e-3))),),
    "adam": (Statement("root", "sqrt", ("v",)), Statement("adam", "divide", ("m", "root"))),
    "rmsprop": (Statement("root", "sqrt", ("v",)), Statement("rmsprop", "divide", ("g", "root"))),
}
_EXPLORATION = 0.5  # weight of the confidence bound; rewards lie between 0 and 1
_BEST, _WORST = -1.0, 3.0  # fitness at which the reward is 1 and 0


class _Node:
    """Statistics of one sequence of choices.

    Attributes:
        children: nodes of the next choice, by choice.
        visits: number of recorded trees with this prefix.
        reward: sum of their rewards.
        spent: whether every tree with this prefix has been recorded.
    """

    __slots__ = ("children", "reward", "spent", "visits")

    def __init__(self) -> None:
        self.children: dict[int, _Node] = {}
        self.visits, self.reward, self.spent = 0, 0.0, False


class TreeSearch:
    """Monte-Carlo tree search, which proposes a recorded tree again only if all trees are recorded.

    Args:
        depth: largest number of functions between the update and an operand.
    """

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._root = _Node()

    def propose(self, number: int, draws: Draws) -> Proposal:
        """Propose a tree: choices follow upper confidence bounds while statistics exist, then they are random."""
        node: _Node | None = self._root
        choices: list[int] = []

        def choose(count: int) -> int:
            nonlocal node
            chosen = draws.integer(count) if node is None else _promising(node, count, draws)
            choices.append(chosen)
            node = node.children.get(chosen) if node is not None else None
            return chosen

        program = tree(choose, self._depth)
        return Proposal(0, "tree " + ".".join(map(str, choices)), program)

    def take(self, entry: HistoryEntry) -> None:
        """Add the reward of a tree to the statistics of each of its prefixes."""
        if entry.mutation == START:
            return
        reward = min(max((_WORST - entry.fitness) / (_WORST - _BEST), 0.0), 1.0)
        made = iter(entry.mutation.removeprefix("tree ").split("."))
        path, counts = [self._root], []

        def again(count: int) -> int:
            choice = int(next(made))
            path.append(path[-1].children.setdefault(choice, _Node()))
            counts.append(count)
            return choice

        tree(again, self._depth)
        for node in path:
            node.visits += 1
            node.reward += reward
        path[-1].spent = True
        for node, count in zip(path[-2::-1], counts[::-1], strict=True):
            node.spent = len(node.children) == count and all(child.spent for child in node.children.values())


def _promising(node: _Node, count: int, draws: Draws) -> int:
    """A choice without statistics, or the unspent choice with the highest upper confidence bound."""
    fresh = [choice for choice in range(count) if choice not in node.children]
    if fresh:
        return draws.choice(fresh)
    total = math.log(node.visits)
    bounds = {
        choice: child.reward / child.visits + _EXPLORATION * math.sqrt(total / child.visits)
        for choice, child in sorted(node.children.items())
        if node.spent or not child.spent
    }
    return max(bounds, key=bounds.__getitem__)


class _Value(NamedTuple):
    """The variable that holds the value of a subtree, and whether this value has the shape of the weights."""

    argument: Argument
    shaped: bool


def tree(choose: Callable[[int], int], depth: int) -> Program:
    """The program of the tree that a sequence of choices describes.

    Args:
        choose: `number of options -> option`.
        depth: largest number of functions between the update and an operand.
    """
    statements = list(_STATE)

    def call(name: str, *arguments: Argument) -> str:
        target = f"x{len(statements)}"
        statements.append(Statement(target, name, arguments))
        return target

    def grown(left: int) -> _Value:
        kind = choose(3) if left else 0  # operand, unary, binary
        if kind == 1:
            inner = grown(left - 1)
            return _Value(call(_UNARY[choose(len(_UNARY))], inner.argument), inner.shaped)
        if kind == 2:
            one, other = grown(left - 1), grown(left - 1)
            return _Value(call(_BINARY[choose(len(_BINARY))], one.argument, other.argument), one.shaped or other.shaped)
        name = _OPERANDS[choose(len(_OPERANDS))]
        if name in ("one", "two"):
            return _Value(1.0 if name == "one" else 2.0, False)
        statements.extend(_READY.get(name, ()))
        return _Value(name, True)

    rate, decay = _RATES[choose(len(_RATES))], _DECAYS[choose(len(_DECAYS))]
    value = grown(depth)
    update = value.argument if value.shaped else call("multiply", "g", value.argument)
    if decay:
        update = call("add", update, call("multiply", "w", float32(decay)))
    statements.append(Statement("update", "multiply", (update, call("multiply", "lr", float32(rate)))))
    return Program(tuple(statements))
