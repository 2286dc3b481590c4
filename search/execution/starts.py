"""Failed starts of workers.

Workers that die together while they start have one cause, such as the loss of their host. A death therefore counts only
if the worker was started after the last one that counted. After five failures in a row the run ends if no worker is
ready. Otherwise further replacements are started after a pause, since no worker may be able to start on some host.
"""

from primitives import UserError
from search.execution.executor import WorkersLostError
from search.execution.faults import Effect, Fault, cause
from search.execution.member import Member

_MOST = 5  # failures in a row after which the run ends, or pauses begin
_PAUSE = 60.0  # seconds; a worker starts within seconds, or a minute on busy cores


class FailedStarts:
    """Counts successive failures.

    Attributes:
        counted: number of failures that were counted, in a row or not.
    """

    def __init__(self) -> None:
        self.counted = 0
        self._in_a_row = 0
        self._ever_ready = False

    @property
    def pause(self) -> float:
        """Seconds until a worker that failed to start is replaced."""
        return _PAUSE if self._in_a_row >= _MOST else 0.0

    def ready(self) -> None:
        """Note that a worker is ready."""
        self._in_a_row, self._ever_ready = 0, True

    def died(self, member: Member, fault: Fault, error: Exception, *, host: str, workers: int, others: bool) -> None:
        """Count a worker that died before it was ready.

        Args:
            member: the worker.
            fault: the row of the table for the exception.
            error: the exception of Ray.
            host: host of the worker.
            workers: number of workers, for the message.
            others: whether another worker is ready.

        Raises:
            UserError: the worker cannot import a package, or no worker has started.
            WorkersLostError: no worker can be started any more.
        """
        reason = cause(error)
        if "ModuleNotFoundError" in reason or "ImportError" in reason:
            remedy = "install the same version of optsearch there as on the driver"
            raise UserError(f"a worker on {host} cannot import a package ({reason}); {remedy}")
        if member.failures_before == self.counted:
            self._count(
                f"died while they started ({reason if fault.effect is Effect.BLAME else f'{host} {fault.words}'}); "
                f"check the memory for {workers} workers (`workers.count`), and `workers.memory_limit`",
                others,
            )

    def late(self, limit: float, *, others: bool) -> None:
        """Count a worker that was not ready after `limit` seconds; see `died` for `others` and the errors."""
        self._count(
            f"had not started after {limit:g} s; check whether a plugin or a custom task blocks, "
            f"and whether the data can be read on that machine",
            others,
        )

    def _count(self, how: str, others: bool) -> None:
        self.counted += 1
        self._in_a_row += 1
        if self._in_a_row >= _MOST and not others:
            raise (WorkersLostError if self._ever_ready else UserError)(f"{_MOST} workers in a row {how}")
