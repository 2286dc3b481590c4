"""The engine: a pure state machine that proposes numbered candidates and records their scores.

`ask()` returns the next candidate to be evaluated, `tell(number, score)` returns its score to the engine, and
`recorded()` returns the candidates that have become final, in order of number. The engine does not use files, processes
or clocks. An algorithm (`search.algorithms`) proposes the programs; order, hurdles and duplicates are the same for all
algorithms.

The history is the same at any parallelism. The algorithm proposes child i after children 0 … i − W have been recorded,
where W is the in-flight window, and its random numbers are keyed by (seed, repeat, i). Scores may arrive in any order
and are recorded in order of number. The window affects the history; the number of workers affects only the run time.

A candidate that computes the same function as an earlier candidate is not evaluated, but has the score of the earlier
one. Equal functional hashes prove that two programs compute the same function; equal updates on fixed inputs
(`search.engine.duplicates`) are strong evidence. Children are drafted ahead, so that their updates on these inputs are
computed together.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from primitives import Program, UserError, functional_hash, live
from proxy_tasks import Heights, Score
from search.engine.candidate import START, Algorithm, Candidate, HistoryEntry, Proposal, Record
from search.engine.duplicates import Twins
from search.engine.hurdle import Hurdle
from search.engine.randomness import Draws

_FLOAT32 = "<f4"
_HITS_AT_ONCE = 256  # successive duplicates after which `ask` returns, so that they can be recorded
_AHEAD = 64  # largest number of drafts, whose signatures are computed together

Look = Callable[[], np.ndarray]
Probe = Callable[[Sequence[Program]], Sequence[Look]]


class _Draft(NamedTuple):
    """A proposed child that has not been checked for duplicates yet.

    Attributes:
        proposal: the proposal of the algorithm.
        parent: number of its parent; `None` for the starting program.
        hurdle: the hurdles at the time of the proposal.
        hash: functional hash.
        key: the hash in bytes.
        look: returns the signature; `None` if the hash is already known or probes are disabled.
    """

    proposal: Proposal
    parent: int | None
    hurdle: Heights
    hash: str
    key: bytes
    look: Look | None = None


class Engine:
    """The history of one repeat.

    Args:
        algorithm: proposes programs.
        start: the starting program.
        hurdles: the hurdle on the first seeds, and one for each later stage of a race; updated with every accepted
            score.
        seed: key of the random numbers.
        window: in-flight window W, in candidates.
        children: largest number of children.
        evaluations: largest number of evaluated candidates; `None`: the number of children is the only limit.
        probe: starts the computation of signatures, which find duplicates with different hashes; `None`: hashes only.
    """

    def __init__(
        self,
        algorithm: Algorithm,
        start: Program,
        *,
        hurdles: Sequence[Hurdle],
        seed: tuple[int, ...],
        window: int,
        children: int,
        evaluations: int | None = None,
        probe: Probe | None = None,
    ) -> None:
        self._algorithm, self._start, self._hurdles = algorithm, start, hurdles
        self._seed, self._window, self._probe = seed, window, probe
        self._most = children + 1
        self._most_evaluated = evaluations or self._most
        self._drafts: deque[_Draft] = deque()  # drafts of the next candidates
        self._drafted: set[bytes] = set()  # their hashes
        self._bred = 0  # number of bred candidates
        self._evaluated = 0  # number of bred candidates that need an evaluation
        self._finished = 0  # candidates whose score is final
        self._numbers: dict[bytes, int] = {}  # hash -> number of the candidate that was evaluated for it
        self._twins = Twins()
        self._scores: dict[int, Score] = {}  # final scores of evaluated candidates, without losses
        self._waiting: dict[int, Candidate] = {}  # bred, not final
        self._told: dict[int, Score] = {}
        self._untaken: deque[HistoryEntry] = deque()  # final candidates that the algorithm has not received yet
        self._taken = 0
        self._records: list[Record] = []
        self._pause: float = math.inf

    @property
    def paused(self) -> bool:
        """Whether all candidates before the number given to `pause_at` are recorded and the search is not done."""
        return self._finished == self._bred >= self._pause and self._more()

    @property
    def recorded_count(self) -> int:
        """Number of final candidates."""
        return self._finished

    def pause_at(self, number: float) -> None:
        """Breed no candidate with this or a higher number until the next call; the history does not change."""
        self._pause = number

    def end(self) -> None:
        """Breed no further candidates."""
        self._most = self._bred

    @property
    def done(self) -> bool:
        """Whether every candidate has been recorded."""
        return self._finished == self._bred and not self._more()

    def ask(self) -> Candidate | None:
        """The next candidate to be evaluated; `None` if others must be scored or recorded first, or at the end."""
        for _ in range(_HITS_AT_ONCE):
            if not self._more() or self._bred >= self._pause:
                return None
            if len(self._drafts) <= min(_AHEAD, self._window) // 2:
                self._draft()
            if not self._drafts:
                return None
            candidate = self._candidate(self._drafts.popleft())
            self._bred += 1
            self._waiting[candidate.number] = candidate
            if candidate.same_as is None:
                self._evaluated += 1
                return candidate
            self._advance()
        return None

    def tell(self, number: int, score: Score) -> None:
        """Receive the score of a candidate that `ask` returned; a second score for the same number is ignored."""
        if number in self._waiting and self._waiting[number].same_as is None:
            self._told.setdefault(number, score)
            self._advance()

    def recorded(self) -> list[Record]:
        """Candidates that became final since the last call, in order of number."""
        records, self._records = self._records, []
        return records

    def restore(self, history: Iterable[HistoryEntry]) -> None:
        """Restore a recorded history, in order of number from 0.

        Raises:
            UserError: a candidate is missing.
        """
        for entry in history:
            if entry.number != self._finished:
                raise UserError(f"the journal has lost candidate {self._finished} of repeat {self._seed[-1]}")
            self._bred = entry.number + 1
            self._numbers.setdefault(
                bytes.fromhex(entry.hash), entry.number if entry.same_as is None else entry.same_as
            )
            if entry.same_as is None:
                self._evaluated += 1
                self._scores[entry.number] = Score(
                    entry.status, entry.fitness, entry.first_fitness, entry.reason, later=entry.later
                )
                if entry.probe is not None:
                    self._twins.add(entry.number, np.frombuffer(entry.probe, _FLOAT32))
            self._finish(entry)
            self._show(entry.number - self._window + 1)

    def _more(self) -> bool:
        """Whether further candidates may be bred."""
        return self._bred < self._most and self._evaluated < self._most_evaluated

    def _draft(self) -> None:
        """Draft children while there is room.

        Child i is drafted only if the starting program and children 0 … i − W are final.
        """
        fresh: list[_Draft] = []
        for number in range(self._bred + len(self._drafts), min(self._bred + _AHEAD, self._most)):
            if number and self._finished <= max(0, number - self._window):
                break
            fresh.append(self._proposed(number))
        if self._probe is None:
            self._drafts.extend(fresh)
            return
        unknown: dict[bytes, Program] = {}
        for draft in fresh:
            if draft.key not in self._numbers and draft.key not in self._drafted:
                unknown.setdefault(draft.key, draft.proposal.program)
        self._drafted.update(unknown)
        looks = dict(zip(unknown, self._probe(list(unknown.values())), strict=True)) if unknown else {}
        self._drafts.extend(draft._replace(look=looks.pop(draft.key, None)) for draft in fresh)

    def _proposed(self, number: int) -> _Draft:
        parent: int | None = None
        heights: Heights = math.inf
        if number == 0:
            proposal = Proposal(0, START, self._start)
        else:
            self._show(max(1, number - self._window + 1))
            proposal = self._algorithm.propose(number, Draws(*self._seed, number))
            parent, heights = proposal.parent, [hurdle.height for hurdle in self._hurdles]
        digest = functional_hash(proposal.program)
        return _Draft(proposal, parent, heights, digest, bytes.fromhex(digest))

    def _candidate(self, draft: _Draft) -> Candidate:
        number, program = self._bred, draft.proposal.program
        same_as, matched, probe = self._numbers.get(draft.key), "hash", None
        if same_as is None and draft.look is not None:
            probe = draft.look()
            same_as, matched = self._twins.find(probe), "probe"
        if same_as is None:
            matched = ""
            if probe is not None:
                self._twins.add(number, probe)
        self._numbers.setdefault(draft.key, number if same_as is None else same_as)
        self._drafted.discard(draft.key)
        return Candidate(
            number=number,
            parent=draft.parent,
            mutation=draft.proposal.mutation,
            program=program,
            hash=draft.hash,
            live=len(live(program).lines),
            hurdle=draft.hurdle,
            same_as=same_as,
            matched=matched,
            dropped=draft.proposal.dropped,
            restarts=draft.proposal.restarts,
            probe=probe.astype(_FLOAT32).tobytes() if same_as is None and probe is not None else None,
        )

    def _advance(self) -> None:
        """Make candidates final in order of number, up to the first one without a score."""
        while self._finished in self._waiting:
            candidate = self._waiting[self._finished]
            if candidate.same_as is not None:
                score = self._scores[candidate.same_as]
            elif candidate.number in self._told:
                score = self._told.pop(candidate.number)
                self._scores[candidate.number] = replace(score, losses={})
            else:
                return
            del self._waiting[candidate.number]
            self._records.append(Record(candidate, score))
            self._finish(self._records[-1].entry)

    def _finish(self, entry: HistoryEntry) -> None:
        self._untaken.append(entry)
        self._finished += 1

    def _show(self, count: int) -> None:
        """Pass candidates 0 … count − 1 to the algorithm."""
        while self._taken < count:
            entry = self._untaken.popleft()
            self._taken += 1
            if entry.accepted:
                for place, hurdle in enumerate(self._hurdles):
                    hurdle.add(entry.reached(place))
            self._algorithm.take(entry)
