"""Settings of the algorithm `structures`; every part has a value that switches it off."""

from typing import Literal

from pydantic import Field, model_validator

from search.settings.tasks import Section

CORPUS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "adabelief", "signum")


class Operators(Section):
    """Relative frequencies of the operators of `structures`; 0 switches one off."""

    graft: float = Field(0.15, ge=0, description="replace an argument by a subexpression of a donor")
    graft_on_way: float = Field(
        0.17, ge=0, description="replace a value on the way from the gradient to the update by an expression of a donor"
    )
    context: float = Field(
        0.2, ge=0, description="replace a value x on that way by f(x, e), a call on the way of a donor"
    )
    wrap_argument: float = Field(0.12, ge=0, description="apply a random function to an argument")
    wrap_value: float = Field(0.06, ge=0, description="apply a random function to a value, for all its readers")
    insert: float = Field(0.04, ge=0, description="insert a statement")
    replace: float = Field(0.08, ge=0, description="replace a function by one with the same arguments")
    modify: float = Field(0.08, ge=0, description="replace an argument")
    delete: float = Field(0.1, ge=0, description="delete a statement; its readers read one of its arguments")

    @model_validator(mode="after")
    def _some(self) -> "Operators":
        if not any(self.model_dump().values()):
            raise ValueError("at least one operator must have a frequency above 0")
        return self


class StructureSettings(Section):
    """Settings of the algorithm `structures`: breeding of children, and the stages of their evaluation."""

    generation: int = Field(60, ge=1, description="children of a generation")
    longest: int = Field(14, ge=1, description="largest number of live statements of a child")
    corpus: list[str] = Field(
        list(CORPUS), description="programs that donate parts and set the prior over functions; []: none"
    )
    uniform: float = Field(0.35, ge=0, le=1, description="weight of the uniform prior over functions; 1: no other")
    operators: Operators = Operators()
    twice: float = Field(0.3, ge=0, le=1, description="probability that a second operator is applied to a child")
    homologous: float = Field(
        0.6,
        ge=0,
        le=1,
        description="probability that what a graft or a context on the way takes keeps its distance from the update",
    )
    state: bool = Field(True, description="copy the statements that write a state slot with those that read it")
    simplify: bool = Field(True, description="compare and price children in their simplified form")
    cells: list[Literal["length", "slots", "weights"]] = Field(
        ["length", "slots", "weights"], description="properties that define a cell; []: one cell"
    )
    retries: int = Field(
        3, ge=0, description="further evaluations of a structure that is bred again, with other constants"
    )
    reach: float = Field(0.25, gt=0, description="largest distance of a cell from the best fitness to have children")
    shared: float = Field(0.5, ge=0, le=1, description="share of parents drawn uniformly among cells, not by rank")
    near_twin: float = Field(0.06, ge=0, description="difference of updates below which a child is a twin; 0: off")
    descent: bool = Field(True, description="drop children whose updates on recorded gradients do not descend")
    short_share: float = Field(0.25, gt=0, le=1, description="share of the steps of the short horizon")
    tuning_seeds: int = Field(3, ge=1, description="seeds of the short and of the whole horizon")
    look_margin: float = Field(
        0.5, ge=0, description="largest distance from the parent at the short horizon, before tuning"
    )
    short_trials: int = Field(6, ge=0, description="tuning trials at the short horizon; 0: no tuning")
    short_margin: float = Field(
        0.08, ge=0, description="largest distance from the parent at the short horizon, after tuning"
    )
    whole_margin: float = Field(
        0.2, ge=0, description="largest distance from the best program of at most this length, before tuning"
    )
    whole_trials: int = Field(5, ge=0, description="tuning trials at the whole horizon; 0: no tuning")
    whole_tuned_margin: float = Field(0.06, ge=0, description="the same as `whole_margin`, after tuning")
    climb_seeds: int = Field(6, ge=1, description="seeds of the further tuning")
    climb_rotates: bool = Field(True, description="use other seeds for the further tuning in each generation")
    climb_trials: int = Field(16, ge=0, description="trials of the further tuning; 0: none")
    judging_seeds: int = Field(12, ge=1, description="seeds that decide whether a program enters; not used for tuning")
    judging_margin: float = Field(0.06, ge=0, description="the same as `whole_margin`, on the judging seeds")
    rotate_every: int = Field(5, ge=0, description="generations after which judging seeds are added; 0: never")
    refined: int = Field(4, ge=0, description="cells whose constants are tuned further after each generation")
    refined_first: Literal["best", "least_tuned"] = Field(
        "least_tuned",
        description="cells that are tuned first: those of the best fitness, or of the fewest trials so far",
    )
    refined_trials: int = Field(8, ge=1, description="trials of each such tuning")
    refined_most: int = Field(90, ge=0, description="trials of a program, in all stages, after which it is not refined")
    prune: bool = Field(True, description="drop statements of an admitted program if its fitness does not get worse")
