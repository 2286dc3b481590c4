"""Names that configs and commands may use, with descriptions: built-in ones and those of plugins."""

from typing import Any

from primitives import described, export_targets
from proxy_tasks import FAMILIES, custom_families
from search.algorithms import algorithms, mutations, with_registered_rates
from search.settings import Config


def extension_points() -> dict[str, list[dict[str, Any]]]:
    """What plugins can add to, apart from primitives: algorithms, mutations, task families and export targets.

    Returns:
        For each of these, a row for each name with its description. Mutations have the rate of a config that does not
        mention them, built-in families the keys of their settings.
    """
    rates = with_registered_rates(Config()).search.mutations.model_dump()
    families = {name: family.build for name, family in FAMILIES.items()} | custom_families()
    settings = {name: ", ".join(family.settings) for name, family in FAMILIES.items()}
    return {
        "algorithms": [{"name": name, "description": text} for name, text in algorithms().items()],
        "mutations": [{"name": name, "rate": rates[name], "description": text} for name, text in mutations().items()],
        "families": [
            {"name": name, "description": text, "settings": settings.get(name, "")}
            for name, text in described(families).items()
        ],
        "targets": [{"name": name, "description": text} for name, text in export_targets().items()],
    }
