"""A store of webhook deliveries in memory, over the rows that the twin of the task store leaves: what the database does, without one."""

from collections.abc import Callable
from typing import Any

import msgspec

from modelgate.core.records import CALLBACK_STATES, Delivery

MAX_OF_ACCOUNT = 4
BEHIND_OLDER_S = 1.0


class MemoryWebhookStore:
    """`tasks` is a `MemoryTaskStore`."""

    def __init__(self, tasks: Any) -> None:
        self.rows: dict[str, Delivery] = tasks.deliveries
        self._tasks = tasks
        self.at_point: Callable[[str], None] = lambda point: None
        """Called before and after every write with its name; may raise to play a crash."""

    async def claim_due(self, *, now: float, limit: int, lease_until: float) -> list[Delivery]:
        self.at_point("before claim")
        open_rows = [one for one in self.rows.values() if one.ended_at is None]
        sending = [one for one in open_rows if one.state == "sending" and one.due_at > now]
        of_account = {one.account: sum(other.account == one.account for other in sending) for one in open_rows}
        full = {account for account, count in of_account.items() if count >= MAX_OF_ACCOUNT}
        seen: dict[str, int] = {}
        claimed: list[Delivery] = []
        looked_at = 0
        for one in sorted((one for one in open_rows if one.due_at <= now), key=lambda one: one.due_at):
            seen[one.account] = seen.get(one.account, 0) + 1
            if one.account in full or seen[one.account] > MAX_OF_ACCOUNT or looked_at >= limit:
                continue
            looked_at += 1
            if one.version < max(other.version for other in self.rows.values() if other.task == one.task):
                self.rows[one.id] = msgspec.structs.replace(one, state="skipped", ended_at=now)
            elif any(other.task == one.task for other in sending):
                self.rows[one.id] = msgspec.structs.replace(one, due_at=now + BEHIND_OLDER_S)
            else:
                taken = msgspec.structs.replace(one, state="sending", attempts=one.attempts + 1, due_at=lease_until, sent_at=now)
                self.rows[one.id] = taken
                claimed.append(taken)
        self.at_point("after claim")
        return claimed

    async def settle(self, delivery: Delivery) -> bool:
        self.at_point("before settle")
        stored = self.rows[delivery.id]
        if stored.state != "sending" or stored.attempts != delivery.attempts:
            return False
        self.rows[delivery.id] = delivery
        self.at_point("after settle")
        return True

    async def next_due(self) -> float | None:
        return min((one.due_at for one in self.rows.values() if one.ended_at is None), default=None)

    async def list_of(self, task_id: str) -> list[Delivery]:
        return sorted((one for one in self.rows.values() if one.task == task_id), key=lambda one: one.version, reverse=True)

    async def repeat(self, delivery_id: str, *, now: float) -> Delivery | None:
        stored = self.rows.get(delivery_id)
        if stored is None or (stored.state == "sending" and stored.due_at > now):
            return stored
        task = self._tasks.rows[stored.task][0] if stored.task in self._tasks.rows else None
        told = task.state if task is not None and task.state in CALLBACK_STATES else stored.task_state
        self.rows[delivery_id] = msgspec.structs.replace(stored, state="pending", task_state=told, attempts=0, due_at=now, ended_at=None)
        return self.rows[delivery_id]
