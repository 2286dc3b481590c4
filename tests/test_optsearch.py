"""The Python API: search, resume, look, take away, extend; in threads, twice in one process, interrupted."""

import json
import shutil
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

import optsearch
from optsearch import Progress
from primitives import builtin, parse, to_text
from search.algorithms import mutation
from search.running import run as runner
from search.settings import names

SMALL: dict[str, Any] = {
    "search.population": 10,
    "search.tournament": 3,
    "evaluation.seeds": 2,
    "evaluation.first_seeds": 1,
    "selection.finalists": 2,
    "selection.seeds": 2,
    "selection.tuning_trials": 3,
}


def searched(**arguments: Any) -> optsearch.Run:
    defaults: dict[str, Any] = {"program": "adamw", "children": 12, "seed": 3, "settings": SMALL}
    return optsearch.search(**defaults | arguments)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> optsearch.Run:
    return searched(out=tmp_path_factory.mktemp("api") / "run")


def test_a_run_has_its_best_program_its_front_and_what_was_spent(run: optsearch.Run) -> None:
    assert run.complete
    assert run.statistics["children"] == 13
    assert run.best.program == optsearch.program(run.summary["best"]["program"])
    assert run.best.fresh is not None
    assert run.best.fresh.low <= run.best.fresh.value <= run.best.fresh.high
    lengths = [found.length for found in run.front]
    fitnesses = [found.fitness for found in run.front]
    assert lengths == sorted(set(lengths))
    assert fitnesses == sorted(fitnesses, reverse=True)
    assert min(fitnesses) == min(row.fitness for row in run.candidates if row.status == "ok")


def test_the_champion_is_the_same_without_a_summary(run: optsearch.Run, tmp_path: Path) -> None:
    kept = Path(shutil.copytree(run.folder, tmp_path / "kept", ignore=shutil.ignore_patterns("summary.json")))
    found, best = optsearch.open(kept).best, run.best
    assert found == replace(best, fresh=None, fitness=round(best.fitness, 4))


def test_a_run_shows_itself(run: optsearch.Run) -> None:
    assert "13 candidates" in repr(run)
    html = run._repr_html_()
    assert html.count("<tr>") == len(run.front) + 1
    assert "def train(w, g, m, v, lr):" in html
    assert repr(run.best).startswith("Found(fitness=")


def test_candidates_are_filtered_and_tabulated(run: optsearch.Run) -> None:
    frame = run.candidates.to_pandas()
    assert list(frame["number"]) == list(range(13))
    chosen = list(run.candidates.where("evaluated").where("length < 11 or number == 0"))
    assert [row.number for row in chosen] == [
        row.number for row in run.candidates if not row.matched and (row.live < 11 or row.number == 0)
    ]
    assert len(run.candidates.where("uses:sqrt")) > 0
    assert len(run.candidates.where("uses:arccos and not uses:arccos")) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("length <", "invalid syntax"),
        ("lenght < 5", "unknown column `lenght`; did you mean `length`"),
        ("uses:sgn", "unknown function `sgn`"),
        ("uses()", "`uses` takes the name of one function"),
        ("uses('sign', 'abs')", "`uses` takes the name of one function"),
        ("__import__('os').system('true')", "is not a condition"),
        ("(lambda: 1)()", "is not a condition"),
        ("length < [].append", "neither a column nor a value"),
        ("length == {[]}", "neither a column nor a value"),
        ("(" * 5000, "at most 1,000 characters"),
        ("not " * 240 + "evaluated and", "is not valid"),
    ],
)
def test_a_query_that_is_none_is_named(run: optsearch.Run, text: str, message: str) -> None:
    with pytest.raises(optsearch.UserError, match=message) as error:
        run.candidates.where(text)
    assert "\n" not in str(error.value)


def test_a_lineage_leads_from_the_start_to_the_program(run: optsearch.Run) -> None:
    graph = run.lineage(run.best)
    assert nx.is_directed_acyclic_graph(graph)
    path = nx.shortest_path(graph, 0, run.best.number)
    assert set(path) == set(graph)
    assert graph.nodes[0]["program"] == builtin("adamw")
    assert all({"program", "fitness", "mutation"} <= set(data) for _, data in graph.nodes(data=True))


