"""The config of a run: one frozen, typed section a concern, read from YAML; an unknown key is an error."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MUTATION_RATES = {"insert": 1.0, "delete": 1.0, "modify": 1.0, "replace": 1.0, "wrap": 1.0, "scale": 1.0}


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SearchSettings(Section):
    algorithm: Literal["regularized_evolution"] = "regularized_evolution"
    children: int = Field(1000, ge=1)
    population: int = Field(100, ge=1)
    tournament: int = Field(5, ge=1)
    repeats: int = Field(1, ge=1)
    mutations: dict[str, float] = MUTATION_RATES


class EvaluationSettings(Section):
    seeds: int = 8
    first_seeds: int = 2
    hurdle_quantile: float = 0.33
    hurdle_margin: float = 0.08
    statement_price: float = 0.0
    slot_price: float = 0.0
