"""Keys of a config that the algorithm `structures` does not use.

The algorithm scores a generation of candidates at a time by trials, with settings and seeds of its own
(`search.structures`). It has no population, no hurdles, and no window of candidates in flight. A new config that sets
one of these keys is refused. A recorded config is accepted, so that every run can be resumed.
"""

from operator import attrgetter

from primitives import UserError
from search.settings import names
from search.settings.config import Config

UNUSED = (
    "search.evaluations",
    "search.population",
    "search.tournament",
    "search.plateau",
    "search.random_mutations",
    "search.tree_depth",
    "search.mutations",
    "evaluation.hurdle_quantile",
    "evaluation.short_share",
    "evaluation.short_margin",
    "evaluation.race",
    "evaluation.race_margin",
    "evaluation.sanity_steps",
    "evaluation.probe",
    "workers.in_flight",
    "selection.check_every",
)


def check_unused(config: Config) -> None:
    """Raise `UserError` if a config of `structures` sets a key that the algorithm does not use."""
    if config.search.algorithm != names.STRUCTURES:
        return
    default = Config()
    for key in UNUSED:
        value = attrgetter(key)
        if value(config) != value(default):
            raise UserError(f"`{key}` is not used by `search.algorithm: {names.STRUCTURES}`; leave it out")