def test_the_same_seed_gives_the_same_digest_from_yaml_and_from_python(run: optsearch.Run, small_run: Path) -> None:
    by_hand = optsearch.search(config=small_run, children=12, out=small_run.parent / "yaml")
    assert by_hand.digest == run.digest
    assert by_hand.config["search"]["children"] == 12


def test_a_run_without_a_folder_lives_as_long_as_its_value() -> None:
    folder = (found := searched(children=1)).folder
    assert folder.is_dir()
    del found
    assert not folder.exists()


def test_a_program_may_be_a_value_or_text() -> None:
    for given in (builtin("sgd"), to_text(builtin("sgd"))):
        found = searched(program=given, children=1)
        assert parse(next(iter(found.candidates)).program) == builtin("sgd")


def test_progress_is_a_callback_with_growing_numbers() -> None:
    seen: list[Progress] = []
    searched(progress=seen.append)
    children = [progress.children for progress in seen]
    assert children == sorted(children)
    assert (seen[-1].children, seen[-1].total) == (13, 13)
    assert {"searching", "comparing with the baselines"} <= {progress.phase for progress in seen}


@pytest.mark.usefixtures("own_extensions")
def test_a_problem_of_a_run_is_a_warning_and_an_announcement_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("no space")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runner, "write_report", fail)
    Path("announced.py").write_text("")  # its import is announced
    for progress in (False, print):
        with pytest.warns(UserWarning, match="no report was written: OSError: no space") as seen:
            searched(children=1, settings=SMALL | {"search.plugins": ["announced"]}, progress=progress)
        assert len(seen) == 1


def test_a_search_is_stopped_from_outside_and_resumed(run: optsearch.Run, tmp_path: Path) -> None:
    stop = threading.Event()

    def watch(progress: Progress) -> None:
        if progress.children >= 5:
            stop.set()

    stopped = searched(out=tmp_path / "run", progress=watch, stop=stop)
    assert not stopped.complete
    assert 5 <= stopped.statistics["children"] < 13
    assert optsearch.resume(tmp_path / "run").digest == run.digest


