"""The file of the measured claims, `claims.json`."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from primitives import UserError
from search.claims.claim import Answer, Result
from search.claims.searches import contents
from search.record import plain, read_json, write_text
from search.running import versions
from search.settings import ClaimSettings, Config

CLAIMS = "claims.json"
COMMAND = "optsearch reproduce claims"
_FORMAT = 2  # changes with what is measured, so that results of earlier versions are measured again


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Head(_Part):
    """What the results depend on; an earlier format may lack the searches."""

    format: int | None = None
    settings: dict[str, Any]
    searches: dict[str, Any] | None = None
    versions: dict[str, Any]


class _Claim(_Part):
    claim: str
    paper: str
    ours: str
    answer: Answer
    limit: str


class _Result(_Part):
    name: str
    claims: list[_Claim]
    data: dict[str, Any]


class _File(_Part):
    results: list[_Result]


class ResultsFile:
    """The results so far, if they have the same format, settings, searches and versions; otherwise none.

    Trials of other settings stay in the journal, and those that are needed again are not run again.

    Args:
        settings: settings of the measurement.
        searches: configs of the searches, by name.
        folder: folder of the file.

    Attributes:
        facts: contents of the file.

    Raises:
        UserError: the file has something else.
    """

    def __init__(self, settings: ClaimSettings, searches: Mapping[str, Config], folder: Path) -> None:
        self._path = folder / CLAIMS
        self.facts: dict[str, Any] = {
            "format": _FORMAT,
            "settings": settings.model_dump(mode="json", exclude={"workers", "searches"}),
            "searches": {name: plain(contents(config, folder)) for name, config in searches.items()},
            "versions": versions(),
        }
        self.facts |= {"results": self._known()}

    def _known(self) -> list[dict[str, Any]]:
        what = f"the result of `{COMMAND}`"
        try:
            head = read_json(self._path, _Head, what)
            if head is None or any(getattr(head, key) != self.facts[key] for key in _Head.model_fields):
                return []
            file = read_json(self._path, _File, what)
        except UserError as error:
            raise UserError(f"{error}; choose another `--out`") from None
        return [result.model_dump() for result in file.results] if file else []

    def has(self, names: Iterable[str]) -> bool:
        """Whether all results of these names are there."""
        return {*names} <= {row["name"] for row in self.facts["results"]}

    def add(self, results: Sequence[Result]) -> None:
        """Add results, and write the file."""
        self.facts["results"] += [result.as_json() for result in results if not self.has([result.name])]
        write_text(self._path, json.dumps(plain(self.facts), indent=1) + "\n")
