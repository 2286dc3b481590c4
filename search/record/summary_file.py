"""`summary.json` as typed values.

The file may come from others, and no hash of the journal covers it, so its types are checked before anything is shown.
Unknown keys are ignored, and keys that an older version lacks have their defaults.
"""

import math
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from search.record.column_types import LARGEST_RATIO
from search.record.folder import SUMMARY
from search.record.json_files import read_json

_ROWS, _STAGES = 2000, 20  # largest numbers of rows and of stages; a report of a run has up to 100 and 3

# JSON has no infinity and no NaN: `null` stands for both.
Number = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]


def _ratio(value: float) -> float:
    """Check a log ratio of losses."""
    if abs(value) > LARGEST_RATIO:
        raise ValueError(f"a log ratio of losses must lie within ±{LARGEST_RATIO:g}")
    return value


Ratio = Annotated[Number, AfterValidator(_ratio)]
Whole = Annotated[int, Field(ge=0, le=2**63 - 1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class Best(_Part):
    """The champion; see `search.running.summary`."""

    program: str
    live: str
    fitness: Ratio
    search_fitness: Ratio = math.nan
    recognised: str | None
    repeat: Whole
    number: Whole
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
    statements: Whole = 0
    slots: list[str] = []


class ComparisonRow(_Part):
    """One program on one task and split; see `selection.comparison`."""

    program: str
    task: str
    split: str
    loss: Number
    log_ratio: Ratio
    interval: tuple[Ratio, Ratio]
    per_seed: list[Number] = []


class StandingRow(_Part):
    """One entrant of a stage of the funnel; see `selection.stage`."""

    name: str
    index: Whole | None
    log_ratio: Ratio
    interval: tuple[Ratio, Ratio]
    verdict: str


class StageRow(_Part):
    """One stage of the funnel; see `selection.stage`."""

    tasks: list[str]
    trials: Whole
    tunings: Whole
    seeds: Whole
    standings: list[StandingRow] = Field(max_length=_ROWS)


class CheckRow(_Part):
    """One check for meta-overfitting; see `search.running.overfitting`."""

    repeat: Whole
    number: Whole
    fitness: Ratio
    fresh: Ratio
    larger: Ratio


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
    log_ratio: Ratio


class SummaryFile(_Part):
    """The parts of `summary.json` that are shown."""

    run: str = ""
    digest: str = ""
    complete: bool
    best: Best
    simplified: Simplified
    comparison: list[ComparisonRow] = Field(max_length=_ROWS)
    stages: list[StageRow] = Field([], max_length=_STAGES)
    table: list[ComparisonRow] = Field([], max_length=_ROWS)
    winner: str | None = None
    checks: list[CheckRow] = Field([], max_length=_ROWS)
    curves: list[CurvePoint] = Field([], max_length=_ROWS)
    sensitivity: list[SensitivityPoint] = Field([], max_length=_ROWS)
    trained: Whole = 0
    versions: dict[str, str] = Field(default_factory=dict)


def read_summary(folder: Path) -> SummaryFile | None:
    """The summary of a run.

    Returns:
        The summary; `None` if the run has not ended.

    Raises:
        UserError: the file cannot be read, or is not a summary.
    """
    return read_json(folder / SUMMARY, SummaryFile, "a summary")