def test_an_interrupted_cell_keeps_what_was_recorded(run: optsearch.Run, tmp_path: Path) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.children >= 5:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted; `optsearch.resume"):
        kept = searched(out=tmp_path / "run", progress=interrupt)
    assert kept.statistics["children"] >= 5
    assert kept.best.fitness < 10
    assert optsearch.resume(kept.folder).digest == run.digest


def test_searches_in_threads_are_what_they_are_alone_and_install_no_signal_handler(run: optsearch.Run) -> None:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda seed: searched(seed=seed), (3, 4)))
    assert found[0].digest == run.digest != found[1].digest
    assert {number: signal.getsignal(number) for number in handlers} == handlers


def test_a_run_can_be_read_while_another_process_searches(run: optsearch.Run) -> None:
    assert optsearch.open(run.folder).digest == run.digest
    with pytest.raises(optsearch.UserError, match="no run folder"):
        optsearch.open(run.folder / "elsewhere")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"program": "adamww"}, "did you mean `adamw`"),
        ({"tasks": ["digts"]}, "digts"),
        ({"children": 0}, "`search.children`"),
        ({"settings": {"search.childern": 5}}, "did you mean `children`"),
        ({"config": "nowhere.yaml"}, "there is no config"),
        ({"workers": -1}, "workers.count"),
    ],
)
def test_a_mistake_is_one_sentence(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(optsearch.UserError, match=message) as error:
        optsearch.search(**arguments)
    assert "\n" not in str(error.value)


@pytest.mark.usefixtures("own_extensions")
def test_a_registered_mutation_is_used_recorded_and_needed_to_resume(tmp_path: Path) -> None:
    @optsearch.mutation(rate=2.0)
    def halve_a_constant(program: optsearch.Program, rng: Any) -> optsearch.Program | None:
        values = [value for *_, value in program.constants()]
        return program.with_constants([value / 2 for value in values]) if values else None

    found = searched(out=tmp_path / "run", children=30)
    assert {row.mutation for row in found.candidates} > {"halve_a_constant"}
    assert found.config["search"]["mutations"]["halve_a_constant"] == 2.0
    del mutation.MUTATIONS["halve_a_constant"]
    del names.REGISTERED_MUTATIONS["halve_a_constant"]
    with pytest.raises(optsearch.UserError, match="unknown mutation `halve_a_constant`"):
        optsearch.resume(tmp_path / "run")
    with pytest.raises(optsearch.UserError, match="the name of mutation `insert` is taken"):
        optsearch.mutation()(_named_insert())


def _named_insert() -> Any:
    def insert(program: optsearch.Program, rng: Any) -> None:
        return None

    return insert


@pytest.mark.usefixtures("own_extensions")
def test_a_registered_algorithm_proposes_what_is_scored() -> None:
    @optsearch.algorithm("smaller_rates")
    class SmallerRates:
        def __init__(self, start: optsearch.Program, config: optsearch.Config) -> None:
            self.start, self.taken = start, 0

        def propose(self, number: int, rng: Any) -> optsearch.Proposal:
            *others, rate = (value for *_, value in self.start.constants())
            return optsearch.Proposal(0, "smaller", self.start.with_constants([*others, rate / (1 + number)]))

        def take(self, entry: optsearch.HistoryEntry) -> None:
            self.taken += 1

    found = searched(children=4, settings=SMALL | {"search.algorithm": "smaller_rates"})
    assert [row.mutation for row in found.candidates] == ["start", *["smaller"] * 4]
    assert len({row.hash for row in found.candidates}) == 5


@pytest.mark.usefixtures("own_extensions")
def test_a_registered_primitive_is_parsed_mutated_and_exported() -> None:
    @optsearch.primitive(odd=True, code="{0} / (1 + xp.abs({0}))")
    def softsign_of_a_test(x: Any) -> Any:
        return x / (1 + abs(x))

    text = "def train(w, g, m, v, lr):\n    update = softsign_of_a_test(g)\n    return update, m, v"
    assert "abs" in optsearch.export(text, to="python")
    with pytest.raises(optsearch.UserError, match="unknown property `odd_`; did you mean `odd`"):
        optsearch.primitive(odd_=True)


@optsearch.task("least-squares", batch=16, steps=20, trials=3)
def least_squares(rng: Any) -> Any:
    x = rng.normal(size=(300, 4)).astype(np.float32)
    y = x @ np.ones((4, 1), np.float32) + rng.normal(size=(300, 1)).astype(np.float32)

    def initialise(rng: Any) -> Any:
        return {"a": rng.normal(size=(4, 1)).astype(np.float32), "b": np.zeros((1, 1), np.float32)}

    def loss(parameters: Any, rows: Any) -> Any:
        return ((rows["x"] @ parameters["a"] + parameters["b"] - rows["y"]) ** 2).mean()

    return initialise, loss, {"x": x, "y": y}


def test_a_decorated_function_is_a_task_whose_baselines_are_tuned_first() -> None:
    found = searched(tasks=[least_squares], children=3)
    assert found.config["tasks"][0]["name"] == "least-squares"
    assert found.config["tasks"][0]["tuned"]["noise"] > 0
    assert list(found.summary["tasks"]) == ["least-squares"]
    with pytest.raises(optsearch.UserError, match=r"needs the decorator `optsearch\.task`"):
        optsearch.search(tasks=[print])


def test_scores_are_beside_tuned_adamw_on_seeds_that_no_search_uses() -> None:
    rows = optsearch.score(["lion", builtin("sgd")], seeds=2)
    assert [(row.program, row.task, len(row.per_seed)) for row in rows] == [
        ("lion", "digits", 2),
        ("program 1", "digits", 2),
    ]


def test_a_champion_is_taken_away_as_optax(run: optsearch.Run) -> None:
    import jax.numpy as jnp

    tx = run.best.to_optax()
    params = {"a": jnp.ones(3)}
    updates, _ = tx.update({"a": jnp.ones(3)}, tx.init(params), params)
    assert json.dumps(updates["a"].tolist())
