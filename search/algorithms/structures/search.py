"""The algorithm `structures`: generations of children that go through the stages as a batch.

Children are bred from the cells at the beginning of their generation, with random numbers keyed by (seed, repeat,
number of the child), and their scores are losses of trials. The history therefore depends on neither the number of
workers nor the order in which they finish. A run that was killed breeds the same children again, and finds their trials
in the journal.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from primitives import Primitive, Program, live_part
from proxy_tasks import Status, Task
from search.algorithms.structures.candidates import Bred
from search.algorithms.structures.cells import Front, Incumbent
from search.algorithms.structures.climbing import side_by_side
from search.algorithms.structures.identity import structure_of
from search.algorithms.structures.measures import Measures
from search.algorithms.structures.offspring import Helpers, NoHelpers, Nursery, Simplification, bred_by
from search.algorithms.structures.pruning import pruned
from search.algorithms.structures.replay import Replay
from search.algorithms.structures.stages import Stages
from search.engine import Record
from search.settings import StructureSettings
from selection import Work
from simplify import SEARCH, simplify

_REPEATS = 10  # distance of the numbers of two repeats, which select their training seeds

Waits = Mapping[int, Callable[[], Program]]  # functions that wait for an answer, by number of a candidate


class _Seen(NamedTuple):
    """Candidates of one structure: number of the first, how many were evaluated, generation of the last."""

    first: int
    tries: int = 1
    generation: int = 0


class StructureSearch:
    """The search of one repeat.

    Args:
        settings: settings of the algorithm.
        tasks: tasks on which candidates are trained; each needs a tuned baseline.
        prices: added to a fitness for each live statement and each live state slot.
        primitives: functions that may be inserted.
        key: seed and repeat.
        children: number of candidates after which no generation begins; none begins after one without candidates
            either.
        helpers: processes that breed and simplify children; `None` for this process.

    Attributes:
        front: the incumbents.
    """

    def __init__(
        self,
        settings: StructureSettings,
        *,
        tasks: Sequence[Task],
        prices: tuple[float, float],
        primitives: Sequence[Primitive],
        key: tuple[int, int],
        children: int,
        helpers: Helpers | None = None,
    ) -> None:
        self._settings, self._tasks, self._key, self._children = settings, tuple(tasks), key, children
        self._helpers = helpers or NoHelpers(Nursery(settings, primitives))
        self._measures = Measures(tasks, settings, prices, key[0] + _REPEATS * key[1])
        self.front = Front(settings.reach, settings.shared, settings.cells)
        self._stages = Stages(settings, self._measures, self.front, key)
        self._seen: dict[str, _Seen] = {}  # by structure
        self._bred = self._generation_number = 0
        self._replay: Replay | None = None

    def run(
        self, start: Program, record: Callable[[Sequence[Record]], None], stopped: Callable[[], bool]
    ) -> Work[bool]:
        """The search as a generator that yields trials and receives their losses (`selection.Work`).

        Args:
            start: the starting program.
            record: called with the candidates of each generation, in order of number.
            stopped: called before each batch of trials; returns whether to stop.

        Returns:
            Whether the search is complete.
        """
        inner = self._generations(start, record)
        try:
            trials = next(inner)
            while not stopped():
                trials = inner.send((yield trials))
        except StopIteration:
            return True
        return False

    def _generations(self, start: Program, record: Callable[[Sequence[Record]], None]) -> Work[None]:
        settings = self._settings
        if settings.near_twin or settings.descent:
            self._replay = Replay(self._tasks[0], start, self._measures.replay_seed)
        first = Bred(self._number(), None, "", live_part(start))
        self._seen[structure_of(first.program)] = _Seen(first.number)
        yield from self._stages.judge(first)
        self.front.enter(first.incumbent())
        record([first.record()])
        while self._bred < self._children:
            self._generation_number += 1
            self._measures.begin(self._generation_number)
            bred = yield from self._generation()
            if settings.rotate_every and self._generation_number % settings.rotate_every == 0:
                yield from self._rotate()
            record([candidate.record() for candidate in bred])
            if not bred:  # nor would the next generation have any
                return

    def _generation(self) -> Work[list[Bred]]:
        """Breed, score and admit a generation; returns its candidates in order of number."""
        bred = self._litter()
        going = [child for child in bred if child.going]
        forms = self._simplifications(going)  # helpers simplify during the look
        going = yield from self._stages.run(going, self._stages.look)
        going = [child for child in going if self._simplified(child, forms)]
        for stage in (self._stages.short, self._stages.whole, self._stages.judgement):
            going = yield from self._stages.run(going, stage)
        admitted = self._admitted(going)
        if self._settings.prune:
            bred += yield from self._pruned(admitted)
        bred += yield from self._refined()
        return bred

    def _number(self) -> int:
        self._bred += 1
        return self._bred - 1

    def _litter(self) -> list[Bred]:
        """Breed the children of a generation, and drop those that need not be trained."""
        numbers, ranked = range(self._bred, self._bred + self._settings.generation), self.front.ranked()
        bred: list[Bred] = []
        new: list[tuple[Bred, str]] = []
        for rank, child, structure in bred_by(self._helpers, self.front, self._key, numbers):
            bred.append(Bred(self._number(), ranked[rank], child.operators, child.program, child.dropped))
            if not self._known(bred[-1], structure):
                new.append((bred[-1], structure))
        self._drop_before_training([candidate for candidate, _ in new])
        for candidate, structure in new:
            if not candidate.going:  # its structure was not evaluated
                seen = self._seen[structure]
                self._seen[structure] = seen._replace(tries=seen.tries - 1)
        return bred

    def _known(self, bred: Bred, structure: str) -> bool:
        """Whether a candidate is dropped since it has the structure of an earlier one."""
        now = self._generation_number
        if structure not in self._seen:
            self._seen[structure] = _Seen(bred.number, generation=now)
            return False
        seen = self._seen[structure]
        again = seen.tries <= self._settings.retries and seen.generation < now
        if again and bred.parent is not None and structure != structure_of(bred.parent.program):
            self._seen[structure] = _Seen(seen.first, seen.tries + 1, now)
            return False
        bred.duplicate(seen.first, "structure", f"the structure of candidate {seen.first}")
        return True

    def _drop_before_training(self, children: Sequence[Bred]) -> None:
        """Drop children that are too long, near twins of their parents, or do not descend."""
        for child in children:
            if child.length > self._settings.longest:
                child.drop(f"longer than {self._settings.longest} statements", Status.UNSOUND)
        if self._replay is None:
            return
        replayed = [child for child in children if child.going]
        parents = [child.parent.program for child in replayed if child.parent and _may_be_twin(child)]
        self._replay.prepare([*(child.program for child in replayed), *parents])
        for child in replayed:
            self._drop_replayed(child, self._replay)

    def _drop_replayed(self, child: Bred, replay: Replay) -> None:
        settings, parent = self._settings, child.parent
        assert parent is not None
        if settings.descent and not replay.descends(child.program):
            child.drop("replay: its updates are not finite, or do not descend", Status.UNSOUND)
        elif _may_be_twin(child) and replay.residual(child.program, parent.program) < settings.near_twin:
            child.duplicate(parent.number, "replay", "replay: a near twin of its parent")

    def _simplifications(self, candidates: Sequence[Bred]) -> Waits:
        """Ask for the simplified forms of candidates."""
        if not self._settings.simplify:
            return {}
        return {candidate.number: self._helpers.ask(Simplification(candidate.program)) for candidate in candidates}

    def _simplified(self, bred: Bred, forms: Waits) -> bool:
        """Replace a candidate by its simplified form; returns whether it has a new structure."""
        if bred.number not in forms:
            return True
        simple = forms[bred.number]()
        if not simple.statements:
            bred.drop("its update is constant", Status.UNSOUND)
        elif simple != bred.program:
            before, after = structure_of(bred.program), structure_of(simple)
            bred.program = simple
            if after != before:
                self._known(bred, after)
        return bred.going

    def _admitted(self, candidates: Sequence[Bred]) -> list[Bred]:
        """Admit candidates to their cells, in order of number; returns those that were admitted."""
        admitted = []
        for candidate in candidates:
            if self.front.beats(candidate.program, candidate.fitness):
                self.front.enter(candidate.incumbent())
                admitted.append(candidate)
            else:
                candidate.drop("judged: no better than the incumbent of its cell")
        return admitted

    def _pruned(self, admitted: Sequence[Bred]) -> Work[list[Bred]]:
        """Prune admitted programs; returns shorter ones as candidates."""
        block = self._stages.blocks - 1
        works = [pruned(candidate.program, self._measures, block) for candidate in admitted]
        programs = yield from side_by_side(works)
        shorter = []
        for candidate, program in zip(admitted, programs, strict=True):
            if program == candidate.program:
                continue
            bred = Bred(self._number(), candidate.incumbent(), "pruned", program, trials=candidate.trials)
            if self._settings.simplify:
                bred.program = live_part(simplify(program, SEARCH).program)
            self._seen.setdefault(structure_of(bred.program), _Seen(bred.number, generation=self._generation_number))
            shorter.append(bred)
        yield from self._stages.run(shorter, self._stages.judgement)
        self._admitted([candidate for candidate in shorter if candidate.going])
        return shorter

    def _refined(self) -> Work[list[Bred]]:
        """Tune the constants of some incumbents further; returns improved ones as candidates."""
        chosen = self.front.to_refine(self._settings.refined_most, self._settings.refined_first)[
            : self._settings.refined
        ]
        candidates = [
            Bred(self._number(), incumbent, "refined", incumbent.program, trials=incumbent.trials)
            for incumbent in chosen
        ]
        going = yield from self._stages.run(candidates, self._stages.refine)
        self._admitted(going)
        for incumbent, candidate in zip(chosen, candidates, strict=True):
            for cell, held in self.front.cells.items():
                if held is incumbent:
                    self.front.cells[cell] = replace(held, trials=candidate.trials)
        return candidates

    def _rotate(self) -> Work[None]:
        """Judge the incumbents within reach on further fresh seeds.

        Their fitness becomes the mean over all judging seeds. The other incumbents keep their fitness and their cells.
        """
        self._stages.blocks += 1
        while held := [held for held in self.front.ranked() if len(held.judged) < self._stages.blocks]:
            for incumbent in (yield from side_by_side([*map(self._judged_on_all, held)])):
                self.front.enter(incumbent)  # if the best one becomes worse, others come within reach

    def _judged_on_all(self, incumbent: Incumbent) -> Work[Incumbent]:
        """An incumbent with its values on all blocks of judging seeds; those that it lacks are measured."""
        lacking = range(len(incumbent.judged), self._stages.blocks)
        found = yield from side_by_side([self._measures.judged(incumbent.program, block) for block in lacking])
        judged = (*incumbent.judged, *found)
        return replace(incumbent, judged=judged, fitness=self._measures.fitness(incumbent.program, judged))


def _may_be_twin(child: Bred) -> bool:
    """Whether a child is dropped if it is a near twin of its parent; a shorter one is an improvement."""
    return child.parent is not None and child.length >= len(child.parent.program.statements)
