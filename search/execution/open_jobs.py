"""Jobs without an answer, each with the number of workers that have it or will have it: two if there is a copy."""

from collections.abc import Iterable

from search.execution.messages import Outcome, Parcel


class OpenJobs:
    """Counts workers by job."""

    def __init__(self) -> None:
        self._workers: dict[object, int] = {}

    def add(self, parcels: Iterable[Parcel]) -> None:
        """Add new jobs."""
        self._workers |= {parcel.key: 1 for parcel in parcels}

    def single(self, parcels: Iterable[Parcel]) -> list[Parcel]:
        """The jobs among these that one worker has."""
        return [parcel for parcel in parcels if self._workers.get(parcel.key) == 1]

    def copied(self, parcels: Iterable[Parcel]) -> None:
        """Note that another worker gets these jobs."""
        self._workers |= {parcel.key: 2 for parcel in parcels}

    def first(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """The outcomes of jobs that had none yet; these jobs are no longer open."""
        return [outcome for outcome in outcomes if self._workers.pop(outcome.key, None) is not None]

    def lost(self, parcels: Iterable[Parcel]) -> list[Parcel]:
        """The jobs of a lost batch that have to be sent again, since no other worker has them."""
        again = []
        for parcel in parcels:
            workers = self._workers.get(parcel.key)
            if workers == 1:
                again.append(parcel)
            elif workers is not None:
                self._workers[parcel.key] = workers - 1
        return again
