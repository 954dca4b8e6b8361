"""Rows that are for looking at: what the desk refused is written once a second, and what is old enough goes, a little at a time."""

import asyncio
from collections.abc import Callable, Mapping

import structlog
from sqlalchemy.exc import SQLAlchemyError

from modelgate.app.journals import one_line
from modelgate.app.operator_settings import OPERATOR_SETTINGS
from modelgate.core.clock import Clock
from modelgate.gateway.refusals import RefusalLog
from modelgate.storage.database import Database, DatabaseAway
from modelgate.storage.refusals import keep_refusals, remove_refusals
from modelgate.storage.retention import remove_deliveries, remove_tasks

KEEP_S = 1.0
REMOVE_S = 60.0
MAX_STEPS_AT_ONCE = 20
"""Transactions of one round; what is left waits for the next."""
PAUSE_S = 0.05
SECONDS_PER_DAY = 86_400

_log = structlog.get_logger("desk")


class RowKeeper:
    """One for each desk; several at once do no harm."""

    def __init__(self, database: Database, *, refusals: RefusalLog, settings: Callable[[], Mapping[str, str]], clock: Clock) -> None:
        """`settings` gives the operator's, as they are now."""
        self._database = database
        self._refusals = refusals
        self._settings = settings
        self._clock = clock
        self._next_removal = 0.0

    async def run(self) -> None:
        """Keep and remove, until cancelled."""
        while True:
            await asyncio.sleep(KEEP_S)
            try:
                await self.keep()
                if self._clock() >= self._next_removal:
                    self._next_removal = self._clock() + REMOVE_S
                    await self.remove()
            except DatabaseAway:  # what was refused meanwhile is lost, what is old stays a while
                continue
            except SQLAlchemyError as error:
                _log.error("rows_not_kept", error=one_line(error))

    async def keep(self) -> None:
        """Write what was refused."""
        if refused := self._refusals.take():
            await self._database.call(keep_refusals, refused)

    async def remove(self) -> None:
        """Take a round at everything that has an age."""
        for name, remove in (("refusals", remove_refusals), ("deliveries", remove_deliveries), ("tasks", remove_tasks)):
            before_ms = self._before_ms(f"keep_{name}_days")
            removed = 0
            for _ in range(MAX_STEPS_AT_ONCE):
                step = await self._database.call(remove, before_ms=before_ms)
                if not step:
                    break
                removed += step
                await asyncio.sleep(PAUSE_S)  # others write too
            if removed:
                _log.info("rows_removed", what=name, rows=removed)

    def _before_ms(self, name: str) -> int:
        """Return the time before which rows go by a setting; 0: none do."""
        days = int(self._settings().get(name, OPERATOR_SETTINGS[name].default))
        return int((self._clock() - days * SECONDS_PER_DAY) * 1000) if days else 0
