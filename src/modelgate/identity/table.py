"""The keys a relay knows: a bounded table, filled by look-ups at the book and cleared when the book says that keys changed."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable

import msgspec

from modelgate.core.clock import Clock, system_clock
from modelgate.core.errors import InvalidKey, Overloaded
from modelgate.core.records import ApiKey

MAX_KEYS = 50_000
MAX_UNKNOWN = 10_000
"""Digests remembered as nobody's, so that a client with a wrong key does not ask the book at every request."""
UNKNOWN_FOR_S = 5.0
MAX_LOOKUPS = 256
"""Look-ups under way at once; with more, callers with keys not seen before get 503 while known ones go on."""
LOOKUP_RETRY_AFTER_S = 1.0

Lookup = Callable[[str], Awaitable[tuple[ApiKey | None, str, float | None]]]
"""Asks the book about a digest: the key (None: nobody's), its current period, and when that ends (None: never)."""


class Caller(msgspec.Struct, frozen=True):
    """A key and the period it was in when the book was asked; the meter finds the next one. `period_ends_at` None: never."""

    key: ApiKey
    period: str
    period_ends_at: float | None


class KeyTable:
    """Callers by digest. `get` is for the hot path; `find` also asks the book."""

    def __init__(self, lookup: Lookup, *, clock: Clock = system_clock, max_keys: int = MAX_KEYS, max_lookups: int = MAX_LOOKUPS) -> None:
        self._lookup = lookup
        self._clock = clock
        self._max_keys = max_keys
        self._max_lookups = max_lookups
        self._callers: OrderedDict[str, Caller] = OrderedDict()
        self._presented: dict[bytes | None, Caller] = {}
        self._unknown: OrderedDict[str, float] = OrderedDict()  # digest -> until when
        self._lookups: dict[str, asyncio.Task[Caller | None]] = {}
        self.forgotten = 0
        """Times `forget` was called: what was learned of a key before may be older than the change."""

    def __len__(self) -> int:
        return len(self._callers)

    def presented(self, header: bytes | None) -> Caller | None:
        """Return the caller behind the whole header that holds the key, when `remember` was told of it since the last change."""
        return self._presented.get(header)

    def remember(self, header: bytes | None, caller: Caller) -> None:
        """Note whose header that is: looking at the whole value spares a digest for each request."""
        if header is None:
            return
        if len(self._presented) >= self._max_keys:
            self._presented.clear()
        self._presented[header] = caller

    def get(self, digest: str) -> Caller | None:
        """Return the caller when the table knows it, without waiting."""
        caller = self._callers.get(digest)
        if caller is not None:
            self._callers.move_to_end(digest)
        return caller

    async def find(self, digest: str) -> Caller:
        """Return the caller, asking the book when the table does not know it. Callers who ask for the same digest wait together.

        Raises:
            InvalidKey: nobody's key.
            Overloaded: too many look-ups are under way, or whatever the look-up raises when the book does not answer.
        """
        caller = self.get(digest)
        if caller is None and not self._is_known_wrong(digest):
            caller = await asyncio.shield(self._lookup_under_way(digest))
        if caller is None:
            raise InvalidKey
        return caller

    def forget(self, key_ids: Iterable[str] = ()) -> None:
        """Forget these keys, or all when there are none named. Unknown digests are forgotten too: one may be a new key's."""
        self.forgotten += 1
        self._unknown.clear()
        self._presented.clear()
        ids = frozenset(key_ids)
        if not ids:
            self._callers.clear()
            return
        for digest in [digest for digest, caller in self._callers.items() if caller.key.id in ids]:
            del self._callers[digest]

    def _is_known_wrong(self, digest: str) -> bool:
        until = self._unknown.get(digest)
        if until is None:
            return False
        if self._clock() < until:
            return True
        del self._unknown[digest]
        return False

    def _lookup_under_way(self, digest: str) -> "asyncio.Task[Caller | None]":
        task = self._lookups.get(digest)
        if task is None:
            if len(self._lookups) >= self._max_lookups:
                raise Overloaded(retry_after_s=LOOKUP_RETRY_AFTER_S)
            task = self._lookups[digest] = asyncio.get_running_loop().create_task(self._look_up(digest))
            task.add_done_callback(_take_exception)
        return task

    async def _look_up(self, digest: str) -> Caller | None:
        asked_at = self.forgotten
        try:
            key, period, period_ends_at = await self._lookup(digest)
        finally:
            del self._lookups[digest]
        caller = None if key is None else Caller(key, period, period_ends_at)
        if asked_at == self.forgotten:  # else it answers this request, but may already be outdated
            self._remember(digest, caller)
        return caller

    def _remember(self, digest: str, caller: Caller | None) -> None:
        if caller is None:
            self._unknown[digest] = self._clock() + UNKNOWN_FOR_S
            if len(self._unknown) > MAX_UNKNOWN:
                self._unknown.popitem(last=False)
            return
        self._callers[digest] = caller
        if len(self._callers) > self._max_keys:
            self._callers.popitem(last=False)


def _take_exception(task: "asyncio.Task[Caller | None]") -> None:
    # Every waiter may have left before the look-up failed; asyncio would then complain that nobody took the exception.
    if not task.cancelled():
        task.exception()
