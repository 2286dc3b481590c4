"""Comparison of the facts that a new worker reports with those of the driver."""

from collections.abc import Callable, Mapping
from typing import Any

from primitives import UserError
from search.execution.cluster import difference
from search.execution.messages import BEHAVIOUR, RaySettings


class Handshake:
    """Accepts or refuses workers.

    Args:
        facts: facts that must be equal in the driver and in every worker.
        settings: on GPUs, the first worker sets the bits that the others must compute, since the driver computes on a
            CPU, unless `bits` has them; with `mixed`, workers that compute different bits are permitted.
        say: called with messages for the user.

    Attributes:
        mixed: hosts that compute different bits, if this is permitted.
        bits: on GPUs, the bits that workers must compute, once they are set.
    """

    def __init__(self, facts: Mapping[str, Any], settings: RaySettings, say: Callable[[str], None]) -> None:
        self._facts, self._say = dict(facts), say
        self._gpu, self.bits = settings.gpu, settings.bits
        self._reference = "the first worker" if settings.gpu else "this driver"
        self._mixed_allowed = settings.mixed
        self.mixed = set[str]()

    def check(self, host: str, facts: Mapping[str, Any]) -> None:
        """Raise `UserError` if the facts of a worker on a host differ from those of the driver."""
        if self._gpu:
            self.bits = facts.get(BEHAVIOUR, {}) if self.bits is None else self.bits
            self._facts[BEHAVIOUR] = self.bits
        for key, value in self._facts.items():
            if facts.get(key) != value and key == BEHAVIOUR:
                self._differs(host, facts.get(key, {}), value)
            elif facts.get(key) != value:
                what = difference(facts.get(key), value)
                raise UserError(
                    f"a worker on {host} differs from this driver in its {key}, {what}; "
                    f"install the same versions of all packages on every machine"
                )

    def _differs(self, host: str, theirs: Mapping[str, str], ours: Mapping[str, str]) -> None:
        """Raise `UserError` if a worker computes different bits than the driver, or note it if this is permitted."""
        name = next(name for name in ours if theirs.get(name) != ours[name])
        if not self._mixed_allowed:
            raise UserError(
                f"a worker on {host} computes different bits than {self._reference}, first in the {name}: its "
                f"code, its XLA_FLAGS or its processor differs; `workers.mixed: allow` permits this and marks the "
                f"digest"
            )
        if host not in self.mixed:
            self.mixed.add(host)
            self._say(f"{host} computes different bits than {self._reference}, first in the {name}")
