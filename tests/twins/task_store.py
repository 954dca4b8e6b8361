"""A task store in memory, with the money held for the tasks: what the database does, without one."""

from collections.abc import Callable

import msgspec

from modelgate.core.errors import BalanceExhausted, LimitExhausted, Overloaded
from modelgate.core.records import CALLBACK_STATES, TERMINAL_STATES, Delivery, Task

AT_UPSTREAM_STATES = ("submitting", "unknown", "running", "waiting_input")


class MemoryTaskStore:
    """`owner` shares `rows` with the stores of other owners: pass another store as `beside`."""

    def __init__(self, *, owner: str = "desk", balance_nanos: int = 1_000_000, beside: "MemoryTaskStore | None" = None) -> None:
        self.owner = owner
        self.rows: dict[str, tuple[Task, str, float]] = beside.rows if beside else {}
        self.balances: dict[str, int] = beside.balances if beside else {}
        self.holds: dict[str, int] = beside.holds if beside else {}
        self.charged: dict[str, int] = beside.charged if beside else {}
        self.events: list[tuple[str, str, int]] = beside.events if beside else []
        self.deliveries: dict[str, Delivery] = beside.deliveries if beside else {}
        self.start_nanos = balance_nanos
        self.at_point: Callable[[str], None] = lambda point: None
        """Called before and after every write with its name; may raise to play a crash."""

    async def insert(self, task: Task, *, period: str, limit_nanos: int | None, lease_until: float) -> Task:
        self.at_point("before insert")
        balance = self.balances.setdefault(task.account, self.start_nanos)
        if limit_nanos is not None and task.amount_nanos > limit_nanos:
            raise LimitExhausted
        if task.amount_nanos > balance:
            raise BalanceExhausted
        self.balances[task.account] -= task.amount_nanos
        if task.amount_nanos:
            self.holds[task.id] = task.amount_nanos
        self.rows[task.id] = (task, self.owner, lease_until)
        self._note_event(task)
        self.at_point("after insert")
        return task

    async def get(self, task_id: str, *, account: str | None = None) -> Task | None:
        found = self.rows.get(task_id)
        return found[0] if found and account in (None, found[0].account) else None

    async def find_output(self, vendor_id: str, *, account: str, book: str) -> Task | None:
        found = [
            task
            for task, _, _ in self.rows.values()
            if "\0" not in vendor_id
            and task.account == account
            and task.book == book
            and task.state == "succeeded"
            and any(output.vendor_id == vendor_id for output in task.outputs)
        ]
        return max(found, key=lambda task: task.created_at, default=None)

    async def list_of(self, account: str, *, book: str, limit: int, before: Task | None = None) -> list[Task]:
        tasks = sorted(
            (task for task, _, _ in self.rows.values() if task.account == account and task.book == book),
            key=lambda t: (t.created_at, t.id),
            reverse=True,
        )
        return [task for task in tasks if before is None or (task.created_at, task.id) < (before.created_at, before.id)][:limit]

    async def claim_due(self, *, now: float, limit: int, lease_until: float) -> list[Task]:
        self.at_point("before claim")
        due = sorted((wake_at, task.id) for task, _, wake_at in self.rows.values() if task.finished_at is None and wake_at <= now)
        claimed = []
        for _, task_id in due[:limit]:
            task = msgspec.structs.replace(self.rows[task_id][0], version=self.rows[task_id][0].version + 1)
            self.rows[task_id] = (task, self.owner, lease_until)
            claimed.append(task)
        self.at_point("after claim")
        return claimed

    async def claim(self, task_id: str, *, now: float, lease_until: float) -> Task | None:
        task, owner, wake_at = self.rows[task_id]
        if task.finished_at is not None or (owner and wake_at > now):
            return None
        claimed = msgspec.structs.replace(task, version=task.version + 1)
        self.rows[task_id] = (claimed, self.owner, lease_until)
        return claimed

    async def free_leases(self, *, before: float) -> int:
        left = [
            task for task, owner, _ in self.rows.values() if owner == self.owner and task.finished_at is None and task.updated_at < before
        ]
        for task in left:
            self.rows[task.id] = (task, "", before)
        return len(left)

    async def wake(self, task_id: str, *, now: float) -> bool:
        if task_id not in self.rows:
            return False
        task, owner, wake_at = self.rows[task_id]
        soon = max(now, task.updated_at + 1.0)
        if task.finished_at is None and task.state in ("unknown", "running") and not owner and wake_at > soon:
            self.rows[task_id] = (task, owner, soon)
        return True

    async def next_wake(self) -> float | None:
        return min((wake_at for task, _, wake_at in self.rows.values() if task.finished_at is None), default=None)

    async def begin_submit(self, task: Task, *, lease_until: float, max_concurrent: int) -> Task | None:
        others = [
            row
            for row, _, _ in self.rows.values()
            if row.upstream == task.upstream and row.id != task.id and row.state in AT_UPSTREAM_STATES
        ]
        taken = sum(row.weight for row in others)
        if max_concurrent and taken and taken + task.weight > max_concurrent:
            raise Overloaded
        return await self.save(task, lease_until=lease_until)

    async def save(self, task: Task, *, lease_until: float | None = None) -> Task | None:
        if task.state in TERMINAL_STATES:
            raise ValueError("a task ends by finish")
        return self._write(task, self.owner if lease_until is not None else "", task.due_at if lease_until is None else lease_until)

    async def postpone(self, task: Task) -> Task | None:
        return self._write(task, "", task.due_at)

    async def finish(self, task: Task, *, captured_nanos: int) -> Task | None:
        if task.state not in TERMINAL_STATES or task.finished_at is None:
            raise ValueError("not an end")
        return self._write(task, "", task.finished_at, captured_nanos=captured_nanos)

    def _write(self, task: Task, owner: str, wake_at: float, *, captured_nanos: int | None = None) -> Task | None:
        self.at_point(f"before {task.state}")
        stored = self.rows[task.id][0] if task.id in self.rows else None
        if stored is None or stored.version != task.version or stored.finished_at is not None:
            return None
        written = msgspec.structs.replace(task, version=task.version + 1)
        self.rows[task.id] = (written, owner, wake_at)
        if stored.state != task.state:
            self._note_event(written)
        if captured_nanos is not None and task.amount_nanos:
            hold = self.holds.pop(task.id)  # a KeyError here is money settled twice
            self.balances[task.account] += hold - captured_nanos
            self.charged[task.id] = captured_nanos
        self.at_point(f"after {task.state}")
        return written

    def _note_event(self, task: Task) -> None:
        self.events.append((task.id, task.state, task.version))
        if not task.callback_url or task.state not in CALLBACK_STATES:
            return
        earlier = max((one for one in self.deliveries.values() if one.task == task.id), key=lambda one: one.version, default=None)
        if earlier is None or (earlier.task_state != task.state and earlier.state != "gone"):
            name, now = f"hook_{task.id.removeprefix('task_')}_{task.version}", task.updated_at
            self.deliveries[name] = Delivery(
                id=name, task=task.id, account=task.account, task_state=task.state, version=task.version, due_at=now, created_at=now
            )
