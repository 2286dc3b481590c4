"""The config of a run: frozen, typed sections.

Unknown keys and values of the wrong type or out of range are refused. A config becomes a run in two steps: reading
parses the YAML and resolves its paths (`search.settings.reading`), and loading imports the code and reads the data that
the config names (`search.settings.loading`).
"""

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from search.settings import names
from search.settings.selection import SelectionSettings
from search.settings.structures import StructureSettings
from search.settings.tasks import Section, TaskEntry


class Mutations(Section):
    """Relative rates of the mutations; 0 disables a mutation. The paper uses `insert`, `delete` and `modify` equally.

    A mutation that a plugin registers has a key of the same name.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Annotated[float, Field(ge=0)]]

    insert: float = Field(1.0, ge=0, description="insert a statement that calls a random function")
    delete: float = Field(1.0, ge=0, description="delete a random statement")
    modify: float = Field(
        1.0,
        ge=0,
        description="replace an argument of a random statement by another variable or constant, or scale a constant",
    )
    replace: float = Field(
        1.0,
        ge=0,
        description="replace the function of a random statement by one that takes the same kinds of arguments",
    )
    wrap: float = Field(
        1.0, ge=0, description="apply a random function of one argument to the result of a random statement"
    )
    scale: float = Field(
        1.0, ge=0, description="multiply a random constant, or its distance to 1, by 2^a with a ~ N(0, 1)"
    )
    tune: float = Field(0.0, ge=0, description="move several constants by small steps at once")

    @model_validator(mode="after")
    def _some(self) -> "Mutations":
        if not any(self.model_dump().values()):
            raise ValueError("at least one mutation must have a rate above 0")
        return self


class SearchSettings(Section):
    """The search: algorithm, budget, mutations and functions."""

    algorithm: str = Field(
        "regularized_evolution",
        examples=sorted(names.ALGORITHMS),
        description="search algorithm; `random`, `tree` and `tune_constants` are comparators",
    )
    children: int = Field(2000, ge=1, le=10**9, description="candidates of each repeat, without the starting program")
    evaluations: int | None = Field(None, ge=1, description="number of evaluations after which a repeat ends early")
    population: int = Field(100, ge=1, description="size P of the population (the paper: 1000)")
    tournament: int = Field(6, ge=1, description="size T of a tournament (the paper: 2)")
    repeats: int = Field(1, ge=1, le=10**9, description="independent searches, recorded in one journal")
    rounds: int = Field(
        1, ge=1, le=10**9, description="each later round starts from the best program of the round before"
    )
    plateau: int = Field(
        0,
        ge=0,
        description="candidates without an improvement after which the search restarts from its best program; 0: never",
    )
    random_mutations: int = Field(16, ge=1, description="`random`: largest number of mutations of the starting program")
    tree_depth: int = Field(3, ge=1, le=8, description="`tree`: largest depth of functions above an operand")
    mutations: Mutations = Mutations()
    structures: StructureSettings = StructureSettings()
    primitives: Literal["paper"] | list[str] = Field(
        "paper", description="functions that mutations may insert: those of the paper, or a list"
    )
    plugins: list[str] = Field(
        [], description="modules to import first, which register extensions; also looked for beside the config"
    )

    @property
    def most_candidates(self) -> int:
        """Largest number of candidates over all repeats and rounds, the starting programs included."""
        return (self.children + 1) * self.repeats * self.rounds

    @model_validator(mode="after")
    def _fits(self) -> "SearchSettings":
        if not self.plugins:  # a plugin may register more
            if self.algorithm not in names.ALGORITHMS:
                raise ValueError(names.unknown("algorithm", self.algorithm, names.ALGORITHMS))
            for name in self.mutations.model_extra or {}:
                if name not in names.REGISTERED_MUTATIONS:
                    known = {*Mutations.model_fields, *names.REGISTERED_MUTATIONS}
                    raise ValueError(names.unknown("mutation", name, known))
        if self.tournament > self.population:
            raise ValueError(
                f"`tournament` (={self.tournament}) must lie between 1 and `population` (={self.population})"
            )
        return self


class EvaluationSettings(Section):
    """The evaluation of a program: seeds, hurdles and prices."""

    seeds: int = Field(8, ge=1, description="networks trained for a score, each with its own seed")
    first_seeds: int = Field(2, ge=0, description="seeds that are trained before the hurdle; 0: no hurdle")
    hurdle_quantile: float = Field(0.33, ge=0, le=1, description="quantile of the population's fitness on those seeds")
    hurdle_margin: float = Field(0.15, ge=0, description="added to that quantile, which gives the hurdle")
    short_share: float = Field(0.0, ge=0, lt=1, description="share of the steps of a first, short training; 0: none")
    short_margin: float = Field(0.3, ge=0, description="margin added to the hurdle after the short training")
    race: list[int] = Field(
        [], description="numbers of seeds after which there is another hurdle; with 8 seeds, [4] trains 2, 2, then 4"
    )
    race_margin: float = Field(0.05, ge=0, description="the same as `hurdle_margin`, for these hurdles")
    sanity_steps: int = Field(
        0,
        ge=0,
        description="steps of a probe that drops programs whose losses are not finite, exploded or unchanged; 0: none",
    )
    probe: bool = Field(True, description="reuse the score of an earlier program whose updates on probes agree")
    statement_price: float = Field(0.0, ge=0, le=1, description="added to the fitness for each live statement")
    slot_price: float = Field(0.0, ge=0, le=1, description="added to the fitness for each live state slot")

    @model_validator(mode="after")
    def _fits(self) -> "EvaluationSettings":
        if self.first_seeds >= self.seeds:
            raise ValueError(f"`first_seeds` (={self.first_seeds}) must be less than `seeds` (={self.seeds})")
        stages = [self.first_seeds, *self.race, self.seeds]
        if self.race and not (self.first_seeds and all(a < b for a, b in pairwise(stages))):
            ends = f"`first_seeds` (={self.first_seeds}, at least 1) to below `seeds` (={self.seeds})"
            raise ValueError(f"`race` (={self.race}) must rise from above {ends}")
        return self


class WorkerSettings(Section):
    """Worker processes and the cluster that they run on."""

    executor: Literal["inline", "ray"] = Field(
        "inline", description="`inline` trains in this process, `ray` in Ray workers"
    )
    count: int | None = Field(None, ge=1, description="number of workers; by default one for each core or GPU")
    device: Literal["cpu", "gpu"] = Field("cpu", description="a worker on each core, or on each GPU (ray)")
    batch: int | None = Field(None, ge=1, description="most jobs that a worker trains together; 512 on a GPU (ray)")
    breeders: int | None = Field(
        None,
        ge=0,
        description="helper processes that breed and simplify children of `structures` on the CPU; by default one for "
        "each core but one, up to 8, if programs are trained on an accelerator, else 0",
    )
    address: str | None = Field(None, description="address of a Ray cluster, such as 10.0.0.1:6379")
    in_flight: int = Field(
        8,
        ge=1,
        description="window W: child i is bred once children 0 … i − W are recorded; `structures` does not use it",
    )
    wall_limit: float = Field(300.0, gt=0, description="time limit of a candidate in seconds (ray)")
    memory_limit: float = Field(8.0, ge=0, description="memory limit of a worker in GiB; 0: none (ray)")
    mixed: Literal["refuse", "allow"] = Field(
        "refuse", description="refuse or allow workers on machines that round differently (ray)"
    )
    reconnect: float = Field(300.0, ge=0, description="seconds to wait for a cluster that does not answer (ray)")

    @model_validator(mode="after")
    def _fits(self) -> "WorkerSettings":
        if self.executor == "inline" and ((self.count or 1) > 1 or self.address):
            raise ValueError("`count` above 1 and `address` need `executor: ray`")
        if self.executor == "inline" and (self.device == "gpu" or self.batch):
            raise ValueError("`device` and `batch` need `executor: ray`; JAX_PLATFORMS selects the device for `inline`")
        return self


class Config(Section):
    """The config of a run."""

    seed: int = Field(0, ge=0, description="key of all random numbers of the search")
    program: str = Field(
        "adamw", description="starting program: name of a built-in, or a file, looked for beside the config first"
    )
    tasks: list[TaskEntry] = Field(
        ["digits"],
        min_length=1,
        description="names of built-in tasks, or custom tasks; several are weighted by the inverse of their noise",
    )
    search: SearchSettings = SearchSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    workers: WorkerSettings = WorkerSettings()
    selection: SelectionSettings = SelectionSettings()

    @model_validator(mode="before")
    @classmethod
    def _empty_sections(cls, values: Any) -> Any:  # noqa: ANN401 - plain values of any shape
        """Treat an empty section, whose lines are all commented out, as one with all defaults."""
        sections = ("search", "evaluation", "workers", "selection")
        if not isinstance(values, dict):
            return values
        return {key: {} if value is None and key in sections else value for key, value in values.items()}
