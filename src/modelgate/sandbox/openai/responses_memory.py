"""The responses that a key may come back to: bounded in number and size, the oldest forgotten first."""

import threading
from collections import OrderedDict

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.openai.responses_wire import failed, unfinished

MAX_KEPT = 2_000
MAX_KEPT_BYTES = 128 * 1024 * 1024
"""Inputs and outputs together, as JSON."""

MAX_HISTORY_ITEMS = 4_000
QUEUED_S = 0.2
RUNNING_S = 0.6
SLOW_RUNNING_S = 12.0
"""A response in the background is queued, then runs this long; after that it is what it was going to be."""


class Kept(msgspec.Struct, kw_only=True):
    """One stored response. `given`: its own input; `history`: all items up to its output. Times are in seconds.

    A response in the background is seen by its age alone; others are finished at once (`running_s` None).
    """

    key: str
    response: dict[str, Json]
    given: list[dict[str, Json]]
    history: list[dict[str, Json]]
    created_at: float
    running_s: float | None = None
    fails: bool = False
    cancelled: bool = False
    size: int = 0

    def seen(self, now: float) -> dict[str, Json]:
        """Return the response as it is now."""
        if self.cancelled:
            return unfinished(self.response, status="cancelled")
        if self.running_s is not None and now < self.created_at + QUEUED_S + self.running_s:
            return unfinished(self.response, status="queued" if now < self.created_at + QUEUED_S else "in_progress")
        if self.fails:
            return failed(self.response, message="The sandbox was asked to fail this response.")
        return self.response


class ResponseMemory:
    """Responses by id. Safe to use from several threads."""

    def __init__(self, *, limit: int = MAX_KEPT, limit_bytes: int = MAX_KEPT_BYTES) -> None:
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._items: dict[str, tuple[Kept, dict[str, Json]]] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def keep(self, kept: Kept) -> None:
        """Remember a response; the oldest make room."""
        kept.size = len(msgspec.json.encode((kept.given, kept.response)))
        with self._lock:
            self._kept[kept.response["id"]] = kept
            self._items.update({item["id"]: (kept, item) for item in _own(kept)})
            self._bytes += kept.size
            while len(self._kept) > self._limit or self._bytes > self._limit_bytes:
                self._drop(next(iter(self._kept)))

    def find(self, response_id: str, *, key: str) -> Kept | None:
        """Return a response that this key made, or None."""
        kept = self._kept.get(response_id)
        return kept if kept is not None and kept.key == key else None

    def find_item(self, item_id: str, *, key: str) -> dict[str, Json] | None:
        """Return an item of a response that this key made, or None."""
        kept, item = self._items.get(item_id, (None, None))
        return item if kept is not None and kept.key == key else None

    def forget(self, response_id: str) -> None:
        """Delete a response."""
        with self._lock:
            if response_id in self._kept:
                self._drop(response_id)

    def _drop(self, response_id: str) -> None:
        kept = self._kept.pop(response_id)
        self._bytes -= kept.size
        for item in _own(kept):
            if self._items.get(item["id"], (None,))[0] is kept:  # else a younger response was given the same item
                del self._items[item["id"]]


def _own(kept: Kept) -> list[dict[str, Json]]:
    return [*kept.given, *kept.response["output"]]
