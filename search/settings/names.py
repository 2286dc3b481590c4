"""Names of algorithms and mutations that a config may use. Registering an extension adds its name."""

from primitives import nearest

ALGORITHMS = {"regularized_evolution", "random", "tune_constants", "tree", "structures"}
MUTATIONS = {"insert": 1.0, "delete": 1.0, "modify": 1.0, "replace": 1.0, "wrap": 1.0, "scale": 1.0, "tune": 0.0}
"""Default rate of each mutation."""


def unknown(what: str, name: str, known: set[str]) -> str:
    """Error message for an unknown name."""
    return f"unknown {what} `{name}`{nearest(name, known)} (known: {', '.join(sorted(known))})"
