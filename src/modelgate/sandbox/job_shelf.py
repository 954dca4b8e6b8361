"""The jobs of a make-believe vendor in memory: bounded, oldest first, each told to whoever keeps them on disk."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, Protocol, TypeVar

MAX_JOBS = 5_000
"""The oldest jobs beyond this many are forgotten, with their files."""


class Job(Protocol):
    """Whatever a vendor keeps of a job."""

    @property
    def id(self) -> str:
        """The vendor's own name for it."""


JobT = TypeVar("JobT", bound=Job)


def stage_of(age_s: float, stages: Iterable[tuple[float, str]], then: str) -> str:
    """Return the word for a job of some age: that of the first stage which lasts beyond it, else the last word."""
    return next((word for until_s, word in stages if age_s < until_s), then)


class JobShelf(Generic[JobT]):
    """Jobs by their id. Putting one there again changes it; a recalled one that was changed is read as it was last."""

    def __init__(self, *, recalled: Iterable[JobT] = (), remember: Callable[[JobT], None] | None = None, most: int = MAX_JOBS) -> None:
        """`recalled` are jobs of an earlier life, oldest first; `remember` is told of each new or changed one; `most` are kept."""
        self._jobs: OrderedDict[str, JobT] = OrderedDict((job.id, job) for job in recalled)
        self._remember = remember
        self._most = most

    def put(self, job: JobT) -> None:
        """Keep a job, told to `remember` first."""
        if self._remember is not None:
            self._remember(job)
        self._jobs[job.id] = job
        if len(self._jobs) > self._most:
            self._jobs.popitem(last=False)

    def get(self, job_id: str) -> JobT | None:
        """Return a job, None when there is none of that id."""
        return self._jobs.get(job_id)

    def youngest_first(self) -> Iterator[JobT]:
        """Yield all jobs, the youngest first."""
        return reversed(self._jobs.values())
