"""The config of the measurements of the paper's claims: `configs/claims.yaml`."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, model_validator

from proxy_tasks import SMALLEST, builtin_task
from search.settings.config import Config, WorkerSettings
from search.settings.reading import read_values, set_key, validated
from search.settings.tasks import Section


class ComparisonSettings(Section):
    """Budget of a comparison of tuned optimizers on one task."""

    trials: int = Field(40, ge=1, description="settings of the constants that each tuning tries")
    tuning_seeds: int = Field(2, ge=1, description="networks trained in each trial")
    tunings: int = Field(3, ge=1, description="independent tunings; with 1, intervals cover seeds alone")
    seeds: int = Field(16, ge=2, description="fresh seeds of the comparison")


class ClaimSettings(Section):
    """Tasks and budgets of the measurements."""

    tasks: list[str] = Field(list(SMALLEST), min_length=1, description="families, named by their smallest tasks")
    x1: ComparisonSettings | None = Field(ComparisonSettings(), description="comparison on the smallest tasks")
    x10: ComparisonSettings | None = Field(
        ComparisonSettings(trials=24, tuning_seeds=1, tunings=4, seeds=8),
        description="the same on tasks of ten times the cost",
    )
    x100: ComparisonSettings | None = Field(
        None,
        description="the same on tasks of a hundred times the cost, for the five published optimizers",
    )
    batch_tasks: list[str] = Field(
        ["vit", "vit_x10"], min_length=1, description="tasks trained with other sizes of the batch"
    )
    batches: list[int] = Field(
        [8, 32, 128, 512, 1024], min_length=2, description="examples in a step, at equal examples in all"
    )
    batch_budget: ComparisonSettings = Field(
        ComparisonSettings(trials=24, tuning_seeds=1, tunings=4, seeds=8), description="budget at each size"
    )
    map_tasks: list[str] = Field(
        ["vit", "denoising", "characters"],
        min_length=1,
        description="tasks of the maps over rate and decay, and of the studies of weights",
    )
    map_seeds: int = Field(6, ge=2, description="networks trained in each cell of a map")
    weight_seeds: int = Field(8, ge=2, description="networks whose weights and updates are studied")
    searches: list[str] = Field(
        [], description="configs of searches to be compared, beside this file; without any, none is measured"
    )
    check_every: int = Field(
        500, ge=0, description="candidates of a repeat between checks of `evolution` for meta-overfitting; 0: none"
    )
    workers: WorkerSettings = WorkerSettings()

    @model_validator(mode="after")
    def _fits(self) -> "ClaimSettings":
        for name in self.tasks:
            if name not in SMALLEST:
                raise ValueError(f"`tasks` must name smallest tasks ({', '.join(SMALLEST)}), not `{name}`")
        for name in (*self.batch_tasks, *self.map_tasks):
            builtin_task(name)
        if min(self.batches) < 1:
            raise ValueError(f"`batches` (={self.batches}) must be at least 1")
        stems = [Path(name).stem for name in self.searches]
        if len({*stems}) < len(stems):
            raise ValueError(f"the files of `searches` must have different names, not {', '.join(stems)}")
        if len({*self.batches}) < 2:
            raise ValueError(f"`batches` (={self.batches}) must have two different sizes")
        return self


def is_claims_config(path: Path) -> bool:
    """Whether a YAML file is a config of the measurements and not one of a run, judged by the names of its keys.

    Raises:
        UserError: the file cannot be read.
    """
    keys, of_claims, of_runs = set(read_values(path)), set(ClaimSettings.model_fields), set(Config.model_fields)
    return bool(keys & (of_claims - of_runs)) and not keys & (of_runs - of_claims)


def read_claim_settings(path: Path, overrides: Sequence[str] = ()) -> ClaimSettings:
    """Read the config of the measurements.

    Args:
        path: a YAML file.
        overrides: assignments such as `x10.seeds=4`, applied in order; the value is YAML.

    Raises:
        UserError: the file cannot be read, or a key is wrong.
    """
    values = read_values(path)
    for override in overrides:
        set_key(values, override)
    settings = validated(ClaimSettings, values)
    return settings.model_copy(update={"searches": [str(path.parent / name) for name in settings.searches]})
