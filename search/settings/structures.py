"""Settings of the algorithm `structures`; every part has a value that switches it off."""

from typing import Literal

from pydantic import Field, model_validator

from search.settings.tasks import Section

CORPUS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "adabelief", "signum")


class Operators(Section):
    """Relative frequencies of the operators; 0 switches one off."""

    graft: float = Field(0.15, ge=0)
    graft_on_way: float = Field(0.17, ge=0)
    context: float = Field(0.2, ge=0)
    wrap_argument: float = Field(0.12, ge=0)
    wrap_value: float = Field(0.06, ge=0)
    insert: float = Field(0.04, ge=0)
    replace: float = Field(0.08, ge=0)
    modify: float = Field(0.08, ge=0)
    delete: float = Field(0.1, ge=0)

    @model_validator(mode="after")
    def _some(self) -> "Operators":
        if not any(self.model_dump().values()):
            raise ValueError("at least one operator must have a frequency above 0")
        return self


class StructureSettings(Section):
    """Search among structures: how children are bred, and through which stages they go."""

    generation: int = Field(60, ge=1, description="children of a generation")
    longest: int = Field(14, ge=1, description="most live statements of a child")
    corpus: list[str] = Field(list(CORPUS), description="programs whose parts and frequencies count; [] for none")
    uniform: float = Field(0.35, ge=0, le=1, description="share of the uniform prior over functions; 1: only that")
    operators: Operators = Operators()
    twice: float = Field(0.3, ge=0, le=1, description="chance that a child is the child of a child")
    state: bool = Field(True, description="what writes a state slot comes along with what reads it")
    simplify: bool = Field(True, description="children are compared and priced in their simplest exact form")
    cells: list[Literal["length", "slots", "weights"]] = Field(
        ["length", "slots", "weights"], description="what tells cells apart; [] for one cell"
    )
    reach: float = Field(0.25, gt=0, description="cells further than this behind the best have no children")
    shared: float = Field(0.5, ge=0, le=1, description="share of parents drawn uniformly among cells, not by rank")
    near_twin: float = Field(0.06, ge=0, description="difference of updates below which a child is a twin; 0: off")
    descent: bool = Field(True, description="children whose recorded updates do not descend are not trained")
    short_share: float = Field(0.25, gt=0, le=1, description="share of the steps of the short horizon")
    tuning_seeds: int = Field(3, ge=1, description="seeds of the short and of the whole horizon")
    look_margin: float = Field(0.5, ge=0, description="behind the parent, at the short horizon, constants as bred")
    short_trials: int = Field(6, ge=0, description="settings of constants tried at the short horizon; 0: not tuned")
    short_margin: float = Field(0.08, ge=0, description="behind the parent, at the short horizon, once tuned")
    whole_margin: float = Field(0.2, ge=0, description="behind the best no longer, whole horizon, before tuning")
    whole_trials: int = Field(5, ge=0, description="settings tried at the whole horizon; 0: not tuned")
    whole_tuned_margin: float = Field(0.06, ge=0, description="behind the best no longer, whole horizon, once tuned")
    climb_seeds: int = Field(6, ge=1, description="further seeds on which constants are tuned")
    climb_trials: int = Field(16, ge=0, description="settings tried on them; 0: not tuned")
    judging_seeds: int = Field(12, ge=1, description="seeds of a judgement, which tuned nothing")
    judging_margin: float = Field(0.06, ge=0, description="behind the best no longer, on judging seeds")
    rotate_every: int = Field(10, ge=0, description="generations until fresh judging seeds join; 0: never")
    refined: int = Field(3, ge=0, description="best cells whose constants are tuned further after each generation")
    refined_trials: int = Field(6, ge=1, description="settings tried each time")
    refined_most: int = Field(60, ge=0, description="settings tried for one incumbent at most")
    prune: bool = Field(True, description="statements of an admitted program are left out where nothing gets worse")
