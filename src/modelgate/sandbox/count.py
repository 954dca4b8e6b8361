"""What was asked of the sandbox, counted by the sandbox: the other side of every test of money."""

from collections import OrderedDict

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

MAX_COUNTED = 20_000
"""The oldest entries beyond this many are forgotten."""


class Counted(msgspec.Struct, kw_only=True):
    """One request. `request_id` is the caller's x-request-id or, without one, Kling's `external_task_id`.

    `finished`: the whole answer was handed to the socket. Of one that broke off, `completion_tokens` counts what was sent.
    """

    seq: int
    vendor: str
    request_id: str
    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    finished: bool = False
    status: int = 0


class Counter:
    """A bounded ring of counted requests."""

    def __init__(self, limit: int = MAX_COUNTED) -> None:
        self._limit = limit
        self._seq = 0
        self._entries: OrderedDict[int, Counted] = OrderedDict()

    def open(self, *, vendor: str, request_id: str, model: str = "") -> Counted:
        """Start an entry; its owner fills it in as the answer goes out."""
        self._seq += 1
        entry = Counted(seq=self._seq, vendor=vendor, request_id=request_id, model=model)
        self._entries[entry.seq] = entry
        if len(self._entries) > self._limit:
            self._entries.popitem(last=False)
        return entry

    def after(self, seq: int) -> list[Counted]:
        """Return the kept entries younger than `seq`, oldest first."""
        return [entry for entry in self._entries.values() if entry.seq > seq]

    def clear(self) -> None:
        """Forget all entries; numbering goes on."""
        self._entries.clear()


def count_routes(counter: Counter) -> list[Route]:
    """Return the routes that read and clear the count."""

    async def read(request: Request) -> Response:
        after = request.query_params.get("after", "0")
        entries = counter.after(int(after) if after.isdecimal() and len(after) < 19 else 0)
        return Response(msgspec.json.encode({"requests": entries}), media_type="application/json")

    async def clear(_: Request) -> Response:
        counter.clear()
        return Response(status_code=204)

    return [Route("/sandbox/requests", read, methods=["GET"]), Route("/sandbox/requests", clear, methods=["DELETE"])]
