"""A relay's claims on idempotency keys, as it speaks of them to the book: asked until answered, ended until that is durable.

The book may be started again at any time. A claim without an answer is asked again on the next connection, an ending is repeated
until it is acknowledged; a relay that dies leaves both to whoever recovers its incarnation.
"""

import asyncio
from collections.abc import Callable

import msgspec

from modelgate.core.claims import Claim, ClaimEnding, ClaimVerdict
from modelgate.core.errors import Overloaded
from modelgate.metering.messages import ClaimAnswered, ClaimEnded, EndClaim, MakeClaim, ToBook

CLAIM_WAIT_S = 1.0
"""No request waits longer to learn whether it may be answered; then it is told to come again."""
END_WAIT_S = 1.0
"""No answer waits longer to be kept; it goes out, and the book is told as soon as it can be."""
MAX_CLAIMS_ASKED = 8
"""Claims that the book is asked at once: each may be answered by `MAX_STORED_BYTES`, and must fit what a connection may hold."""
MAX_CLAIMS_WAITING = 1_000
MAX_UNACKNOWLEDGED_BYTES = 48 * 1024 * 1024
"""While the book is away so much of the answers is held for it; further ones are not kept."""
RETRY_AFTER_S = 1.0

Send = Callable[[ToBook], None]


class RelayClaims:
    """Satisfies `gateway.idempotency.Claims`."""

    def __init__(self) -> None:
        self._send: Send | None = None
        self._n = 0
        self._waiting = 0
        self._turns = asyncio.Semaphore(MAX_CLAIMS_ASKED)
        self._asked: dict[int, tuple[Claim, asyncio.Future[ClaimVerdict]]] = {}
        self._endings: dict[int, tuple[ClaimEnding, asyncio.Future[None]]] = {}
        self._unacknowledged_bytes = 0

    async def claim(self, claim: Claim) -> ClaimVerdict:
        """Ask the book whether a request may be answered.

        Raises:
            Overloaded: no answer in `CLAIM_WAIT_S`, or `MAX_CLAIMS_WAITING` are waiting.
        """
        if self._waiting >= MAX_CLAIMS_WAITING:
            raise Overloaded(retry_after_s=RETRY_AFTER_S)
        self._waiting += 1
        try:
            async with asyncio.timeout(CLAIM_WAIT_S), self._turns:
                return await self._ask(claim)
        except TimeoutError:
            raise Overloaded(retry_after_s=RETRY_AFTER_S) from None
        finally:
            self._waiting -= 1

    async def _ask(self, claim: Claim) -> ClaimVerdict:
        self._n += 1
        n = self._n
        answer: asyncio.Future[ClaimVerdict] = asyncio.get_running_loop().create_future()
        self._asked[n] = (claim, answer)
        self._say(MakeClaim(n, claim))
        try:
            return await answer
        except asyncio.CancelledError:  # nobody waits any more, but the book may grant it yet, or has
            self._end(ClaimEnding(scope=claim.scope, account=claim.account, request_id=claim.request_id, released=True))
            raise
        finally:
            del self._asked[n]

    async def end(self, ending: ClaimEnding) -> None:
        """Tell the book how a claim ended; return when that is durable, or after `END_WAIT_S`."""
        await asyncio.wait((self._end(ending),), timeout=END_WAIT_S)

    def _end(self, ending: ClaimEnding) -> "asyncio.Future[None]":
        if self._unacknowledged_bytes + _size_of(ending) > MAX_UNACKNOWLEDGED_BYTES:
            ending = msgspec.structs.replace(ending, answer=None)
        self._n += 1
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._endings[self._n] = (ending, acknowledged)
        self._unacknowledged_bytes += _size_of(ending)
        self._say(EndClaim(self._n, ending))
        return acknowledged

    def _say(self, message: ToBook) -> None:
        if self._send is not None:
            self._send(message)

    # ---- the link

    def connected(self, send: Send) -> None:
        """The book has answered our hello on a new connection: say again what has no answer yet."""
        self._send = send
        for n, (claim, _) in self._asked.items():
            send(MakeClaim(n, claim))
        for n, (ending, _) in self._endings.items():
            send(EndClaim(n, ending))

    def disconnected(self) -> None:
        """The connection is gone."""
        self._send = None

    def received(self, message: ClaimAnswered | ClaimEnded) -> None:
        """Take an answer of the book."""
        if isinstance(message, ClaimAnswered):
            _, answer = self._asked.get(message.n, (None, None))
            if answer is not None and not answer.done():
                answer.set_result(message.verdict)
            return
        ending, acknowledged = self._endings.pop(message.n, (None, None))
        if ending is not None and acknowledged is not None:
            self._unacknowledged_bytes -= _size_of(ending)
            if not acknowledged.done():
                acknowledged.set_result(None)


def _size_of(ending: ClaimEnding) -> int:
    return len(ending.answer.body) if ending.answer is not None else 0
