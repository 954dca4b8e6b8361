"""The relay's one connection to the book: leases, look-ups of keys, claims, and configuration pushed to us."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from modelgate.app.relay_claims import RelayClaims
from modelgate.core.errors import Overloaded
from modelgate.core.records import ApiKey, Refusal, Snapshot
from modelgate.metering.leases import Leases
from modelgate.metering.messages import (
    ClaimAnswered,
    ClaimEnded,
    Configured,
    Fenced,
    FindKey,
    KeyFound,
    KeysChanged,
    NoteRefusals,
    Ping,
    Pong,
    ToBook,
    ToRelay,
    Totals,
)
from modelgate.metering.meter import Meter
from modelgate.transport.frames import FrameClient, FrameConnection

LOOKUP_WAIT_S = 1.0
"""No request waits longer to learn who its key speaks for; then it is told to come again."""
MAX_LOOKUPS = 1_000
"""So many keys are asked about at once; a flood of wrong keys must not become a queue."""
RETRY_AFTER_S = 1.0
PROBE_WAIT_S = 2.0
"""A book that does not say in this time that it is there hangs."""


class BookLink:
    """Says hello on every connection, hands what comes back to whom it concerns, and asks again what was lost.

    Args:
        path: the book's socket.
        incarnation: ours.
        leases, meter: of this incarnation.
        on_snapshot: a whole new configuration has come.
        on_keys_changed: forget these key ids; empty: all.
        on_fenced: our incarnation is not open any more: answer 503 and exit.
    """

    def __init__(
        self,
        path: Path,
        *,
        incarnation: str,
        leases: Leases,
        meter: Meter,
        on_snapshot: Callable[[Snapshot], None],
        on_keys_changed: Callable[[tuple[str, ...]], None],
        on_fenced: Callable[[], None],
    ) -> None:
        self._incarnation = incarnation
        self._leases = leases
        self._meter = meter
        self._on_snapshot = on_snapshot
        self._on_keys_changed = on_keys_changed
        self._on_fenced = on_fenced
        self._connection: FrameConnection[ToRelay] | None = None
        self._lookups: dict[int, tuple[str, asyncio.Future[KeyFound]]] = {}
        self._probe: asyncio.Future[bool] | None = None
        self._n = 0
        self.claims = RelayClaims()
        decoder: msgspec.msgpack.Decoder[ToRelay] = msgspec.msgpack.Decoder(ToRelay)
        self._client = FrameClient(path, decoder=decoder, accepted=self._connected)

    @property
    def connected(self) -> bool:
        """Whether the book has answered our hello on the connection that stands."""
        return self._leases.is_ready

    def start(self) -> None:
        """Begin to connect, and keep at it. Needs a running event loop."""
        self._client.start()

    async def close(self) -> None:
        """End the connection after what was said has been sent."""
        await self._client.close()

    async def lookup(self, digest: str) -> tuple[ApiKey | None, str, float | None]:
        """Ask the book who a key is: the key (None: nobody's), its current period, and when that ends (None: never).

        Args:
            digest: SHA-256 of the presented secret, in hex.

        Raises:
            Overloaded: no answer in `LOOKUP_WAIT_S`, or `MAX_LOOKUPS` are under way.
        """
        if len(self._lookups) >= MAX_LOOKUPS:
            raise Overloaded(retry_after_s=RETRY_AFTER_S)
        self._n += 1
        n = self._n
        answer: asyncio.Future[KeyFound] = asyncio.get_running_loop().create_future()
        self._lookups[n] = (digest, answer)
        try:
            if self.connected:
                self._send(FindKey(n, digest))
            async with asyncio.timeout(LOOKUP_WAIT_S):
                found = await answer
        except TimeoutError:
            raise Overloaded(retry_after_s=RETRY_AFTER_S) from None
        finally:
            del self._lookups[n]
        return found.key, found.period, found.period_ends_at

    async def answers(self) -> bool:
        """Return whether the book is there and answers, which is known after `PROBE_WAIT_S` at most. All who ask share one question."""
        if not self.connected:
            return False
        if self._probe is None:
            self._probe = asyncio.get_running_loop().create_future()
            self._send(Ping())
        done, _ = await asyncio.wait((self._probe,), timeout=PROBE_WAIT_S)
        return any(probe.result() for probe in done)

    def tell_refusals(self, refusals: Sequence[Refusal]) -> None:
        """Have the book write down what was refused; when it is not there that is lost, as is what it loses itself."""
        if refusals:
            self._send(NoteRefusals(tuple(refusals)))

    def _send(self, message: ToBook) -> None:
        if self._connection is not None:
            self._connection.send(message)

    # ---- the connection

    def _connected(self, connection: FrameConnection[ToRelay]) -> "BookLink":
        self._connection = connection
        self._leases.connected(connection.send, incarnation=self._incarnation, node=socket.gethostname())
        return self

    def lost(self) -> None:
        """The connection ended; the client makes the next."""
        self._connection = None
        self._end_probe(False)
        self._leases.disconnected()
        self.claims.disconnected()

    def received(self, message: ToRelay) -> None:
        """Hand one message to whom it concerns."""
        match message:
            case KeyFound():
                self._found(message)
            case KeysChanged(keys=keys):
                self._on_keys_changed(keys)
                self._meter.keys_changed(keys)
            case Configured(snapshot=snapshot):
                self._on_snapshot(msgspec.msgpack.decode(snapshot, type=Snapshot))
            case ClaimAnswered() | ClaimEnded():
                self.claims.received(message)
            case Pong():
                self._end_probe(True)
            case Fenced():
                self._meter.stop()
                self._on_fenced()
            case _:
                was_ready = self.connected
                self._meter.on_message(message)
                if isinstance(message, Totals) and not was_ready:
                    self._ask_again()

    def _end_probe(self, answered: bool) -> None:
        probe, self._probe = self._probe, None
        if probe is not None:
            probe.set_result(answered)

    def _ask_again(self) -> None:
        for n, (digest, _) in self._lookups.items():
            self._send(FindKey(n, digest))
        self.claims.connected(self._send)

    def _found(self, found: KeyFound) -> None:
        _, answer = self._lookups.get(found.n, (None, None))
        if answer is not None and not answer.done():
            answer.set_result(found)
