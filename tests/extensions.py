"""Extensions that a test registers last as long as the test."""

import pytest

from primitives import REGISTRY
from search.algorithms import factory, mutation
from search.settings import names


def forget_functions(patch: pytest.MonkeyPatch) -> None:
    """Functions that are added to the language are forgotten when the patch ends."""
    for table in ("_rows", "_spellings", "_codes"):
        patch.setattr(REGISTRY, table, dict(getattr(REGISTRY, table)))


def forget_extensions(patch: pytest.MonkeyPatch) -> None:
    """Functions, mutations and algorithms that are registered are forgotten when the patch ends."""
    forget_functions(patch)
    patch.setattr(mutation, "MUTATIONS", table := dict(mutation.MUTATIONS))
    patch.setattr(factory, "MUTATIONS", table)
    patch.setattr(factory, "ALGORITHMS", dict(factory.ALGORITHMS))
    patch.setattr(names, "REGISTERED_MUTATIONS", dict(names.REGISTERED_MUTATIONS))
    patch.setattr(names, "ALGORITHMS", set(names.ALGORITHMS))
