"""Extensions that a test registers last as long as the test."""

import sys

import pytest

from primitives import REGISTRY
from proxy_tasks import families
from search.algorithms import factory, mutation
from search.settings import names


def forget_functions(patch: pytest.MonkeyPatch) -> None:
    """Functions that are added to the language are forgotten when the patch ends."""
    for table in ("_rows", "_spellings", "_codes"):
        patch.setattr(REGISTRY, table, dict(getattr(REGISTRY, table)))


def forget_extensions(patch: pytest.MonkeyPatch) -> None:
    """All extensions that are registered are forgotten when the patch ends."""
    forget_functions(patch)
    patch.setattr(mutation, "MUTATIONS", table := dict(mutation.MUTATIONS))
    patch.setattr(factory, "MUTATIONS", table)
    patch.setattr(factory, "ALGORITHMS", dict(factory.ALGORITHMS))
    patch.setattr(names, "REGISTERED_MUTATIONS", dict(names.REGISTERED_MUTATIONS))
    patch.setattr(names, "ALGORITHMS", set(names.ALGORITHMS))
    patch.setattr(families, "_registered", set(families._registered))
    export = sys.modules["primitives.export"]  # the package has a function of this name
    patch.setattr(export, "_registered", dict(export._registered))
