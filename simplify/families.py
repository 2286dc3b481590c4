"""Published optimizers as programs with hyperparameters, for recognition.

A family is the direction `u` of an optimizer and the state that it keeps. Each family exists with and without
decoupled weight decay (Loshchilov and Hutter, 2019), and with and without a factor on the learning rate. A factor of
1 vanishes from a canonical form, so a decay of 1 and a decay that cancels the factor are separate notations.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from primitives import Program, parse

# Range of each hyperparameter; a program that needs values outside is not recognised.
RANGES = {"beta1": (0.0, 1.0), "beta2": (0.0, 1.0), "decay": (0.0, 100.0), "rate": (0.0, 1e4)}

_DIRECTIONS = {
    # Robbins and Monro (1951)
    "sgd": "u = g * 1",
    # Polyak (1964)
    "momentum": "m = m * {beta1}; m = m + g; u = m * 1",
    # Nesterov (1983), in the form of Sutskever et al. (2013)
    "nesterov": "m = m * {beta1}; m = m + g; u = m * {beta1}; u = u + g",
    # Bernstein et al. (2018)
    "signsgd": "u = sign(g)",
    "signum": "m = interp(g, m, {beta1}); u = sign(m)",
    # Chen et al. (2023)
    "lion": "u = interp(g, m, {beta1}); m = interp(g, m, {beta2}); u = sign(u)",
    # Duchi, Hazan and Singer (2011)
    "adagrad": "g2 = square(g); m = m + g2; s = sqrt(m); u = g / s",
    # Tieleman and Hinton (2012)
    "rmsprop": "g2 = square(g); m = interp(g2, m, {beta2}); s = sqrt(m); u = g / s",
    # Kingma and Ba (2015); with decay, Loshchilov and Hutter (2019); without bias correction
    "adam": "g2 = square(g); m = interp(g, m, {beta1}); v = interp(g2, v, {beta2}); s = sqrt(v); u = m / s",
    # Zhuang et al. (2020), without bias correction
    "adabelief": "m = interp(g, m, {beta1}); d = g - m; d = square(d); v = interp(d, v, {beta2}); s = sqrt(v); "
    "u = m / s",
}

# Cautious variants (Liang et al., 2024) update a weight only if the step and the gradient have the same sign; the
# rescaling by the share of such weights is omitted. The mask has two notations, and a third one for signs.
_CAUTIOUS = ("momentum", "nesterov", "signum", "lion", "adam", "adabelief")
_MASKS = (
    "a = u * g; a = sign(a); a = max(a, 0.0); u = u * a",
    "a = u * g; a = sign(a); a = a + 1.0; a = a * 0.5; u = u * a",
)
_SIGN_MASK = "a = sign(g); u = u + a; u = u * 0.5"


@dataclass(frozen=True)
class Family:
    """One notation of a published optimizer.

    Attributes:
        name: name of the optimizer.
        body: its statements, with hyperparameters in braces.
        fixed: hyperparameters that do not occur in this notation, with their values.
        cancelled: whether the decay does not occur in this notation because it is 1 / rate.
    """

    name: str
    body: str
    fixed: tuple[tuple[str, float], ...]
    cancelled: bool = False

    @property
    def unknowns(self) -> tuple[str, ...]:
        """Names of the hyperparameters in the body, in the order of `RANGES`."""
        return tuple(name for name in RANGES if "{" + name + "}" in self.body)

    def hyperparameters(self, values: Mapping[str, float]) -> dict[str, float]:
        """All hyperparameters, from those that occur in the body."""
        inverse = {"decay": 1 / values["rate"]} if self.cancelled else {}
        return dict(self.fixed) | dict(values) | inverse

    def program(self, values: Mapping[str, float]) -> Program:
        """The program with the given values of its hyperparameters, which are not rounded to float32."""
        marks = {name: float(100 + index) for index, name in enumerate(RANGES)}
        real = {mark: values[name] for name, mark in marks.items() if name in values}
        skeleton = _parsed(self.body.format(**marks))
        statements = tuple(
            statement._replace(
                arguments=tuple(a if isinstance(a, str) else real.get(a, a) for a in statement.arguments)
            )
            for statement in skeleton.statements
        )
        return skeleton._replace(statements=statements)


@cache
def _parsed(body: str) -> Program:
    return parse("\n    ".join(["def train(w, g, m, v, lr):", *body.split("; "), "return update, m, v\n"]))


@cache
def families() -> tuple[Family, ...]:
    """Every family, simple ones first: a program that fits two families is recognised as the first."""
    found = []
    for name, direction in _DIRECTIONS.items():
        found += _variants(name, direction)
    for name in _CAUTIOUS:
        masks = (*_MASKS, _SIGN_MASK) if name in ("signum", "lion") else _MASKS
        for mask in masks:
            # Dividing by the root of an average of squares leaves the sign as it is.
            body = mask.replace("u * g", "m * g") if "u = m / s" in _DIRECTIONS[name] else mask
            found += _variants(f"cautious {name}", f"{_DIRECTIONS[name]}; {body}")
    return tuple(found)


def _variants(name: str, direction: str) -> list[Family]:
    decayed = f"{direction}; decay = w * {{decay}}; u = u + decay"
    heads = {"adam": "adamw", "cautious adam": "cautious adamw"}
    found = []
    for body, title, fixed in (
        (direction, name, (("decay", 0.0),) if name in ("lion", "cautious lion") else ()),
        (decayed, heads.get(name, name), ()),
    ):
        found.append(Family(title, f"{body}; lr = lr * {{rate}}; update = u * lr", fixed))
        found.append(Family(title, f"{body}; update = u * lr", (*fixed, ("rate", 1.0))))
    title = heads.get(name, name)
    found.append(Family(title, f"{direction}; u = u + w; update = u * lr", (("decay", 1.0), ("rate", 1.0))))
    found.append(Family(title, f"{direction}; u = u * {{rate}}; u = u + w; update = u * lr", (), cancelled=True))
    return found
