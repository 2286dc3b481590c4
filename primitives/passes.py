"""Passes of a function over tiles of its arguments, so that a kernel runs it on vectors of any length.

A block of a kernel holds a few thousand numbers at a time. A *tiled function* therefore runs in passes over tiles of a
fixed length. The last pass gives the result; each pass before it adds up the reductions whose inputs are known by then.

    sign(x)           one pass
    clip(x, c)        the sum of x² in a first pass, x · min(1, c / norm) in a second one
    norm(x)           for each parameter array a pass over its tiles, then one over all tiles

`primitives.tiling` derives the passes from a function of the language.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

Read = Callable[[int, Array], Array]  # (place of an argument, number of a tile) -> the tile, shape `(tile,)`
Write = Callable[[Array, Array], None]  # (number of a tile, the tile)


class Window(NamedTuple):
    """Positions `begin` to `end` of a vector, without `end`."""

    begin: int
    end: int


@dataclass(frozen=True, eq=False)
class Node:
    """One value inside a function.

    Attributes:
        inputs: values that it is computed from.
        window: positions at which it has an element; `None` for a single number.
        passes: number of passes over the tiles before it is known.
        compute: from the arrays of the inputs to its own, elementwise.
        place: number of the argument that it is, or `None`.
        reduction: key in `REDUCTIONS` for the reduction of its input, or empty.
    """

    inputs: tuple["Node", ...]
    window: Window | None
    passes: int
    compute: Callable[..., Array] = lambda value: value
    place: int | None = None
    reduction: str = ""


@dataclass(frozen=True, eq=False)
class Joined(Node):
    """Vectors one after the other; `ends` are the positions at which each ends."""

    ends: tuple[int, ...] = ()


def maximum(x: Array, y: Array) -> Array:
    """The larger number, and NaN where one is NaN; the maximum of Triton returns the other one there."""
    return _with_nan(x, y, lax.max(x, y))


def minimum(x: Array, y: Array) -> Array:
    """The smaller number, and NaN where one is NaN."""
    return _with_nan(x, y, lax.min(x, y))


def _with_nan(x: Array, y: Array, chosen: Array) -> Array:
    return jnp.where(x != x, x, jnp.where(y != y, y, chosen))


class Reduction(NamedTuple):
    """A reduction over the elements of a vector.

    Attributes:
        neutral: number that changes no result.
        join: combines two tiles elementwise.
        total: reduces a tile to a number.
    """

    neutral: float
    join: Callable[[Array, Array], Array]
    total: Callable[[Array], Array]


def _extreme(reduce: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The largest or smallest element of a tile, and NaN if there is one."""
    return lambda tile: reduce(tile) + 0 * jnp.sum(jnp.where(tile != tile, tile, 0.0))


REDUCTIONS = {
    "reduce_sum": Reduction(0.0, jnp.add, jnp.sum),
    "reduce_max": Reduction(-np.inf, maximum, _extreme(jnp.max)),
    "reduce_min": Reduction(np.inf, minimum, _extreme(jnp.min)),
}


@dataclass(frozen=True)
class Tiled:
    """A function of vectors of length `size`, computed by tiles.

    Attributes:
        result: node of the result.
        size: number P of weights.
    """

    result: Node
    size: int

    @property
    def passes(self) -> int:
        """Number of passes before the last one; 0 for an elementwise function."""
        return self.result.passes

    def on_tile(self, tile: int, index: Array, *arguments: Array) -> Array:
        """Tile `index` of the result of an elementwise function, from the same tile of each argument."""
        assert not self.passes
        return _spread(_Tiles(lambda place, _: arguments[place], tile, {}).at(index)(self.result), tile)

    def run(self, read: Read, write: Write, tile: int) -> None:
        """Compute the function inside a kernel.

        Args:
            read: loads a tile of an argument; elements beyond `size` may be anything.
            write: stores a tile of the result; elements beyond `size` mean nothing.
            tile: number of elements in a tile.
        """
        known: dict[Node, Array] = {}
        for passes in range(1, self.passes + 1):
            due = [node for node in _nodes(self.result) if node.reduction and node.passes == passes]
            found: dict[Node, Array] = {}
            for window in dict.fromkeys(node.inputs[0].window for node in due):
                assert window is not None
                together = [node for node in due if node.inputs[0].window == window]
                found |= _reduced(together, window, _Tiles(read, tile, known))
            known |= found

        def last(index: Array, nothing: None) -> None:
            write(index, _spread(_Tiles(read, tile, known).at(index)(self.result), tile))

        lax.fori_loop(0, -(-self.size // tile), last, None)


def _nodes(node: Node) -> list[Node]:
    """A node and everything that it is computed from, each once."""
    found: dict[Node, None] = {}

    def visit(node: Node) -> None:
        if node not in found:
            found[node] = None
            for given in node.inputs:
                visit(given)

    visit(node)
    return list(found)


def _spread(value: Array, tile: int) -> Array:
    return jnp.broadcast_to(value, (tile,))


@dataclass(frozen=True)
class _Tiles:
    """Evaluates nodes on one tile after the other; `known` holds the reductions so far."""

    read: Read
    tile: int
    known: dict[Node, Array]

    def positions(self, index: Array) -> Array:
        return index * self.tile + lax.iota(jnp.int32, self.tile)

    def at(self, index: Array) -> Callable[[Node], Array]:
        """A function that gives the value of a node on tile `index`."""
        values = dict(self.known)

        def value(node: Node) -> Array:
            if node not in values:
                values[node] = self._computed(node, index, value)
            return values[node]

        return value

    def _computed(self, node: Node, index: Array, value: Callable[[Node], Array]) -> Array:
        if node.place is not None:
            return self.read(node.place, index)
        arrays = [value(given) for given in node.inputs]
        if isinstance(node, Joined):
            return self._joined(node, arrays, index)
        return node.compute(*([_spread(array, self.tile) for array in arrays] if node.window else arrays))

    def _joined(self, node: Joined, arrays: Sequence[Array], index: Array) -> Array:
        positions, joined = self.positions(index), _spread(arrays[-1], self.tile)
        for end, array in reversed(list(zip(node.ends, arrays[:-1], strict=False))):
            joined = jnp.where(positions < end, _spread(array, self.tile), joined)
        return joined


def _reduced(nodes: Sequence[Node], window: Window, tiles: _Tiles) -> dict[Node, Array]:
    """Reductions over one window, in one pass over its tiles."""
    rules = [REDUCTIONS[node.reduction] for node in nodes]

    def add(index: Array, sums: tuple[Array, ...]) -> tuple[Array, ...]:
        value, positions = tiles.at(index), tiles.positions(index)
        inside = (positions >= window.begin) & (positions < window.end)
        parts = [_spread(value(node.inputs[0]), tiles.tile) for node in nodes]
        masked = [jnp.where(inside, part, rule.neutral) for part, rule in zip(parts, rules, strict=True)]
        return tuple(rule.join(total, part) for rule, total, part in zip(rules, sums, masked, strict=True))

    begin = tuple(jnp.full((tiles.tile,), rule.neutral, jnp.float32) for rule in rules)
    sums = lax.fori_loop(window.begin // tiles.tile, -(-window.end // tiles.tile), add, begin)
    return {node: rule.total(total) for node, rule, total in zip(nodes, rules, sums, strict=True)}
