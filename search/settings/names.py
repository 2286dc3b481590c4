"""Names of algorithms and mutations that a config may use. Registering an extension adds its name.

The functions are in tables of `search.algorithms`, which a config does not import. A test checks that the names agree.
"""

from primitives import nearest

STRUCTURES = "structures"
ALGORITHMS = {"regularized_evolution", "random", "tune_constants", "tree", STRUCTURES}
REGISTERED_MUTATIONS: dict[str, float] = {}
"""Default rates of registered mutations; the rates of built-in mutations are fields of `config.Mutations`."""


def unknown(what: str, name: str, known: set[str]) -> str:
    """Error message for an unknown name."""
    return f"unknown {what} `{name}`{nearest(name, known)} (known: {', '.join(sorted(known))})"
