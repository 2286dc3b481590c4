"""The runs in the summary of a reproduction, which may come from others, as checked values."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from primitives import UserError
from search.record import SUMMARY, Number, read_json


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class _Loss(_Part):
    program: str
    split: str
    log_ratio: Number


class _Run(_Part):
    """The values of a run that are compared or shown; all others are kept as they are."""

    seed: int
    success: bool
    level: int
    seconds: int | float
    children: int
    evaluated: int
    verdict: str
    losses: list[_Loss]


class _File(_Part):
    runs: list[_Run]


def recorded_runs(folder: Path) -> list[dict[str, Any]]:
    """Results of the runs in the summary of a folder; none if there is no summary.

    Raises:
        UserError: the file is not the summary of a reproduction.
    """
    try:
        file = read_json(folder / SUMMARY, _File, "the summary of a reproduction")
    except UserError as error:
        raise UserError(f"{error}; choose another `--out`") from None
    return [run.model_dump() for run in file.runs] if file else []
