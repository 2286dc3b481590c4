"""`summary.json` as typed values.

The file may come from others, and no hash of the journal covers it, so its types are checked before anything is shown.
Unknown keys are ignored, and keys that an older version lacks have their defaults.
"""

import math
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from primitives import UserError, printable
from search.record.folder import SUMMARY
from search.record.opening import check_regular

LARGEST = 64_000_000  # largest size in bytes, more than any summary has

# JSON has no infinity and no NaN: `null` stands for both.
Number = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class Best(_Part):
    """The champion; see `search.running.summary`."""

    program: str
    live: str
    fitness: Number
    search_fitness: Number = math.nan
    recognised: str | None
    repeat: int
    number: int
    tuned: bool = False


class SimplifyStep(_Part):
    """One step of the derivation; see `simplify.steps`."""

    rule: str
    before: str
    after: str
    exactness: str
    note: str = ""


class Resemblance(_Part):
    """A known optimizer that a program equals except for a remainder."""

    name: str
    constants: dict[str, Number]
    remainder: list[str]


class Simplified(_Part):
    """The champion after simplification; see `selection.derivation`."""

    program: str
    steps: list[SimplifyStep]
    recognised: str | None
    constants: dict[str, Number]
    evidence: str = ""
    resembles: Resemblance | None = None
    verdict: str
    statements: int = 0
    slots: list[str] = []


class ComparisonRow(_Part):
    """One program on one task and split; see `selection.comparison`."""

    program: str
    task: str
    split: str
    loss: Number
    log_ratio: Number
    interval: tuple[Number, Number]
    per_seed: list[Number] = []


class StandingRow(_Part):
    """One entrant of a stage of the funnel; see `selection.stage`."""

    name: str
    index: int | None
    log_ratio: Number
    interval: tuple[Number, Number]
    verdict: str


class StageRow(_Part):
    """One stage of the funnel; see `selection.stage`."""

    tasks: list[str]
    trials: int
    tunings: int
    seeds: int
    standings: list[StandingRow]


class CheckRow(_Part):
    """One check for meta-overfitting; see `search.running.overfitting`."""

    repeat: int
    number: int
    fitness: Number
    fresh: Number
    larger: Number


class CurvePoint(_Part):
    """Losses of one program after a share of the steps; see `search.running.studies`."""

    program: str
    task: str
    share: Number
    per_seed: list[Number]


class SensitivityPoint(_Part):
    """Log loss ratio of one program with its rate and decay multiplied; see `search.running.studies`."""

    program: str
    rate: Number
    decay: Number
    log_ratio: Number


class SummaryFile(_Part):
    """The parts of `summary.json` that are shown."""

    run: str = ""
    digest: str = ""
    complete: bool
    best: Best
    simplified: Simplified
    comparison: list[ComparisonRow]
    stages: list[StageRow] = []
    table: list[ComparisonRow] = []
    winner: str | None = None
    checks: list[CheckRow] = []
    curves: list[CurvePoint] = []
    sensitivity: list[SensitivityPoint] = []
    trained: int = 0
    versions: dict[str, str] = Field(default_factory=dict)


def read_summary(folder: Path) -> SummaryFile | None:
    """The summary of a run.

    Returns:
        The summary; `None` if the run has not ended.

    Raises:
        UserError: the file cannot be read, or is not a summary.
    """
    path = folder / SUMMARY
    check_regular(path)
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise UserError(f"`{path}` is not a summary: it has more than {LARGEST:,} bytes")
        return SummaryFile.model_validate_json(content)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"`{path}` cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise UserError(f"`{path}` is not a summary: {printable(reason)}") from None
