"""The book's process: money and facts. Drains journals, grants leases, resolves keys, pushes the configuration to relays.

One consumer takes relays' messages and ticks in order, so the engine needs no locks; everything that touches the database
runs in one thread.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import structlog
import uvloop
from sqlalchemy.exc import SQLAlchemyError

from modelgate.app import first_run, snapshots
from modelgate.app.journals import JournalKeeper, one_line
from modelgate.app.outage import Outage
from modelgate.app.ready import report_failure, report_ready
from modelgate.app.settings import Settings
from modelgate.core.clock import Clock, system_clock
from modelgate.metering.book import BookEngine
from modelgate.metering.messages import Ping, Pong, ToBook, ToEngine, ToRelay
from modelgate.metering.periods import current_period
from modelgate.storage import claims
from modelgate.storage.book_store import SqlBookStore
from modelgate.storage.cipher import Cipher, SecretUnusable, WrongSecret
from modelgate.storage.commits import CommitWatch
from modelgate.storage.database import Database, DatabaseAway
from modelgate.storage.migrations import DatabaseUnusable, check_lock, prepare
from modelgate.storage.settings import current_version, keys_changed_since
from modelgate.telemetry.logs import configure_logs
from modelgate.transport.frames import FrameConnection, serve_frames

TICK_S = 0.05
DRAIN_S = 0.1
"""Between two looks at the journals: the longer, the larger and cheaper the batches."""
FOLLOW_CHANGES_S = 0.2
EXPIRE_S = 60.0
"""Between two looks for answers that were kept long enough."""
MAX_WAITING_MESSAGES = 10_000
"""A relay that sends more than the book can take loses its connection, and says hello again."""
ORPHANS_SETTING = "charge_orphans"
"""The operator's setting: `yes` charges a request whose relay died its hold, the estimate; otherwise it costs nothing."""

_log = structlog.get_logger("book")


