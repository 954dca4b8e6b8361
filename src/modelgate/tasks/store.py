"""What the tasks room needs kept."""

from typing import Protocol

from modelgate.core.money import Book
from modelgate.core.records import Task


class Tasks(Protocol):
    """Durable tasks and the money held for them. Each method is one transaction; times are seconds since the epoch.

    Every write compares the version the task was read with; None as an answer means that somebody else moved or finished
    it meanwhile, and that nothing was written.
    """

    async def get(self, task_id: str, *, account: str | None = None) -> Task | None:
        """Return a task; with `account`, another account's is absent."""
        ...

    async def claim(self, task_id: str, *, now: float, lease_until: float) -> Task | None:
        """Lease one task to this process. None: it has ended, or somebody else holds it now."""
        ...

    async def save(self, task: Task, *, lease_until: float | None = None) -> Task | None:
        """Save an unfinished task; keep the lease until then, or give it up (None), due at its `due_at`."""
        ...

    async def finish(self, task: Task, *, captured_nanos: int) -> Task | None:
        """End a task and its hold: what is captured is charged, the rest goes back. An event is left for webhooks."""
        ...


class TaskDesk(Tasks, Protocol):
    """What those who take tasks in and show them need kept."""

    async def insert(self, task: Task, *, period: str, limit_nanos: int | None, lease_until: float) -> Task:
        """Queue a task, hold its money and lease it to this process.

        Raises:
            BalanceExhausted, LimitExhausted: the money is not there, and that is final.
            Overloaded: whether it is there could not be found out in time.
        """
        ...

    async def find_output(self, vendor_id: str, *, account: str, book: Book) -> Task | None:
        """Return the account's succeeded task with a result that its vendor calls so; the newest of several."""
        ...

    async def list_of(self, account: str, *, book: Book, limit: int, before: Task | None = None) -> list[Task]:
        """Return an account's tasks in one book, newest first; `before` is the last one of the page before."""
        ...


class TaskStore(Tasks, Protocol):
    """What those who move tasks need kept."""

    async def claim_due(self, *, now: float, limit: int, lease_until: float) -> list[Task]:
        """Lease the tasks that are due to this process, soonest first; their versions rise."""
        ...

    async def free_leases(self, *, before: float) -> int:
        """Make what this process's predecessor leased before that time due at once; return how many that were."""
        ...

    async def next_wake(self) -> float | None:
        """Return when the next unfinished task may be claimed; None: there is none."""
        ...

    async def begin_submit(self, task: Task, *, lease_until: float, max_concurrent: int) -> Task | None:
        """Save a task that is about to be submitted, if its upstream has room for its weight (`max_concurrent` 0: no bound).

        Raises:
            Overloaded: no room; nothing was written.
        """
        ...

    async def postpone(self, task: Task) -> Task | None:
        """Give the lease of a task up that has not changed, due at its `due_at`. Cheaper than `save`: many share a transaction."""
        ...