class Book:
    """One book on a prepared database."""

    def __init__(self, settings: Settings, database: Database, cipher: Cipher, *, clock: Clock = system_clock) -> None:
        self._settings = settings
        self._database = database
        self._cipher = cipher
        self._clock = clock
        self._connections: dict[int, FrameConnection[ToBook]] = {}
        self._next_id = 0
        self._messages: asyncio.Queue[tuple[int, ToEngine]] = asyncio.Queue(MAX_WAITING_MESSAGES)
        self._turn = asyncio.Lock()  # the engine's messages and ticks must not overlap
        self._engine = BookEngine(SqlBookStore(database, period_of=current_period, clock=clock), send=self._send, clock=clock)
        self._charges_orphans = False
        self._keeper = JournalKeeper(settings.journal_path, database, clock=clock, charge_orphans=lambda: self._charges_orphans)
        self._version = -1
        self._rounds_watch = CommitWatch(database)
        self._changes_watch = CommitWatch(database)

    async def run(self, stop: asyncio.Event, *, ready: Callable[[], None]) -> None:
        """Serve until `stop` is set, then post what the journals still hold.

        Raises:
            WrongSecret: the configuration was encrypted with another secret.
        """
        await self._follow_changes()
        await self._database.work(self._keeper.finish)  # journals first: money of dead relays comes back before anybody asks
        path = Path(self._settings.book_socket)
        path.parent.mkdir(parents=True, exist_ok=True)
        server = await serve_frames(path, decoder=msgspec.msgpack.Decoder(ToBook), accepted=self._accept)
        ready()
        try:
            await self._serve(stop)
        finally:
            server.close()
            for connection in list(self._connections.values()):
                connection.close()
            await self._database.work(self._keeper.finish)
            await self._database.work(self._keeper.close)
            self._rounds_watch.close()
            self._changes_watch.close()

    async def _serve(self, stop: asyncio.Event) -> None:
        loops = (
            self._consume(),
            _every(TICK_S, self._tick),
            _every(DRAIN_S, self._drain),
            _every(FOLLOW_CHANGES_S, self._follow_changes),
            _every(EXPIRE_S, self._forget_answers),
            stop.wait(),
        )
        tasks = [asyncio.ensure_future(loop) for loop in loops]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()  # a loop that ended by itself has failed: the process ends, and the supervisor starts another

    # --- relays

    def _accept(self, connection: FrameConnection[ToBook]) -> "_Relay":
        self._next_id += 1
        self._connections[self._next_id] = connection
        self._engine.connected(self._next_id)
        return _Relay(self, self._next_id)

    def _send(self, connection_id: int, message: ToRelay) -> None:
        connection = self._connections.get(connection_id)
        if connection is not None:
            connection.send(message)

    def take(self, connection_id: int, message: ToBook) -> None:
        """Put a relay's message in line; whether we are there is answered at once, for a slow database is no reason to be replaced."""
        if isinstance(message, Ping):
            self._send(connection_id, Pong())
            return
        try:
            self._messages.put_nowait((connection_id, message))
        except asyncio.QueueFull:
            _log.error("relays_send_too_much", connection=connection_id)
            self._abort(connection_id)

    def lose(self, connection_id: int) -> None:
        """A connection is gone, and all that waited for it."""
        self._connections.pop(connection_id, None)
        self._engine.disconnected(connection_id)

    def _abort(self, connection_id: int) -> None:
        connection = self._connections.get(connection_id)
        if connection is not None:
            connection.abort()

    async def _consume(self) -> None:
        while True:
            connection_id, message = await self._messages.get()
            try:
                async with self._turn:
                    await self._engine.handle(connection_id, message)
            except SQLAlchemyError as error:  # the relay says hello again on its next connection, and nothing is lost
                if not isinstance(error, DatabaseAway):
                    _log.error("message_failed", message=type(message).__name__, error=one_line(error))
                self._abort(connection_id)

    # --- what happens by itself

    async def _tick(self) -> None:
        if self._rounds_watch.has_changed() or self._engine.is_restless:
            with _looking(self._rounds_watch):
                async with self._turn:
                    await self._engine.tick()

    async def _drain(self) -> None:
        more = True
        while more:
            posted = await self._database.work(self._keeper.work)
            for news in posted:
                self._engine.posted(news.incarnation, news.standing)
            more = any(news.more for news in posted)

    async def _follow_changes(self) -> None:
        """Push the configuration, and the keys to forget, to every relay when something has changed."""
        if self._changes_watch.has_changed():
            with _looking(self._changes_watch):
                await self._push_changes()

    async def _forget_answers(self) -> None:
        """Drop what was kept for repeated requests and is too old."""
        now = self._clock()
        while await self._database.fetch(claims.has_expired, now=now):
            await self._database.call(claims.drop_expired, now=now)

    async def _push_changes(self) -> None:
        version = await self._database.fetch(current_version)
        if version == self._version:
            return
        snapshot = await snapshots.load_async(self._database, self._cipher, self._settings)
        keys = await self._database.fetch(keys_changed_since, self._version)
        self._version = snapshot.version
        self._charges_orphans = snapshot.settings.get(ORPHANS_SETTING) == "yes"
        self._engine.configure(msgspec.msgpack.encode(snapshot))
        if keys is None or keys:
            self._engine.forget_keys(keys or ())


@contextmanager
def _looking(watch: CommitWatch) -> Iterator[None]:
    """Look again next time if what was committed cannot be read now."""
    try:
        yield
    except SQLAlchemyError:
        watch.forget()
        raise


class _Relay:
    """The book's end of one connection."""

    def __init__(self, book: Book, connection_id: int) -> None:
        self._book = book
        self._id = connection_id

    def received(self, message: ToBook) -> None:
        self._book.take(self._id, message)

    def lost(self) -> None:
        self._book.lose(self._id)


async def _every(seconds: float, action: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await action()
        except DatabaseAway:  # the next turn tries again
            continue
        except SQLAlchemyError as error:
            _log.error("database_failed", action=getattr(action, "__name__", ""), error=one_line(error))


async def serve(settings: Settings, database: Database, cipher: Cipher, *, ready: Callable[[], None]) -> None:
    """Run a book until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await Book(settings, database, cipher).run(stop, ready=ready)


def main(settings: Settings) -> None:
    """Prepare the database, set a new installation up, and serve. Ends with status 1 and one reported line when it cannot."""
    configure_logs(level=settings.log_level, format=settings.log_format, role="book")
    try:
        prepare(settings.database_url)
        check_lock(settings.database_url)
        database = Database(settings.database_url, outage=Outage())
        try:
            cipher = Cipher(snapshots.installation_secret(settings))
            made = first_run.set_up(database, cipher)
            lines = list(made.lines) if made else []
            uvloop.run(serve(settings, database, cipher, ready=lambda: report_ready(first_run=lines)))
        finally:
            database.close()
    except (DatabaseUnusable, SecretUnusable, WrongSecret) as error:
        report_failure(str(error))
        raise SystemExit(1) from None
